//! The log of the program itself.

use super::terminal;
use crate::config::{Chosen, Config, Origin};
use crate::diagnostic::Diagnostic;
use crate::graph::Loader;
use crate::log::{self, Colours};
use crate::registry::Registry;
use crate::service::{InForce, Order, Served, in_force};
use crate::settings::GroupSpec;
use crate::source::Sources;

/// Has the log written as the settings say, unless the program has its own log already.
///
/// # Errors
///
/// The file of the log cannot be opened, in words.
pub(super) fn start(config: &Config) -> Result<(), String> {
    let colours = if terminal::is_colourful() { Colours::Shown } else { Colours::Unused };
    log::start(config, colours)
}

/// Logs all settings in the layout of oslo.config, each with where it comes from.
pub(super) fn log_settings(
    config: &Config,
    loader: &mut Loader<'_>,
    registry: &Registry,
    order: &Order,
) {
    tracing::debug!("{}", "*".repeat(80));
    tracing::debug!("Configuration options gathered from:");
    tracing::debug!("config files: {:?}", config.files());
    tracing::debug!("{}", "=".repeat(80));
    let mut told = told(config, loader.sources(), registry);
    let main = &order.servers[0].server;
    for Served { server, .. } in &order.servers {
        let config = Some(config).filter(|_| server == main);
        let mut of_server = of_server(loader, registry, (server, config));
        if config.is_some() {
            for told in &mut of_server {
                told.lay_over(order);
            }
        }
        told.extend(of_server);
    }
    told.extend(given((config, loader.sources()), registry).0);
    for Told { group, name, value, origin } in told {
        let group = if group == "DEFAULT" { String::new() } else { format!("{group}.") };
        let value = value.unwrap_or_else(|| "None".to_owned());
        tracing::debug!("{:30} = {value}  ({origin})", format!("{group}{name}"));
    }
    tracing::debug!("{}", "*".repeat(80));
}

/// A setting as people may see it.
pub(super) struct Told {
    pub(super) group: String,
    pub(super) name: String,
    /// None if there is none, and no default.
    pub(super) value: Option<String>,
    /// Where it comes from, in words.
    pub(super) origin: String,
}

impl Told {
    /// Tells what the command line says in place of a setting.
    fn lay_over(&mut self, order: &Order) {
        let number = |number: Option<u16>| number.map(|number| number.to_string());
        let bind = || order.bind.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let value = match &*self.name {
            "bind" => Some(bind()).filter(|_| !order.bind.is_empty()),
            "workers" => number(order.workers),
            "threads" => number(order.threads),
            _ => None,
        };
        if value.is_some() {
            (self.value, self.origin) = (value, "command line".to_owned());
        }
    }
}

/// All options of settings files and of a program's services, each with the value that counts.
/// Where one that a server has too is not given, that one counts.
pub(super) fn told(config: &Config, sources: &Sources, registry: &Registry) -> Vec<Told> {
    let mask = registry.mask();
    let sections = registry.sections().iter();
    let further =
        sections.flat_map(|section| config.groups().chosen(section.name, section.options));
    let told = |chosen: Chosen| {
        let is_left = chosen.origin == Origin::Default && Config::is_of_server(chosen.option.name);
        let (value, origin) = if is_left {
            (None, "as the server has it".to_owned())
        } else {
            (chosen.shown(&mask), origin(&chosen, sources))
        };
        let (group, name) = (chosen.group.to_owned(), chosen.option.name.to_owned());
        Told { group, name, value, origin }
    };
    config.chosen().iter().cloned().chain(further).map(told).collect()
}

/// All options of a server, each with the value that counts; for the first one with the settings
/// of the service over its section.
pub(super) fn of_server(
    loader: &mut Loader<'_>,
    registry: &Registry,
    (server, config): (&str, Option<&Config>),
) -> Vec<Told> {
    let (in_force, mask) = (in_force(loader, registry, (server, config)), registry.mask());
    let told = |InForce { option, text, place }: InForce| Told {
        group: format!("server:{server}"),
        name: option.name.to_owned(),
        value: text.map(|text| mask.value(option.name, &text).replace('\n', ", ")),
        origin: place.map_or_else(
            || "default".to_owned(),
            |place| loader.sources().location(place).to_string(),
        ),
    };
    in_force.into_iter().map(told).collect()
}

/// What settings files and the environment give for options of factories, and what is wrong with
/// the references in it.
pub(super) fn given(
    (config, sources): (&Config, &Sources),
    registry: &Registry,
) -> (Vec<Told>, Vec<Diagnostic>) {
    let (mask, sections) = (registry.mask(), registry.sections());
    let (mut all, mut diagnostics) = (Vec::new(), Vec::new());
    let of_factories = |group: &GroupSpec| sections.iter().all(|it| it.name != group.name);
    for GroupSpec { name: group, options, .. } in registry.groups().into_iter().filter(of_factories)
    {
        let (given, found) = config.groups().read(group, options);
        diagnostics.extend(found);
        all.extend(given.iter().map(|(name, value)| Told {
            group: group.to_owned(),
            name: name.to_string(),
            value: Some(mask.value(name, &value.text).replace('\n', ", ")),
            origin: value.span.map(|span| sources.location(span).to_string()).unwrap_or_default(),
        }));
    }
    (all, diagnostics)
}

/// Where a value comes from, in words.
fn origin(chosen: &Chosen, sources: &Sources) -> String {
    match chosen.origin {
        Origin::CommandLine => "command line".to_owned(),
        Origin::Default => "default".to_owned(),
        Origin::Environment(name) => format!("environment {}", sources.text(name)),
        Origin::File(span) => sources.location(span).to_string(),
    }
}
