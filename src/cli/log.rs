//! The log of the program itself.

use super::terminal;
use crate::config::{Chosen, Config, Origin};
use crate::diagnostic::Diagnostic;
use crate::log::{self, Colours};
use crate::registry::Registry;
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
pub(super) fn log_settings(config: &Config, sources: &Sources, registry: &Registry) {
    if !config.main.log_options.0 {
        return;
    }
    tracing::debug!("{}", "*".repeat(80));
    tracing::debug!("Configuration options gathered from:");
    tracing::debug!("config files: {:?}", config.files());
    tracing::debug!("{}", "=".repeat(80));
    let mask = registry.mask();
    for chosen in &chosen(config, registry) {
        let group = if chosen.group == "DEFAULT" { "" } else { &format!("{}.", chosen.group) };
        let name = format!("{group}{}", chosen.option.name);
        let value = chosen.shown(&mask).unwrap_or_else(|| "None".to_owned());
        tracing::debug!("{name:30} = {value}  ({})", origin(chosen, sources));
    }
    for given in given((config, sources), registry).0 {
        let Given { group, name, shown, place } = given;
        let name = format!("{group}.{name}");
        tracing::debug!("{name:30} = {shown}  ({place})");
    }
    tracing::debug!("{}", "*".repeat(80));
}

/// All options of the server and of a program's services, each with the value that counts.
pub(super) fn chosen(config: &Config, registry: &Registry) -> Vec<Chosen> {
    let sections = registry.sections().iter();
    let further =
        sections.flat_map(|section| config.groups().chosen(section.name, section.options));
    config.chosen().iter().cloned().chain(further).collect()
}

/// What is given for an option of factories.
pub(super) struct Given {
    pub(super) group: &'static str,
    pub(super) name: String,
    /// The value as people may see it.
    pub(super) shown: String,
    pub(super) place: String,
}

/// What settings files and the environment give for options of factories, and what is wrong with
/// the references in it.
pub(super) fn given(
    (config, sources): (&Config, &Sources),
    registry: &Registry,
) -> (Vec<Given>, Vec<Diagnostic>) {
    let (mask, sections) = (registry.mask(), registry.sections());
    let (mut all, mut diagnostics) = (Vec::new(), Vec::new());
    let of_factories = |group: &GroupSpec| sections.iter().all(|it| it.name != group.name);
    for GroupSpec { name: group, options, .. } in registry.groups().into_iter().filter(of_factories)
    {
        let (given, found) = config.groups().read(group, options);
        diagnostics.extend(found);
        all.extend(given.iter().map(|(name, value)| Given {
            group,
            name: name.to_string(),
            shown: mask.value(name, &value.text).replace('\n', ", "),
            place: value.span.map(|span| sources.location(span).to_string()).unwrap_or_default(),
        }));
    }
    (all, diagnostics)
}

/// Where a value comes from, in words.
pub(super) fn origin(chosen: &Chosen, sources: &Sources) -> String {
    match chosen.origin {
        Origin::CommandLine => "command line".to_owned(),
        Origin::Default => "default".to_owned(),
        Origin::Environment(name) => format!("environment {}", sources.text(name)),
        Origin::File(span) => sources.location(span).to_string(),
    }
}
