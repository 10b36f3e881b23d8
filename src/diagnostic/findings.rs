//! What several looks at the same files found.

use std::collections::HashSet;

use super::Diagnostic;
use crate::source::Span;

/// What several looks at the same files found, each fault once.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) diagnostics: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
}

impl Findings {
    /// How many are kept. A hostile file would fill the memory and the terminal with them.
    const MOST: usize = 10_000;

    /// Adds what was found and is not known yet.
    pub(crate) fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for found in diagnostics {
            if self.diagnostics.len() > Self::MOST {
                return;
            }
            if self.seen.insert((found.slug, found.span, found.message.clone())) {
                self.diagnostics.push(self.unless_full(found));
            }
        }
    }

    /// What is found, or if there is much already, that there is more.
    fn unless_full(&self, found: Diagnostic) -> Diagnostic {
        if self.diagnostics.len() < Self::MOST {
            return found;
        }
        let message = format!("there are more than {} faults; no others are shown", Self::MOST);
        Diagnostic::error("too-many-faults", message)
    }
}
