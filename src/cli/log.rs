//! The log of the program itself.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::terminal;
use crate::config::{Chosen, Config, Origin};
use crate::settings::Mask;
use crate::source::{Sources, describe};

/// Has the log written as the settings say, unless the program has its own log already.
///
/// # Errors
///
/// The file of the log cannot be opened, in words.
pub(super) fn start(config: &Config) -> Result<(), String> {
    let file = config.log_file().map(|path| open(&path)).transpose()?;
    let is_colourful = file.is_none() && terminal::is_colourful();
    let writer = match file {
        Some(file) => BoxMakeWriter::new(Arc::new(file)),
        None => BoxMakeWriter::new(io::stderr),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(is_colourful);
    let lines = if config.main.use_json.0 {
        lines.json().boxed()
    } else {
        lines.with_target(config.main.debug.0).boxed()
    };
    let log = tracing_subscriber::registry().with(lines.with_filter(levels(config)));
    // It fails only if there is one.
    let _ = log.try_init();
    Ok(())
}

fn open(path: &Path) -> Result<File, String> {
    // Each line is one call, so that those of several workers do not get mixed.
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| {
        format!("cannot write the log to `{}`: {}", path.display(), describe(&error))
    })
}

/// From which level on lines are written.
fn levels(config: &Config) -> Targets {
    let level = if config.main.debug.0 { Level::DEBUG } else { Level::INFO };
    let single = config.main.default_log_levels.iter();
    let single = single.map(|single| (single.logger.clone(), single.level));
    Targets::new().with_default(level).with_targets(single)
}

/// Logs all settings in the layout of oslo.config, each with where it comes from.
pub(super) fn log_settings(config: &Config, sources: &Sources, mask: &Mask) {
    if !config.main.log_options.0 {
        return;
    }
    tracing::debug!("{}", "*".repeat(80));
    tracing::debug!("Configuration options gathered from:");
    tracing::debug!("config files: {:?}", config.files());
    tracing::debug!("{}", "=".repeat(80));
    for chosen in config.chosen() {
        let group = if chosen.group == "DEFAULT" { "" } else { &format!("{}.", chosen.group) };
        let name = format!("{group}{}", chosen.option.name);
        let value = chosen.shown(mask).unwrap_or_else(|| "None".to_owned());
        tracing::debug!("{name:30} = {value}  ({})", origin(chosen, sources));
    }
    tracing::debug!("{}", "*".repeat(80));
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
