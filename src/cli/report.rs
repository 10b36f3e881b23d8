//! Tells of what is wrong with the files.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::Value as Json;

use super::terminal;
use crate::diagnostic::{Diagnostic, Style, render};
use crate::source::Sources;

/// How diagnostics are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// One JSON array on standard output, for tools
    Json,
    /// A line each on standard error
    Short,
    /// With the source and carets, on standard error
    Text,
}

/// Tells of all diagnostics.
pub(super) fn tell(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    format: Format,
) -> io::Result<()> {
    let (style, gap) = match format {
        Format::Json => return print_json(diagnostics, sources),
        Format::Short => (Style::Short, ""),
        Format::Text if terminal::is_colourful() => (Style::Colour, "\n"),
        Format::Text => (Style::Plain, "\n"),
    };
    let mut stderr = io::stderr().lock();
    for diagnostic in diagnostics {
        writeln!(stderr, "{}{gap}", render(diagnostic, sources, style))?;
    }
    stderr.flush()
}

/// How a command ends that found these: 1 if one of them is an error.
pub(super) fn status(diagnostics: &[Diagnostic]) -> ExitCode {
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print_json(diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    let all = diagnostics.iter().map(|diagnostic| diagnostic.json(sources)).collect();
    terminal::print_json(&Json::Array(all))
}
