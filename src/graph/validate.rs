//! Checks all of a file.

use std::collections::{HashMap, HashSet};

use super::check::check;
use super::header::{self, Loadable};
use super::notes::Notes;
use super::{Graph, Loader, fault};
use crate::diagnostic::Diagnostic;
use crate::ini::Document;
use crate::source::{SourceId, Sources, Span};
use crate::syntax;

/// How many names are looked up for all sections together.
const NAMES: usize = 500_000;

/// What a look at all of a file came to.
#[derive(Debug, Default)]
pub struct Survey {
    /// What is wrong, each fault once, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The sections that nothing else in the file names or leads to, by their number in the
    /// [`Document`], among those that are Paste Deploy's.
    pub alone: Vec<usize>,
}

/// A section that is Paste Deploy's.
#[derive(Debug)]
struct Candidate {
    number: (SourceId, usize),
    loadable: Loadable,
    /// Whether another section has a word that may stand for it.
    is_named: bool,
}

impl Loader<'_> {
    /// Checks every section of the file that is Paste Deploy's, also those that nothing uses, and
    /// the options of all factories. Tells each fault once, in the order of the files. It has no
    /// side effects.
    ///
    /// A section that others use is checked as they use it, with what they `set` for it, and not
    /// by itself.
    pub fn validate(&mut self) -> Vec<Diagnostic> {
        self.survey(|_, _| ()).diagnostics
    }

    /// Checks every section, as [`validate`](Self::validate) does, and lets see what they come to.
    pub fn survey(&mut self, mut look: impl FnMut(&Graph, &Sources)) -> Survey {
        let mut notes = Notes::default();
        self.faults().iter().cloned().for_each(|fault| notes.add(fault));
        let mut reached = HashSet::new();
        let mut names = 0;
        let mut is_deep = false;
        let mut alone = Vec::new();
        for Candidate { number, loadable, is_named } in self.in_order() {
            if reached.contains(&number) {
                continue;
            }
            if !is_named {
                alone.push(number);
            }
            let Loadable { object, name, .. } = loadable;
            let loaded = self.resolve(object, name.as_deref(), |resolver| {
                names += resolver.names;
                is_deep |= resolver.is_deep;
                reached.extend(resolver.reached.iter().copied().filter(|other| *other != number));
            });
            let checked = check(&loaded.graph, self.registry, self.sources());
            let found = loaded.diagnostics.into_iter().chain(checked);
            found.for_each(|fault| notes.add(fault));
            look(&loaded.graph, self.sources());
            if names > NAMES {
                notes.add(fault::too_large(NAMES, "parts"));
            } else if !is_deep && !notes.is_cut() {
                continue;
            }
            // Nobody writes such a file by hand. Whatever is not looked at may lead to these.
            alone.clear();
            break;
        }
        let (mut diagnostics, _) = notes.finish();
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(place));
        alone.retain(|number| !reached.contains(number));
        Survey { diagnostics, alone: alone.into_iter().map(|(_, number)| number).collect() }
    }

    /// The sections that are Paste Deploy's in the order in which they are best loaded: those first
    /// that nothing seems to use.
    fn in_order(&self) -> Vec<Candidate> {
        let Some(main) = self.main else { return Vec::new() };
        let document = &self.files.view_of(main).file.document;
        let named = named(document);
        let source = document.source;
        let sections = document.sections.iter().enumerate();
        let candidates = sections.filter_map(|(number, section)| {
            let loadable = Loadable::of(section)?;
            let owner = loadable.name.as_deref().and_then(|name| named.get(name));
            let is_named = owner.is_some_and(|owner| *owner != Some(number));
            Some(Candidate { number: (source, number), loadable, is_named })
        });
        let mut ordered: Vec<_> = candidates.collect();
        ordered.sort_by_key(|found| (found.is_named, rank(&found.loadable.section)));
        ordered
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
