//! Checks all of a file.

use std::collections::{HashMap, HashSet};

use super::check::check;
use super::frame::TOO_DEEP;
use super::header::{self, Loadable};
use super::notes::Notes;
use super::{Loader, fault};
use crate::diagnostic::Diagnostic;
use crate::ini::Document;
use crate::source::{SourceId, Span};
use crate::syntax;

/// How many names are looked up for all sections together.
const NAMES: usize = 1_000_000;

impl Loader<'_> {
    /// Checks every section of the file that is Paste Deploy's, also those that nothing uses, and
    /// the options of all factories. Tells each fault once, in the order of the files. It has no
    /// side effects.
    ///
    /// A section that others use is checked as they use it, with what they `set` for it, and not
    /// by itself.
    pub fn validate(&mut self) -> Vec<Diagnostic> {
        let mut notes = Notes::default();
        self.faults().iter().cloned().for_each(|fault| notes.add(fault));
        let mut reached = HashSet::new();
        let mut names = 0;
        let mut is_deep = false;
        for (number, Loadable { object, name, .. }) in self.in_order() {
            if reached.contains(&number) {
                continue;
            }
            let loaded = self.resolve(object, name.as_deref(), |resolver| {
                names += resolver.names;
                reached.extend(resolver.reached.iter().copied());
            });
            reached.insert(number);
            let checked = check(&loaded.graph, self.registry, self.sources());
            let found = loaded.diagnostics.into_iter().chain(checked);
            // Of a way that is too long by far, each piece is.
            let is_new = |fault: &Diagnostic| {
                fault.slug != TOO_DEEP || !std::mem::replace(&mut is_deep, true)
            };
            found.filter(is_new).for_each(|fault| notes.add(fault));
            if names > NAMES {
                notes.add(fault::too_large(NAMES, "parts"));
                break;
            }
        }
        let (mut diagnostics, _) = notes.finish();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(place));
        diagnostics
    }

    /// The sections that are Paste Deploy's in the order in which they are best loaded: those first
    /// that nothing seems to use.
    fn in_order(&self) -> Vec<((SourceId, usize), Loadable)> {
        let Some(main) = self.main else { return Vec::new() };
        let document = &self.files.view_of(main).file.document;
        let named = named(document);
        let source = document.source;
        let sections = document.sections.iter().enumerate();
        let loadable = sections.filter_map(|(number, section)| {
            let loadable = Loadable::of(section)?;
            let owner = loadable.name.as_deref().and_then(|name| named.get(name));
            let is_named = owner.is_some_and(|owner| *owner != Some(number));
            Some(((is_named, rank(&section.name)), (source, number), loadable))
        });
        let mut ordered: Vec<_> = loadable.collect();
        ordered.sort_by_key(|(rank, ..)| *rank);
        ordered.into_iter().map(|(_, number, loadable)| (number, loadable)).collect()
    }
}

/// All words of all values, each of which may be the name of a section, with the one section that
/// has the word; none where there are several.
fn named(document: &Document) -> HashMap<&str, Option<usize>> {
    let mut words: HashMap<&str, Option<usize>> = HashMap::new();
    for (number, section) in document.sections.iter().enumerate() {
        let values = section.options.iter().map(|setting| &*setting.raw);
        for word in values.flat_map(|raw| raw.split(syntax::is_space)) {
            let owner = words.entry(word).or_insert(Some(number));
            *owner = owner.filter(|owner| *owner == number);
        }
    }
    words
}

/// How likely a section is to be used by another of these kinds.
fn rank(header: &str) -> usize {
    const KINDS: [&str; 4] = ["composite", "composit", "pipeline", "filter-app"];
    let kind = header::split(header).0;
    KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len())
}

fn place(span: Span) -> (SourceId, u32) {
    (span.source, span.start)
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::assert_validated;

    #[test]
    fn checks_sections_that_nothing_uses() {
        assert_validated(
            "\
[app:main]
use = egg:pasteline#page
[pipeline:unused]
pipeline = tint main
[filter:tint]
use = egg:pasteline#tint
#     ^^^^^^^^^^^^^^^^^^ missing-option: `egg:pasteline#tint` needs the option `colour`
[loggers]
keys = root
",
        );
    }

    #[test]
    fn a_section_is_checked_as_others_use_it() {
        assert_validated(
            "\
[filter:tint]
use = egg:pasteline#tint
get colour = shade
[app:page]
use = egg:pasteline#page
[pipeline:main]
pipeline = tint page
set shade = red
",
        );
    }
}
