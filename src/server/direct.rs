//! Reads from TCP connections and writes to them without the C library between.
//!
//! Its calls are points at which a thread may be cancelled, and in a process of several threads
//! they pay for that each time: a hundredth of all that a small request over TLS takes. Tokio calls
//! through it, but says when a call is worth while.

use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

/// Whether a buffer can be read into here: it has been written to before, as rustls has done with
/// its own. Without unsafe code no other one can be lent, and to write to it first costs more than
/// is won.
pub(super) fn is_fit(buffer: &ReadBuf<'_>) -> bool {
    buffer.initialized().len() == buffer.capacity()
}

/// Reads what there is into a buffer that is fit.
pub(super) fn poll_read(
    socket: &TcpStream,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let room = buffer.initialize_unfilled();
    let wanted = room.len();
    loop {
        ready!(socket.poll_read_ready(context))?;
        let read = || Ok(recv(socket, &mut *room, RecvFlags::empty())?.1);
        if let Some(read) = attempt(socket, Interest::READABLE, wanted, read)? {
            buffer.advance(read);
            return Poll::Ready(Ok(()));
        }
    }
}

/// Writes as much as there is room for.
pub(super) fn poll_write(
    socket: &TcpStream,
    context: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(socket.poll_write_ready(context))?;
        let write = || Ok(send(socket, bytes, SendFlags::NOSIGNAL)?);
        if let Some(written) = attempt(socket, Interest::WRITABLE, bytes.len(), write)? {
            return Poll::Ready(Ok(written));
        }
    }
}

/// Calls the system to move so many bytes, and says how many it has; none if there is nothing to
/// move at the moment.
fn attempt(
    socket: &TcpStream,
    interest: Interest,
    wanted: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> io::Result<Option<usize>> {
    let mut part = None;
    let attempted = socket.try_io(interest, || {
        let moved = call()?;
        if (1..wanted).contains(&moved) {
            // The next call would find nothing, so this one stands for it. That is sound as long as
            // the system reports again what becomes ready (epoll with `EPOLLET`, as Tokio uses it,
            // and as its own sockets do after a part).
            part = Some(moved);
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(moved)
    });
    match attempted {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(part),
        attempted => attempted.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// Two ends of a connection.
    async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    async fn read(socket: &TcpStream, room: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|context| poll_read(socket, context, &mut buffer)).await?;
        Ok(buffer.filled().to_vec())
    }

    async fn write(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|context| poll_write(socket, context, bytes)).await
    }

    #[tokio::test]
    async fn gives_what_has_come_and_waits_for_more() {
        let (near, far) = connected().await;
        assert_eq!(write(&far, b"hello").await.unwrap(), 5);
        assert_eq!(read(&near, 3).await.unwrap(), b"hel");
        assert_eq!(read(&near, 2).await.unwrap(), b"lo", "all of it, so that there may be more");
        let more = async { write(&far, b"again").await.unwrap() };
        let (read_later, written) = tokio::join!(biased; read(&near, 9), more);
        assert_eq!((read_later.unwrap(), written), (b"again".to_vec(), 5));
        drop(far);
        assert_eq!(read(&near, 9).await.unwrap(), b"", "the end");
    }

    #[tokio::test]
    async fn goes_on_when_the_client_has_made_room() {
        let (near, mut far) = connected().await;
        let bytes = vec![b'a'; 64 << 20];
        let sent = async {
            let (mut rest, mut parts) = (&bytes[..], 0);
            while !rest.is_empty() {
                rest = &rest[write(&near, rest).await.unwrap()..];
                parts += 1;
            }
            drop(near);
            parts
        };
        let mut taken = Vec::new();
        let (parts, read) = tokio::join!(sent, far.read_to_end(&mut taken));
        assert!(parts > 1 && read.unwrap() == bytes.len(), "{parts} parts");
        assert!(taken == bytes, "they are the same");
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_an_error() {
        let (near, far) = connected().await;
        write(&near, b"unread").await.unwrap();
        // What is left unread when a socket closes resets the connection.
        far.readable().await.unwrap();
        drop(far);
        assert_eq!(read(&near, 9).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(write(&near, b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
