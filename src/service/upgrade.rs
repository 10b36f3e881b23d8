//! How the program that is now on disk takes over from this process, no socket closing.
//!
//! The successor is started as this process was, with one end of a wire as its standard input and
//! all sockets over it. When its workers accept connections it says so, and this process has its
//! own finish what they have begun. Until then nothing has changed: a successor that fails, or
//! is not ready in time, is ended and forgotten.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::mem;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::stdio::dup2_stdin;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::Instant;

use super::Error;
use super::process::{ACTIVATION, Heard, Process};
use super::tickets::{Heirloom, Rotation};
use super::wire::{self, MOST_DESCRIPTORS, Report};
use crate::server::{Inherited, Place, Share, Sockets};

/// The argument that says that a process takes over from the one at its standard input.
const SUCCEED: &str = "--succeed";

/// What a successor is given: what is known of the sockets of each worker for each server, in the
/// order of their descriptors.
#[derive(Debug, Deserialize, Serialize)]
struct Handover {
    places: Vec<Vec<Vec<Place>>>,
    /// What sessions of TLS are resumed by; none if the predecessor knows nothing of that.
    #[serde(default)]
    tickets: Option<Heirloom>,
}

/// What a successor is given beside the sockets.
#[derive(Debug)]
pub(super) struct Legacy {
    /// Those of each worker for each server.
    pub(super) shares: Vec<Vec<Share>>,
    /// What sessions of TLS are resumed by.
    pub(super) tickets: Heirloom,
    /// How long it may take to be ready.
    pub(super) patience: Duration,
}

/// What comes with the sockets that had no room beside the first ones.
#[derive(Debug, Deserialize, Serialize)]
struct Further;

/// A process that is to take over.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) process: Process,
    /// When it is ended, unless it is ready.
    pub(super) until: Instant,
}

impl Successor {
    /// Starts the program at a path with the arguments of this process, and hands it what it is to
    /// have.
    pub(super) fn start(
        program: &Path,
        Legacy { shares, tickets, patience }: Legacy,
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (mut places, mut sockets) = (Vec::new(), Vec::new());
        for (worker, shares) in shares.into_iter().enumerate() {
            // What all share comes with the first.
            let own = |share: Share| if worker == 0 { share } else { share.own() };
            let (known, own): (Vec<_>, Vec<_>) =
                shares.into_iter().map(|share| own(share).into_parts()).unzip();
            places.push(known);
            sockets.extend(own.into_iter().flatten());
        }
        let message = wire::encode(&Handover { places, tickets: Some(tickets) })?;
        let mut later = sockets.split_off(sockets.len().min(MOST_DESCRIPTORS));
        let process = Process::start(command(program), (message, &sockets), heard)?;
        while !later.is_empty() {
            let rest = later.split_off(later.len().min(MOST_DESCRIPTORS));
            process.hand(wire::encode(&Further)?, mem::replace(&mut later, rest));
        }
        Ok(Self { process, until: Instant::now() + patience })
    }
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    let mut arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if !arguments.iter().any(|argument| argument == SUCCEED) {
        arguments.push(SUCCEED.into());
    }
    command.args(arguments);
    // The others speak to whoever serves, which it will be.
    for variable in ["WATCHDOG_PID"].iter().chain(&ACTIVATION) {
        command.env_remove(variable);
    }
    command
}

/// The path of this program, by which a newer one is found there later.
pub(super) fn path() -> PathBuf {
    // Without one, only an upgrade is impossible.
    let path = env::current_exe().unwrap_or_default();
    // So the system calls a file that has been replaced already.
    let name = path.as_os_str().as_bytes().strip_suffix(b" (deleted)");
    name.map_or_else(|| path.clone(), |name| PathBuf::from(OsStr::from_bytes(name)))
}

/// What a process starts with: sockets, and who waits for it.
#[derive(Debug)]
pub(super) struct Estate {
    /// Those of each server, if another process has handed them over.
    pub(super) sockets: Vec<Sockets>,
    /// Those that the service manager has opened.
    pub(super) inherited: Inherited,
    /// Who ends once this process serves.
    pub(super) predecessor: Option<Predecessor>,
    /// What sessions of TLS are resumed by.
    pub(super) tickets: Rotation,
}

impl Estate {
    /// That of a process that takes over from nobody.
    pub(super) fn of(inherited: Inherited) -> Self {
        let (sockets, tickets) = (Vec::new(), Rotation::start());
        Self { sockets, inherited, predecessor: None, tickets }
    }

    /// What the process at the other end of standard input hands over.
    pub(super) fn take_over() -> Result<Self, Error> {
        let (predecessor, sockets, tickets) = Predecessor::meet().map_err(Error::Wire)?;
        let tickets = tickets.map_or_else(Rotation::start, Rotation::go_on);
        let (inherited, predecessor) = (Inherited::none(), Some(predecessor));
        Ok(Self { sockets, inherited, predecessor, tickets })
    }
}

/// The process that this one takes over from.
#[derive(Debug)]
pub(super) struct Predecessor(StdStream);

impl Predecessor {
    /// Takes what the process at the other end of standard input hands over: the sockets of each
    /// server, and what sessions of TLS are resumed by.
    fn meet() -> io::Result<(Self, Vec<Sockets>, Option<Heirloom>)> {
        let mut wire = StdStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let (Handover { places, tickets }, mut descriptors) = wire::receive_start(&mut wire)?;
        let count = places.iter().flatten().map(Vec::len).sum();
        while descriptors.len() < count {
            let (Further, more) = wire::receive_start(&mut wire)?;
            descriptors.extend(more);
        }
        dup2_stdin(File::open("/dev/null")?)?;
        let mut descriptors = descriptors.into_iter();
        let mut servers: Vec<Vec<Share>> = Vec::new();
        for worker in places {
            for (server, places) in worker.into_iter().enumerate() {
                let own = descriptors.by_ref().take(places.len()).collect();
                let share = Share::from_parts(places, own);
                let share = share.ok_or_else(|| io::Error::other("sockets are missing"))?;
                if servers.len() <= server {
                    servers.push(Vec::new());
                }
                servers[server].push(share);
            }
        }
        Ok((Self(wire), servers.into_iter().map(Sockets::adopt).collect(), tickets))
    }

    /// Tells it that this process serves, and keeps the wire until it lets go of this process:
    /// it might take the end of the wire for the end of who is to take over. By then it has told
    /// the service manager which process is the main one now, which is listened to from then on.
    pub(super) fn relieve(mut self, then: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.0.write_all(&wire::encode(&Report::Ready)?)?;
        self.0.set_nonblocking(true)?;
        let mut wire = UnixStream::from_std(self.0)?;
        tokio::spawn(async move {
            let _ = wire.read_u8().await;
            then();
        });
        Ok(())
    }
}
