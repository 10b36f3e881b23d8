//! Warnings about what Paste Deploy allows and hardly anyone means.
//!
//! A comment on a line of its own directly above silences them, `# pasteline: allow SLUG`, or
//! anywhere, for the whole file, `# pasteline: allow-file SLUG`.

mod allow;
mod file;
mod filter_order;
#[cfg(test)]
mod fixture;
mod hidden_option;
mod idle_filter;
mod ignored_option;
mod inline_comment;
mod joined_options;
mod near_kind;
mod plain_secret;
mod repeated_filter;
mod retired_factory;
mod shadowed_path;
mod unused_section;
mod way;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt;

pub use self::allow::silence;

use self::file::File;
use crate::diagnostic::Diagnostic;
use crate::graph::{Graph, Loader, Survey};
use crate::registry::Registry;
use crate::source::Span;

/// A kind of warning.
#[derive(Clone, Copy)]
pub struct Lint {
    /// Its name, which silences it: that of its diagnostics.
    pub slug: &'static str,
    looks: &'static [Look],
}

/// How a kind of warning is found.
#[derive(Clone, Copy)]
enum Look {
    /// In the file as it stands.
    File(fn(&File<'_>, &mut Found)),
    /// In what one of its sections comes to.
    Graph(fn(&Graph, &Registry, &mut Found)),
}

impl fmt::Debug for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lint").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// All of them, in alphabetical order.
pub const LINTS: &[Lint] = &[
    filter_order::LINT,
    hidden_option::LINT,
    idle_filter::LINT,
    ignored_option::LINT,
    inline_comment::LINT,
    joined_options::LINT,
    near_kind::LINT,
    plain_secret::LINT,
    repeated_filter::LINT,
    retired_factory::LINT,
    shadowed_path::LINT,
    unused_section::LINT,
];

/// What is found, each thing once.
#[derive(Debug, Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    /// The kinds and places of these, with their numbers, and of what is known from elsewhere.
    seen: HashMap<(&'static str, Option<Span>), Option<usize>>,
}

impl Found {
    /// How many warnings are kept. A hostile file would fill the memory with them.
    const MOST: usize = 10_000;

    /// Adds what is new. Who finds something again may know what mends it.
    fn add(&mut self, diagnostic: Diagnostic) {
        let number = self.diagnostics.len();
        match self.seen.entry((diagnostic.slug, diagnostic.span)) {
            Entry::Vacant(entry) if number < Self::MOST => {
                entry.insert(Some(number));
                self.diagnostics.push(diagnostic);
            }
            Entry::Vacant(_) => {}
            Entry::Occupied(known) => {
                let known = known.get().and_then(|number| self.diagnostics.get_mut(number));
                if let Some(Diagnostic { fix: fix @ None, .. }) = known {
                    *fix = diagnostic.fix;
                }
            }
        }
    }
}

/// Checks every section of a file, as [`Loader::validate`] does, and adds at most 10,000 warnings.
/// What comments silence is left out, unless it is an error.
pub fn validate(loader: &mut Loader<'_>, registry: &Registry) -> Vec<Diagnostic> {
    let mut found = Found::default();
    let mut strategies = HashSet::new();
    let survey = loader.survey(|graph, _| {
        strategies.extend(file::strategies(graph));
        for look in looks() {
            if let Look::Graph(look) = look {
                look(graph, registry, &mut found);
            }
        }
    });
    found.seen.extend(survey.diagnostics.iter().map(|fault| ((fault.slug, fault.span), None)));
    if let Some(file) = File::of(loader, (registry, &survey, &strategies)) {
        for look in looks() {
            if let Look::File(look) = look {
                look(&file, &mut found);
            }
        }
    }
    let Survey { mut diagnostics, .. } = survey;
    let room = Found::MOST.saturating_sub(found.diagnostics.len());
    diagnostics.extend(found.diagnostics);
    silence(&mut diagnostics, loader.sources());
    diagnostics.extend(allow::mistakes(loader.sources()).take(room));
    diagnostics.sort_by_key(|found| found.span.map(|span| (span.source, span.start)));
    diagnostics
}

fn looks() -> impl Iterator<Item = Look> {
    LINTS.iter().flat_map(|lint| lint.looks.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(LINTS.is_sorted_by_key(|lint| lint.slug));
    }
}
