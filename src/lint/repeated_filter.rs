//! Filters that stand in one pipeline twice.

use std::collections::{HashMap, HashSet};

use super::file::{Pipeline, split};
use super::{File, Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::ini::{Document, Setting};
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "repeated-filter", looks: &[Look::File(look)] };

fn look(file: &File<'_>, found: &mut Found) {
    let meant_twice = meant_twice(file.document);
    for pipeline in file.pipelines() {
        let (mut first, mut told) = (HashMap::new(), HashSet::new());
        for (at, word) in syntax::words(&pipeline.text) {
            let Some(earlier) = first.insert(word, at) else { continue };
            if !meant_twice.contains(word) && told.insert(word) {
                found.add(fault(&pipeline, word, (earlier, at)));
            }
        }
    }
}

fn fault(pipeline: &Pipeline<'_>, word: &str, (first, second): (usize, usize)) -> Diagnostic {
    let message = format!(
        "`{}` stands in `{}` of `[{}]` twice",
        Excerpt(word),
        Excerpt(pipeline.key),
        Excerpt(&pipeline.section.name)
    );
    Diagnostic::warning(LINT.slug, message)
        .at(pipeline.place((second, word)))
        .label("every request passes it again")
        .related(pipeline.place((first, word)), "first named here")
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
#      ^^^ warning repeated-filter: `log` stands in `pipeline` of `[pipeline:main]` twice
  page
[pipeline:other]
pipeline = %(usual)s auth log page
#                         ^^^ warning repeated-filter: `log` stands in `pipeline` of `[pipeline:other]` twice
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
