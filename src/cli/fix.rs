//! `pasteline fix`: mends what is wrong with a file.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::files::Files;
use super::patch::Patch;
use super::rewrite::rewrite;
use super::{report, terminal};
use crate::diagnostic::Applicability;
use crate::fix::{self, Fixed, Mended, Outcome};
use crate::registry::Registry;
use crate::settings::Mask;
use crate::source::{Sources, describe, shown};

/// Mend what `validate` finds, where it is certain what is meant
///
/// Applied are the fixes that leave all that could be loaded as it was, to the letter, and make
/// of the rest what its writer must have meant; that is proved before anything is written. FILE
/// and the overlays are changed. Of fixes in files that they include, and in FILE.d, is only
/// told: name these files to have them mended.
///
/// The exit status is 0 if no error is left; 1 if one is, or a file could not be written; 2 if
/// this command line is not understood.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline fix --diff
  pasteline fix /etc/neutron/api-paste.ini
  pasteline fix --unsafe --diff | less")]
pub(super) struct Fix {
    #[command(flatten)]
    files: Files,

    /// Write nothing, but print what would change, as a unified diff in which secrets are hidden
    #[arg(long)]
    diff: bool,

    /// Apply the fixes too that are likely right but change what a file means; a person must look
    /// at what comes of it
    #[arg(long = "unsafe", alias = "unsafe-fixes")]
    with_unsafe: bool,
}

impl Fix {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let most = if self.with_unsafe { Applicability::Unsafe } else { Applicability::Safe };
        let input = self.files.input();
        let outcome = fix::fix(&input, registry, most);
        let mask = &registry.mask();
        let is_done = if self.diff {
            preview(&outcome, mask)?;
            true
        } else {
            let is_done = write(&outcome)?;
            report::tell(&outcome.left, &outcome.sources, mask, report::Format::Text)?;
            is_done
        };
        terminal::tell(&summary(&outcome, &input.file, self.diff))?;
        Ok(if is_done { report::status(&outcome.left) } else { ExitCode::FAILURE })
    }
}

/// Prints what would change. What would be left is not told one by one: its places are in texts
/// that nobody has.
fn preview(outcome: &Outcome, mask: &Mask) -> io::Result<()> {
    for Mended { path, before, after } in &outcome.files {
        terminal::print(&Patch { path, before, after, mask }.to_string())?;
    }
    outcome.fixed.iter().try_for_each(|fixed| terminal::tell(&line(fixed)))
}

/// Writes what changes and prints what was done; says whether all of it could be written.
fn write(outcome: &Outcome) -> io::Result<bool> {
    let mut is_done = true;
    for file in &outcome.files {
        if let Err(cause) = replace(file) {
            terminal::tell(&format!("error: cannot write `{}`: {cause}", shown(&file.path)))?;
            is_done = false;
            continue;
        }
        for fixed in outcome.fixed.iter().filter(|fixed| fixed.path == file.path) {
            terminal::print(&format!("{}\n", line(fixed)))?;
        }
    }
    Ok(is_done)
}

/// Writes a file, unless it is no longer the one that was looked at.
fn replace(file: &Mended) -> Result<(), String> {
    let mut sources = Sources::default();
    let now = sources.read(&file.path).map_err(|error| error.to_string())?;
    if sources.get(now).text() != &file.before {
        return Err("it has been changed meanwhile".to_owned());
    }
    rewrite(&file.path, &file.after).map_err(|error| describe(&error))
}

/// What was done and where, in a line.
fn line(fixed: &Fixed) -> String {
    let Fixed { path, line, column, slug, title } = fixed;
    format!("{}:{line}:{column}: {title} ({slug})", shown(path))
}

/// What was done in all, what is left, and how to have more done.
fn summary(outcome: &Outcome, file: &Path, is_preview: bool) -> String {
    let Outcome { fixed, left, refused, held_back, elsewhere, .. } = outcome;
    let verb = if is_preview { "would mend" } else { "mended" };
    let is_left = if is_preview { "would be left" } else { "left" };
    let mended = report::count(fixed.len(), "fault").unwrap_or_else(|| "nothing".to_owned());
    let tally = Some(report::tally(left)).filter(|tally| !tally.is_empty());
    let tally = tally.unwrap_or_else(|| "nothing".to_owned());
    let mut summary = format!("{verb} {mended}; {tally} {is_left} in {}", shown(file));
    let mut add = |line: String| summary.extend(["\n", &*line]);
    if is_preview && !left.is_empty() {
        add(format!("`pasteline validate {}` tells of all that is wrong now", shown(file)));
    }
    if let Some(more) = report::count(*held_back, "fault") {
        add(format!("`--unsafe` mends {more} more, and may change what the file means"));
    }
    if let Some(more) = report::count(*refused, "fault") {
        add(format!("{more} cannot be mended without harm to what is well, so look at the help"));
    }
    for other in elsewhere {
        add(format!("`{}` was not named and stays as it is", shown(other)));
    }
    summary
}
