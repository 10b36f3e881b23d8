//! One connection: HTTP/1.1 from its first byte to its last.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::answer::Answerer;
use super::drain::Watch;
use super::settings::Settings;
use crate::app::{App, Connection, Scheme};

/// The longest head of a request, its request line included; past it the answer is 431.
const HEAD_LIMIT: usize = 32 * 1024;

/// The most that is kept of a connection in memory each way. A response of unknown length waits
/// for the client past this, so a slow reader costs no more.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves connections, all in the same way.
#[derive(Clone)]
pub(super) struct Connections {
    app: App,
    protocol: http1::Builder,
    watch: Watch,
}

impl Connections {
    pub(super) fn new(app: App, settings: &Settings, watch: Watch) -> Self {
        Self { app, protocol: protocol(settings.head_timeout.0), watch }
    }

    /// Serves a connection in a task of its own, until it ends by itself or the server does.
    pub(super) fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        // A response is written at once as a whole; to hold back its last packet until the one
        // before is acknowledged would only delay it. Where this fails the connection is gone.
        let _ = stream.set_nodelay(true);
        // A socket for both kinds of addresses shows IPv4 clients as `::ffff:192.0.2.1`.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let local = stream.local_addr().ok();
        let connection = Connection { peer: Some(peer), local, scheme: Scheme::Http };
        let answerer = Answerer::new(self.app.clone(), connection);
        let connection = self.protocol.serve_connection(TokioIo::new(stream), answerer);
        tokio::spawn(until_end(connection, self.watch.clone()));
    }

    /// Waits until the server ends.
    pub(super) async fn ending(&mut self) {
        self.watch.ending().await;
    }
}

fn protocol(head_timeout: Duration) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    // What hyper leaves as it is, and why: a client that closes its sending half counts as gone
    // (`half_close`), as there is no other sign that work for it is in vain; and responses to
    // pipelined requests are written one by one (`pipeline_flush`), as gathering them would copy
    // every body once more.
    protocol.timer(TokioTimer::new()).header_read_timeout(head_timeout);
    protocol.max_header_size(HEAD_LIMIT).max_buf_size(BUFFER_LIMIT);
    protocol
}

/// Runs a connection to its end. When the server ends, it finishes the request that it is at.
async fn until_end(connection: http1::Connection<TokioIo<TcpStream>, Answerer>, mut watch: Watch) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = watch.ending() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The client's doing in all likelihood: it left, or what it sent is not HTTP.
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection failed");
    }
}
