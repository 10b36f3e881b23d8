//! `pasteline schema`: the options of factories as JSON Schema.

mod document;
mod value;

pub(super) use self::document::{all, of};

use std::io;
use std::process::ExitCode;

use clap::Args;

use super::explain::{factories, unknown_factory};
use super::terminal;
use crate::registry::Registry;

/// Print a JSON Schema of the options of all factories, or of one
///
/// It describes the options of a section as `show --format json` prints them: their types,
/// defaults, what they are for, which of them must be given and which are secret. The dialect is
/// 2020-12.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline schema > pasteline.schema.json
  pasteline schema cors
  pasteline schema oslo_middleware.cors:filter_factory")]
pub(super) struct Schema {
    /// A native name (`cors`) or any spelling of a Python factory (`egg:Paste#urlmap`); all
    /// factories if none is given
    name: Option<String>,
}

impl Schema {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let Some(name) = self.name else {
            return terminal::print_json(&all(registry)).map(|()| ExitCode::SUCCESS);
        };
        let found = factories(registry, &name);
        if found.is_empty() {
            return terminal::tell(&unknown_factory(registry, &name)).map(|()| ExitCode::FAILURE);
        }
        terminal::print_json(&of(&found)).map(|()| ExitCode::SUCCESS)
    }
}
