//! A socket of which it is known what frames pass over it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::socket::Socket;
use super::unheard::Unheard;

/// A socket of which it is known what frames pass over it, if its client speaks HTTP/2.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) socket: Socket,
    pub(super) frames: Option<Frames>,
    /// How many bytes were read, and how many may be at once.
    pub(super) received: usize,
    pub(super) room: usize,
}

/// The frames of a connection.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    unheard: Arc<Mutex<Unheard>>,
    activity: Arc<Activity>,
}

impl Frames {
    /// Those of a connection of which nothing was read.
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        Self { unheard: Arc::new(Mutex::new(Unheard::new())), activity }
    }

    /// Notes what the client has sent.
    pub(super) fn receive(&self, bytes: &[u8]) {
        self.lock().receive(bytes, self.activity.begun());
    }

    /// Nobody else waits for them, as one task reads, writes and asks.
    pub(super) fn lock(&self) -> MutexGuard<'_, Unheard> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Framed {
    /// A socket over which nothing is known to pass.
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket, frames: None, received: 0, room: usize::MAX }
    }

    /// Reads no more than there is room for.
    #[cold]
    fn poll_read_some(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut some = ReadBuf::new(buffer.initialize_unfilled_to(self.room));
        let read = Pin::new(&mut self.socket).poll_read(context, &mut some);
        let length = some.filled().len();
        buffer.advance(length);
        read
    }

    /// Notes that so much was written of what was to be.
    fn note<'a>(
        &self,
        written: Poll<io::Result<usize>>,
        bytes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        if let (Some(frames), Poll::Ready(Ok(written))) = (&self.frames, &written) {
            let (mut left, begun) = (*written, frames.activity.begun());
            let mut frames = frames.lock();
            for bytes in bytes {
                let sent = &bytes[..left.min(bytes.len())];
                frames.send(sent, begun);
                left -= sent.len();
            }
        }
        written
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let had = buffer.filled().len();
        let read = if self.room < buffer.remaining() {
            self.poll_read_some(context, buffer)
        } else {
            Pin::new(&mut self.socket).poll_read(context, buffer)
        };
        let received = &buffer.filled()[had..];
        self.received += received.len();
        if let Some(frames) = &self.frames {
            frames.receive(received);
        }
        read
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note(written, [bytes])
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
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(written, slices.iter().map(|slice| &**slice))
    }
}
