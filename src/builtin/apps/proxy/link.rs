//! One connection to an upstream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll};

use hyper::client::conn::http1::SendRequest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::body::Upload;

/// A connection to an upstream, for one request at a time.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) sender: SendRequest<Upload>,
    pub(super) wire: Arc<Wire>,
    /// The timer of whoever uses the link: one that is moved on costs a fraction of a new one.
    pub(super) timer: Pin<Box<Sleep>>,
    /// Whether it has carried a request before, so that the upstream may have closed it meanwhile.
    pub(super) is_reused: bool,
    /// The round of the pool in which it was put back.
    pub(super) round: u32,
}

/// What passes over a connection, as the parties to it note it.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Whether anything of the response was read.
    received: AtomicBool,
    /// How many frames of the request's body were sent.
    sent: AtomicU32,
    /// Whether the next frame of the request's body has yet to come from the client.
    waits_for_client: AtomicBool,
}

impl Wire {
    /// Notes that a new request begins.
    pub(super) fn begin(&self) {
        self.received.store(false, Ordering::Relaxed);
        self.waits_for_client.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_received(&self) -> bool {
        self.received.load(Ordering::Relaxed)
    }

    /// How much of the request's body was sent; the number only grows, and may wrap.
    pub(super) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }

    /// Notes that the body of the request was asked for a frame.
    pub(super) fn asked<T>(&self, frame: &Poll<T>) {
        self.waits_for_client.store(frame.is_pending(), Ordering::Relaxed);
        if frame.is_ready() {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The socket of a link, which notes that something was read.
#[derive(Debug)]
pub(super) struct Socket {
    socket: TcpStream,
    wire: Arc<Wire>,
}

impl Socket {
    pub(super) fn new(socket: TcpStream, wire: Arc<Wire>) -> Self {
        Self { socket, wire }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.wire.received.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }
}
