//! `pasteline sample-config`: a settings file with every option in it.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::settings_page::SettingsPage;
use super::terminal;
use crate::config::{Group, Sample};
use crate::registry::{Registry, Section};

/// Print a settings file with every option in it, commented out
///
/// It is what `--config-file` takes: each option with what it is for, its type and bounds, its
/// old names and its default, in the layout of oslo.config's generator.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline sample-config > pasteline.conf")]
pub(super) struct SampleConfig {
    /// A settings file, or the same as a page of documentation
    #[arg(long, value_name = "FORMAT", default_value = "ini")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A settings file
    Ini,
    /// A table for each group, for a page of documentation
    Markdown,
}

impl SampleConfig {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let further = registry.sections().iter().map(|section| {
            let Section { name, doc, options, .. } = *section;
            Group { name, doc, options }
        });
        let further = further.collect();
        let text = match self.format {
            Format::Ini => Sample::new(further).to_string(),
            Format::Markdown => SettingsPage(further).to_string(),
        };
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
