//! What a server process was asked to serve.

use std::fmt;
use std::str::FromStr;

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
    pub servers: Vec<Served>,
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

/// A server to serve, and what.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Served {
    /// The section `[server:NAME]`.
    pub server: String,
    /// The app that it serves, whatever its section says.
    pub app: Option<String>,
}

/// Why a text does not say which server is to be served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotServed;

impl fmt::Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the name of a server, or `SERVER=APP`")
    }
}

impl std::error::Error for NotServed {}

/// `admin`, or `admin=app`.
impl FromStr for Served {
    type Err = NotServed;

    fn from_str(text: &str) -> Result<Self, NotServed> {
        let (server, app) = match text.split_once('=') {
            Some((server, app)) => (server, Some(app)),
            None => (text, None),
        };
        if server.is_empty() || app.is_some_and(str::is_empty) {
            return Err(NotServed);
        }
        Ok(Self { server: server.to_owned(), app: app.map(str::to_owned) })
    }
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
            servers: vec![Served { server: main(), app: None }],
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
        self.input.clone().or(config, sources)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_told_what_it_serves() {
        let served = |server: &str, app: Option<&str>| {
            Ok(Served { server: server.to_owned(), app: app.map(str::to_owned) })
        };
        for (text, expected) in [
            ("admin", served("admin", None)),
            ("admin=site", served("admin", Some("site"))),
            ("admin=a=b", served("admin", Some("a=b"))),
            ("", Err(NotServed)),
            ("=site", Err(NotServed)),
            ("admin=", Err(NotServed)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }
}
