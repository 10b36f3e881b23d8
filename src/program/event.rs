//! The turns in the life of a server.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A turn in the life of a server, to which a [`Callback`](super::Callback) may be called. What
/// there is to know of it stands in the type.
pub trait Event: fmt::Debug + Sealed + 'static {
    /// Whether it comes before something that a failure of a callback keeps from happening.
    const IS_BEFORE: bool = false;
}

/// A process of a server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Part {
    /// The one that was started. Without workers it serves itself.
    Main,
    /// One of a service's own.
    Service {
        /// The name of the service.
        name: String,
        /// Its number, from 1, which its successor has too.
        number: usize,
    },
    /// A worker.
    Worker {
        /// Its number, from 1, which its successor has too.
        number: usize,
        /// The settings of which generation it serves by.
        generation: u32,
    },
}

/// The main process listens, and is about to start the others. If an essential callback fails,
/// they are not started, and the exit status is 1.
#[derive(Clone, Debug)]
pub struct BeforeSpawn {
    /// Where it listens.
    pub addresses: Vec<String>,
    /// How many workers there will be.
    pub workers: usize,
}

/// All processes have been started, all services in them, and all workers accept connections.
/// Called in the main process.
#[derive(Clone, Debug)]
pub struct AfterSpawn {
    /// Where the workers listen.
    pub addresses: Vec<String>,
    /// How many there are.
    pub workers: usize,
}

/// A process is about to serve, or to run a service of its own. Called in each worker and each
/// process of a service, also in those that start later; without workers in the one process that
/// there is.
#[derive(Clone, Debug)]
pub struct WorkerStarted {
    /// Which one it is.
    pub part: Part,
}

/// A reload has ended, well or not. Called in the main process; what runs in others hears of one
/// that is in force by [`Service::reset`](super::Service::reset).
#[derive(Clone, Debug)]
pub struct Reload {
    /// What is in force now, in words; or what is wrong, while all is as it was.
    pub result: Result<String, String>,
}

/// A process begins to finish what has begun. Called in each process, the main one first, and in
/// workers that give way to others, too.
#[derive(Clone, Debug)]
pub struct Draining {
    /// Which one it is.
    pub part: Part,
}

/// A process has finished what had begun, or has given it up, and is about to end. Called in each
/// process that is not killed, the main one last.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Which one it is.
    pub part: Part,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Service { name, number } => write!(f, "service {name} {number}"),
            Self::Worker { number, generation } => {
                write!(f, "worker {number} (generation {generation})")
            }
        }
    }
}

impl Event for AfterSpawn {}

impl Event for BeforeSpawn {
    const IS_BEFORE: bool = true;
}

impl Event for Draining {}

impl Event for Reload {}

impl Event for Stopped {}

impl Event for WorkerStarted {}

/// Keeps others from events of their own, which nobody would tell of.
pub trait Sealed {}

impl Sealed for AfterSpawn {}

impl Sealed for BeforeSpawn {}

impl Sealed for Draining {}

impl Sealed for Reload {}

impl Sealed for Stopped {}

impl Sealed for WorkerStarted {}
