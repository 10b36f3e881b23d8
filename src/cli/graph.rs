//! `pasteline graph`: draws apps as requests pass through them.

use std::collections::HashSet;
use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::files::Files;
use super::report;
use super::terminal;
use crate::diagnostic::Findings;
use crate::draw::{Colours, Picture};
use crate::graph::{Loaded, Loader, Object};
use crate::registry::Registry;
use crate::source::Span;

/// Draw an app as a tree or a picture, in the order in which a request passes it
///
/// Nothing is built or started. A factory that is not known is drawn as such. Of options only what
/// composites branch by is shown, and no value that a secret has come into.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline graph
  pasteline graph /etc/nova/api-paste.ini --all --format svg > nova.svg
  pasteline graph --name neutron --format dot | dot -Tpdf > neutron.pdf")]
pub(super) struct Graph {
    #[command(flatten)]
    files: Files,

    /// The app to draw
    #[arg(long, value_name = "NAME", default_value = "main")]
    name: String,

    /// Draw every app that no other one is made of
    #[arg(long, conflicts_with = "name")]
    all: bool,

    /// What to draw it as
    #[arg(long, value_name = "FORMAT", default_value = "tree")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A graph for Graphviz
    Dot,
    /// A flowchart for wikis that draw Mermaid
    Mermaid,
    /// An image that needs nothing else, light or dark as its reader's system
    Svg,
    /// An indented tree with the place of each section
    Tree,
}

impl Graph {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        let Self { files, name, all, format } = self;
        let input = files.input();
        let mut loader = Loader::open(&input, registry);
        let loaded =
            if all { entries(&mut loader) } else { vec![loader.load(Object::App, Some(&name))] };
        let mut picture = Picture::new(input.file.to_string_lossy());
        let mut findings = Findings::default();
        for Loaded { graph, root, diagnostics } in loaded {
            findings.add(diagnostics);
            if let Some(root) = root {
                picture.add(&graph, root, registry, loader.sources());
            }
        }
        if !picture.is_empty() {
            terminal::print(&format.draw(&picture))?;
        }
        report::tell(
            &findings.diagnostics,
            loader.sources(),
            &registry.mask(),
            report::Format::Text,
        )?;
        Ok(report::status(&findings.diagnostics))
    }
}

impl Format {
    fn draw(self, picture: &Picture) -> String {
        match self {
            Self::Dot => picture.dot().to_string(),
            Self::Mermaid => picture.mermaid().to_string(),
            Self::Svg => picture.svg().to_string(),
            Self::Tree if terminal::is_colourful_output() => {
                picture.tree(Colours::Terminal).to_string()
            }
            Self::Tree => picture.tree(Colours::None).to_string(),
        }
    }
}

/// All apps of a file that no other one is made of, and those that are at fault.
fn entries(loader: &mut Loader<'_>) -> Vec<Loaded> {
    let apps = loader.loadable().into_iter().filter(|section| section.object == Object::App);
    let apps: Vec<_> = apps.map(|app| loader.load(Object::App, app.name.as_deref())).collect();
    let inner: HashSet<Span> = apps.iter().flat_map(inner).collect();
    let is_inner = |app: &Loaded| section(app).is_some_and(|section| inner.contains(&section));
    apps.into_iter().filter(|app| !is_inner(app)).collect()
}

/// The place of an app's own section; none if it is at fault.
fn section(app: &Loaded) -> Option<Span> {
    Some(app.graph.node(app.root?).chain.first()?.span)
}

/// The places of the sections that an app is made of.
fn inner(app: &Loaded) -> impl Iterator<Item = Span> {
    let own = section(app);
    let links = app.graph.iter().flat_map(|(_, node)| &node.chain);
    links.map(|link| link.span).filter(move |span| Some(*span) != own)
}
