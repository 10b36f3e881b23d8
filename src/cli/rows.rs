//! Options with the places that they came from, as rows in two columns.

use std::fmt;

use crate::settings::{OptionSpec, masked};
use crate::source::{Sources, Span};

/// The longest row that the column of places is moved for, in characters.
const WIDEST: usize = 60;

/// Options with the places that they came from, two blanks further in a level. Secrets are
/// hidden.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<(String, String)>,
    depth: usize,
}

impl Rows {
    /// Rows at a depth.
    pub(super) fn new(depth: usize) -> Self {
        Self { rows: Vec::new(), depth }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds an option; of its lines one is made.
    pub(super) fn add(
        &mut self,
        (key, text): (&str, &str),
        spec: Option<&OptionSpec>,
        place: String,
    ) {
        let text = masked(key, text, spec);
        let text = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        self.rows.push((format!("{key} = {}", text.trim()), place));
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.rows.iter().map(|(row, _)| row.chars().count());
        let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or_default();
        for (row, place) in &self.rows {
            let line = format!("{}{row:width$}{place}", Indent(self.depth));
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Where something stands, to follow it in its line: `  (api-paste.ini:3)`; nothing for what no
/// file gave.
pub(super) fn place(span: Option<Span>, sources: &Sources) -> String {
    span.map_or_else(String::new, |span| {
        let location = sources.location(span);
        format!("  ({}:{})", location.path.display(), location.line)
    })
}

/// Two blanks a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indent(pub(super) usize);

impl fmt::Display for Indent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:width$}", "", width = self.0 * 2)
    }
}
