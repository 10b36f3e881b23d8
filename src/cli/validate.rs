//! `pasteline validate`: everything that is wrong with a file, at once.

use std::io;
use std::process::ExitCode;

use clap::Args;

use super::config::ConfigPaths;
use super::files::{self, Files};
use super::report::{self, Format, Strictness};
use super::terminal;
use crate::config::Config;
use crate::graph::{Loader, Object};
use crate::lint;
use crate::registry::Registry;
use crate::service::{check_sections, check_servers, check_settings};
use crate::source::{Sources, shown};

/// Check a file: every section and option, all faults at once
///
/// Sections that no pipeline uses are checked too. Nothing is started: no socket is opened, no
/// name resolved, and no file read but the configuration, with the certificates and secrets that
/// it names. The exit status is 0 if there is no
/// error, 1 if there is one, or a warning with --deny-warnings, and 2 if this command line is not
/// understood.
///
/// A comment directly above a line silences a warning about it, `# pasteline: allow NAME`, and
/// anywhere in a file all of its kind, `# pasteline: allow-file NAME`. NAME is the word in
/// brackets; `pasteline explain NAME` tells more.
///
/// In JSON each has `slug`, `severity`, `message` and `help`; where it is about a place `file`,
/// `line`, `column`, `end` (`line` and `column` behind it) and `label`; `related`, other places in
/// the same form; and where it can be mended `fix` with `title`, `safe` and `edits`, places with
/// the `text` to put there. Lines and columns count from 1, columns in characters. Secrets are
/// hidden.
#[derive(Args, Debug)]
#[command(
    after_long_help = "\
Example:
  pasteline validate
  pasteline validate /etc/neutron/api-paste.ini --overlay overlay.ini --format short
  pasteline validate --deny-warnings --format sarif > pasteline.sarif
  git show :etc/api-paste.ini | pasteline validate -",
    mut_arg("file", files::or_stdin)
)]
pub(super) struct Validate {
    #[command(flatten)]
    files: Files,

    /// How to tell what is wrong
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    #[command(flatten)]
    config: ConfigPaths,

    #[command(flatten)]
    strictness: Strictness,
}

impl Validate {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let mut sources = Sources::default();
        let (config, mut diagnostics) = Config::read(&self.config.input(Vec::new()), &mut sources);
        let input = self.files.open_input().or(&config, &sources);
        let Some(input) = files::read_stdin(input, &mut sources)? else {
            return Ok(ExitCode::FAILURE);
        };
        let mut loader =
            Loader::open_with(&input, registry, sources).with_settings(config.groups());
        lint::silence(&mut diagnostics, loader.sources());
        diagnostics.extend(lint::validate(&mut loader, registry));
        let mut found = check_settings(&mut loader, registry, &config);
        found.extend(check_sections(&config, registry, loader.sources()));
        found.extend(check_servers(&mut loader, registry, &config));
        lint::silence(&mut found, loader.sources());
        found.retain(|found| !diagnostics.contains(found));
        diagnostics.extend(found);
        diagnostics.sort_by_key(|found| found.span.map(|span| (span.source, span.start)));
        report::tell(&diagnostics, loader.sources(), &registry.mask(), self.format)?;
        let is_refused = self.strictness.refuses(&diagnostics);
        if matches!(self.format, Format::Json | Format::Sarif) {
            // The result says it all.
        } else if is_refused {
            terminal::tell(&Strictness::verdict(&diagnostics, &input.file))?;
        } else {
            let (file, tally) = (shown(&input.file), report::tally(&diagnostics));
            let besides = if tally.is_empty() { tally } else { format!(" ({tally})") };
            terminal::print(&format!("{file} is valid: {}{besides}\n", inventory(&loader)))?;
        }
        Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// What the file has that was checked: "3 apps, 2 filters".
fn inventory(loader: &Loader<'_>) -> String {
    let sections = loader.loadable();
    let count = |object: Object| {
        let count = sections.iter().filter(|section| section.object == object).count();
        report::count(count, object.name())
    };
    let counts = [Object::App, Object::Filter, Object::Server].into_iter().filter_map(count);
    let counts = counts.collect::<Vec<_>>().join(", ");
    if counts.is_empty() { "no section to load".to_owned() } else { counts }
}
