//! `pasteline fmt`: one layout for all files.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::files::{SHOWN_STDIN, STDIN};
use super::patch::Patch;
use super::rewrite::rewrite;
use super::{report, terminal};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::ini;
use crate::registry::Registry;
use crate::settings::Mask;
use crate::source::{Sources, describe, shown};

/// Give files the usual layout: indentation, delimiters, blank lines
///
/// What a file means stays the same, and so do its comments. Files with syntax errors are left
/// alone. The exit status is 0 if all files have the layout in the end; 1 if one of them could
/// not be read or written, or with --check would change; 2 if this command line is not
/// understood.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline fmt
  pasteline fmt --diff /etc/neutron/api-paste.ini
  pasteline fmt --check etc/*.ini")]
pub(super) struct Fmt {
    /// The paste files; `-` reads standard input and prints the result
    #[arg(value_name = "FILE", default_value = "api-paste.ini")]
    files: Vec<PathBuf>,

    /// Write nothing, but print the names of the files that would change; the exit status tells
    /// whether there are any
    #[arg(long)]
    check: bool,

    /// Write nothing, but print what would change, as a unified diff in which secrets are hidden;
    /// with --check instead of the names
    #[arg(long)]
    diff: bool,
}

/// The text of a file and what becomes of it.
struct Texts {
    /// The name for messages.
    name: PathBuf,
    before: Arc<str>,
    after: Arc<str>,
}

/// How it went with a file.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Outcome {
    Bad,
    Good,
}

impl Fmt {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        for file in &self.files {
            let outcome = match texts(file, registry)? {
                Some(texts) if self.check || self.diff => self.compare(&texts, &registry.mask())?,
                Some(texts) => write(file, &texts)?,
                None => Outcome::Bad,
            };
            if outcome == Outcome::Bad {
                code = ExitCode::FAILURE;
            }
        }
        Ok(code)
    }

    /// Prints whether and how a file would change.
    fn compare(&self, texts: &Texts, mask: &Mask) -> io::Result<Outcome> {
        let Texts { name, before, after } = texts;
        if before == after {
            return Ok(Outcome::Good);
        }
        if self.diff {
            terminal::print(&Patch { path: name, before, after, mask }.to_string())?;
        } else {
            terminal::print(&format!("{}\n", shown(name)))?;
        }
        Ok(if self.check { Outcome::Bad } else { Outcome::Good })
    }
}

/// Formats a file; none if it is left alone, which is told.
fn texts(file: &Path, registry: &Registry) -> io::Result<Option<Texts>> {
    let mut sources = Sources::default();
    let (document, diagnostics) = if is_stdin(file) {
        ini::read_from(io::stdin().lock(), Path::new(SHOWN_STDIN), &mut sources)
    } else {
        ini::read(file, &mut sources)
    };
    let is_faulty = diagnostics.iter().any(Diagnostic::is_error);
    let Some(document) = document.filter(|_| !is_faulty) else {
        report::tell(&diagnostics, &sources, &registry.mask(), report::Format::Text)?;
        return Ok(None);
    };
    let source = sources.get(document.source);
    let (name, before) = (source.name().to_owned(), Arc::clone(source.text()));
    match format::format(&document, &sources) {
        Ok(after) => Ok(Some(Texts { name, before, after })),
        Err(altered) => {
            let name = shown(&name);
            terminal::tell(&format!("error: `{name}` is left as it is: {altered}"))?;
            Ok(None)
        }
    }
}

/// Writes the new text in the place of the old one; standard input has none, so it is printed.
fn write(file: &Path, texts: &Texts) -> io::Result<Outcome> {
    let Texts { name, before, after } = texts;
    if is_stdin(file) {
        terminal::print(after)?;
    } else if before != after
        && let Err(error) = rewrite(file, after)
    {
        let (name, cause) = (shown(name), describe(&error));
        terminal::tell(&format!("error: cannot write `{name}`: {cause}"))?;
        return Ok(Outcome::Bad);
    }
    Ok(Outcome::Good)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new(STDIN)
}
