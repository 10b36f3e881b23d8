//! The bodies of a request and a response on their way through.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::link::Link;
use super::pool::Pool;
use super::wire::Wire;
use crate::app::{Body, BoxError};

/// The body of a request on its way to the upstream.
#[derive(Debug)]
pub(super) struct Upload {
    body: Body,
    wire: Arc<Wire>,
}

impl Upload {
    pub(super) fn new(body: Body, wire: Arc<Wire>) -> Self {
        Self { body, wire }
    }

    /// Takes the body back out.
    pub(super) fn take(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.wire.asked(&frame);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.wire.end();
    }
}

/// The body of a response on its way from the upstream. At its end it gives the connection back;
/// dropped before, it closes it.
pub(super) struct Download {
    body: Incoming,
    /// What was read of it already.
    first: Option<Read>,
    link: Option<Link>,
    pool: Arc<Pool>,
    timeout: Duration,
}

type Read = Result<Frame<Bytes>, hyper::Error>;

impl Download {
    /// The body of a response whose head has come by a link.
    ///
    /// What has come with the head, as short bodies do, needs nobody to wait for more.
    pub(super) fn begin(
        mut body: Incoming,
        mut link: Link,
        pool: &Arc<Pool>,
        timeout: Duration,
    ) -> Body {
        let first = match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) if body.is_end_stream() && frame.is_data() => {
                pool.put(link);
                return frame.into_data().map_or_else(|_| Body::empty(), Body::from);
            }
            Poll::Ready(None) => {
                pool.put(link);
                return Body::empty();
            }
            Poll::Ready(Some(first)) => Some(first),
            Poll::Pending => None,
        };
        if !link.wire.is_sent() {
            link.detach();
        }
        let pool = Arc::clone(pool);
        Body::new(Self { body, first, link: Some(link), pool, timeout })
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Read>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        let body = &mut self.body;
        match &mut self.link {
            Some(link) => link.poll(context, |context| Pin::new(&mut *body).poll_frame(context)),
            None => Pin::new(body).poll_frame(context),
        }
    }

    fn end(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.put(link);
        }
    }

    /// Waits until the upstream has been silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(Link { silence, wire, .. }) = &mut self.link else { return Poll::Pending };
        silence.poll_end(self.timeout, wire, context)
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.poll_read(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(link) = &self.link {
                    link.wire.moved();
                }
                if self.body.is_end_stream() {
                    self.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.link = None;
                tracing::warn!(upstream = %self.pool.upstream, %error, "a response broke off");
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Pending if self.poll_silence(context).is_ready() => {
                self.link = None;
                tracing::warn!(upstream = %self.pool.upstream, "a response stalled");
                Poll::Ready(Some(Err(Stalled.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.body.size_hint();
        let Some(Ok(first)) = &self.first else { return rest };
        let first = first.data_ref().map_or(0, |data| data.len() as u64);
        let mut whole = SizeHint::new();
        whole.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            whole.set_upper(upper + first);
        }
        whole
    }
}

/// The upstream sent nothing for too long in the middle of a response.
#[derive(Debug)]
struct Stalled;

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream stalled in the middle of its response")
    }
}

impl std::error::Error for Stalled {}
