//! What is wrong with a factory that nothing here stands for.

use super::fault::listed;
use super::{Maker, Node};
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::registry::{Definition, FactoryId, Foreign, Kind, Reason, Registry, Role};
use crate::source::Sources;

/// What is wrong if the registry has no factory of a kind.
pub(super) fn unknown(
    node: &Node,
    (maker, kind): (&Maker<'_>, Kind),
    registry: &Registry,
    sources: &Sources,
) -> Diagnostic {
    let spec = maker.spec;
    if let Some(other) = registry.all(spec).next() {
        let other = other.definition.kinds().next().map_or("something else", noun);
        let (spec, needed) = (Excerpt(spec), noun(kind));
        let message = format!("`{spec}` is {other}, but {needed} is needed here");
        return unknown_kind(kind, message).at(maker.place).label(format!("expected {needed}"));
    }
    if let Some(name) = FactoryId::of(spec).native_name() {
        return misnamed((name, kind), maker, registry, sources);
    }
    let fault = match registry.foreign(spec) {
        Some(foreign) => without_native_form(foreign),
        None => of_python(maker, kind, registry, sources),
    };
    let section = node.chain.last().map(|link| &*link.section);
    stand_ins(kind, registry)
        .fold(fault.at(maker.place), |fault, stand_in| fault.help(substitute(section, stand_in)))
}

/// What is wrong if none of our own factories has a name.
fn misnamed(
    (name, kind): (&str, Kind),
    maker: &Maker<'_>,
    registry: &Registry,
    sources: &Sources,
) -> Diagnostic {
    let definitions = registry.definitions().into_iter().filter(|found| found.is(kind));
    let names: Vec<_> = definitions.map(|definition| definition.name).collect();
    let message = format!("pasteline has no {} `{}`", kind.name(), Excerpt(name));
    let fault = unknown_kind(kind, message)
        .at(maker.place)
        .label(format!("no such {}", kind.name()))
        .suggest(name, names.iter().copied(), sources);
    if fault.help.is_empty() { fault.help(offer(kind, &names)) } else { fault }
}

/// What is to be said of a Python factory of which it is known why it has no native form.
fn without_native_form(foreign: &Foreign) -> Diagnostic {
    match foreign.reason {
        Reason::Python { instead, .. } => Diagnostic::error("application-code", foreign.summary())
            .label("needs Python")
            .help(instead),
        Reason::Refused { instead, .. } => Diagnostic::error("refused-factory", foreign.summary())
            .label("is refused")
            .help(instead),
        Reason::Retired(_) => {
            Diagnostic::error("retired-factory", foreign.summary()).label("has no native form")
        }
    }
}

/// What is to be said of any other Python factory: that it may be misspelt, that it is missing
/// here, or that it is code of somebody's own.
fn of_python(maker: &Maker<'_>, kind: Kind, registry: &Registry, sources: &Sources) -> Diagnostic {
    let spec = Excerpt(maker.spec);
    let id = FactoryId::of(maker.spec);
    let role = registry.role(&id);
    let definitions = registry.definitions().into_iter().filter(|found| found.is(kind));
    let aliases = definitions.flat_map(|definition| definition.aliases).map(|alias| alias.spec);
    let akin = aliases.filter(|alias| is_akin(alias, maker.spec));
    let suggest = |fault: Diagnostic| fault.at(maker.place).suggest(maker.spec, akin, sources);
    let code = |message| Diagnostic::error("application-code", message).label("needs Python");
    if let Some(Role::Service(title)) = role {
        return suggest(code(format!("`{spec}` is {title}'s own code")));
    }
    let message = format!("no {} stands for the Python factory `{spec}`", kind.name());
    let missing = suggest(unknown_kind(kind, message).label("has no native form"));
    if role == Some(Role::Library) || !missing.help.is_empty() {
        return missing;
    }
    code(format!("`{spec}` is code of the Python package `{}`", Excerpt(id.package())))
}

fn unknown_kind(kind: Kind, message: String) -> Diagnostic {
    match kind {
        Kind::App => Diagnostic::error("unknown-app", message),
        Kind::Composite => Diagnostic::error("unknown-composite", message),
        Kind::Filter => Diagnostic::error("unknown-filter", message),
        Kind::Server => Diagnostic::error("unknown-server", message),
    }
}

/// The definitions that may be put in the place of Python factories.
fn stand_ins(kind: Kind, registry: &Registry) -> impl Iterator<Item = &Definition> {
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
        names => format!("it has {}", listed(names, names.len())),
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
    use crate::registry::{Foreign, Package, Registry, Relay};

    const GONE: &[Foreign] = &[
        Foreign::refused("bare:factory", "shows its insides", "put something on"),
        Foreign::retired("gone:factory", "was removed", Some("demo:tint")),
    ];

    const PACKAGES: &[Package] = &[Package::library("generic"), Package::service("nova", "Nova")];

    const RELAYS: &[Relay] = &[Relay { spec: "heat.wsgi:filter", option: "heat.filter" }];

    fn informed() -> Registry {
        registry().knowing(GONE).knowing_packages(PACKAGES).relaying(RELAYS)
    }

    /// The slug and message of the first fault of a section, and what helps.
    fn told(section: &str) -> (String, Vec<String>) {
        let fault = loader(section, &[], &[], &informed()).validate().remove(0);
        (format!("{}: {}", fault.slug, fault.message), fault.help)
    }

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
#     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ application-code: `call:auth.token:Filter.factory` is code of the Python package `auth`
",
        );
    }

    #[test]
    fn says_what_to_do_about_an_unknown_factory() {
        for (section, expected) in [
            ("[app:main]\nuse = egg:pasteline#pgae", &["did you mean `page`?"][..]),
            ("[app:main]\nuse = egg:pasteline#x", &["it has `page`"]),
            ("[app:main]\npaste.app_factory = demo:pagee", &["did you mean `demo:page`?"]),
            (
                "[filter:main]\nuse = egg:X",
                &["in an overlay, `[filter:main]` with `use = egg:pasteline#tint` tints"],
            ),
            (
                "[filter:main]\npaste.filter_factory = bare:factory",
                &[
                    "put something on",
                    "in an overlay, `[filter:main]` with `use = egg:pasteline#tint` tints",
                ],
            ),
        ] {
            assert_eq!(told(section).1, expected, "{section}");
        }
    }

    #[test]
    fn tells_code_of_a_service_from_what_is_missing_here() {
        for (spec, expected) in [
            ("bare:factory", "refused-factory: `bare:factory` shows its insides"),
            ("egg:Shop#x", "application-code: `egg:Shop#x` is code of the Python package `shop`"),
            ("egg:nova#ec2", "application-code: `egg:nova#ec2` is Nova's own code"),
            (
                "generic.wsgi:teapot",
                "unknown-filter: no filter stands for the Python factory `generic.wsgi:teapot`",
            ),
            (
                "gone:factory",
                "retired-factory: `gone:factory` was removed; its successor is `demo:tint`",
            ),
            ("nova.wsgi:teapot", "application-code: `nova.wsgi:teapot` is Nova's own code"),
        ] {
            let key = if spec.starts_with("egg:") { "use" } else { "paste.filter_factory" };
            assert_eq!(told(&format!("[filter:f]\n{key} = {spec}")).0, expected);
        }
    }

    #[test]
    fn looks_at_the_factory_that_another_hands_on_to() {
        let relayed = "[filter:f]\npaste.filter_factory = heat.wsgi:filter\nheat.filter = ";
        let (told, _) = told(&format!("{relayed}nova.wsgi:x"));
        assert_eq!(told, "application-code: `nova.wsgi:x` is Nova's own code");
        let native = format!("{relayed}demo:tint\ncolour = red");
        assert_eq!(loader(&native, &[], &[], &informed()).validate(), []);
    }
}
