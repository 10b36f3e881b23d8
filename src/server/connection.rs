//! One connection: HTTP/1.1 from its first byte to its last.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::Write;
use hyper::server::conn::http1;

use super::answer::Answerer;
use super::current::Current;
use super::gate::Gate;
use super::roster::{Entry, Roster};
use super::stream::{Socket, Stream};
use crate::app::{Connection, Scheme};
use crate::metrics::Refusal;

/// The longest head of a request, its request line included; past it the answer is 431.
const HEAD_LIMIT: usize = 32 * 1024;

/// The most that is kept of a connection in memory each way. A response of unknown length waits
/// for the client past this, so a slow reader costs no more.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves connections, all in the same way.
#[derive(Debug)]
pub(super) struct Connections {
    app: Current,
    gate: Arc<Gate>,
    protocol: http1::Builder,
    roster: Arc<Roster>,
}

impl Connections {
    pub(super) fn new(
        app: Current,
        gate: Arc<Gate>,
        roster: Arc<Roster>,
        keeps_alive: KeepAlive,
    ) -> Self {
        Self { app, gate, protocol: protocol(keeps_alive), roster }
    }

    /// Serves a connection in a task of its own, until it ends by itself or the server does.
    pub(super) fn serve(&self, socket: Socket, peer: Option<SocketAddr>) {
        let local = match &socket {
            Socket::Tcp(socket) => {
                // A response is written at once as a whole; to hold back its last packet until the
                // one before is acknowledged would only delay it. Where this fails the connection
                // is gone.
                let _ = socket.set_nodelay(true);
                socket.local_addr().ok()
            }
            Socket::Unix(_) => None,
        };
        // A socket for both kinds of addresses shows IPv4 clients as `::ffff:192.0.2.1`.
        let peer = peer.map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        let connection = Connection { peer, local, scheme: Scheme::Http };
        let entry = self.roster.enter();
        let stream = Stream::new(socket, Arc::clone(entry.activity()));
        let activity = Arc::clone(entry.activity());
        let gate = Arc::clone(&self.gate);
        let answerer = Answerer::new(self.app.clone(), gate, connection, activity);
        let http = self.protocol.serve_connection(stream, answerer);
        tokio::spawn(Served { http: Some(http), entry, finishing: false });
    }
}

/// Whether connections live on after a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeepAlive {
    No,
    Yes,
}

fn protocol(keep_alive: KeepAlive) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    // What hyper leaves as it is, and why: a client that closes its sending half counts as gone
    // (`half_close`), as there is no other sign that work for it is in vain; and responses to
    // pipelined requests are written one by one (`pipeline_flush`), as gathering them would copy
    // every body once more.
    protocol.keep_alive(keep_alive == KeepAlive::Yes);
    protocol.max_header_size(HEAD_LIMIT).max_buf_size(BUFFER_LIMIT);
    // hyper would make a timer for each head: 1,500 instructions a request, a fifth of all that
    // it spends on one. The roster keeps the same deadline for nothing.
    protocol.header_read_timeout(None);
    protocol
}

/// What a client is told that takes too long for a head; without a body, as it is late anyway.
const TOO_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A connection that is being served.
struct Served {
    /// None when it has ended.
    http: Option<http1::Connection<Stream, Answerer>>,
    entry: Entry,
    /// Whether it has heard that it is to end with the request that it is at.
    finishing: bool,
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(http) = &mut this.http else { return Poll::Ready(()) };
        let activity = this.entry.activity();
        activity.listen(context);
        if activity.is_to_close() {
            this.close(context);
            return Poll::Ready(());
        }
        if activity.is_to_finish() && !this.finishing {
            this.finishing = true;
            Pin::new(&mut *http).graceful_shutdown();
        }
        if let Err(error) = ready!(Pin::new(http).poll(context)) {
            // The client's doing in all likelihood: it left, or what it sent is not HTTP.
            tracing::debug!(error = &error as &dyn Error, "a connection failed");
            this.fail(&error);
        }
        Poll::Ready(())
    }
}

impl Served {
    /// Closes the connection. If that is because the client took too long for a head, it is told
    /// so, if there is room in the buffers of the system for that.
    fn close(&mut self, context: &mut Context<'_>) {
        let Some(http) = self.http.take() else { return };
        let mut parts = http.into_parts();
        let activity = self.entry.activity();
        if activity.awaits_head() && !parts.read_buf.is_empty() {
            let connection = parts.service.connection();
            activity.ledger().refuse(Refusal::HeadTimeout, &parts.read_buf, connection);
            // Where it fails, the client is gone.
            let _ = Pin::new(&mut parts.io).poll_write(context, TOO_LATE);
        }
    }

    /// Notes that a request was refused, if that is why the connection failed.
    fn fail(&mut self, error: &hyper::Error) {
        let Some(http) = self.http.take() else { return };
        let refusal = match error {
            error if error.is_parse_too_large() => Refusal::HeadSize,
            error if error.is_parse() => Refusal::Malformed,
            _ => return,
        };
        let parts = http.into_parts();
        let connection = parts.service.connection();
        self.entry.activity().ledger().refuse(refusal, &parts.read_buf, connection);
    }
}
