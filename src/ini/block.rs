//! Parts of a file that are being read: sections and options.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::again::Again;
use super::{Section, Setting};
use crate::source::{SourceId, Span};

/// Where the lines come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'text> {
    pub(super) source: SourceId,
    /// The text without a byte order mark.
    pub(super) text: &'text str,
    /// The length of that mark.
    pub(super) offset: usize,
}

impl<'text> Place<'text> {
    pub(super) fn span(self, range: &Range<usize>) -> Span {
        Span::new(self.source, self.offset + range.start, self.offset + range.end)
    }

    /// The range of a place in the text.
    pub(super) fn range(self, span: Span) -> Range<usize> {
        let range = span.range();
        range.start - self.offset..range.end - self.offset
    }

    pub(super) fn text(self, range: &Range<usize>) -> &'text str {
        &self.text[range.clone()]
    }
}

/// A section whose options are being read.
#[derive(Debug)]
pub(super) struct Block<'text> {
    pub(super) name: &'text str,
    /// The place of the name; none for the defaults.
    pub(super) span: Option<Span>,
    /// A section that is given twice is only looked through for faults.
    pub(super) again: Option<AgainSection>,
    pub(super) options: Vec<Setting>,
    /// Where each key is first given.
    pub(super) keys: HashMap<&'text str, Span>,
    /// The keys that are given again with the same value, each with the number of the fault that
    /// says so.
    pub(super) repeated: Vec<(&'text str, Option<usize>)>,
    /// The keys that are given again with another value.
    pub(super) contradicted: HashSet<&'text str>,
}

impl<'text> Block<'text> {
    pub(super) fn new(name: &'text str, span: Option<Span>) -> Self {
        Self {
            name,
            span,
            again: None,
            options: Vec::new(),
            keys: HashMap::new(),
            repeated: Vec::new(),
            contradicted: HashSet::new(),
        }
    }

    /// The numbers of the faults that nothing mends: options that are given with one value, with
    /// another, and with the first again. Only their writer knows which is meant.
    pub(super) fn undecided(&self) -> impl Iterator<Item = usize> {
        let of_contradicted = |(key, _): &&(&str, _)| self.contradicted.contains(key);
        self.repeated.iter().filter(of_contradicted).filter_map(|(_, fault)| *fault)
    }

    /// The section, unless it is one without a place.
    pub(super) fn close(self) -> Option<Section> {
        let Self { name, span, options, .. } = self;
        Some(Section { name: Arc::from(name), span: span?, options })
    }
}

/// A section that is given twice.
#[derive(Debug)]
pub(super) struct AgainSection {
    pub(super) again: Again,
    /// The place of the name in the text.
    pub(super) header: Range<usize>,
    /// The indentation of the header.
    pub(super) indentation: usize,
    /// How many faults there were up to the header.
    pub(super) faults: usize,
}

/// An option whose value may go on.
#[derive(Debug)]
pub(super) struct Open<'text> {
    pub(super) key: &'text str,
    pub(super) key_span: Span,
    pub(super) lines: Vec<Range<usize>>,
    /// None if it is given for the first time.
    pub(super) again: Option<Again>,
}

impl Open<'_> {
    /// The option with its lines folded; blank lines at its end are not a part of it.
    pub(super) fn close(&self, place: Place<'_>) -> Setting {
        let used = self.lines.iter().rposition(|line| !line.is_empty()).map_or(1, |last| last + 1);
        let lines = &self.lines[..used];
        let raw = match lines {
            [line] => Arc::from(place.text(line)),
            lines => {
                lines.iter().map(|line| place.text(line)).collect::<Vec<_>>().join("\n").into()
            }
        };
        let value = lines[0].start..lines[used - 1].end;
        Setting {
            key: Arc::from(self.key),
            key_span: self.key_span,
            raw,
            value_span: place.span(&value),
            lines: lines.iter().map(|line| place.span(line)).collect(),
        }
    }
}
