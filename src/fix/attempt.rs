//! Finds out which fixes do good together.

use super::look::{Candidate, Look};
use crate::diagnostic::Applicability;
use crate::graph::Input;
use crate::registry::Registry;

/// Finds out which fixes do good together.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    input: &'a Input,
    registry: &'a Registry,
    most: Applicability,
    /// How many more sets of fixes are tried.
    left: usize,
}

/// Fixes that do good together, and what is left to mend after them.
#[derive(Debug)]
pub(super) struct Better<'a> {
    pub(super) fixes: Vec<Candidate>,
    pub(super) look: Look<'a>,
}

impl<'a> Attempts<'a> {
    /// How many sets of fixes are tried. Each means to load all files.
    const MOST: usize = 64;

    pub(super) fn new(input: &'a Input, registry: &'a Registry, most: Applicability) -> Self {
        Self { input, registry, most, left: Self::MOST }
    }

    /// Of what may be done about what was seen, all that does no harm; none if nothing is left.
    pub(super) fn best(
        &mut self,
        look: &mut Look<'a>,
        candidates: &[Candidate],
    ) -> Option<Better<'a>> {
        let mut best = None;
        // Sets that are tried next, the first one last: all together, or else half of them.
        let mut sets = vec![candidates];
        while let Some(set) = sets.pop().filter(|_| self.left > 0) {
            let kept = best.as_ref().map_or(&[][..], |best: &Better<'_>| &best.fixes);
            let fixes = [kept, set].concat();
            if set.is_empty() {
                continue;
            }
            match self.attempt(look, &fixes) {
                Some(after) => best = Some(Better { fixes, look: after }),
                None if set.len() == 1 => {}
                None => {
                    let (first, second) = set.split_at(set.len() / 2);
                    sets.extend([second, first]);
                }
            }
        }
        best
    }

    /// What is seen with these fixes; none if they do harm.
    fn attempt(&mut self, look: &mut Look<'a>, fixes: &[Candidate]) -> Option<Look<'a>> {
        self.left -= 1;
        let mut after = Look::of(self.input, self.registry, look.changed(fixes));
        let is_better = after.errors() <= look.errors();
        // Whatever is not safe is there to change the meaning.
        let is_good =
            is_better && (self.most == Applicability::Unsafe || look.is_kept_by(&mut after));
        is_good.then_some(after)
    }
}
