//! `pasteline sample-config`: a settings file with every option in it.

use std::io;
use std::process::ExitCode;

use clap::Args;

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
pub(super) struct SampleConfig {}

impl SampleConfig {
    #[expect(clippy::unused_self, reason = "all commands are run in the same way")]
    pub(super) fn run(self) -> io::Result<ExitCode> {
        terminal::print(&Sample.to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}
