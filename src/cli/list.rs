//! `pasteline list`: every factory that a file may name.

use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::aliases::Aliases;
use super::reference::Reference;
use super::terminal;
use crate::registry::{Definition, Kind, Registry};
use crate::settings::summary;

/// List every app, composite, filter and server that a file may name
///
/// A section of a paste file names one by `use = egg:pasteline#NAME`. Many Python factories,
/// such as `oslo_middleware.cors:filter_factory`, stand for one of them too: `explain` says which.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline list
  pasteline explain cors")]
pub(super) struct List {
    /// A table, the whole reference, or the Python factories, the last two as Markdown
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The Python factories that files name, and what becomes of each, for a page of
    /// documentation
    Aliases,
    /// Everything that `explain` says, for a page of documentation
    Markdown,
    /// A line each
    Text,
}

impl List {
    pub(super) fn run(&self, registry: &Registry) -> io::Result<ExitCode> {
        let text = match self.format {
            Format::Aliases => Aliases(registry).to_string(),
            Format::Markdown => Reference(registry).to_string(),
            Format::Text => Table(registry).to_string(),
        };
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a definition makes, in words: `app, filter`.
pub(super) fn kinds(definition: &Definition) -> String {
    definition.kinds().map(Kind::name).collect::<Vec<_>>().join(", ")
}

/// The factories, a line each.
pub(super) struct Table<'a>(pub(super) &'a Registry);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self
            .0
            .definitions()
            .into_iter()
            .map(|definition| (definition.name, kinds(definition), summary(definition.doc)))
            .collect();
        let names = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
        let kinds = rows.iter().map(|(_, kinds, _)| kinds.len()).max().unwrap_or_default();
        for (name, kind, summary) in rows {
            writeln!(f, "{name:names$}  {kind:kinds$}  {summary}")?;
        }
        Ok(())
    }
}
