//! The streams of an HTTP/2 connection: a task for each request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use pin_project_lite::pin_project;

use super::activity::Activity;
use super::pace::{Paced as _, Watch};
use super::taking::Taking;
use crate::metrics::Refusal;

/// Runs the requests of an HTTP/2 connection.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Activity>);

impl Streams {
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        Self(activity)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, answer: F) {
        // hyper has an answer run as soon as it has asked for it, so the newest one is meant.
        let taking = self.0.newest();
        let watch = Watch::new(Arc::clone(&self.0));
        tokio::spawn(Stream { answer: Some(answer), taking, watch });
    }
}

pin_project! {
    /// One request of a connection, up to the end of its response. It is given up where the
    /// client does not take the response, which resets its stream and nothing else.
    struct Stream<F> {
        #[pin]
        answer: Option<F>,
        taking: Option<Arc<Taking>>,
        watch: Watch,
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(answer) = this.answer.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        let polled = answer.poll(context);
        if let (Poll::Pending, Some(taking)) = (&polled, &this.taking) {
            if taking.is_owed() {
                this.watch.wait(taking, context.waker());
            }
            if taking.pace().is_late() {
                this.watch.activity().ledger().count(Refusal::WriteTimeout);
                this.answer.set(None);
                return Poll::Ready(());
            }
        }
        polled
    }
}
