//! The body of a request, which the client must send at a pace.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::app::{Body, BodyRefused, BoxError};

/// How much of a body must come within the time for it.
const LEAST: usize = 1024;

/// The body of a request, which fails where the client takes too long for the next part of it.
pub(super) struct Paced {
    body: Body,
    time: Duration,
    /// Runs out when enough must have come; none before the client is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    /// How much has come since that was set.
    come: usize,
    /// Whether the client is waited for.
    waits: bool,
    is_late: Arc<AtomicBool>,
}

impl Paced {
    /// A body of which a part must come within a time, and whether it has failed by that.
    pub(super) fn new(body: Body, time: Duration) -> (Self, Arc<AtomicBool>) {
        let is_late = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&is_late);
        (Self { body, time, timer: None, come: 0, waits: false, is_late: theirs }, is_late)
    }

    /// Notes what has come, of the client's time or after it.
    fn moves(&mut self, bytes: usize) -> bool {
        self.come += bytes;
        let is_over = std::mem::take(&mut self.waits) && self.is_over();
        if self.come >= LEAST {
            self.timer = None;
        }
        is_over && self.timer.is_some()
    }

    fn is_over(&self) -> bool {
        self.timer.as_ref().is_some_and(|timer| timer.deadline() <= Instant::now())
    }

    /// Waits for the client, until its time is over.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // The time that the app has taken for other things is not the client's.
        if !std::mem::replace(&mut self.waits, true) && self.is_over() {
            self.timer = None;
        }
        let (time, come) = (self.time, &mut self.come);
        let timer = self.timer.get_or_insert_with(|| {
            *come = 0;
            Box::pin(sleep(time))
        });
        timer.as_mut().poll(context)
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Pending => ready!(self.poll_late(context)),
            Poll::Ready(Some(Ok(frame))) => {
                if !self.moves(frame.data_ref().map_or(0, Bytes::len)) {
                    return polled;
                }
            }
            Poll::Ready(None | Some(Err(_))) => return polled,
        }
        self.is_late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(BodyRefused::TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt;

    use super::*;

    /// A client that sends so much of a body every so often, and that so many times.
    struct Client {
        portion: usize,
        pause: Duration,
        times: usize,
        timer: Pin<Box<Sleep>>,
    }

    impl Client {
        fn sends(portion: usize, pause: u64, times: usize) -> Body {
            let pause = Duration::from_secs(pause);
            Body::new(Self { portion, pause, times, timer: Box::pin(sleep(pause)) })
        }
    }

    impl http_body::Body for Client {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.times == 0 {
                return Poll::Ready(None);
            }
            ready!(self.timer.as_mut().poll(context));
            self.times -= 1;
            self.timer = Box::pin(sleep(self.pause));
            Poll::Ready(Some(Ok(Frame::data(vec![b'x'; self.portion].into()))))
        }
    }

    /// How many bytes came of a body that has ten seconds for each part; none if it was too slow.
    async fn read(body: Body) -> Option<usize> {
        let (paced, is_late) = Paced::new(body, Duration::from_secs(10));
        let read = paced.collect().await;
        assert_eq!(read.is_err(), is_late.load(Ordering::Relaxed));
        read.ok().map(|body| body.to_bytes().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_must_come_within_the_time() {
        assert_eq!(read(Client::sends(1024, 9, 100)).await, Some(102_400));
        assert_eq!(read(Client::sends(1024, 11, 100)).await, None);
        // Less than a part, so many times that it makes one, or does not.
        assert_eq!(read(Client::sends(114, 1, 100)).await, Some(11_400));
        assert_eq!(read(Client::sends(90, 1, 100)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_the_app_takes_is_not_the_clients() {
        let (mut paced, is_late) = Paced::new(Client::sends(1, 3, 3), Duration::from_secs(10));
        for _ in 0..3 {
            assert!(paced.frame().await.unwrap().is_ok());
            sleep(Duration::from_secs(60)).await;
        }
        assert!(paced.frame().await.is_none());
        assert!(!is_late.load(Ordering::Relaxed));
    }
}
