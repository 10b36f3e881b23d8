//! The stream of bytes of a connection, which notes that something happens.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use super::activity::Activity;
use super::farewell::Farewell;
use super::first_line::Watch;
use super::framed::{Framed, Frames};
use super::hearing::Hearing;
use super::socket::Socket;

/// How many bytes are read at most before it is known what protocol they are of.
const BEGINNING: usize = 1024;

/// A socket that notes what is read and written.
pub(super) struct Stream {
    socket: TokioIo<Framed>,
    /// What was read to find out how to go on, and is to be read again.
    beginning: Bytes,
    activity: Arc<Activity>,
    /// How the client is heard to its end, once ours is closed.
    farewell: Option<Farewell>,
    is_closed: bool,
    hearing: Hearing,
    first_line: Watch,
}

impl Stream {
    pub(super) fn new(socket: Socket, activity: Arc<Activity>) -> Self {
        let socket = TokioIo::new(Framed::new(socket));
        Self {
            socket,
            beginning: Bytes::new(),
            activity,
            farewell: None,
            is_closed: false,
            hearing: Hearing::default(),
            first_line: Watch::default(),
        }
    }

    /// Has somebody look at the first line of each head of which more than this is read.
    pub(super) fn watch_first_lines(&mut self, limit: usize) {
        let received = self.socket.inner().received - self.beginning.len();
        self.first_line = Watch::new(limit, received);
    }

    /// Has somebody look at the same line again when more than so much more is read.
    pub(super) fn watch_on(&mut self, left: usize) {
        self.first_line.go_on(self.socket.inner().received + left);
    }

    /// Notes that the client speaks HTTP/2, of which nothing was read but the beginning, and has
    /// its frames watched.
    pub(super) fn multiplex(&mut self) -> Frames {
        self.activity.multiplex();
        let frames = Frames::new(Arc::clone(&self.activity));
        self.socket.inner_mut().frames.insert(frames).clone()
    }

    /// What has arrived before anybody has read from the stream.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.beginning
    }

    /// Whether something has arrived that nobody has read from the stream.
    pub(super) fn has_unread(&self) -> bool {
        self.socket.inner().socket.has_unread()
    }

    /// Has bytes read again before all others.
    pub(super) fn put_back(&mut self, bytes: Bytes) {
        self.beginning = bytes;
    }

    /// Waits for the first bytes, or for more of them, and says how many have come; none if the
    /// client has closed its end. They are read again later. Who waits so holds no buffer.
    pub(super) fn poll_beginning(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; BEGINNING];
        let room = BEGINNING.saturating_sub(self.beginning.len()).max(1);
        let mut buffer = ReadBuf::new(&mut bytes[..room]);
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer.unfilled()))?;
        let read = buffer.filled();
        if !read.is_empty() {
            self.activity.has_read();
            let mut beginning = BytesMut::from(&*self.beginning);
            beginning.extend_from_slice(read);
            self.beginning = beginning.freeze();
        }
        Poll::Ready(Ok(read.len()))
    }

    /// Speaks for a client of HTTP/2 that does not say that it has heard of the end of the server,
    /// and says whether it has to end though it is amid something.
    fn poll_hearing(&mut self, context: &mut Context<'_>) -> bool {
        let Some(frames) = &self.socket.inner().frames else { return false };
        if !self.activity.is_to_finish() || self.hearing.poll(context).is_pending() {
            return false;
        }
        if frames.lock().is_between_frames() {
            self.beginning = self.hearing.end();
            return false;
        }
        // What it has begun to say would have to come first, and may never.
        !self.activity.is_answering()
    }

    /// Waits until all has left that was encrypted, so that no more is encrypted for a client than
    /// it takes.
    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.socket.inner().socket.holds_back() {
            let left = self.socket.inner_mut().socket.poll_leave(context);
            ready!(self.note(left))?;
        }
        Poll::Ready(Ok(()))
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.activity.waits_to_write(),
            Poll::Ready(written) => {
                self.activity.has_written(*written.as_ref().unwrap_or(&0));
                // What waits encrypted is held up as what waits in clear.
                if self.socket.inner().socket.holds_back() {
                    self.activity.waits_to_write();
                }
            }
        }
        written
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let is_over = self.beginning.is_empty() && self.poll_hearing(context);
        if !self.beginning.is_empty() {
            let Self { socket, beginning, .. } = &mut *self;
            let length = beginning.len().min(buffer.remaining());
            buffer.put_slice(&beginning[..length]);
            if let Some(frames) = &socket.inner().frames {
                frames.receive(&beginning[..length]);
            }
            beginning.advance(length);
            if self.beginning.is_empty() {
                self.beginning = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        let Self { socket, activity, first_line, .. } = &mut *self;
        let socket = socket.inner_mut();
        let Some(room) = first_line.room(activity, socket.received) else {
            activity.has_long_head();
            return Poll::Pending;
        };
        socket.room = room;
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if read.is_ready() {
            self.activity.has_read();
        } else if is_over {
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_leave(context))?;
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_leave(context))?;
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        // hyper asks for this only when it has written all that it has.
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.activity.has_flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_closed {
            this.activity.awaits_no_request();
            ready!(Pin::new(&mut this.socket).poll_shutdown(context))?;
            this.is_closed = true;
            // What is heard from now on is no head.
            this.socket.inner_mut().room = usize::MAX;
            this.farewell = Farewell::to(&this.activity, &this.socket.inner().socket);
        }
        let Some(farewell) = &mut this.farewell else { return Poll::Ready(Ok(())) };
        farewell.poll(&mut this.socket, &this.activity, context).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_leave(context))?;
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.note(written)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::server::Settings;
    use crate::server::clock::Clock;

    #[tokio::test]
    async fn only_a_head_is_read_in_portions() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let activity = Activity::new(Arc::new(Clock::new(&Settings::default())), Arc::default());
        let mut stream = Stream::new(Socket::Tcp(accepted.unwrap().0), Arc::new(activity));
        stream.watch_first_lines(10);
        client.unwrap().write_all(b"a head that is long").await.unwrap();
        let mut bytes = [0; 100];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| Pin::new(&mut stream).poll_read(context, buffer.unfilled()))
            .await
            .unwrap();
        assert_eq!(buffer.filled(), b"a head that");
        let is_looked_at = poll_fn(|context| {
            let read = Pin::new(&mut stream).poll_read(context, buffer.unfilled());
            Poll::Ready(read.is_pending())
        });
        assert!(is_looked_at.await && stream.activity.is_head_long());
        stream.watch_on(1);
        poll_fn(|context| {
            let _ = Pin::new(&mut stream).poll_shutdown(context);
            Poll::Ready(())
        })
        .await;
        assert_eq!(stream.socket.inner().room, usize::MAX, "what is heard at the end");
    }
}
