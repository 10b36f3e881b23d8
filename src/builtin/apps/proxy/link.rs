//! One connection to an upstream.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::body::Upload;
use super::silence::Silence;
use super::wire::{Socket, Wire};

/// A connection to an upstream, for one request at a time.
///
/// It has no task of its own: whoever waits for something to come by it drives it. That saves the
/// wake-ups to and fro between two tasks, and dropped, it is closed at once.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) sender: SendRequest<Upload>,
    /// None once it has ended.
    connection: Option<Box<Connection>>,
    /// The connection that has ended without a failure, together with an answer.
    ended: Option<Box<Connection>>,
    pub(super) wire: Arc<Wire>,
    pub(super) silence: Silence,
    /// The round of the pool in which it was put back.
    pub(super) round: u32,
}

type Connection = http1::Connection<TokioIo<Socket>, Upload>;

impl Link {
    /// Begins to speak HTTP by a socket.
    pub(super) async fn begin(
        socket: TcpStream,
        protocol: &http1::Builder,
    ) -> Result<Self, hyper::Error> {
        let wire = Arc::new(Wire::default());
        let io = TokioIo::new(Socket::new(socket, Arc::clone(&wire)));
        let (sender, connection) = protocol.handshake(io).await?;
        let connection = Some(Box::new(connection));
        Ok(Self { sender, connection, ended: None, wire, silence: Silence::new(), round: 0 })
    }

    /// Asks for something that comes by the link, once what can be done for it now is done.
    pub(super) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut ask: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut quiet = Context::from_waker(Waker::noop());
        // First without a waker: where it has come, nothing is left behind that would wake the
        // task for nothing, when the answer is taken or the next request is sent.
        for waker in [Waker::noop(), context.waker()] {
            let Some(connection) = &mut self.connection else { break };
            if let Poll::Ready(ended) = Pin::new(connection).poll(&mut Context::from_waker(waker)) {
                self.ended = self.connection.take().filter(|_| ended.is_ok());
                log(ended);
            }
            if let Poll::Ready(answer) = ask(&mut quiet) {
                return Poll::Ready(answer);
            }
        }
        if self.connection.is_some() {
            return Poll::Pending;
        }
        // What it has not sent comes back as it is dropped.
        self.ended = None;
        ask(context)
    }

    /// The socket, which no longer carries HTTP, and what was read from it already; none if the
    /// connection has failed.
    pub(super) fn into_socket(self) -> Option<(Socket, Bytes)> {
        let parts = self.connection.or(self.ended)?.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }

    /// Has the rest of the request sent in a task of its own: the upstream has responded before
    /// its end, and may still want it although nobody reads the response at the moment.
    pub(super) fn detach(&mut self) {
        if let Some(connection) = self.connection.take() {
            tokio::spawn(async { log(connection.await) });
        }
    }
}

fn log(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn Error, "a connection to an upstream failed");
    }
}
