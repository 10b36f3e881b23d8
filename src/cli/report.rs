//! Tells of what is wrong with the files.

use std::collections::HashSet;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::Value as Json;

use super::terminal;
use crate::diagnostic::{Diagnostic, Severity, Style, render};
use crate::settings::Mask;
use crate::source::{Sources, Span};

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

/// What several loads of the same files found, each fault once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) diagnostics: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
}

impl Findings {
    /// Adds what was found and is not known yet.
    pub(super) fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        let new = diagnostics
            .into_iter()
            .filter(|found| self.seen.insert((found.slug, found.span, found.message.clone())));
        self.diagnostics.extend(new);
    }
}

/// Tells of all diagnostics, the secrets in them and in the texts around them hidden.
pub(super) fn tell(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    mask: &Mask,
    format: Format,
) -> io::Result<()> {
    if diagnostics.is_empty() && format != Format::Json {
        return Ok(());
    }
    let (diagnostics, sources) = &mask.told(diagnostics, sources);
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

/// How many there are of each severity, in words: "2 errors, 1 warning"; empty if there are none.
pub(super) fn tally(diagnostics: &[Diagnostic]) -> String {
    let count = |severity: Severity| {
        let found = diagnostics.iter().filter(|other| other.severity == severity);
        count(found.count(), severity.name())
    };
    let counts = [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count);
    counts.collect::<Vec<_>>().join(", ")
}

/// A number of things, in words: "1 error", "2 errors"; none if there are none.
pub(super) fn count(number: usize, noun: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{number} {noun}s")),
    }
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
