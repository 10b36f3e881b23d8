//! Filters that stand inside of others which they should enclose.

use std::collections::HashMap;

use super::file::{Pipeline, split};
use super::way::{Named, each_filter};
use super::{File, Found, Lint, Look};
use crate::diagnostic::{Applicability, Diagnostic, Excerpt, Fix};
use crate::graph::{Graph, Node, NodeKind};
use crate::registry::{Definition, Kind, Registry};
use crate::settings::Setting;
use crate::syntax;

pub(super) const LINT: Lint =
    Lint { slug: "filter-order", looks: &[Look::Graph(look_at_graph), Look::File(look_at_file)] };

/// Looks at all filters on the way to an app, in whatever sections they stand.
fn look_at_graph(graph: &Graph, registry: &Registry, found: &mut Found) {
    let kind = |node: &Node| definition(node, registry).map(|definition| definition.name);
    each_filter(graph, kind, |node, passed| {
        let Some(definition) = definition(node, registry) else { return };
        for (inner, why) in definition.outside_of {
            if let Some(first) = passed.get(inner) {
                found.add(fault(Named::of(node), Named::of(graph.node(*first)), why));
            }
        }
    });
}

/// What is known of a filter; none if it is none, not known, turned off, or may stand anywhere.
fn definition<'r>(node: &Node, registry: &'r Registry) -> Option<&'r Definition> {
    let NodeKind::Filter(factory) = &node.kind else { return None };
    let definition = registry.find(Kind::Filter, &factory.spec)?.definition;
    let given = |option| {
        let given = node.local.get(option).or_else(|| node.global.get(option));
        given.map(|value| &*value.text)
    };
    let is_on = definition
        .turned_on_by
        .is_none_or(|option| given(option).is_some_and(|text| bool::parse(text) == Ok(true)));
    let has_a_place = definition
        .place_matters_if
        .is_none_or(|(option, matters)| given(option).is_none_or(matters));
    (is_on && has_a_place).then_some(definition)
}

/// Looks at each pipeline by itself. A strategy that was not chosen is in no graph.
fn look_at_file(file: &File<'_>, found: &mut Found) {
    let definitions = definitions(file);
    for pipeline in file.pipelines() {
        let mut earlier = HashMap::new();
        let mut is_mended = false;
        for word in pipeline.filters() {
            let Some(definition) = definitions.get(word.1) else { continue };
            for (inner, why) in definition.outside_of {
                if let Some(first) = earlier.get(inner) {
                    let named = [word, *first].map(|word| Named::word(&pipeline, word));
                    // A fix names all words between, and when one is mended, the next is found.
                    let is_next = !std::mem::replace(&mut is_mended, true);
                    let fix = is_next.then(|| put_before(&pipeline, (*first, word))).flatten();
                    found.add(Diagnostic { fix, ..fault(named[0], named[1], why) });
                }
            }
            earlier.entry(definition.name).or_insert(word);
        }
    }
}

/// What is known of the filters of a file, by their names; those left out of which it depends on
/// their options whether their place matters.
fn definitions<'a>(file: &File<'a>) -> HashMap<&'a str, &'a Definition> {
    let filters = file.sections().filter_map(|section| {
        let ("filter", name) = split(&section.name)? else { return None };
        let is_meant = |found: &&Definition| {
            let is_sure = found.turned_on_by.is_none() && found.place_matters_if.is_none();
            found.is(Kind::Filter) && is_sure
        };
        let definition = file.definitions(section).find(is_meant)?;
        Some((name, definition))
    });
    filters.collect()
}

fn fault(outer: Named<'_>, inner: Named<'_>, why: &str) -> Diagnostic {
    let (outer_name, inner_name) = (Excerpt(outer.name), Excerpt(inner.name));
    Diagnostic::warning(LINT.slug, format!("`{outer_name}` belongs before `{inner_name}`: {why}"))
        .at(outer.place)
        .label("a request comes to it too late")
        .related(inner.place, "this one comes first")
        .help(advice(outer.name, inner.name))
}

fn advice(outer: &str, inner: &str) -> String {
    format!("put `{}` before `{}`", Excerpt(outer), Excerpt(inner))
}

