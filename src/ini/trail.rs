//! The way from a value that is asked for to the one that is needed for it in the end.

use std::ops::Range;

use super::defaults::Found;
use crate::source::Span;

/// The values on the way from the one asked for to the one that is needed for it in the end.
#[derive(Debug)]
pub(super) struct Trail<'a> {
    pub(super) asked: Step<'a>,
    pub(super) further: Vec<Step<'a>>,
}

/// A value on the way.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) key: String,
    pub(super) found: Found<'a>,
    /// The piece of the value that leads on, or is the fault.
    pub(super) range: Range<usize>,
}

impl<'a> Trail<'a> {
    pub(super) fn new(asked: Step<'a>) -> Self {
        Self { asked, further: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        1 + self.further.len()
    }

    pub(super) fn last(&self) -> &Step<'a> {
        self.further.last().unwrap_or(&self.asked)
    }

    pub(super) fn last_mut(&mut self) -> &mut Step<'a> {
        self.further.last_mut().unwrap_or(&mut self.asked)
    }

    pub(super) fn push(&mut self, step: Step<'a>) {
        self.further.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.further.pop();
    }

    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = &Step<'a>> + Clone {
        std::iter::once(&self.asked).chain(&self.further)
    }

    /// The steps from the first that comes again to where it does; none if all differ.
    pub(super) fn circle(&self) -> Option<Vec<&Step<'a>>> {
        let steps: Vec<_> = self.steps().collect();
        (0..steps.len()).find_map(|first| {
            let rest = &steps[first..];
            let again = rest.iter().skip(1).position(|step| step.key == rest[0].key)?;
            Some(rest[..=again].to_vec())
        })
    }
}

impl<'a> Step<'a> {
    pub(super) fn new(key: &str, found: Found<'a>) -> Self {
        Self { key: key.to_owned(), found, range: 0..0 }
    }

    /// The place of the piece; none in a value that no file gives.
    pub(super) fn place(&self) -> Option<Span> {
        self.found.setting.map(|setting| setting.part(self.range.clone()))
    }
}
