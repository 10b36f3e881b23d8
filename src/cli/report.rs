//! Tells of what is wrong with the files.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use super::terminal;
use crate::diagnostic::{Diagnostic, Page, Severity, Style, render, sarif};
use crate::settings::Mask;
use crate::source::{Sources, shown};

/// What counts as an error.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Strictness {
    /// Count warnings as errors; notes never are
    #[arg(long)]
    deny_warnings: bool,
}

impl Strictness {
    /// Whether warnings count as errors.
    pub(super) fn denies_warnings(self) -> bool {
        self.deny_warnings
    }

    /// Whether one of these counts as an error.
    pub(super) fn refuses(self, diagnostics: &[Diagnostic]) -> bool {
        let least = if self.deny_warnings { Severity::Warning } else { Severity::Error };
        diagnostics.iter().any(|found| found.severity <= least)
    }

    /// How many of each severity there are in a file that is refused, and if nothing but warnings
    /// speak against it, why they do.
    pub(super) fn verdict(diagnostics: &[Diagnostic], file: &Path) -> String {
        let (tally, file) = (tally(diagnostics), shown(file));
        if diagnostics.iter().any(Diagnostic::is_error) {
            return format!("{tally} in {file}");
        }
        format!("{tally} in {file}; `--deny-warnings` makes warnings count as errors")
    }
}

/// How diagnostics are told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// One JSON array on standard output, for tools
    Json,
    /// A SARIF log on standard output, for code scanners
    Sarif,
    /// A line each on standard error
    Short,
    /// With the source and carets, on standard error
    Text,
}

/// Tells of all diagnostics, the secrets in them and in the texts around them hidden.
pub(super) fn tell(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    mask: &Mask,
    format: Format,
) -> io::Result<()> {
    // Most often there is nothing to tell, and nothing to look for.
    let (diagnostics, sources) = match diagnostics {
        [] => &(Vec::new(), Sources::default()),
        _ => &mask.told(diagnostics, sources),
    };
    let (style, gap) = match format {
        Format::Json => return print_json(diagnostics, sources),
        Format::Sarif => return terminal::print_json(&sarif(diagnostics, sources)),
        Format::Short => (Style::Short, ""),
        Format::Text if terminal::is_colourful() => (Style::Colour, "\n"),
        Format::Text => (Style::Plain, "\n"),
    };
    let mut stderr = io::stderr().lock();
    for diagnostic in diagnostics {
        writeln!(stderr, "{}{gap}", render(diagnostic, sources, style))?;
    }
    if format == Format::Text
        && let Some(pointer) = pointer(diagnostics)
    {
        writeln!(stderr, "{pointer}")?;
    }
    stderr.flush()
}

/// Where to read more about what was told.
fn pointer(diagnostics: &[Diagnostic]) -> Option<String> {
    let mut slugs = diagnostics.iter().map(|found| found.slug);
    let first = slugs.find(|slug| Page::find(slug).is_some())?;
    let command = format!("`pasteline explain {first}`");
    if slugs.all(|slug| slug == first) {
        return Some(format!("for more, run {command}"));
    }
    Some(format!("for more, run `pasteline explain` with a name in brackets, as in {command}"))
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
