//! Sockets that accept connections.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

use super::address::Address;
use crate::source::describe;

/// How long accepting rests after a failure. File descriptors come back when connections end,
/// and asking again at once would only burn time until then.
const PAUSE: Duration = Duration::from_millis(50);

/// How often failures to accept are logged at most.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    logged: Option<Instant>,
}

impl Listener {
    /// Listens at every address that a host and port stand for.
    pub(super) async fn bind(address: &Address, backlog: u32) -> Result<Vec<Self>, BindError> {
        let blame = |cause| BindError { address: address.to_string(), cause };
        let resolved = lookup_host((address.host(), address.port())).await.map_err(blame)?;
        let (mut listeners, mut absent) = (Vec::new(), Vec::new());
        for resolved in resolved {
            match Self::listen(resolved, backlog) {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.is_absent() => absent.push(error),
                Err(error) => return Err(error),
            }
        }
        // A name such as `localhost` stands for an address of each kind, and a machine may have
        // only one of them.
        if listeners.is_empty() {
            let nothing = || blame(io::Error::new(ErrorKind::NotFound, "it has no address"));
            return Err(absent.pop().unwrap_or_else(nothing));
        }
        for error in absent {
            tracing::warn!("{error}");
        }
        Ok(listeners)
    }

    fn listen(address: SocketAddr, backlog: u32) -> Result<Self, BindError> {
        let listen = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // Without it a restart would fail as long as old connections linger in TIME_WAIT. On
            // Linux it does not let two processes listen at one address.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(backlog)?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address, logged: None })
        };
        listen().map_err(|cause| BindError { address: address.to_string(), cause })
    }

    /// The address, with the port that the system has chosen if it was 0.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a connection. What fails on the way is logged and tried again: a server that
    /// lacks file descriptors for a moment must go on.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                // The client has left before its turn came.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    self.log(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn log(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_INTERVAL) {
            self.logged = Some(now);
            let (error, address) = (describe(error), self.address);
            tracing::error!(error, %address, "cannot accept a connection");
        }
    }
}

/// An address cannot be listened at.
#[derive(Debug)]
pub struct BindError {
    address: String,
    cause: io::Error,
}

impl BindError {
    /// Whether the machine does not have the address.
    fn is_absent(&self) -> bool {
        self.cause.kind() == ErrorKind::AddrNotAvailable
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen at `{}`: ", self.address)?;
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
