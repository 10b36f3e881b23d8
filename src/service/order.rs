//! What a server process was asked to serve.

use serde::{Deserialize, Serialize};

use super::Environment;
use crate::admin::Desk;
use crate::config::{self, Config};
use crate::graph::Input;
use crate::server::{Address, Settings};
use crate::source::Sources;

/// What a server process was asked to serve, by its command line.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Order {
    /// The files. What is left open, settings may name.
    pub input: Input,
    /// What the settings of the service are read from.
    pub config: config::Input,
    /// The app of every server that names none itself.
    pub app: String,
    /// The sections `[server:NAME]` to serve, at least one; for a `main` that is not there,
    /// defaults stand in. The settings of the first one also say how many processes serve and
    /// how they end.
    pub servers: Vec<String>,
    /// The addresses of the first server, whatever the file says; empty for those of the file.
    /// Workers have no use for it: they are given sockets.
    #[serde(skip)]
    pub bind: Vec<Address>,
    /// The number of workers, whatever the file says.
    pub workers: Option<u16>,
    /// The number of threads of each worker, whatever the file says.
    pub threads: Option<u16>,
    /// Whether warnings keep it from being served, as errors do. Workers are not asked again.
    #[serde(skip)]
    pub denies_warnings: bool,
    /// Whether it takes over from the process at the other end of standard input.
    #[serde(skip)]
    pub succeeds: bool,
    /// Whether files that change are loaded anew without being asked to.
    #[serde(skip)]
    pub watches: bool,
    /// Who looks after the process.
    #[serde(skip)]
    pub environment: Environment,
    /// Where those ask who want to know how the server is.
    #[serde(skip)]
    pub desk: Desk,
}

impl Order {
    /// The name that stands for all that is not named.
    pub const MAIN: &str = "main";

    /// An order for the app and the server `main` of a file.
    pub fn new(input: Input) -> Self {
        let main = || Self::MAIN.to_owned();
        Self {
            input,
            config: config::Input::default(),
            app: main(),
            servers: vec![main()],
            bind: Vec::new(),
            workers: None,
            threads: None,
            denies_warnings: false,
            succeeds: false,
            watches: false,
            environment: Environment::default(),
            desk: Desk::default(),
        }
    }

    /// What is loaded.
    pub(super) fn input(&self, config: &Config, sources: &Sources) -> Input {
        let input = self.input.clone();
        input.or(|| config.paste_file(sources), config.main.auth_strategy.as_deref())
    }

    /// Has what the order says count in place of the settings of the first server.
    pub(super) fn override_settings(&self, settings: &mut Settings) {
        if !self.bind.is_empty() {
            settings.bind_to(self.bind.clone());
        }
        settings.workers = self.workers.or(settings.workers);
        settings.worker_threads = self.threads.unwrap_or(settings.worker_threads);
    }
}
