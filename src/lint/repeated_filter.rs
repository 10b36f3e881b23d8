//! Filters that a request passes twice.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::file::split;
use super::way::{Named, each_filter};
use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::graph::{Graph, Node};
use crate::ini::{Document, Setting};
use crate::registry::Registry;
use crate::source::{Sources, Span, whole_lines};
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "repeated-filter", looks: LOOKS };

const LOOKS: &[Look] = &[Look::Graph(look_at_graph), Look::File(look_at_file)];

/// It logs requests of clients at one place, and those that other filters make at the other.
const MEANT_TWICE: &str = "egg:swift#proxy_logging";

/// Looks at all filters on the way to an app, in whatever sections they are named.
fn look_at_graph(graph: &Graph, _: &Registry, found: &mut Found) {
    let section = |node: &Node| {
        let is_meant = node.factory().is_some_and(|factory| &*factory.spec == MEANT_TWICE);
        node.chain.first().filter(|_| !is_meant).map(|link| link.span)
    };
    each_filter(graph, section, |node, passed| {
        if let Some(first) = section(node).and_then(|section| passed.get(&section)) {
            found.add(fault(Named::of(node), Named::of(graph.node(*first))));
        }
    });
}

/// Looks at each pipeline by itself. A strategy that was not chosen is in no graph.
fn look_at_file(file: &File<'_>, found: &mut Found) {
    let meant_twice = meant_twice(file.document);
    for pipeline in file.pipelines() {
        let mut first = HashMap::new();
        for word in pipeline.filters() {
            let earlier = *first.entry(word.1).or_insert(word);
            if earlier != word && !meant_twice.contains(word.1) {
                let fault = fault(Named::word(&pipeline, word), Named::word(&pipeline, earlier));
                let place = pipeline.letters(word);
                let fix = place.map(|place| remove(place, file.sources));
                found.add(Diagnostic { fix, ..fault });
            }
        }
    }
}

fn fault(again: Named<'_>, first: Named<'_>) -> Diagnostic {
    let message = format!("a request passes `{}` twice", Excerpt(again.name));
    Diagnostic::warning(LINT.slug, message)
        .at(again.place)
        .label("it comes to it again")
        .related(first.place, "first named here")
        .help("name it once; for two filters of a kind give each a section of its own")
}

/// Takes out a word: its line if there is nothing else in it, or else the blanks on one side too.
fn remove(word: Span, sources: &Sources) -> Fix {
    let text = sources.get(word.source).text();
    let Range { start, end } = word.range();
    let is_blank = |letter: char| syntax::is_space(letter) && !LINE_ENDS.contains(&letter);
    // Only the blanks are looked at: a line may have a hundred thousand such words.
    let before = text[..start].trim_end_matches(is_blank);
    let after = text[end..].trim_start_matches(is_blank);
    let taken = if !before.is_empty() && !before.ends_with(LINE_ENDS) {
        before.len()..end
    } else if !after.is_empty() && !after.starts_with(LINE_ENDS) {
        start..text.len() - after.len()
    } else {
        whole_lines(text, &word.range())
    };
    Fix {
        title: format!("remove the second `{}`", Excerpt(sources.text(word))),
        edits: vec![(Span::new(word.source, taken.start, taken.end), String::new())],
        applicability: Applicability::Unsafe,
    }
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// Filters that belong at two places of a pipeline, by their factories.
fn meant_twice(document: &Document) -> HashSet<&str> {
    let is_meant = |option: &Setting| &*option.key == "use" && &*option.raw == MEANT_TWICE;
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
#      ^^^ warning repeated-filter: a request passes `log` twice
  page
[pipeline:other]
pipeline = %(usual)s auth log page
#                         ^^^ warning repeated-filter: a request passes `log` twice
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
    fn tells_of_a_filter_that_comes_again_in_another_section() {
        assert_linted(
            "\
[pipeline:main]
pipeline = log all
[composite:all]
use = egg:pasteline#urlmap
/a = a
/b = b
[pipeline:a]
pipeline = auth page
[pipeline:b]
pipeline = auth log page
#               ^^^ warning repeated-filter: a request passes `log` twice
[filter:log]
use = egg:pasteline#pass
[filter:auth]
use = log
[app:page]
use = egg:pasteline#echo
",
        );
    }

    #[test]
    fn an_app_may_have_the_name_of_a_filter() {
        assert_linted(
            "\
[pipeline:main]
pipeline = auth auth
[filter:auth]
use = egg:pasteline#pass
[app:auth]
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
[filter: proxy-logging]
use = egg:swift#proxy_logging
[app:proxy]
use = egg:pasteline#echo
",
        );
    }
}
