//! What is found wrong during a load: each fault once.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};

/// What is found wrong during a load.
#[derive(Debug, Default)]
pub(super) struct Notes {
    diagnostics: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
    broken: Broken,
    errors: usize,
    /// Whether some are left out.
    is_cut: bool,
}

impl Notes {
    /// How many diagnostics are kept. A hostile file would fill the memory with them.
    const MOST: usize = 10_000;

    /// Notes of what is wrong beside what is known already.
    pub(super) fn new(broken: Broken) -> Self {
        Self { broken, ..Self::default() }
    }

    /// Notes something, unless it is known or follows from what is known.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        if diagnostic.span.is_some_and(|span| self.broken.contains(span)) {
            self.errors += usize::from(diagnostic.is_error());
        } else {
            self.add_cause(diagnostic);
        }
    }

    /// Notes something that does not follow from anything else, unless it is known.
    pub(super) fn add_cause(&mut self, diagnostic: Diagnostic) {
        // What is known counts too: who comes upon it cannot go on either.
        self.errors += usize::from(diagnostic.is_error());
        let identity = (diagnostic.slug, diagnostic.span, diagnostic.message.clone());
        if self.is_full() {
            self.is_cut = true;
        } else if self.seen.insert(identity) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Takes what is wrong at a place from now on for a consequence.
    pub(super) fn mark_broken(&mut self, span: Span) {
        self.broken.0.insert((span.source, span.start), span.end);
    }

    /// Counts an error that has been noted and is come upon again.
    pub(super) fn repeat_error(&mut self) {
        self.errors += 1;
    }

    /// How many errors were come upon so far, those included that were known.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether nothing more will be kept.
    pub(super) fn is_full(&self) -> bool {
        self.diagnostics.len() >= Self::MOST
    }

    /// Whether some of what was noted is left out, so that there is no use in looking further.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// All that was noted, and the places where what is wrong is known.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, Broken) {
        if self.is_cut {
            let message = format!("there are more than {} faults; no others are shown", Self::MOST);
            self.diagnostics.push(Diagnostic::error("too-many-faults", message));
        }
        (self.diagnostics, self.broken)
    }
}

/// Places where what is wrong is known already: from their starts to their ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Broken(BTreeMap<(SourceId, u32), u32>);

impl Broken {
    fn contains(&self, span: Span) -> bool {
        let before = self.0.range(..=(span.source, span.start)).next_back();
        before.is_some_and(|((source, _), end)| *source == span.source && span.end <= *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    #[test]
    fn tells_each_fault_once_and_not_what_follows_from_it() {
        let source = Sources::default().add("a.ini", "some text");
        let error = |start, end| Diagnostic::error("slug", "it").at(Span::new(source, start, end));
        let mut notes = Notes::default();
        notes.add(error(0, 4));
        notes.add(error(0, 4).related(Span::new(source, 8, 9), "seen from elsewhere"));
        notes.mark_broken(Span::new(source, 5, 9));
        notes.add(error(5, 7));
        notes.add(error(4, 9));
        assert_eq!(notes.errors(), 4);
        assert_eq!(notes.finish().0, [error(0, 4), error(4, 9)]);
    }

    #[test]
    fn keeps_a_bounded_number() {
        let mut notes = Notes::default();
        for number in 0..Notes::MOST + 3 {
            notes.add(Diagnostic::error("slug", number.to_string()));
        }
        let (found, _) = notes.finish();
        assert_eq!(found.len(), Notes::MOST + 1);
        let last = found.last().map(|last| &*last.message);
        assert_eq!(last, Some("there are more than 10000 faults; no others are shown"));
    }
}
