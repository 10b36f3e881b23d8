//! The log of the program itself.

use super::terminal;
use crate::config::{Chosen, Config, Origin};
use crate::log::{self, Colours};
use crate::registry::Registry;
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
    tracing::debug!("{}", "*".repeat(80));
}

/// All options of the server and of a program's services, each with the value that counts.
pub(super) fn chosen(config: &Config, registry: &Registry) -> Vec<Chosen> {
    let sections = registry.sections().iter();
    let further =
        sections.flat_map(|section| config.groups().chosen(section.name, section.options));
    config.chosen().iter().cloned().chain(further).collect()
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
