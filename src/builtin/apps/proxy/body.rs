//! The bodies of a request and a response on their way through.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::link::{Link, Wire};
use super::pool::Pool;
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

    pub(super) fn into_body(self) -> Body {
        self.body
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

/// The body of a response on its way from the upstream. At its end it gives the connection back;
/// dropped before, it closes it.
pub(super) struct Download {
    body: Incoming,
    link: Option<Link>,
    pool: Arc<Pool>,
    timeout: Duration,
    /// Whether the time for the next frame has yet to begin.
    is_fresh: bool,
}

impl Download {
    pub(super) fn new(body: Incoming, link: Link, pool: Arc<Pool>, timeout: Duration) -> Self {
        Self { body, link: Some(link), pool, timeout, is_fresh: true }
    }

    fn end(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.put(link);
        }
    }

    /// Whether the upstream has been silent for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(link) = &mut self.link else { return Poll::Pending };
        if self.is_fresh {
            self.is_fresh = false;
            link.timer.as_mut().reset(Instant::now() + self.timeout);
        }
        link.timer.as_mut().poll(context)
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.is_fresh = true;
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
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
