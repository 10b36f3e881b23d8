//! Opens listening sockets, and waits for addresses that are in use.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::time::{Instant, sleep};

use super::address::Address;
use super::settings::Settings;
use super::target::{Target, Wanted};
use crate::source::describe;

/// How long to wait before an address that is in use is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How listening sockets are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    backlog: u32,
    keepidle: Duration,
}

/// Whether a socket is alone at its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sharing {
    /// It is; to open a second one fails.
    Alone,
    /// It stands beside others of this user, and the system spreads the connections over them.
    Sibling,
}

impl Options {
    pub(super) fn new(settings: &Settings) -> Self {
        let keepidle = Duration::from_secs(settings.tcp_keepidle.into());
        Self { backlog: settings.backlog, keepidle }
    }

    /// A socket that is bound and does not listen yet. Its connections take over its options.
    pub(super) fn open(self, target: &Target, sharing: Sharing) -> io::Result<Socket> {
        let Target::Network { at, only_v6 } = *target;
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        // Without it a restart would fail as long as old connections linger in TIME_WAIT. On
        // Linux it does not let two processes listen at one address.
        socket.set_reuse_address(true)?;
        socket.set_keepalive(true)?;
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(self.keepidle))?;
        if at.is_ipv6() {
            // The default of the system (`net.ipv6.bindv6only`) is not the same everywhere.
            socket.set_only_v6(only_v6)?;
        }
        socket.set_reuse_port(sharing == Sharing::Sibling)?;
        socket.bind(&at.into())?;
        Ok(socket)
    }

    pub(super) fn listen(self, socket: &Socket) -> io::Result<()> {
        socket.listen(i32::try_from(self.backlog).unwrap_or(i32::MAX))
    }
}

/// How long addresses that are in use are tried, counted from the first attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    begun: Instant,
    window: Duration,
}

impl Patience {
    pub(super) fn new(window: Duration) -> Self {
        Self { begun: Instant::now(), window }
    }

    /// Attempts something until the address is free or the time is up. Another failure than that
    /// the address is in use counts at once.
    pub(super) async fn attempt<T>(
        self,
        wanted: &Wanted,
        mut attempt: impl FnMut() -> io::Result<T>,
    ) -> Result<T, BindError> {
        let mut cause = match attempt() {
            Err(cause) if self.goes_on_after(&cause) => cause,
            done => return done.map_err(|cause| self.give_up(wanted, cause)),
        };
        let seconds = self.window.as_secs_f64();
        tracing::warn!("{} is in use: trying again for up to {seconds} seconds", wanted.asked);
        while self.goes_on_after(&cause) {
            sleep(PAUSE).await;
            match attempt() {
                Ok(done) => {
                    let seconds = self.begun.elapsed().as_secs_f64();
                    tracing::info!("{} is free after {seconds:.1} seconds", wanted.asked);
                    return Ok(done);
                }
                Err(error) => cause = error,
            }
        }
        Err(self.give_up(wanted, cause))
    }

    fn goes_on_after(self, cause: &io::Error) -> bool {
        cause.kind() == ErrorKind::AddrInUse && self.begun.elapsed() < self.window
    }

    pub(super) fn give_up(self, wanted: &Wanted, cause: io::Error) -> BindError {
        let is_late = cause.kind() == ErrorKind::AddrInUse && !self.window.is_zero();
        let tried = is_late.then_some(self.window);
        let Target::Network { at, .. } = wanted.target;
        BindError { asked: wanted.asked.to_string(), at: Some(at), tried, cause }
    }
}

/// An address cannot be listened at.
#[derive(Debug)]
pub struct BindError {
    /// The address as the settings give it.
    asked: String,
    /// What it resolves to, if that is known.
    at: Option<SocketAddr>,
    /// How long it was tried, if for longer than once.
    tried: Option<Duration>,
    cause: io::Error,
}

impl BindError {
    /// An address cannot even be resolved.
    pub(super) fn unresolved(asked: &Address, cause: io::Error) -> Self {
        Self { asked: asked.to_string(), at: None, tried: None, cause }
    }

    /// Whether the machine does not have the address.
    pub(super) fn is_absent(&self) -> bool {
        self.cause.kind() == ErrorKind::AddrNotAvailable
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Upstream's words, as those who watch logs look for them.
        write!(f, "Could not bind to {}", self.asked)?;
        if let Some(tried) = self.tried {
            write!(f, " after trying for {} seconds", tried.as_secs_f64())?;
        }
        f.write_str(": ")?;
        if let Some(at) = self.at.map(|at| at.to_string()).filter(|at| *at != self.asked) {
            write!(f, "{at}: ")?;
        }
        match self.cause.kind() {
            ErrorKind::AddrInUse => f.write_str("another process listens there already"),
            ErrorKind::AddrNotAvailable => f.write_str("this machine has no such address"),
            ErrorKind::PermissionDenied => f.write_str("the port needs a privilege"),
            _ => f.write_str(&describe(&self.cause)),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
