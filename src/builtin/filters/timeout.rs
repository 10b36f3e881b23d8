//! Answers for an app that takes too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http_body::Body as _;

use crate::app::response::Form;
use crate::app::{App, Body, Filter, Handler, Request, Response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::filter::<Timeout>("timeout");

settings! {
    /// Answers for an app that takes longer than `timeout` to begin its response: 504, or 408 if
    /// it was waiting for the client to send its body.
    ///
    /// The app's work on the request is given up. A response that has begun may take its time.
    ///
    /// ```ini
    /// [filter:timeout]
    /// use = egg:pasteline#timeout
    /// timeout = 30
    /// ```
    pub(super) struct Timeout {
        /// How long the app may take, in seconds; more than 0.
        timeout: Seconds = "60",
    }
}

impl FilterFactory for Timeout {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.timeout.0.is_zero() {
            reader.reject("timeout", "no app answers in no time");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::handler(self))
    }
}

impl Handler for Timeout {
    async fn handle(&self, mut request: Request, next: App) -> Response {
        let form = Form::asked(request.headers());
        let waits_for_client = observe_waiting(request.body_mut());
        let answer = tokio::time::timeout(self.timeout.0, next.answer(request));
        answer.await.unwrap_or_else(|_elapsed| {
            if waits_for_client.load(Ordering::Relaxed) {
                let detail = "The body of the request did not arrive in time.";
                form.refusal(StatusCode::REQUEST_TIMEOUT, detail)
            } else {
                let detail = "The server did not answer in time.";
                form.refusal(StatusCode::GATEWAY_TIMEOUT, detail)
            }
        })
    }
}

/// Whether whoever reads a body is waiting for more of it.
fn observe_waiting(body: &mut Body) -> Arc<AtomicBool> {
    let waiting = Arc::new(AtomicBool::new(false));
    if !body.is_end_stream() {
        let theirs = Arc::clone(&waiting);
        *body = Body::observed(std::mem::take(body), move |polled| {
            theirs.store(polled.is_pending(), Ordering::Relaxed);
        });
    }
    waiting
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use bytes::Bytes;
    use http_body::Frame;
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::response;
    use crate::builtin::fixture::{faults, filter, get, text};

    const SECTION: &str = "[filter:timeout]\nuse = egg:pasteline#timeout\ntimeout = 2.5";

    #[tokio::test(start_paused = true)]
    async fn an_app_may_take_its_time_up_to_the_limit() {
        let app = App::from_fn(async |_| {
            tokio::time::sleep(Duration::from_millis(2499)).await;
            response::text(StatusCode::OK, "done")
        });
        assert_eq!(text(get(&app.behind(&[filter(SECTION)]), "/").await).await, "done");
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_takes_longer_is_given_up() {
        let app = App::from_fn(|_| pending()).behind(&[filter(SECTION)]);
        let started = tokio::time::Instant::now();
        let response = get(&app, "/").await;
        assert_eq!(started.elapsed(), Duration::from_millis(2500));
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        let expected = "504 Gateway Timeout\n\nThe server did not answer in time.\n";
        assert_eq!(text(response).await, expected);
    }

    /// A body that never comes.
    struct Stalled;

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_keeps_the_app_waiting_is_told_so() {
        let reads = App::from_fn(async |request: Request| {
            let body = request.into_body().collect().await;
            response::text(StatusCode::OK, body.unwrap().to_bytes())
        });
        let app = reads.behind(&[filter(SECTION)]);
        let response = app.answer(Request::new(Body::new(Stalled))).await;
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        let response = app.answer(Request::new(Body::from("sent"))).await;
        assert_eq!(text(response).await, "sent");
        let app = App::from_fn(|_| pending()).behind(&[filter(SECTION)]);
        let response = app.answer(Request::new(Body::new(Stalled))).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    }

    #[test]
    fn there_is_no_time_for_no_time() {
        let refused = "error[bad-value]: `timeout` is refused: no app answers in no time";
        let section = SECTION.replace("2.5", "0");
        assert_eq!(faults(&section), [format!("test.ini:3:11: {refused}")]);
    }
}
