//! Sockets that the service manager has opened for this process (`LISTEN_FDS`).

use std::ffi::OsString;
use std::fmt;

use listenfd::ListenFd;
use socket2::Socket;

use super::endpoint::Endpoint;
use super::target::Handed;

/// The most descriptors that are believed to be handed over.
const MOST: usize = 1024;

/// The number of the first descriptor that is handed over.
const FIRST: usize = 3;

/// Sockets that the service manager has opened for this process and that no server listens at
/// yet.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(Handed, Result<Socket, Unfit>)>,
}

impl Inherited {
    /// The environment variables that tell of such sockets. They are for one process alone: whoever
    /// starts another takes them away.
    pub const VARIABLES: [&'static str; 3] = ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID"];

    /// No socket at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The sockets that the environment tells of, if they are for this process. They can be taken
    /// once; it must be before the process has threads, as the environment is changed.
    pub fn take(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        let Some(count) = count(&text, std::process::id()) else { return Self::none() };
        let names = text("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut descriptors = ListenFd::from_env();
        let sockets = (0..count).map(|index| {
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or("unknown");
            let handed = Handed { name: name.to_owned(), descriptor: FIRST + index };
            (handed, take(&mut descriptors, index))
        });
        Self { sockets: sockets.collect() }
    }

    /// Warns of what no server listens at: clients wait there for nothing.
    pub fn warn(&self) {
        for (Handed { name, descriptor }, _) in &self.sockets {
            tracing::warn!(
                "nothing listens at descriptor {descriptor}, `{name}`, which the service manager \
                 has handed over: write `systemd:{name}` into `bind`"
            );
        }
    }

    pub(super) fn handed(&self) -> impl Iterator<Item = &Handed> {
        self.sockets.iter().map(|(handed, _)| handed)
    }

    /// Takes a socket out.
    pub(super) fn remove(&mut self, wanted: &Handed) -> Option<Result<Socket, Unfit>> {
        let at = self.sockets.iter().position(|(handed, _)| handed == wanted)?;
        Some(self.sockets.remove(at).1)
    }

    /// Takes the socket out that listens at an endpoint.
    pub(super) fn remove_at(&mut self, endpoint: &Endpoint) -> Option<Socket> {
        let listens_there = |socket: &Result<Socket, Unfit>| {
            let found = socket.as_ref().ok().map(Endpoint::of);
            found.is_some_and(|found| found.is_ok_and(|found| found == *endpoint))
        };
        let at = self.sockets.iter().position(|(_, socket)| listens_there(socket))?;
        self.sockets.remove(at).1.ok()
    }
}

/// How many descriptors the environment hands over to the process with an id.
fn count(text: &impl Fn(&'static str) -> Option<String>, process: u32) -> Option<usize> {
    // Who starts a program from a unit's shell script may leave them to the wrong one.
    if text("LISTEN_PID")?.parse() != Ok(process) {
        return None;
    }
    let told = text("LISTEN_FDS")?;
    let count = told.parse().ok().filter(|count| *count <= MOST);
    if count.is_none() {
        tracing::warn!(
            "`LISTEN_FDS` is `{told}`, expected a number up to {MOST}: no socket is taken"
        );
    }
    count
}

fn take(descriptors: &mut ListenFd, index: usize) -> Result<Socket, Unfit> {
    let tcp = descriptors.take_tcp_listener(index).ok().flatten().map(Socket::from);
    let unix = || descriptors.take_unix_listener(index).ok().flatten().map(Socket::from);
    let Some(socket) = tcp.or_else(unix) else {
        // Taken, they close, and no process that is started has them.
        let _ = descriptors.take_udp_socket(index);
        let _ = descriptors.take_unix_datagram(index);
        return Err(Unfit::Kind);
    };
    if socket.is_listener().unwrap_or(false) { Ok(socket) } else { Err(Unfit::Deaf) }
}

/// Why a descriptor that was handed over cannot be served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unfit {
    /// It does not listen.
    Deaf,
    /// It is something else than a stream socket.
    Kind,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deaf => "it does not listen: remove `Accept=yes` from the socket's unit",
            Self::Kind => "it is no TCP or Unix stream socket: use `ListenStream=`",
        })
    }
}
