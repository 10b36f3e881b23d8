//! What is found wrong during a load: each fault once.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};

/// What is found wrong during a load.
#[derive(Debug, Default)]
pub(super) struct Notes {
    diagnostics: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
    /// Places where what is wrong is known already: from their starts to their ends.
    broken: BTreeMap<(SourceId, u32), u32>,
    errors: usize,
}

impl Notes {
    /// Notes something, unless it is known or follows from what is known.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        // What is known counts too: who comes upon it cannot go on either.
        self.errors += usize::from(diagnostic.is_error());
        if !diagnostic.span.is_some_and(|span| self.is_broken(span)) {
            self.add_cause(diagnostic);
        }
    }

    /// Notes something that does not follow from anything else, unless it is known.
    pub(super) fn add_cause(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.is_error());
        let identity = (diagnostic.slug, diagnostic.span, diagnostic.message.clone());
        if self.seen.insert(identity) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Takes what is wrong at a place from now on for a consequence.
    pub(super) fn mark_broken(&mut self, span: Span) {
        self.broken.insert((span.source, span.start), span.end);
    }

    /// Counts an error that has been noted and is come upon again.
    pub(super) fn repeat_error(&mut self) {
        self.errors += 1;
    }

    /// How many errors were come upon so far, those included that were known.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// All that was noted.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    fn is_broken(&self, span: Span) -> bool {
        let before = self.broken.range(..=(span.source, span.start)).next_back();
        before.is_some_and(|((source, _), end)| *source == span.source && span.end <= *end)
    }
}
