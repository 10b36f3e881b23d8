//! The settings of servers, from their sections and from those of the service.

use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::graph::{Loaded, Loader, Object, check};
use crate::ini::Conf;
use crate::program::Readings;
use crate::registry::{Kind, Registry};
use crate::server::Settings;
use crate::service::Order;
use crate::settings::{Dialect, OptionSpec, Reader, Settings as _, Subject};
use crate::source::{Sources, Span};

/// Which one of several servers is loaded.
#[derive(Clone, Copy)]
pub(super) enum Rank<'a> {
    /// The first, over whose section the settings of the service lie.
    First(&'a Config),
    /// Another one, beside the first if that could be read.
    Further(Option<&'a Settings>),
}

/// The places that say where a server listens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    /// The server itself; none where nothing says so.
    pub(super) bind: Option<Span>,
    /// The one that tells how it is.
    pub(super) admin: Option<Span>,
}

/// What is wrong with the settings of the first server, with those of the service over those of
/// its section. Of files only those are read that they name.
pub(crate) fn check_settings(
    loader: &mut Loader<'_>,
    registry: &Registry,
    config: &Config,
) -> Vec<Diagnostic> {
    settings(loader, registry, (Order::MAIN, Rank::First(config))).1
}

/// What is wrong with the settings of a program's services.
pub(crate) fn check_sections(
    config: &Config,
    registry: &Registry,
    sources: &Sources,
) -> Vec<Diagnostic> {
    readings(config, registry, sources).1
}

/// The settings of a program's services, and what is wrong with them.
pub(in crate::service) fn readings(
    config: &Config,
    registry: &Registry,
    sources: &Sources,
) -> (Readings, Vec<Diagnostic>) {
    let (mut readings, mut diagnostics) = (Readings::default(), Vec::new());
    for section in registry.sections() {
        let options = section.options.iter().map(|option| (option.name, option));
        let (given, found) = config.groups().read(section.name, options);
        diagnostics.extend(found);
        let (reading, found) = section.read(&given, sources);
        diagnostics.extend(found);
        if let Some(reading) = reading {
            readings.add(section.name, reading);
        }
    }
    (readings, diagnostics)
}

/// The settings of a server, and what is wrong with them; defaults for a `main` that nothing
/// describes.
pub(super) fn settings(
    loader: &mut Loader<'_>,
    registry: &Registry,
    (name, rank): (&str, Rank<'_>),
) -> (Option<(Settings, Places)>, Vec<Diagnostic>) {
    let (read, mut diagnostics) =
        find(loader, registry, name, |section, sources| read(section, rank, sources));
    let Some((settings, found)) = read else { return (None, diagnostics) };
    diagnostics.extend(found);
    (settings, diagnostics)
}

/// What counts for an option of a server.
#[derive(Debug)]
pub(crate) struct InForce {
    /// The option.
    pub(crate) option: &'static OptionSpec,
    /// Its value; none if it has none, and no default.
    pub(crate) text: Option<Box<str>>,
    /// Where it is given; none if it is the default.
    pub(crate) place: Option<Span>,
}

/// What counts for each option of a server: for the first one with the settings of the service
/// over its section. Nothing if the section cannot be read, which is told elsewhere.
pub(crate) fn in_force(
    loader: &mut Loader<'_>,
    registry: &Registry,
    (name, config): (&str, Option<&Config>),
) -> Vec<InForce> {
    let values = |(subject, local, global): Section<'_>, sources: &Sources| {
        let mut local = local.clone();
        if let Some(config) = config {
            config.lay_over(&mut local, subject.dialect);
        }
        let reader = Reader::new(subject, &local, global, sources);
        let in_force = |option: &'static OptionSpec| {
            let given = reader.given(option.name);
            let default = || subject.dialect.default_of(option.name).or(option.default);
            InForce {
                option,
                text: given.map(|value| &*value.text).or_else(default).map(Box::from),
                place: given.and_then(|value| value.span),
            }
        };
        Settings::OPTIONS.iter().map(in_force).collect()
    };
    find(loader, registry, name, values).0.unwrap_or_default()
}

/// What a section describes a server by: the factory, its options, and those of all sections.
type Section<'a> = (Subject<'a>, &'a Conf, &'a Conf);

/// Hands the section of a server on, or an empty one for a `main` that nothing describes; and
/// tells what is wrong with it.
fn find<T>(
    loader: &mut Loader<'_>,
    registry: &Registry,
    name: &str,
    read: impl FnOnce(Section<'_>, &Sources) -> T,
) -> (Option<T>, Vec<Diagnostic>) {
    let is_described = loader
        .loadable()
        .iter()
        .any(|section| section.object == Object::Server && section.name.as_deref() == Some(name));
    if name == Order::MAIN && !is_described {
        let subject = Subject { factory: "http", place: None, dialect: &Dialect::new() };
        let nothing = Conf::default();
        return (Some(read((subject, &nothing, &nothing), loader.sources())), Vec::new());
    }
    let Loaded { graph, root, mut diagnostics } = loader.load(Object::Server, Some(name));
    let node = root.map(|root| graph.node(root));
    let factory = node.and_then(|node| Some((node, node.factory()?)));
    let Some((node, factory)) = factory else { return (None, diagnostics) };
    let Some(found) = registry.find(Kind::Server, &factory.spec) else {
        diagnostics.extend(check(&graph, registry, loader.sources()));
        return (None, diagnostics);
    };
    let subject = found.subject(&factory.spec, node.place);
    (Some(read((subject, &node.local, &node.global), loader.sources())), diagnostics)
}

/// Reads the settings of a server from the options of its section, those of the service over
/// them.
fn read(
    (subject, local, global): Section<'_>,
    rank: Rank<'_>,
    sources: &Sources,
) -> (Option<(Settings, Places)>, Vec<Diagnostic>) {
    let mut local = local.clone();
    if let Rank::First(config) = rank {
        config.lay_over(&mut local, subject.dialect);
    }
    let mut reader = Reader::new(subject, &local, global, sources);
    let settings = Settings::read(&mut reader);
    if let Some(settings) = &settings {
        settings.check(&mut reader);
        if let Rank::Further(Some(first)) = rank {
            settings.check_beside(first, &mut reader);
        }
    }
    let admin = reader.given("admin_bind").and_then(|value| value.span);
    let places = Places { bind: Settings::bound_at(&reader), admin };
    (settings.map(|settings| (settings, places)), reader.finish())
}
