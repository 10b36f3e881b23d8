//! Connections that go on in another protocol, where client and upstream have agreed on one.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};

use super::silence::Silence;
use super::wire::{Socket, Wire};
use crate::app::{Request, Tunnel};

/// The protocol that a client asks to go on in, if it is one of those that are passed on.
///
/// It names one only, and without a body: what would follow the body is no request.
pub(super) fn asked(request: &Request, allowed: &[String]) -> Option<HeaderValue> {
    let headers = request.headers();
    let mut protocols = headers.get_all(UPGRADE).iter();
    let protocol = protocols.next()?;
    let is_one = protocols.next().is_none();
    let is_plain = request.version() == Version::HTTP_11
        && request.method() == Method::GET
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING);
    let is_allowed =
        allowed.iter().any(|name| protocol.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
    let passes = is_one && is_plain && is_allowed && is_meant(headers);
    passes.then(|| protocol.clone())
}

/// Whether `Connection` names `Upgrade`.
fn is_meant(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter().map(HeaderValue::as_bytes);
    let mut options =
        values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    options.any(|option| option.eq_ignore_ascii_case(b"upgrade"))
}

/// Asks for a protocol, or tells that it is taken.
pub(super) fn tell(protocol: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol.clone());
}

/// Whether a response takes the protocol that was asked for.
pub(super) fn is_taken(protocol: &HeaderValue, headers: &HeaderMap) -> bool {
    let mut taken = headers.get_all(UPGRADE).iter();
    let is_same = taken
        .next()
        .is_some_and(|taken| taken.as_bytes().eq_ignore_ascii_case(protocol.as_bytes()));
    is_same && taken.next().is_none()
}

/// Passes bytes to and fro until both sides have closed, or neither has sent any for too long.
pub(super) fn tunnel(socket: Socket, first: Bytes, limit: Duration) -> Tunnel {
    Tunnel::new(move |mut client| async move {
        let wire = Arc::new(Wire::default());
        let mut upstream = Moving { socket, first, wire: Arc::clone(&wire) };
        let mut silence = Silence::new();
        let mut copied = pin!(copy_bidirectional(&mut client, &mut upstream));
        let ended: io::Result<()> = poll_fn(|context| {
            if let Poll::Ready(copied) = copied.as_mut().poll(context) {
                return Poll::Ready(copied.map(|_| ()));
            }
            silence.poll_end(limit, &wire, context).map(|()| Err(io::ErrorKind::TimedOut.into()))
        })
        .await;
        if let Err(error) = ended {
            tracing::debug!(%error, "a switched connection broke off");
        }
    })
}

/// The socket of the upstream, which notes that something moves.
struct Moving {
    socket: Socket,
    /// What came with the head of the response.
    first: Bytes,
    wire: Arc<Wire>,
}

impl AsyncRead for Moving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        } else {
            let length = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first.split_to(length));
        }
        self.wire.moved();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Moving {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, bytes))?;
        self.wire.moved();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;

    fn is_asked(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        asked(&request, &["websocket".to_owned()]).is_some()
    }

    #[test]
    fn a_protocol_is_asked_for_by_name_and_alone() {
        let meant = ("connection", "keep-alive, Upgrade");
        assert!(is_asked("GET", &[meant, ("upgrade", "WebSocket")]));
        assert!(!is_asked("GET", &[("upgrade", "websocket")]));
        assert!(!is_asked("GET", &[meant, ("upgrade", "h2c")]));
        assert!(!is_asked("GET", &[meant, ("upgrade", "websocket, h2c")]));
        assert!(!is_asked("GET", &[meant, ("upgrade", "websocket"), ("upgrade", "h2c")]));
        assert!(!is_asked("GET", &[meant, ("upgrade", "websocket"), ("content-length", "5")]));
        assert!(!is_asked("POST", &[meant, ("upgrade", "websocket")]));
    }

    #[test]
    fn a_protocol_is_taken_if_it_is_the_one_that_was_asked_for() {
        let is_taken = |taken: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for protocol in taken {
                headers.append(UPGRADE, HeaderValue::from_static(protocol));
            }
            is_taken(&HeaderValue::from_static("websocket"), &headers)
        };
        assert!(is_taken(&["WebSocket"]));
        assert!(
            ![&[][..], &["h2c"], &["websocket", "h2c"], &["websocket, h2c"]]
                .into_iter()
                .any(is_taken)
        );
    }
}
