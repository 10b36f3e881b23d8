//! Sockets that accept connections.

use std::io::{self, ErrorKind};
use std::iter;
use std::net::{self, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::endpoint::Endpoint;
use super::socket::Socket;
use crate::source::describe;

/// How long accepting rests after a failure. File descriptors come back when connections end,
/// and asking again at once would only burn time until then.
const PAUSE: Duration = Duration::from_millis(50);

/// How often failures to accept are logged at most.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A socket that accepts connections.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Acceptor,
    endpoint: Endpoint,
    logged: Option<Instant>,
}

#[derive(Debug)]
enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Accepts connections of a socket that listens.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub(super) fn new(endpoint: Endpoint, socket: OwnedFd) -> io::Result<Self> {
        let socket = socket2::Socket::from(socket);
        socket.set_nonblocking(true)?;
        let socket = match endpoint {
            Endpoint::Network(_) => Acceptor::Tcp(TcpListener::from_std(socket.into())?),
            Endpoint::Unix(_) => Acceptor::Unix(UnixListener::from_std(socket.into())?),
        };
        Ok(Self { socket, endpoint, logged: None })
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Waits for a connection; its client has an address unless it comes by a Unix socket. What fails on the way is logged and tried again: a server that
    /// lacks file descriptors for a moment must go on.
    pub(super) async fn accept(&mut self) -> (Socket, Option<SocketAddr>) {
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

    /// Closes the socket, and gives the connections that waited in its queue, so that none of
    /// them is reset.
    pub(super) fn close(self) -> impl Iterator<Item = (Socket, Option<SocketAddr>)> {
        let queue = self.socket.into_queue();
        iter::from_fn(move || queue.as_ref()?.next().ok())
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

impl Acceptor {
    async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Socket::Tcp(socket), Some(peer)))
            }
            Self::Unix(listener) => Ok((Socket::Unix(listener.accept().await?.0), None)),
        }
    }

    /// What waits to be accepted; none if the runtime does not give the socket back.
    fn into_queue(self) -> Option<Queue> {
        match self {
            Self::Tcp(listener) => listener.into_std().ok().map(Queue::Tcp),
            Self::Unix(listener) => listener.into_std().ok().map(Queue::Unix),
        }
    }
}

/// The connections that wait to be accepted, none of which is waited for.
enum Queue {
    Tcp(net::TcpListener),
    Unix(unix::net::UnixListener),
}

impl Queue {
    fn next(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok((Socket::Tcp(TcpStream::from_std(socket)?), Some(peer)))
            }
            Self::Unix(listener) => {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok((Socket::Unix(UnixStream::from_std(socket)?), None))
            }
        }
    }
}
