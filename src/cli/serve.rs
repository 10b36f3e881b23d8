//! `pasteline serve`: builds what a file says and serves it until a signal.

use std::collections::HashSet;
use std::env;
use std::io;
use std::process::{self, ExitCode};
use std::time::Duration;

use clap::{Args, ValueHint, value_parser};

use super::config::ConfigPaths;
use super::files::Files;
use super::log;
use super::report::{self, Format, Strictness};
use super::terminal;
use crate::access_log;
use crate::admin::Desk;
use crate::config::Config;
use crate::graph::Loader;
use crate::program::Program;
use crate::registry::Registry;
use crate::server::{Address, Inherited};
use crate::service::{self, Environment, Order, Outcome, Prepared, Refusal, Served};
use crate::source::Sources;

/// Build what a file says and serve it
///
/// Serves until SIGTERM or SIGINT, lets every request that has begun finish, and ends with
/// status 0. With a fault in what is to be served it does not start, and ends with status 1. It
/// tells the warnings of the whole file; `validate` also tells the notes, and the faults in what
/// is not served.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Example:
  pasteline serve
  pasteline serve /etc/neutron/api-paste.ini --name neutron --bind 127.0.0.1:9696
  pasteline serve --bind 127.0.0.1:8080,[::1]:8080
  pasteline serve --bind unix:/run/neutron/api.sock
  pasteline serve --server main --server admin=metrics")]
pub(super) struct Serve {
    #[command(flatten)]
    files: Files,

    /// The app to serve
    #[arg(long, value_name = "NAME", default_value = Order::MAIN)]
    name: String,

    /// The section `[server:NAME]` to take the server's settings from; without `[server:main]`
    /// there are defaults. If it is given several times, all of them are served, each with the app
    /// that is named behind `=`, or by `app` in its section, or by `--name`; how many processes
    /// serve, and how they end, stands in the first
    #[arg(long, value_name = "NAME[=APP]", default_value = Order::MAIN)]
    server: Vec<Served>,

    /// The addresses that the first server listens at, whatever the file says, each as
    /// `HOST:PORT`, `unix:PATH` or `systemd`; for port 0 the system chooses one
    /// [default: 127.0.0.1:9696]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    bind: Vec<Address>,

    /// The number of worker processes, whatever the file says; with 0 this process serves itself
    #[arg(long, value_name = "NUMBER")]
    workers: Option<u16>,

    /// The number of threads of each worker, whatever the file says
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u16).range(1..))]
    threads: Option<u16>,

    /// Reload when a file of the configuration changes
    #[arg(long)]
    watch: bool,

    #[command(flatten)]
    config: ConfigPaths,

    /// The file that the log is appended to, instead of standard error
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    log_file: Option<String>,

    /// Log lines of the level DEBUG too
    #[arg(long)]
    debug: bool,

    #[command(flatten)]
    strictness: Strictness,

    /// Take over from the process that has started this one
    #[arg(long, hide = true)]
    succeed: bool,
}

impl Serve {
    pub(super) fn run(self, program: &Program) -> io::Result<ExitCode> {
        if let Some(twice) = self.named_twice() {
            terminal::tell(&format!("error: `--server {twice}` is given twice"))?;
            return Ok(ExitCode::from(2));
        }
        let ended = Self::serve(self.order(), program);
        // A refusal may be logged too.
        access_log::flush(LAST_LINES);
        ended
    }

    fn serve(order: Order, program: &Program) -> io::Result<ExitCode> {
        let registry = program.registry();
        // What is wrong with the settings is told when all is read.
        if let Err(error) = log::start(&Config::read(&order.config, &mut Sources::default()).0) {
            terminal::tell(&format!("error: {error}"))?;
            return Ok(ExitCode::FAILURE);
        }
        let prepared = match service::prepare(&order, registry, None) {
            Ok(prepared) => prepared,
            Err(refusal) => return refuse(&refusal, registry),
        };
        let Prepared { basis, diagnostics, sources, .. } = &prepared;
        report::tell(diagnostics, sources, &registry.mask(), Format::Text)?;
        if basis.config.main.log_options.0 && tracing::enabled!(tracing::Level::DEBUG) {
            let input = order.input.clone().or(&basis.config, sources);
            let mut loader = Loader::open_with(&input, registry, sources.clone());
            loader = loader.with_settings(basis.config.groups());
            log::log_settings(&basis.config, &mut loader, registry, &order);
        }
        let inherited = Inherited::take(|name| env::var_os(name));
        status(service::serve(order, prepared, (program.clone(), inherited)))
    }

    /// A server that is to be served twice.
    fn named_twice(&self) -> Option<&str> {
        let mut names = HashSet::new();
        let mut all = self.server.iter().map(|served| &*served.server);
        all.find(|name| !names.insert(*name))
    }

    fn order(self) -> Order {
        let debug = self.debug.then(|| ("debug".to_owned(), "true".to_owned()));
        let log_file = self.log_file.map(|file| ("log_file".to_owned(), file));
        Order {
            input: self.files.open_input(),
            config: self.config.input(debug.into_iter().chain(log_file).collect()),
            app: self.name,
            servers: self.server,
            bind: self.bind,
            workers: self.workers,
            threads: self.threads,
            denies_warnings: self.strictness.denies_warnings(),
            succeeds: self.succeed,
            watches: self.watch,
            environment: Environment::of(|name| env::var_os(name), process::id()),
            desk: Desk::default(),
        }
    }
}

/// How long the end waits for the last lines of the log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Tells why nothing is served.
fn refuse(refusal: &Refusal, registry: &Registry) -> io::Result<ExitCode> {
    let Refusal { diagnostics, errors, sources, file } = refusal;
    report::tell(diagnostics, sources, &registry.mask(), Format::Text)?;
    for error in errors {
        terminal::tell(error)?;
    }
    if errors.is_empty() {
        terminal::tell(&Strictness::verdict(diagnostics, file))?;
    }
    Ok(ExitCode::FAILURE)
}

/// Tells why a server cannot run, if so, and says how the process ends.
pub(super) fn status(outcome: Result<Outcome, service::Error>) -> io::Result<ExitCode> {
    match outcome {
        Ok(Outcome::Finished) => Ok(ExitCode::SUCCESS),
        // What was cut off or has failed has been logged.
        Ok(Outcome::CutOff | Outcome::Failed) => Ok(ExitCode::FAILURE),
        Err(error) => {
            terminal::tell(&format!("error: {error}"))?;
            Ok(ExitCode::FAILURE)
        }
    }
}
