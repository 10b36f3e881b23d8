//! One connection: HTTP/1.1 from its first byte to its last.

use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::server::conn::http1;

use super::answer::Answerer;
use super::current::Current;
use super::roster::{Entry, Roster};
use super::stream::{Socket, Stream};
use crate::app::{Connection, Scheme};

/// The longest head of a request, its request line included; past it the answer is 431.
const HEAD_LIMIT: usize = 32 * 1024;

/// The most that is kept of a connection in memory each way. A response of unknown length waits
/// for the client past this, so a slow reader costs no more.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves connections, all in the same way.
#[derive(Debug)]
pub(super) struct Connections {
    app: Current,
    protocol: http1::Builder,
    roster: Arc<Roster>,
}

impl Connections {
    pub(super) fn new(app: Current, roster: Arc<Roster>, keeps_alive: KeepAlive) -> Self {
        Self { app, protocol: protocol(keeps_alive), roster }
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
        let answerer = Answerer::new(self.app.clone(), connection, Arc::clone(entry.activity()));
        let http = self.protocol.serve_connection(stream, answerer);
        tokio::spawn(Served { http, entry, finishing: false });
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

/// A connection that is being served.
struct Served {
    http: http1::Connection<Stream, Answerer>,
    entry: Entry,
    /// Whether it has heard that it is to end with the request that it is at.
    finishing: bool,
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let activity = this.entry.activity();
        activity.listen(context);
        if activity.is_to_close() {
            return Poll::Ready(());
        }
        if activity.is_to_finish() && !this.finishing {
            this.finishing = true;
            Pin::new(&mut this.http).graceful_shutdown();
        }
        Pin::new(&mut this.http).poll(context).map(|ended| {
            if let Err(error) = ended {
                // The client's doing in all likelihood: it left, or what it sent is not HTTP.
                tracing::debug!(error = &error as &dyn Error, "a connection failed");
            }
        })
    }
}
