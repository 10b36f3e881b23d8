//! The body of a response on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::answer::{Busy, watched};
use crate::app::{Body, BoxError, trace::Trace};

/// How much of a response is passed on at once where it shares the connection. All that is passed
/// on waits for the client in hyper, where nobody sees whether it is taken.
const PORTION: usize = 16 * 1024;

/// The body of a response, which ends the connection where the app panics.
pub(super) struct Answered {
    body: Body,
    busy: Busy,
    trace: Trace,
    /// What is left of what the app has given at once.
    rest: Bytes,
}

impl Answered {
    pub(super) fn new(body: Body, busy: Busy, trace: Trace) -> Self {
        Self { body, busy, trace, rest: Bytes::new() }
    }

    /// What the app gives.
    fn poll_app(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, trace, .. } = self;
        if body.is_in_memory() {
            return Pin::new(body).poll_frame(context);
        }
        let mut frame = Poll::Pending;
        if watched(trace, || frame = Pin::new(body).poll_frame(context)).is_err() {
            frame = Poll::Ready(Some(Err("the app panicked".into())));
        }
        frame
    }

    /// A portion of what the app gives, of which the rest is kept.
    fn poll_portion(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.busy.is_taken();
        if self.rest.is_empty() {
            let frame = ready!(self.poll_app(context));
            let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            }
        }
        let portion = self.rest.split_to(self.rest.len().min(PORTION));
        self.busy.is_given(portion.len());
        Poll::Ready(Some(Ok(Frame::data(portion))))
    }
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        // hyper would keep more than the client takes. It asks again as soon as it has written
        // all that it has, and is woken for that (but not with its `pipeline_flush`).
        if this.busy.is_held_up() {
            return Poll::Pending;
        }
        let shared = this.busy.is_shared();
        let frame = if shared { this.poll_portion(context) } else { this.poll_app(context) };
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            this.busy.noted.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        // The upper bound first, as the lower one must not pass it.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
