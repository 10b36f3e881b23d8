//! Filters that stand inside of others which they should enclose.

use std::collections::HashMap;

use super::file::{Pipeline, split};
use super::{File, Found, Lint, Look};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::registry::{Definition, Kind};
use crate::syntax;

pub(super) const LINT: Lint = Lint { slug: "filter-order", look: Look::File(look) };

fn look(file: &File<'_>, found: &mut Found) {
    let definitions = definitions(file);
    for pipeline in file.pipelines() {
        let mut earlier = HashMap::new();
        for (at, word) in syntax::words(&pipeline.text) {
            let Some(definition) = definitions.get(word) else { continue };
            for (inner, why) in definition.outside_of {
                if let Some(first) = earlier.get(inner) {
                    found.add(fault(&pipeline, ((at, word), *first), why));
                }
            }
            earlier.entry(definition.name).or_insert((at, word));
        }
    }
}

/// What is known of the filters of a file, by their names.
fn definitions<'a>(file: &File<'a>) -> HashMap<&'a str, &'a Definition> {
    let filters = file.sections().filter_map(|section| {
        let ("filter", name) = split(&section.name)? else { return None };
        let definition = file.definitions(section).find(|found| found.is(Kind::Filter))?;
        Some((syntax::strip(name), definition))
    });
    filters.collect()
}

/// A word of a pipeline with its place in it.
type Word<'a> = (usize, &'a str);

fn fault(pipeline: &Pipeline<'_>, (outer, inner): (Word<'_>, Word<'_>), why: &str) -> Diagnostic {
    let (outer_name, inner_name) = (Excerpt(outer.1), Excerpt(inner.1));
    Diagnostic::warning(LINT.slug, format!("`{outer_name}` belongs before `{inner_name}`: {why}"))
        .at(pipeline.place(outer))
        .label("a request comes to it too late")
        .related(pipeline.place(inner), "this one comes first")
        .help(format!("put `{outer_name}` before `{inner_name}`"))
}

#[cfg(test)]
mod tests {
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
}
