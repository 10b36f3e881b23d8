//! Filters that stand in one pipeline twice.

use std::collections::{HashMap, HashSet};

use super::{File, Found, Lint, split};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Document, Section, Setting};
use crate::source::Span;
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "repeated-filter", look };

fn look(file: &File<'_>, found: &mut Found) {
    let File { document, defaults, sources, .. } = file;
    let meant_twice = meant_twice(document);
    for section in &document.sections {
        let Some(("pipeline", _)) = split(&section.name) else { continue };
        let scope = defaults.scope(Some(section), sources);
        // What cannot be filled in has been told.
        let Some(Ok(pipeline)) = scope.value("pipeline") else { continue };
        let Some(places) = pipeline.places(sources) else { continue };
        let (mut first, mut told) = (HashMap::new(), meant_twice.clone());
        for (at, word) in syntax::words(&pipeline.text) {
            let place = at..at + word.len();
            let Some(earlier) = first.insert(word, place.clone()) else { continue };
            if told.insert(word) {
                let places = (places.part(earlier), places.part(place));
                found.add(fault(word, section, places));
            }
        }
    }
}

fn fault(
    word: &str,
    section: &Section,
    (first, second): (Option<Span>, Option<Span>),
) -> Diagnostic {
    let message = format!(
        "`{}` stands in the pipeline of `[{}]` twice",
        Excerpt(word),
        Excerpt(&section.name)
    );
    Diagnostic::warning(LINT.slug, message)
        .at(second)
        .label("every request passes it again")
        .related(first, "first named here")
        .help("name it once; for two filters of a kind give each a section of its own")
}

/// Filters that belong at two places of a pipeline, by their factories.
fn meant_twice(document: &Document) -> HashSet<&str> {
    /// It logs requests of clients at one place, and those that other filters make at the other.
    const FACTORY: &str = "egg:swift#proxy_logging";
    let is_meant = |option: &Setting| &*option.key == "use" && &*option.raw == FACTORY;
    let filters = document.sections.iter().filter_map(|section| match split(&section.name) {
        Some(("filter", name)) => Some((name, &section.options)),
        _ => None,
    });
    filters.filter(|(_, options)| options.iter().any(is_meant)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::fixture::assert_linted;

    #[test]
    fn tells_of_a_filter_that_comes_again() {
        assert_linted(
            "\
[DEFAULT]
usual = log
[pipeline:main]
pipeline = log
  auth log
#      ^^^ warning repeated-filter: `log` stands in the pipeline of `[pipeline:main]` twice
  page
[pipeline:other]
pipeline = %(usual)s auth log page
#                         ^^^ warning repeated-filter: `log` stands in the pipeline of `[pipeline:other]` twice
[filter:log]
use = egg:pasteline#pass
[filter:auth]
use = egg:pasteline#pass
[app:page]
use = egg:pasteline#echo
",
        );
    }

    #[test]
    fn says_nothing_of_a_filter_that_belongs_at_two_places() {
        assert_linted(
            "\
[pipeline:main]
pipeline = proxy-logging proxy-logging proxy
[filter:proxy-logging]
use = egg:swift#proxy_logging
#     ^^^^^^^^^^^^^^^^^^^^^^^ unknown-filter: no filter stands for the Python factory `egg:swift#proxy_logging`
[app:proxy]
use = egg:pasteline#echo
",
        );
    }
}
