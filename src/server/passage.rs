//! The way of what was encrypted to the client.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tokio_rustls::server::TlsStream;

use super::socket::Socket;

/// How much may be encrypted ahead of what the client takes: a whole record, and a head before it.
/// More is held for each slow client, and spares the others little.
const AHEAD: usize = 17 * 1024;

/// Has a connection hold no more for its client than is useful.
pub(super) fn narrow(stream: &mut TlsStream<Socket>) {
    stream.get_mut().1.set_buffer_limit(Some(AHEAD));
}

/// Writes of what was encrypted and has not left, and says how much it was; nothing if all has.
pub(super) fn poll_leave(
    stream: &mut TlsStream<Socket>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let (socket, session) = stream.get_mut();
    if !session.wants_write() {
        return Poll::Ready(Ok(0));
    }
    match session.write_tls(&mut Passage { socket, context }) {
        Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

/// A socket as one to write to that does not wait: where it has no room, that is an error, and the
/// task is woken when it has.
struct Passage<'a, 'b> {
    socket: &'a mut Socket,
    context: &'a mut Context<'b>,
}

impl Write for Passage<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        at_once(Pin::new(&mut *self.socket).poll_write(self.context, bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        at_once(Pin::new(&mut *self.socket).poll_write_vectored(self.context, slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        at_once(Pin::new(&mut *self.socket).poll_flush(self.context))
    }
}

fn at_once<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}
