//! `pasteline show`: what a file resolves to.

mod settings;

use std::cell::{Cell, RefCell};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::config::ConfigPaths;
use super::files::{self, Files};
use super::rows::Manner;
use super::sections::Sections;
use super::tree::Tree;
use super::{report, terminal};
use crate::config::Config;
use crate::diagnostic::Findings;
use crate::graph::{Detail, Loaded, Loader, Object, Origins};
use crate::registry::Registry;
use crate::settings::Mask;
use crate::source::Sources;

/// Show what a file resolves to: sections, factories, options and where each came from
///
/// Nothing is built or started, and factories need not be known. Secrets are hidden, but for
/// `--format json`, which is verbatim, for tools.
#[expect(clippy::struct_excessive_bools, reason = "each is an argument of the command line")]
#[derive(Args, Debug)]
#[command(
    after_long_help = "\
Example:
  pasteline show
  pasteline show api-paste.ini --name cors --type filter --origin
  pasteline show api-paste.ini --all --format json
  pasteline show - --sections < api-paste.ini",
    mut_arg("file", files::or_stdin)
)]
pub(super) struct Show {
    #[command(flatten)]
    files: Files,

    /// The name of the section to show
    #[arg(long, value_name = "NAME", default_value = "main")]
    name: String,

    /// What it is
    #[arg(long = "type", value_name = "TYPE", default_value = "app")]
    object: Type,

    /// Show the settings of the service instead, each with where it comes from: the environment,
    /// `--config-file` and `--config-dir`, or a default
    #[arg(long, conflicts_with_all = ["name", "object", "all", "sections", "origin", "format"])]
    settings: bool,

    #[command(flatten)]
    config: ConfigPaths,

    /// Show every section that can be loaded
    #[arg(long, conflicts_with_all = ["name", "object", "sections"])]
    all: bool,

    /// Show the file as it was parsed, nothing resolved but references between options
    #[arg(long, conflicts_with_all = ["name", "object"])]
    sections: bool,

    /// Tell of each option all that it comes from, with line and column: the sections that use one
    /// another, `set` and `get`, references, what an overlay replaces; and what factories take for
    /// options that are not given, or that they need them. JSON has all that as `origin` beside
    /// the rest
    #[arg(long)]
    origin: bool,

    /// A tree for people, or JSON with the trees that Paste Deploy would make
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Type {
    App,
    Filter,
    Server,
}

impl Type {
    fn object(self) -> Object {
        match self {
            Self::App => Object::App,
            Self::Filter => Object::Filter,
            Self::Server => Object::Server,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// What Paste Deploy would make of it, secrets included
    Json,
    /// An indented tree, each option with its place
    Text,
}

impl Show {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        if self.settings {
            return settings::print(self.files, self.config, registry);
        }
        let Self { files, name, object, all, sections, origin, format, config, .. } = self;
        let detail = if origin { Detail::Origins } else { Detail::Plain };
        let mut sources = Sources::default();
        // What is wrong with them is told with `--settings`.
        let (config, _) = Config::read(&config.input(Vec::new()), &mut sources);
        let input = files.open_input().or(&config, &sources);
        let Some(input) = files::read_stdin(input, &mut sources)? else {
            return Ok(ExitCode::FAILURE);
        };
        let mut loader = Loader::open_with(&input, registry, sources);
        loader = loader.with_settings(config.groups());
        let (object, mask) = (object.object(), registry.mask());
        match format {
            Format::Json if sections => match loader.show_sections(detail) {
                Ok(shown) => terminal::print_json(&shown).map(|()| ExitCode::SUCCESS),
                Err(error) => print_json(&error),
            },
            Format::Json if all => match loader.show_all(detail) {
                Ok(shown) => print_all_json(shown),
                Err(error) => print_json(&error),
            },
            Format::Json => print_json(&loader.show(object, Some(&name), detail)),
            Format::Text if sections => print_sections(&loader, &mask, detail),
            Format::Text if all => {
                let loadable = loader.loadable().into_iter();
                let all: Vec<_> = loadable.map(|section| (section.object, section.name)).collect();
                print_trees(&mut loader, (&mask, detail), &all)
            }
            Format::Text => {
                print_trees(&mut loader, (&mask, detail), &[(object, Some(name.into()))])
            }
        }
    }
}

fn print_json(shown: &Json) -> io::Result<ExitCode> {
    terminal::print_json(shown)?;
    Ok(if is_error(shown) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints each as it comes, since all of them may be far larger than the file.
fn print_all_json(shown: impl Iterator<Item = Json>) -> io::Result<ExitCode> {
    let failed = Cell::new(false);
    let shown = shown.inspect(|shown| failed.set(failed.get() || is_error(shown)));
    terminal::print_json(&Each(RefCell::new(shown)))?;
    Ok(if failed.get() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn is_error(shown: &Json) -> bool {
    shown.get("error").is_some()
}

/// A JSON array of what comes, once.
struct Each<I>(RefCell<I>);

impl<I: Iterator<Item = Json>> Serialize for Each<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&mut *self.0.borrow_mut())
    }
}

fn print_sections(loader: &Loader<'_>, mask: &Mask, detail: Detail) -> io::Result<ExitCode> {
    let mut diagnostics = loader.faults().to_vec();
    if let Some(document) = loader.document() {
        let mask = &mask.following(loader.sources());
        let manner = Manner { mask, sources: loader.sources(), detail };
        let sections = Sections::of(document, &Origins::new(loader), manner);
        terminal::print(&sections.text)?;
        diagnostics.extend(sections.faults.diagnostics);
    }
    report::tell(&diagnostics, loader.sources(), mask, report::Format::Text)?;
    Ok(report::status(&diagnostics))
}

/// Prints what can be resolved of all that is asked for, and tells what is wrong with the rest.
fn print_trees(
    loader: &mut Loader<'_>,
    (mask, detail): (&Mask, Detail),
    asked: &[(Object, Option<Arc<str>>)],
) -> io::Result<ExitCode> {
    let mut findings = Findings::default();
    let (mut gap, mut followed) = ("", (0, Mask::default()));
    for (object, name) in asked {
        let Loaded { graph, root, diagnostics } = loader.load(*object, name.as_deref());
        findings.add(diagnostics);
        let Some(root) = root else { continue };
        // Files that are included are read when they are come to.
        let count = loader.sources().iter().count();
        if count > followed.0 {
            followed = (count, mask.following(loader.sources()));
        }
        let manner = Manner { mask: &followed.1, sources: loader.sources(), detail };
        let tree = Tree { graph: &graph, root, origins: &Origins::new(loader), manner };
        terminal::print(&format!("{gap}{tree}"))?;
        gap = "\n";
    }
    report::tell(&findings.diagnostics, loader.sources(), mask, report::Format::Text)?;
    Ok(report::status(&findings.diagnostics))
}
