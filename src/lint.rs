//! Warnings about what Paste Deploy allows and hardly anyone means.
//!
//! A comment on a line of its own directly above silences them, `# pasteline: allow SLUG`, or
//! anywhere, for the whole file, `# pasteline: allow-file SLUG`.

mod allow;
#[cfg(test)]
mod fixture;
mod repeated_filter;
mod unused_section;

use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::graph::{Loader, Survey};
use crate::ini::{Defaults, Document};
use crate::source::Sources;

/// A kind of warning.
#[derive(Clone, Copy)]
pub struct Lint {
    /// Its name, which silences it: that of its diagnostics.
    pub slug: &'static str,
    look: fn(&File<'_>, &mut Found),
}

impl fmt::Debug for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lint").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// All of them, in alphabetical order.
pub const LINTS: &[Lint] = &[repeated_filter::LINT, unused_section::LINT];

/// What is looked at.
struct File<'a> {
    document: &'a Document,
    defaults: Defaults,
    sources: &'a Sources,
    /// What is wrong with the file.
    faults: &'a [Diagnostic],
    /// The sections that nothing names or leads to; see [`Survey::alone`].
    alone: &'a [usize],
}

/// What is found.
#[derive(Debug, Default)]
struct Found(Vec<Diagnostic>);

impl Found {
    /// How many warnings are kept. A hostile file would fill the memory with them.
    const MOST: usize = 10_000;

    fn add(&mut self, diagnostic: Diagnostic) {
        if self.0.len() < Self::MOST {
            self.0.push(diagnostic);
        }
    }
}

/// Checks every section of a file, as [`Loader::validate`] does, and adds at most 10,000 warnings.
/// What comments silence is left out, unless it is an error.
pub fn validate(loader: &mut Loader<'_>) -> Vec<Diagnostic> {
    let Survey { mut diagnostics, alone } = loader.survey(|_, _| ());
    let sources = loader.sources();
    if let Some(document) = loader.document() {
        let defaults = Defaults::new(document, sources);
        let (faults, alone) = (&*diagnostics, &*alone);
        let file = File { document, defaults, sources, faults, alone };
        let mut found = Found::default();
        for lint in LINTS {
            (lint.look)(&file, &mut found);
        }
        diagnostics.extend(found.0);
    }
    allow::silence(&mut diagnostics, sources);
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.source, span.start)));
    diagnostics
}

/// The kind of a section, such as `app`, and its name; none for a header such as `[app]`.
fn split(header: &str) -> Option<(&str, &str)> {
    header.split_once(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(LINTS.is_sorted_by_key(|lint| lint.slug));
    }
}
