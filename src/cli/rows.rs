//! Options with the places that they came from, as rows in two columns.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::veil::veil;
use crate::diagnostic::Excerpt;
use crate::graph::{Detail, How, Origin, Step};
use crate::settings::Mask;
use crate::source::{Sources, Span, in_one_line, shown};

/// The widest row that the column of places is moved for, in columns of a terminal.
const WIDEST: usize = 60;

/// How options are shown to people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    /// Hides secrets.
    pub(super) mask: &'a Mask,
    pub(super) sources: &'a Sources,
    /// Whether each option is followed by all that it came from.
    pub(super) detail: Detail,
}

impl Manner<'_> {
    /// Where something stands, to follow it in its line: `  (api-paste.ini:3)`; nothing for what
    /// no file gave.
    pub(super) fn place(&self, span: Option<Span>) -> String {
        span.map_or_else(String::new, |span| format!("  ({})", self.location(span)))
    }

    fn location(&self, span: Span) -> String {
        let location = self.sources.location(span);
        match self.detail {
            Detail::Origins => location.to_string(),
            Detail::Plain => format!("{}:{}", shown(location.path), location.line),
        }
    }
}

/// Options of a section with the places that they came from, two blanks further in a level.
/// Secrets are hidden.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    lines: Vec<(String, String)>,
    depth: usize,
    manner: Manner<'a>,
    /// The section, which need not be named again.
    section: Option<&'a str>,
}

impl<'a> Rows<'a> {
    /// Rows for a section at a depth.
    pub(super) fn new(depth: usize, manner: Manner<'a>, section: Option<&'a str>) -> Self {
        Self { lines: Vec::new(), depth, manner, section }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Adds an option under a name.
    pub(super) fn add(&mut self, name: &str, origin: &Origin) {
        let veil = veil(self.manner.mask, origin);
        let place = self.place(origin.steps.first());
        let mut lines = veil.text.split('\n').map(harmless);
        let first = lines.next().unwrap_or_default();
        self.lines.push((format!("{} = {first}", harmless(name)).trim_end().to_owned(), place));
        let lines = lines.filter(|line| !line.is_empty());
        self.lines.extend(lines.map(|line| (format!("    {line}"), String::new())));
        if self.manner.detail == Detail::Origins {
            let rows =
                origin.steps.iter().zip(&veil.steps).skip(1).map(|(step, text)| {
                    (format!("  {}", account(step, text)), self.place(Some(step)))
                });
            self.lines.extend(rows.collect::<Vec<_>>());
        }
    }

    fn place(&self, step: Option<&Step>) -> String {
        let Some(Step { how, section, span, .. }) = step else { return String::new() };
        let other = section.as_deref().filter(|section| Some(*section) != self.section);
        match (self.manner.detail, how, span) {
            (Detail::Origins, _, Some(span)) => {
                let section =
                    other.map_or_else(String::new, |other| format!("[{}] ", harmless(other)));
                format!("  ({section}{})", self.manner.location(*span))
            }
            (Detail::Origins, How::Default, None) => "  (default)".to_owned(),
            (Detail::Origins, How::Missing, None) => "  (required, but not given)".to_owned(),
            (_, _, span) => self.manner.place(*span),
        }
    }
}

/// A step in words, given what may be seen of its text.
fn account(step: &Step, text: &str) -> String {
    let (key, text) = (Excerpt(&step.key), Excerpt(text));
    match step.how {
        How::Default | How::Given | How::Missing | How::Settings | How::Unwritten => {
            format!("{key} = {text}")
        }
        How::Get | How::Set => format!("by {key} = {text}"),
        How::Over => format!("over {text}"),
        How::Reference(depth) => format!("{:1$}%({key})s is {text}", "", 2 * (depth - 1)),
        How::Unknown => "of which nobody knows any more what it is made of".to_owned(),
        How::Use => format!("through {key} = {text}"),
    }
}

impl fmt::Display for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let placed = self.lines.iter().filter(|(_, place)| !place.is_empty());
        let widths = placed.map(|(row, _)| row.width());
        let widest = widths.filter(|width| *width <= WIDEST).max().unwrap_or_default();
        for (row, place) in &self.lines {
            let gap = if place.is_empty() { 0 } else { widest.saturating_sub(row.width()) };
            writeln!(f, "{}{row}{:gap$}{place}", Indent(self.depth), "")?;
        }
        Ok(())
    }
}

/// A line of a value without what would upset a terminal.
pub(super) fn harmless(line: &str) -> String {
    in_one_line(line.trim().to_owned())
}

/// Two blanks a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indent(pub(super) usize);

impl fmt::Display for Indent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:width$}", "", width = self.0 * 2)
    }
}
