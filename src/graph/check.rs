//! Checks every factory of a graph: whether it is known, and whether its options are right.

use super::fault::listed;
use super::notes::Notes;
use super::{Factory, Graph, Node};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::registry::{Definition, FactoryId, Found, Kind, Registry};
use crate::settings::{Dialect, Reader, Subject};
use crate::source::Sources;

/// Checks every factory of a graph against the registry, also those of parts that belong to
/// nothing because something else is at fault. It has no side effects.
pub fn check(graph: &Graph, registry: &Registry, sources: &Sources) -> Vec<Diagnostic> {
    let mut notes = Notes::new(graph.broken.clone());
    for (_, node) in graph.iter() {
        if notes.is_full() {
            break;
        }
        for diagnostic in check_node(node, registry, sources) {
            notes.add(diagnostic);
        }
    }
    notes.finish().0
}

fn check_node(node: &Node, registry: &Registry, sources: &Sources) -> Vec<Diagnostic> {
    let Some((kind, factory)) = node.made_by() else { return Vec::new() };
    let Some(Found { definition, alias }) = registry.find(kind, &factory.spec) else {
        return vec![unknown(node, (factory, kind), registry, sources)];
    };
    // The options of a composite were read when it said what it is made of.
    if kind == Kind::Composite {
        return Vec::new();
    }
    let native = Dialect::new();
    let dialect = alias.map_or(&native, |alias| &alias.dialect);
    let subject = Subject { factory: &factory.spec, place: node.place, dialect };
    let mut reader =
        Reader::new(subject, &node.local, &node.global, sources).beneath(&node.settings);
    definition.check(kind, &mut reader);
    reader.finish()
}

/// What is wrong if the registry has no factory of a kind.
fn unknown(
    node: &Node,
    (factory, kind): (&Factory, Kind),
    registry: &Registry,
    sources: &Sources,
) -> Diagnostic {
    let spec = Excerpt(&factory.spec);
    let fault = |message| {
        let fault = match kind {
            Kind::App => Diagnostic::error("unknown-app", message),
            Kind::Composite => Diagnostic::error("unknown-composite", message),
            Kind::Filter => Diagnostic::error("unknown-filter", message),
            Kind::Server => Diagnostic::error("unknown-server", message),
        };
        fault.at(node.place)
    };
    if let Some(other) = registry.all(&factory.spec).next() {
        let other = other.definition.kinds().next().map_or("something else", noun);
        return fault(format!("`{spec}` is {other}, but {} is needed here", noun(kind)))
            .label(format!("expected {}", noun(kind)));
    }
    let of_kind = || registry.definitions().into_iter().filter(move |found| found.is(kind));
    if let Some(name) = FactoryId::of(&factory.spec).native_name() {
        let names: Vec<_> = of_kind().map(|definition| definition.name).collect();
        let fault = fault(format!("pasteline has no {} `{}`", kind.name(), Excerpt(name)))
            .label(format!("no such {}", kind.name()))
            .suggest(name, names.iter().copied(), sources);
        return if fault.help.is_empty() { fault.help(offer(kind, &names)) } else { fault };
    }
    let aliases = of_kind().flat_map(|definition| definition.aliases).map(|alias| alias.spec);
    let fault = fault(format!("no {} stands for the Python factory `{spec}`", kind.name()))
        .label("has no native form");
    let fault = match registry.foreign(&factory.spec) {
        Some(foreign) => fault.help(foreign.retired.told_of("it")),
        None => fault.suggest(
            &factory.spec,
            aliases.filter(|alias| is_akin(alias, &factory.spec)),
            sources,
        ),
    };
    let section = node.chain.last().map(|link| &*link.section);
    of_kind_or_app(kind, registry)
        .fold(fault, |fault, definition| fault.help(substitute(section, definition)))
}

/// The definitions that may be put in the place of Python factories.
fn of_kind_or_app(kind: Kind, registry: &Registry) -> impl Iterator<Item = &Definition> {
    let kind = if kind == Kind::Composite { Kind::App } else { kind };
    let definitions = registry.definitions().into_iter();
    definitions.filter(move |found| found.is(kind) && found.stand_in.is_some())
}

