//! The body of a request as it comes in, which the client must send at a pace.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};

use super::activity::{Activity, Number};
use super::pace::{Pace, Paced, Watch};
use crate::app::{Body, BodyRefused, BoxError, Request};
use crate::metrics::Refusal;

/// How much of a body must come within the time for it.
const LEAST: usize = 1024;

/// The body of a request as it comes in.
pub(super) struct Received {
    body: Body,
    /// That of its request.
    number: Number,
    watch: Watch,
    /// How long trailers may be.
    limit: usize,
    reception: Arc<Reception>,
    /// Whether all of it has come.
    is_whole: bool,
}

/// What became of the body of a request.
#[derive(Debug)]
pub(super) struct Reception {
    pace: Pace,
    /// Whether its trailers are too long.
    is_trailed: AtomicBool,
    /// Whether its length is known.
    pub(super) is_measured: bool,
}

impl Reception {
    /// Why the body was not taken to its end; none if it was, or may yet be.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if self.pace.is_late() {
            return Some(Refusal::BodyTimeout);
        }
        self.is_trailed.load(Ordering::Relaxed).then_some(Refusal::TrailerSize)
    }
}

impl Paced for Reception {
    fn pace(&self) -> &Pace {
        &self.pace
    }
}

impl Received {
    /// Has the body of a request come in at a pace, with trailers up to a limit; none if it has
    /// no body.
    pub(super) fn watch(
        request: &mut Request,
        activity: &Arc<Activity>,
        limit: usize,
    ) -> Option<Arc<Reception>> {
        if http_body::Body::is_end_stream(request.body()) {
            return None;
        }
        let pace = Pace::new(LEAST, activity.clock().body);
        let is_measured = request.body().size_hint().exact().is_some();
        let is_trailed = AtomicBool::new(false);
        let reception = Arc::new(Reception { pace, is_trailed, is_measured });
        let number = activity.body_begins();
        let body = std::mem::take(request.body_mut());
        let watch = Watch::new(Arc::clone(activity));
        let received =
            Self { body, number, watch, limit, reception: Arc::clone(&reception), is_whole: false };
        *request.body_mut() = Body::new(received);
        Some(reception)
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let (pace, clock) = (&this.reception.pace, this.watch.activity().clock());
        if pace.is_late() {
            return Poll::Ready(Some(Err(BodyRefused::TooSlow.into())));
        }
        // Where the response has ended before, hyper does not say so, but at the end of the connection
        // that the body is broken.
        let polled = if this.body.is_end_stream() {
            Poll::Ready(None)
        } else {
            Pin::new(&mut this.body).poll_frame(context)
        };
        match &polled {
            Poll::Pending => this.watch.wait(&this.reception, context.waker()),
            Poll::Ready(Some(Ok(frame))) => {
                pace.moves(frame.data_ref().map_or(0, Bytes::len), clock);
                if this.body.is_end_stream() {
                    this.watch.activity().body_ends(this.number);
                }
                if frame.trailers_ref().is_some_and(|trailers| size(trailers) > this.limit) {
                    this.reception.is_trailed.store(true, Ordering::Relaxed);
                    return Poll::Ready(Some(Err(BodyRefused::TrailersTooLarge.into())));
                }
            }
            Poll::Ready(ended) => {
                pace.rest(clock);
                let activity = this.watch.activity();
                activity.body_ends(this.number);
                this.is_whole = match ended {
                    Some(Err(error)) if is_misframed(error) => {
                        activity.ledger().count(Refusal::Framing);
                        false
                    }
                    _ => true,
                };
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let (is_late, is_end) = (self.reception.pace.is_late(), self.body.is_end_stream());
        let activity = self.watch.activity();
        if !self.is_whole && !is_late && !is_end {
            activity.is_spared_body(self.number);
        }
        // Before it is told, so that hyper hears of it when it goes on.
        drop(std::mem::take(&mut self.body));
        if is_end {
            activity.body_ends(self.number);
        } else {
            activity.body_is_dropped(self.number);
        }
    }
}

/// Whether a body is not what it says: its chunks are none, or longer than they may be, or over HTTP/2
/// its length is another one.
fn is_misframed(error: &BoxError) -> bool {
    let cause = error.downcast_ref::<hyper::Error>().and_then(Error::source);
    if let Some(error) = cause.and_then(|cause| cause.downcast_ref::<h2::Error>()) {
        let is_malformed = error.reason() == Some(h2::Reason::PROTOCOL_ERROR);
        // Not where the whole connection has failed.
        return is_malformed && error.is_reset() && error.is_library();
    }
    let Some(error) = cause.and_then(|cause| cause.downcast_ref::<io::Error>()) else {
        return false;
    };
    // A record that cannot be decrypted is invalid data, too.
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    inner.is_none() && matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData)
}

/// How long trailers are, as lines.
fn size(trailers: &HeaderMap) -> usize {
    trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}
