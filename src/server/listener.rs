//! Sockets that accept connections.

use std::io::{self, ErrorKind};
use std::iter;
use std::net::{self, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix;
use std::time::{Duration, Instant};

use rustix::io::Errno;
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

    /// Waits for a connection; its client has an address unless it comes by a Unix socket. What
    /// fails on the way is logged and tried again: a server that lacks file descriptors for a
    /// moment must go on.
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
    /// them is reset for which there is a descriptor.
    pub(super) fn close(self) -> impl Iterator<Item = (Socket, Option<SocketAddr>)> {
        let Self { socket, endpoint, .. } = self;
        let queue = socket.into_queue();
        let next = move || queue.as_ref().map_or(Err(ErrorKind::WouldBlock.into()), Queue::next);
        until_empty(next, move |error| log(error, &endpoint))
    }

    fn log(&mut self, error: &io::Error) {
        let now = Instant::now();
        if self.logged.is_none_or(|logged| now.duration_since(logged) >= LOG_INTERVAL) {
            self.logged = Some(now);
            log(error, &self.endpoint);
        }
    }
}

fn log(error: &io::Error, address: &Endpoint) {
    tracing::error!(error = describe(error), %address, "cannot accept a connection");
}

/// What a queue gives until it is empty. A connection that has failed in it, whose client has left
/// say, is passed over; a failure of another kind would come again, and is the last.
fn until_empty<T>(
    mut next: impl FnMut() -> io::Result<T>,
    mut log: impl FnMut(&io::Error),
) -> impl Iterator<Item = T> {
    iter::from_fn(move || {
        loop {
            match next() {
                Ok(next) => return Some(next),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    log(&error);
                    return None;
                }
            }
        }
    })
}

/// Whether it is a failure of the connection that was to be accepted, which Linux tells there.
fn is_of_one_connection(error: &io::Error) -> bool {
    let is_protocol = error.raw_os_error() == Some(Errno::PROTO.raw_os_error());
    is_protocol
        || matches!(
            error.kind(),
            ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::HostUnreachable
                | ErrorKind::Interrupted
                | ErrorKind::NetworkDown
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_left_only_when_it_is_empty_or_nothing_can_be_taken_from_it() {
        let error = |errno: Errno| Err(io::Error::from(errno));
        for (last, logged) in [(Errno::WOULDBLOCK, 0), (Errno::MFILE, 1)] {
            let queue = [Ok(1), error(Errno::CONNABORTED), Ok(2), error(Errno::NETDOWN)];
            let more = [error(Errno::PROTO), Ok(3), error(last), Ok(4)];
            let (mut queue, mut lines) = (queue.into_iter().chain(more), 0);
            let given: Vec<_> = until_empty(|| queue.next().unwrap(), |_| lines += 1).collect();
            assert_eq!((given, lines), (vec![1, 2, 3], logged));
        }
    }
}
