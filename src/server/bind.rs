//! Opens listening sockets, and waits for addresses that are in use.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::time::{Instant, sleep};

use super::address::Address;
use super::settings::Settings;
use super::socket_file::{Access, SocketFile};
use super::target::{Target, Wanted};
use super::unix_name::UnixName;
use crate::source::describe;

/// How long to wait before an address that is in use is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How much the system takes for a connection at most that it has not sent yet, in bytes. It would
/// hold up to 4 MiB (`net.ipv4.tcp_wmem`) for a client that does not read its response. What has
/// been sent and is on its way does not count, so that a fast client far away is as fast.
const UNSENT: u32 = 256 * 1024;

/// How listening sockets are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'a>(&'a Settings);

/// Whether a socket is alone at its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sharing {
    /// It is; to open a second one fails.
    Alone,
    /// It stands beside others of this user, and the system spreads the connections over them.
    Sibling,
}

/// A socket that is bound to an IP address and does not listen yet. One for all IPv6 addresses
/// leaves those of IPv4 to another where it is told so.
pub(super) fn bind((at, only_v6): (SocketAddr, bool), sharing: Sharing) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    // Without it a restart would fail as long as old connections linger in TIME_WAIT. On Linux it
    // does not let two processes listen at one address.
    socket.set_reuse_address(true)?;
    if at.is_ipv6() {
        // The default of the system (`net.ipv6.bindv6only`) is not the same everywhere.
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_port(sharing == Sharing::Sibling)?;
    socket.bind(&at.into())?;
    Ok(socket)
}

impl<'a> Options<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self(settings)
    }

    /// A Unix socket that listens, and its file.
    pub(super) fn listen_at(self, name: &UnixName) -> io::Result<(Socket, Option<SocketFile>)> {
        let socket = || Socket::new(Domain::UNIX, Type::STREAM, None);
        match name {
            UnixName::Abstract(_) => {
                let socket = socket()?;
                socket.bind(&name.to_address()?)?;
                self.listen(&socket)?;
                Ok((socket, None))
            }
            UnixName::Path(path) => {
                let (socket, file) = SocketFile::listen(path, self.access(), self.backlog())?;
                Ok((socket, Some(file)))
            }
        }
    }

    /// Who may connect to Unix sockets.
    pub(super) fn access(self) -> Access<'a> {
        let Settings { socket_mode, socket_owner, .. } = self.0;
        Access { mode: socket_mode.0, owner: socket_owner.as_ref() }
    }

    /// Sets what connections take over from the socket that they come by.
    pub(super) fn tune(self, socket: &Socket) -> io::Result<()> {
        socket.set_keepalive(true)?;
        let silence = Duration::from_secs(self.0.tcp_keepidle.into());
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(silence))?;
        socket.set_tcp_notsent_lowat(UNSENT)
    }

    /// Has a socket listen. If it does already, it has the backlog of the settings from now on.
    pub(super) fn listen(self, socket: &Socket) -> io::Result<()> {
        socket.listen(self.backlog())
    }

    fn backlog(self) -> i32 {
        i32::try_from(self.0.backlog).unwrap_or(i32::MAX)
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
        may_pass(cause) && self.begun.elapsed() < self.window
    }

    pub(super) fn give_up(self, wanted: &Wanted, cause: io::Error) -> BindError {
        let is_late = may_pass(&cause) && !self.window.is_zero();
        let tried = is_late.then_some(self.window);
        let at = match wanted.target {
            Target::Network { at, .. } => Some(at),
            _ => None,
        };
        BindError { asked: wanted.asked.clone(), at, tried, cause }
    }
}

/// Whether another attempt may succeed: the address is in use, or the directory of a path is locked
/// by somebody who may be about to listen there.
fn may_pass(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::AddrInUse | ErrorKind::ResourceBusy)
}

/// An address cannot be listened at.
#[derive(Debug)]
pub struct BindError {
    /// The address as the settings give it.
    asked: Address,
    /// The IP address that it stands for, if there is one.
    at: Option<SocketAddr>,
    /// How long it was tried, if for longer than once.
    tried: Option<Duration>,
    cause: io::Error,
}

impl BindError {
    /// It is not known what an address stands for.
    pub(super) fn unresolved(asked: &Address, cause: io::Error) -> Self {
        Self { asked: asked.clone(), at: None, tried: None, cause }
    }

    /// Whether the machine does not have the address.
    pub(super) fn is_absent(&self) -> bool {
        self.cause.kind() == ErrorKind::AddrNotAvailable
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Upstream's words, as those who watch logs look for them.
        let asked = self.asked.to_string();
        write!(f, "Could not bind to {asked}")?;
        if let Some(tried) = self.tried {
            write!(f, " after trying for {} seconds", tried.as_secs_f64())?;
        }
        f.write_str(": ")?;
        if let Some(at) = self.at.map(|at| at.to_string()).filter(|at| *at != asked) {
            write!(f, "{at}: ")?;
        }
        let is_file = matches!(self.asked, Address::Unix(_));
        match self.cause.kind() {
            ErrorKind::AddrInUse => f.write_str("another process listens there already"),
            ErrorKind::AddrNotAvailable => f.write_str("this machine has no such address"),
            ErrorKind::NotFound if is_file => f.write_str("there is no such directory"),
            ErrorKind::PermissionDenied if !is_file => f.write_str("the port needs a privilege"),
            ErrorKind::ResourceBusy if is_file => {
                f.write_str("another process has locked the directory")
            }
            _ => f.write_str(&describe(&self.cause)),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
