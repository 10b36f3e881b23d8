//! Sockets that accept connections.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::endpoint::Endpoint;
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
    endpoint: Endpoint,
    logged: Option<Instant>,
}

impl Listener {
    /// Accepts connections of a socket that listens.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub(super) fn new(endpoint: Endpoint, socket: OwnedFd) -> io::Result<Self> {
        let socket = std::net::TcpListener::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self { socket: TcpListener::from_std(socket)?, endpoint, logged: None })
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
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
            let (error, address) = (describe(error), &self.endpoint);
            tracing::error!(error, %address, "cannot accept a connection");
        }
    }
}
