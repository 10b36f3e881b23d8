//! The way from a value that is asked for to the one that is needed for it in the end.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::scope::{Found, Scope};
use crate::source::Span;
use crate::syntax::{self, PieceKind};

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

    /// Goes on to where the last value leads, and so on, by the first reference of each that leads
    /// on: to a plain value, to one with a fault of its own before that, or to a step that has been
    /// there.
    pub(super) fn follow(&mut self, scope: &Scope<'a>) {
        let mut seen = HashSet::new();
        let mut is_circle = !self.steps().all(|step| seen.insert(step.key.clone()));
        while !is_circle && scope.defaults().may_follow() {
            let Some((range, next)) = self.last().next(scope) else { return };
            is_circle = !seen.insert(next.key.clone());
            self.last_mut().range = range;
            self.push(next);
        }
    }

    /// The steps from the first that comes again to where it does; none if all differ.
    pub(super) fn circle(&self) -> Option<Vec<&Step<'a>>> {
        let mut seen = HashMap::new();
        let steps: Vec<_> = self.steps().collect();
        let mut numbered = steps.iter().enumerate();
        let (first, again) =
            numbered.find_map(|(at, step)| Some((seen.insert(&*step.key, at)?, at)))?;
        Some(steps[first..again].to_vec())
    }
}

impl<'a> Step<'a> {
    pub(super) fn new(key: &str, found: Found<'a>) -> Self {
        Self { key: key.to_owned(), found, range: 0..0 }
    }

    /// The first reference that leads to a value with references of its own, and that value; none
    /// behind a fault, as nobody comes past it.
    fn next(&self, scope: &Scope<'a>) -> Option<(Range<usize>, Self)> {
        for piece in syntax::interpolation(&self.found.raw) {
            match piece.kind {
                PieceKind::Escape | PieceKind::Plain => {}
                PieceKind::Stray | PieceKind::Unfinished => return None,
                PieceKind::Reference { name } => {
                    let name = &self.found.raw[name];
                    let found = scope.find(name, self.found.setting)?;
                    if found.raw.contains('%') {
                        return Some((piece.range, Self::new(name, found)));
                    }
                }
            }
        }
        None
    }

    /// The place of the piece; none in a value that no file gives.
    pub(super) fn place(&self) -> Option<Span> {
        self.found.setting.map(|setting| setting.part(self.range.clone()))
    }
}
