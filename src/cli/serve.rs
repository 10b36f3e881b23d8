//! `pasteline serve`: builds what a file says and serves it until a signal.

use std::env;
use std::io;
use std::process::ExitCode;

use clap::Args;
use tracing::Level;

use super::files::Files;
use super::report::{self, Findings, Format, Strictness};
use super::terminal;
use crate::app::App;
use crate::diagnostic::{Diagnostic, Severity};
use crate::graph::{Graph, Loaded, Loader, NodeId, Object, check};
use crate::lint;
use crate::registry::{Kind, Registry};
use crate::server::{Address, Inherited, Settings};
use crate::service;
use crate::settings::{Reader, Settings as _};
use crate::stack;

/// Build what a file says and serve it
///
/// Serves until SIGTERM or SIGINT, lets every request that has begun finish, and ends with
/// status 0. With a fault in what is to be served it does not start. It tells the warnings of the
/// whole file; `validate` also tells the faults in what is not served.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline serve
  pasteline serve /etc/neutron/api-paste.ini --name neutron --bind 127.0.0.1:9696
  pasteline serve --bind 127.0.0.1:8080,[::1]:8080
  pasteline serve --bind unix:/run/neutron/api.sock")]
pub(super) struct Serve {
    #[command(flatten)]
    files: Files,

    /// The app to serve
    #[arg(long, value_name = "NAME", default_value = "main")]
    name: String,

    /// The section `[server:NAME]` to take the server's settings from; without `[server:main]`
    /// there are defaults
    #[arg(long, value_name = "NAME", default_value = MAIN)]
    server: String,

    /// The addresses to listen at, whatever the file says, each as `HOST:PORT`, `unix:PATH` or
    /// `systemd`; for port 0 the system chooses one
    /// [default: 127.0.0.1:9696]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    bind: Vec<Address>,

    #[command(flatten)]
    strictness: Strictness,
}

/// The name that stands for all that is not named.
const MAIN: &str = "main";

impl Serve {
    pub(super) fn run(self, registry: &Registry) -> io::Result<ExitCode> {
        start_log();
        let Some((app, settings)) = self.prepare(registry)? else { return Ok(ExitCode::FAILURE) };
        let inherited = Inherited::take(|name| env::var_os(name));
        match service::run(app, settings, inherited) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                terminal::tell(&format!("error: {error}"))?;
                Ok(ExitCode::FAILURE)
            }
        }
    }

    /// Loads, checks and builds; none if something is wrong, which has been told then.
    fn prepare(self, registry: &Registry) -> io::Result<Option<(App, Settings)>> {
        let Self { files, name, server, bind, strictness } = self;
        let input = files.input();
        let mut loader = Loader::open(&input, registry);
        let Loaded { graph, root, diagnostics } = loader.load(Object::App, Some(&name));
        let mut findings = Findings::default();
        findings.add(diagnostics);
        findings.add(check(&graph, registry, loader.sources()));
        let (settings, found) = settings(&mut loader, registry, &server);
        findings.add(found);
        let warnings = lint::validate(&mut loader, registry).into_iter();
        findings.add(warnings.filter(|found| found.severity == Severity::Warning));
        let Findings { mut diagnostics, .. } = findings;
        lint::silence(&mut diagnostics, loader.sources());
        diagnostics.sort_by_key(|found| found.span.map(|span| (span.source, span.start)));
        report::tell(&diagnostics, loader.sources(), &registry.mask(), Format::Text)?;
        match (root, settings) {
            (Some(root), Some(mut settings)) if !strictness.refuses(&diagnostics) => {
                if !bind.is_empty() {
                    settings.bind_to(bind);
                }
                let app = build(&graph, root, (registry, &loader))?;
                Ok(app.map(|app| (app, settings)))
            }
            _ => {
                terminal::tell(&Strictness::verdict(&diagnostics, &input.file))?;
                Ok(None)
            }
        }
    }
}

/// Builds the app; none if the world stands in the way, which has been told then.
fn build(
    graph: &Graph,
    root: NodeId,
    (registry, loader): (&Registry, &Loader<'_>),
) -> io::Result<Option<App>> {
    let errors = match stack::build(graph, root, registry, loader.sources()) {
        Ok(app) => return Ok(Some(app)),
        Err(errors) => errors,
    };
    for error in errors {
        let place = error.place.map(|span| format!("{}: ", loader.sources().location(span)));
        terminal::tell(&format!("error: {}{error}", place.unwrap_or_default()))?;
    }
    Ok(None)
}

/// The settings of the server, and what is wrong with them; defaults if nothing describes it.
fn settings(
    loader: &mut Loader<'_>,
    registry: &Registry,
    name: &str,
) -> (Option<Settings>, Vec<Diagnostic>) {
    let is_described = loader
        .loadable()
        .iter()
        .any(|section| section.object == Object::Server && section.name.as_deref() == Some(name));
    if name == MAIN && !is_described {
        return (Some(Settings::default()), Vec::new());
    }
    let Loaded { graph, root, mut diagnostics } = loader.load(Object::Server, Some(name));
    let node = root.map(|root| graph.node(root));
    let factory = node.and_then(|node| Some((node, node.factory()?)));
    let Some((node, factory)) = factory else { return (None, diagnostics) };
    let Some(found) = registry.find(Kind::Server, &factory.spec) else {
        diagnostics.extend(check(&graph, registry, loader.sources()));
        return (None, diagnostics);
    };
    let subject = found.subject(&factory.spec, node.place);
    let mut reader = Reader::new(subject, &node.local, &node.global, loader.sources());
    let settings = Settings::read(&mut reader);
    if let Some(settings) = &settings {
        settings.check(&mut reader);
    }
    diagnostics.extend(reader.finish());
    (settings, diagnostics)
}

/// Has log lines written to standard error, unless the program has its own log already.
fn start_log() {
    let log = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(terminal::is_colourful())
        .with_max_level(Level::INFO)
        .with_target(false);
    // It fails only if there is one.
    let _ = log.try_init();
}
