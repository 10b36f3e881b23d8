//! Why a server cannot run.

use std::fmt;
use std::io;

use crate::diagnostic::Diagnostic;
use crate::server::BindError;
use crate::source::describe;

/// The world keeps a server from running.
#[derive(Debug)]
pub enum Error {
    /// An address cannot be listened at.
    Bind(BindError),
    /// A callback of the program keeps it from starting.
    Callback(String),
    /// The pid file cannot be written.
    Files(io::Error),
    /// The settings ask for worker processes, and the program cannot start itself as one.
    NoWorkers,
    /// The rights of root cannot be given up.
    Privileges(io::Error),
    /// The system has no room for a runtime, a thread or a process, or does not tell of signals.
    System(io::Error),
    /// The settings name certificates that are of no use.
    Tls(Vec<Diagnostic>),
    /// It is no worker, or its supervisor says what it does not understand.
    Wire(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Callback(reason) => write!(f, "nothing is started: {reason}"),
            Self::Files(error) => error.fmt(f),
            Self::NoWorkers => f.write_str(
                "cannot start workers: a program starts itself as a worker through \
                 `pasteline::main`; set `workers = 0` to serve in this process",
            ),
            Self::Privileges(error) => write!(f, "cannot drop privileges: {error}"),
            Self::System(error) => write!(f, "cannot start the server: {}", describe(error)),
            Self::Tls(found) => {
                let reasons: Vec<_> = found.iter().map(|found| &*found.message).collect();
                write!(f, "cannot encrypt connections: {}", reasons.join("; "))
            }
            Self::Wire(error) => {
                write!(f, "cannot start as a worker: {}; `serve` starts them", describe(error))
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(error) => error.source(),
            Self::Callback(_) | Self::NoWorkers | Self::Tls(_) => None,
            Self::Files(error)
            | Self::Privileges(error)
            | Self::System(error)
            | Self::Wire(error) => Some(error),
        }
    }
}
