//! What passes over a connection to an upstream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How much may be read before the head of a response is there: interim responses, which are passed
/// over, that head, and what of the body comes with it.
const HEADS_LIMIT: usize = 128 * 1024;

/// What passes over a connection, as the parties to it note it.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// How much has moved: requests begun and frames of bodies. It may wrap.
    moves: AtomicU32,
    /// How much was read before the head of the response was there.
    heads: AtomicUsize,
    /// Whether that head is there.
    is_answered: AtomicBool,
    /// Whether the next frame of the request's body has yet to come from the client.
    waits_for_client: AtomicBool,
    /// Whether there is nothing more of the request to be sent.
    is_sent: AtomicBool,
}

impl Wire {
    /// Notes that a new request begins.
    pub(super) fn begin(&self) {
        self.moved();
        self.heads.store(0, Ordering::Relaxed);
        self.is_answered.store(false, Ordering::Relaxed);
        self.waits_for_client.store(false, Ordering::Relaxed);
        self.is_sent.store(false, Ordering::Relaxed);
    }

    /// Notes that a part of a body has passed.
    pub(super) fn moved(&self) {
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn moves(&self) -> u32 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Notes that the client was asked for a frame of the request's body.
    pub(super) fn asked<T>(&self, frame: &Poll<T>) {
        self.waits_for_client.store(frame.is_pending(), Ordering::Relaxed);
        if frame.is_ready() {
            self.moved();
        }
    }

    pub(super) fn waits_for_client(&self) -> bool {
        self.waits_for_client.load(Ordering::Relaxed)
    }

    /// Notes that the request ends: all of it was sent, or no more will be.
    pub(super) fn end(&self) {
        self.waits_for_client.store(false, Ordering::Relaxed);
        self.is_sent.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Relaxed)
    }

    /// Notes that the head of the response is there.
    pub(super) fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }

    /// Whether anything of the response was read.
    pub(super) fn has_received(&self) -> bool {
        self.heads.load(Ordering::Relaxed) > 0
    }

    /// Notes that so many bytes were read.
    ///
    /// # Errors
    ///
    /// They are too many for a response whose head is not there yet.
    fn received(&self, length: usize) -> io::Result<()> {
        if self.is_answered.load(Ordering::Relaxed) {
            return Ok(());
        }
        let heads = self.heads.fetch_add(length, Ordering::Relaxed) + length;
        if heads > HEADS_LIMIT {
            return Err(io::Error::other("too much came before the response"));
        }
        Ok(())
    }
}

/// The socket of a link, which notes what is read.
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
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        Poll::Ready(self.wire.received(buffer.filled().len() - before))
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
