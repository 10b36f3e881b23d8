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
    /// Adds what was found and is not known yet.
    pub(crate) fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        let new = diagnostics
            .into_iter()
            .filter(|found| self.seen.insert((found.slug, found.span, found.message.clone())));
        self.diagnostics.extend(new);
    }
}