/// Puts a filter before another that comes earlier, and those from there on behind it. Words
/// change their places and nothing between them does: lines and comments stay where they are.
fn put_before(
    pipeline: &Pipeline<'_>,
    (inner, outer): ((usize, &str), (usize, &str)),
) -> Option<Fix> {
    let moved = syntax::words(&pipeline.text).filter(|(at, _)| (inner.0..=outer.0).contains(at));
    let places = moved.clone().map(|word| pipeline.letters(word));
    let places = places.collect::<Option<Vec<_>>>()?;
    let words = std::iter::once(outer).chain(moved).map(|(_, word)| word.to_owned());
    Some(Fix {
        title: advice(outer.1, inner.1),
        edits: places.into_iter().zip(words).collect(),
        applicability: Applicability::Unsafe,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::fixture::assert_linted;

    const FILTERS: &str = "\
[filter:id]
use = egg:pasteline#request_id
[filter:caught]
paste.filter_factory = oslo_middleware:CatchErrors.factory
[app:echo]
use = egg:pasteline#echo
";

    #[test]
    fn tells_of_a_filter_that_comes_too_late() {
        assert_linted(&format!(
            "\
[pipeline:main]
pipeline = caught id echo
#                 ^^ warning filter-order: `id` belongs before `caught`: what is caught would be logged without the id of the request
{FILTERS}"
        ));
    }

    #[test]
    fn looks_at_all_pipelines_of_a_strategy() {
        assert_linted(&format!(
            "\
[composite:main]
use = egg:pasteline#strategy
strategy = noauth
noauth = id caught echo
keystone = caught id echo
#                 ^^ warning filter-order: `id` belongs before `caught`: what is caught would be logged without the id of the request
{FILTERS}"
        ));
    }

    #[test]
    fn an_app_may_have_the_name_of_a_filter() {
        assert_linted(&format!(
            "# pasteline: allow-file unused-section\n[pipeline:main]\npipeline = caught id\n\
             {FILTERS}[app:id]\nuse = egg:pasteline#echo\n"
        ));
    }

    #[test]
    fn of_all_that_is_misplaced_in_a_pipeline_the_first_is_mended() {
        let text = format!("[pipeline:main]\npipeline = caught id id id echo\n{FILTERS}");
        let registry = Registry::builtin();
        let input = crate::graph::Input::new("/no/such.ini");
        let mut sources = crate::source::Sources::default();
        sources.substitute(&input.file, text);
        let mut loader = crate::graph::Loader::open_with(&input, &registry, sources);
        let found = crate::lint::validate(&mut loader, &registry);
        let found = found.iter().filter(|found| found.slug == LINT.slug);
        let edits: Vec<_> =
            found.map(|found| found.fix.as_ref().map(|fix| fix.edits.len())).collect();
        assert_eq!(edits, [Some(2), None, None]);
    }

    #[test]
    fn looks_at_filters_of_other_sections() {
        let why = "what is caught would be logged without the id of the request";
        for text in [
            "[pipeline:main]\npipeline = caught a\n[pipeline:a]\npipeline = id echo\n#          ^^ id caught",
            "[pipeline:main]\npipeline = caught a\n[composite:a]\nuse = egg:Paste#urlmap\n/ = b\n\
             [pipeline:b]\npipeline = id echo\n#          ^^ id caught",
            "[pipeline:main]\npipeline = caught a\n[app:a]\nuse = echo\nfilter-with = id\n\
             #             ^^ id caught",
            "[filter-app:main]\nuse = caught\nnext = a\n[pipeline:a]\npipeline = id echo\n\
             #          ^^ id main",
            "[pipeline:main]\npipeline = both echo\n#          ^^^^ both caught\n[filter:both]\n\
             use = id\nfilter-with = caught",
            "[pipeline:main]\npipeline = both id echo\n#               ^^ id caught\n[filter:both]\n\
             use = egg:pasteline#pass\nfilter-with = caught",
        ] {
            let mut text = format!("{text}\n{FILTERS}");
            for (outer, inner) in [("both", "caught"), ("id", "caught"), ("id", "main")] {
                let told =
                    format!("^ warning filter-order: `{outer}` belongs before `{inner}`: {why}");
                text = text.replace(&format!("^ {outer} {inner}"), &told);
            }
            assert_linted(&text);
        }
    }

    #[test]
    fn a_filter_that_is_turned_off_may_stand_anywhere() {
        let late = "#              ^^^^^ warning filter-order: `proxy` belongs before `log`: the \
                    proxy's address would be logged for the client's\n";
        for (option, late) in [("", ""), ("false", ""), ("true", late)] {
            assert_linted(
                &format!(
                    "[pipeline:main]\npipeline = log proxy echo\n{late}[filter:log]\n\
                 use = egg:pasteline#access_log\n[filter:proxy]\n\
                 use = egg:pasteline#http_proxy_to_wsgi\n\
                 enable_proxy_headers_parsing = {option}\n[app:echo]\nuse = egg:pasteline#echo\n"
                )
                .replace("enable_proxy_headers_parsing = \n", ""),
            );
        }
    }

    /// What each of these pairs is told, in one pipeline and through another.
    #[test]
    fn knows_which_filters_enclose_which() {
        for (outer, inner, why) in PAIRS {
            let late = format!("^ warning filter-order: `outer` belongs before `inner`: {why}");
            let sections = [section("outer", outer), section("inner", inner), section("", "echo")];
            for pipelines in [
                format!(
                    "[pipeline:main]\npipeline = inner outer echo\n#                ^^^^{late}\n"
                ),
                format!(
                    "[pipeline:main]\npipeline = inner rest\n[composite:rest]\n\
                     use = egg:Paste#urlmap\n/ = behind\n[pipeline:behind]\n\
                     pipeline = outer echo\n#          ^^^^{late}\n"
                ),
                "[pipeline:main]\npipeline = outer inner echo\n".to_owned(),
            ] {
                assert_linted(&format!("{pipelines}{}", sections.concat()));
            }
        }
    }

    const ANYBODY: &str = "the cache would answer those whom nobody has asked who they are";

    const PAIRS: &[(&str, &str, &str)] = &[
        ("http_proxy_to_wsgi", "rate_limit", "all clients of a proxy would be counted as one"),
        ("auth_token", "cache", ANYBODY),
        ("basic_auth", "cache", ANYBODY),
        ("noauth", "cache", ANYBODY),
        ("oauth2_token", "cache", ANYBODY),
        (
            "sizelimit",
            "decompress",
            "bodies of any size would be taken in and decoded before they are refused",
        ),
    ];

    /// A section with the options that its factory cannot do without.
    fn section(name: &str, factory: &str) -> String {
        let header = if factory == "echo" { "app:echo".into() } else { format!("filter:{name}") };
        let options = match factory {
            "auth_token" | "oauth2_token" => {
                "auth_url = http://keystone.internal:5000\nusername = service\npassword = x\n\
                 user_domain_id = default\nproject_name = service\nproject_domain_id = default\n"
            }
            "basic_auth" => "user_file = users\n",
            "http_proxy_to_wsgi" => "enable_proxy_headers_parsing = true\n",
            "rate_limit" => "rate = 10/s\n",
            _ => "",
        };
        format!("[{header}]\nuse = egg:pasteline#{factory}\n{options}")
    }

    #[test]
    fn what_does_not_count_clients_may_stand_anywhere() {
        let late = "#               ^^^^^ warning filter-order: `proxy` belongs before `rate`: all \
                    clients of a proxy would be counted as one\n";
        for (key, late) in [("client", late), ("host", late), ("all", ""), ("header:X-Api-Key", "")]
        {
            assert_linted(&format!(
                "[pipeline:main]\npipeline = rate proxy echo\n{late}{}key = {key}\n{}{}",
                section("rate", "rate_limit"),
                section("proxy", "http_proxy_to_wsgi"),
                section("", "echo"),
            ));
        }
    }

    #[test]
    fn filters_of_other_ways_come_before_nothing() {
        assert_linted(&format!(
            "[composite:main]\nuse = egg:Paste#urlmap\n/a = a\n/b = b\n[pipeline:a]\n\
             pipeline = caught echo\n[pipeline:b]\npipeline = id echo\n{FILTERS}"
        ));
    }
}
