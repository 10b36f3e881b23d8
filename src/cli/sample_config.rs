//! `pasteline sample-config`: a settings file with every option in it.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::settings_page::SettingsPage;
use super::terminal;
use crate::config::Sample;

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
    pub(super) fn run(self) -> io::Result<ExitCode> {
        let text = match self.format {
            Format::Ini => Sample.to_string(),
            Format::Markdown => SettingsPage.to_string(),
        };
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
