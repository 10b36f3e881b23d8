//! The socket of a connection.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::{direct, passage};

/// How many bytes are gathered at most to be written as one piece.
const GATHERED: usize = 1024;

/// The socket of a connection.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    /// What is read and written of it is encrypted on the way.
    Tls(Box<TlsStream<Self>>),
    Unix(UnixStream),
}

impl Socket {
    /// Prepares the socket for responses, and gives the address of this end if it has one.
    pub(super) fn prepare(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => {
                // A response is written at once as a whole; to hold back its last packet until the
                // one before is acknowledged would only delay it. Where this fails the connection
                // is gone.
                let _ = socket.set_nodelay(true);
                socket.local_addr().ok()
            }
            Self::Tls(stream) => stream.get_ref().0.prepare(),
            Self::Unix(_) => None,
        }
    }

    /// Whether something has arrived that was not read, even if the runtime has not heard of it.
    pub(super) fn has_unread(&self) -> bool {
        let socket = match self {
            Self::Tcp(socket) => SockRef::from(socket),
            Self::Tls(stream) => return stream.get_ref().0.has_unread(),
            Self::Unix(socket) => SockRef::from(socket),
        };
        socket.peek(&mut [MaybeUninit::uninit()]).is_ok_and(|bytes| bytes > 0)
    }

    /// Whether something was taken that has not left: what is encrypted may wait here.
    pub(super) fn holds_back(&self) -> bool {
        match self {
            Self::Tls(stream) => stream.get_ref().1.wants_write(),
            Self::Tcp(_) | Self::Unix(_) => false,
        }
    }

    /// Lets some of that leave, and says how much; nothing if all has.
    pub(super) fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self {
            Self::Tls(stream) => passage::poll_leave(stream, context),
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(0)),
        }
    }

    /// Closes the socket of a client that is not served, and says why as far as that does not
    /// wait for the client.
    pub(super) fn refuse(self, answer: &[u8]) {
        let socket = match &self {
            Self::Tcp(socket) => SockRef::from(socket),
            // It would have to be encrypted first.
            Self::Tls(_) => return,
            Self::Unix(socket) => SockRef::from(socket),
        };
        // What is left unread when a socket closes has the system take back what was written.
        let mut unread = [0; 1024];
        let _ = (&*socket).read(&mut unread);
        let _ = (&*socket).write(answer);
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) if direct::is_fit(buffer) => {
                direct::poll_read(socket, context, buffer)
            }
            Self::Tcp(socket) => Pin::new(socket).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(socket) => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(socket) => direct::poll_write(socket, context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
            Self::Unix(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // hyper has the head of a response in one piece and the body in others, rustls a record in
        // one. To gather few bytes here takes less than to have the system or rustls do it.
        // More goes to the system as it is. It is called again and again until it has no room, so
        // that it takes all it can at once; as one piece it would be called once each time that it
        // reports room, and a slow client would seem to go on.
        if slices.iter().map(|slice| slice.len()).sum::<usize>() <= GATHERED {
            if let [slice] = slices {
                return self.poll_write(context, slice);
            }
            // This buffer needs no zeros before it is written to.
            let mut bytes = [MaybeUninit::uninit(); GATHERED];
            let mut gathered = ReadBuf::uninit(&mut bytes);
            for slice in slices {
                gathered.put_slice(slice);
            }
            return self.poll_write(context, gathered.filled());
        }
        match self.get_mut() {
            Self::Tcp(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(socket) => Pin::new(socket).poll_write_vectored(context, slices),
        }
    }
}
