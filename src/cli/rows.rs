//! Options with the places that they came from, as rows in two columns.

use std::fmt;

use crate::settings::Mask;
use crate::source::{Sources, Span};

/// The longest row that the column of places is moved for, in characters.
const WIDEST: usize = 60;

/// Options with the places that they came from, two blanks further in a level. Secrets are
/// hidden.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    lines: Vec<(String, String)>,
    depth: usize,
    mask: &'a Mask,
    sources: &'a Sources,
}

impl<'a> Rows<'a> {
    /// Rows at a depth.
    pub(super) fn new(depth: usize, mask: &'a Mask, sources: &'a Sources) -> Self {
        Self { lines: Vec::new(), depth, mask, sources }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds an option; of its lines one is made.
    pub(super) fn add(&mut self, key: &str, text: &str, span: Option<Span>) {
        let text = self.mask.value(key, text);
        let text = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
        self.lines.push((format!("{key} = {}", text.trim()), place(span, self.sources)));
    }
}

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.lines.iter().map(|(line, _)| line.chars().count());
        let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or_default();
        for (line, place) in &self.lines {
            let line = format!("{}{line:width$}{place}", Indent(self.depth));
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
