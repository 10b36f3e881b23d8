//! How a running server is, as `pasteline status` shows it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a running server is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Status {
    /// The number of the process to send signals to.
    pub(crate) process: u32,
    /// The version of the program.
    pub(crate) version: String,
    /// The file that it serves, absolute.
    pub(crate) file: PathBuf,
    /// Where it listens.
    pub(crate) addresses: Vec<String>,
    /// Its servers, if it does not stop.
    #[serde(default)]
    pub(crate) servers: Vec<Listening>,
    /// How many reloads have come into force.
    pub(crate) reloads: u64,
    /// Why the last reload did not, if so: what is served is older than the file.
    pub(crate) failure: Option<String>,
    /// Whether it stops.
    pub(crate) stopping: bool,
    /// Its workers; none if it serves in its own process.
    pub(crate) workers: Vec<Member>,
    /// The processes of services.
    #[serde(default)]
    pub(crate) services: Vec<Attendant>,
}

/// What a server serves, and where.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Listening {
    /// The name of the server.
    pub(crate) server: String,
    /// The section that it serves, such as `pipeline:main`.
    pub(crate) app: String,
    /// Where it listens.
    pub(crate) addresses: Vec<String>,
}

/// How a worker is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Member {
    /// Its number, from 1, which its successor has too.
    pub(crate) worker: usize,
    /// The settings of which generation it serves by.
    pub(crate) generation: u32,
    /// The number of its process.
    pub(crate) process: u32,
    /// What it is at: `starting`, `serving` or `leaving`.
    pub(crate) state: String,
    /// How many connections it has, as it said within the last seconds.
    pub(crate) connections: usize,
}

/// How a process of a service is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Attendant {
    /// The name of the service.
    pub(crate) service: String,
    /// Its number, from 1, which its successor has too.
    pub(crate) number: usize,
    /// The number of its process.
    pub(crate) process: u32,
    /// What it is at: `starting`, `running` or `leaving`.
    pub(crate) state: String,
}