fn substitute(section: Option<&str>, definition: &Definition) -> String {
    let Definition { name, stand_in, .. } = definition;
    let how = stand_in.unwrap_or_default();
    match section {
        Some(section) => {
            let section = Excerpt(section);
            format!("in an overlay, `[{section}]` with `use = egg:pasteline#{name}` {how}")
        }
        None => format!("in its place, `egg:pasteline#{name}` {how}"),
    }
}

/// Whether two Python factories have their module or their attribute in common. Others are not
/// each other's misspellings, much as they may look alike.
fn is_akin(one: &str, other: &str) -> bool {
    let parts = |spec| str::split_once(spec, [':', '#']);
    match (parts(one), parts(other)) {
        (Some(one), Some(other)) => one.0 == other.0 || one.1 == other.1,
        _ => false,
    }
}

fn offer(kind: Kind, names: &[&str]) -> String {
    match names {
        [] => format!("it has no {} at all", kind.name()),
        names => format!("it has {}", listed(names)),
    }
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::App => "an app",
        Kind::Composite => "a composite",
        Kind::Filter => "a filter",
        Kind::Server => "a server",
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::fixture::{assert_validated, loader, registry};
    use crate::registry::Foreign;

    #[test]
    fn says_which_factories_are_unknown() {
        assert_validated(
            "\
[composite:main]
use = egg:pasteline#pik
#     ^^^^^^^^^^^^^^^^^ unknown-composite: pasteline has no composite `pik`
[app:a]
use = egg:pasteline#pages
#     ^^^^^^^^^^^^^^^^^^^ unknown-app: pasteline has no app `pages`
[app:b]
paste.app_factory = demo:pick
#                   ^^^^^^^^^ unknown-app: `demo:pick` is a composite, but an app is needed here
[filter:c]
use = call:auth.token:Filter.factory
#     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ unknown-filter: no filter stands for the Python factory `call:auth.token:Filter.factory`
[server:d]
use = egg:Paste#http
#     ^^^^^^^^^^^^^^ unknown-server: no server stands for the Python factory `egg:Paste#http`
",
        );
    }

    #[test]
    fn says_what_to_do_about_an_unknown_factory() {
        const GONE: &[Foreign] =
            &[Foreign::retired("gone:factory", "was removed", Some("demo:tint"))];
        let registry = registry().knowing(GONE);
        for (section, expected) in [
            ("[app:main]\nuse = egg:pasteline#pgae", &["did you mean `page`?"][..]),
            ("[app:main]\nuse = egg:pasteline#x", &["it has `page`"]),
            ("[app:main]\npaste.app_factory = demo:pagee", &["did you mean `demo:page`?"]),
            (
                "[filter:main]\nuse = egg:X",
                &["in an overlay, `[filter:main]` with `use = egg:pasteline#tint` tints"],
            ),
            (
                "[filter:main]\npaste.filter_factory = gone:factory",
                &[
                    "it was removed; its successor is `demo:tint`",
                    "in an overlay, `[filter:main]` with `use = egg:pasteline#tint` tints",
                ],
            ),
        ] {
            let found = loader(section, &[], &[], &registry).validate();
            assert_eq!(found[0].help, expected, "{section}");
        }
    }

    #[test]
    fn reads_the_options_of_each_factory() {
        assert_validated(
            "\
[pipeline:main]
pipeline = a a b missing c
#                ^^^^^^^ unknown-section: no filter is called `missing`
[filter:a]
use = egg:pasteline#tint
#     ^^^^^^^^^^^^^^^^^^ missing-option: `egg:pasteline#tint` needs the option `colour`
[filter:b]
use = egg:pasteline#tint
colour =
#       ^ bad-value: `colour` is refused: it is transparent
[app:c]
use = demo
times = many
#       ^^^^ bad-value: `times` is `many`, expected a whole number from 0 to 255
[app:demo]
paste.app_factory = demo:page
tilte = x
;^^^^ unknown-option: `demo:page` has no option `tilte`
",
        );
    }
}
