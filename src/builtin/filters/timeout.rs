//! Answers for an app that takes too long, and holds clients to a pace.

mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http_body::Body as _;

use self::pace::Paced;
use crate::app::response::Form;
use crate::app::{App, Body, Filter, Handler, RefusedBy, Request, Response};
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
    /// With `body_timeout` a client is told 408, too, that sends its body too slowly for this app,
    /// though the whole of it may take as long as it does.
    ///
    /// ```ini
    /// [filter:timeout]
    /// use = egg:pasteline#timeout
    /// timeout = 30
    /// ```
    pub(super) struct Timeout {
        /// How long the app may take, in seconds; more than 0.
        timeout: Seconds = "60",
        /// How many seconds a client may take for the next KiB of a request's body while the app
        /// waits for it; more than 0. Unless set, only that of the server counts, which counts in
        /// any case.
        body_timeout: Option<Seconds>,
    }
}

impl FilterFactory for Timeout {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.timeout.0.is_zero() {
            reader.reject("timeout", "no app answers in no time");
        }
        if self.body_timeout.is_some_and(|time| time.0.is_zero()) {
            reader.reject("body_timeout", "no client sends anything in no time");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::handler(self))
    }
}

impl Handler for Timeout {
    async fn handle(&self, mut request: Request, next: App) -> Response {
        let form = Form::asked(request.headers());
        let is_slow = self.body_timeout.and_then(|time| pace(request.body_mut(), time));
        let waits_for_client = observe_waiting(request.body_mut());
        let answer = tokio::time::timeout(self.timeout.0, next.answer(request)).await;
        let (status, detail) = match answer {
            // Apps report a body that they could not read in many ways.
            Ok(_) if is_slow.is_some_and(|is_slow| is_slow.load(Ordering::Relaxed)) => LATE,
            Ok(response) => return response,
            Err(_elapsed) if waits_for_client.load(Ordering::Relaxed) => LATE,
            Err(_elapsed) => (StatusCode::GATEWAY_TIMEOUT, "The server did not answer in time."),
        };
        RefusedBy(DEFINITION.name).mark(form.refusal(status, detail))
    }
}

/// What a client is told that keeps the app waiting.
const LATE: (StatusCode, &str) =
    (StatusCode::REQUEST_TIMEOUT, "The body of the request did not arrive in time.");

/// Has a body come at a pace; whether it was too slow for that is known later. None if there is no
/// body.
fn pace(body: &mut Body, time: Seconds) -> Option<Arc<AtomicBool>> {
    if body.is_end_stream() {
        return None;
    }
    let (paced, is_slow) = Paced::new(std::mem::take(body), time.0);
    *body = Body::new(paced);
    Some(is_slow)
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
    use crate::builtin::fixture::{faults, filter, get, refused_by, text};

    const SECTION: &str = "[filter:timeout]\nuse = egg:pasteline#timeout\ntimeout = 2.5";

    #[tokio::test(start_paused = true)]
    async fn an_app_may_take_its_time_up_to_the_limit() {
        let app = App::from_fn(async |_| {
            tokio::time::sleep(Duration::from_millis(2499)).await;
            response::text(StatusCode::OK, "done")
        });
        let response = get(&app.behind(&[filter(SECTION)]), "/").await;
        assert_eq!(refused_by(&response), None);
        assert_eq!(text(response).await, "done");
    }

    #[tokio::test(start_paused = true)]
    async fn an_app_that_takes_longer_is_given_up() {
        let app = App::from_fn(|_| pending()).behind(&[filter(SECTION)]);
        let started = tokio::time::Instant::now();
        let response = get(&app, "/").await;
        assert_eq!(started.elapsed(), Duration::from_millis(2500));
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(refused_by(&response), Some("timeout"));
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
        assert_eq!(refused_by(&response), Some("timeout"));
        let response = app.answer(Request::new(Body::from("sent"))).await;
        assert_eq!(refused_by(&response), None);
        assert_eq!(text(response).await, "sent");
        let app = App::from_fn(|_| pending()).behind(&[filter(SECTION)]);
        let response = app.answer(Request::new(Body::new(Stalled))).await;
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_too_slowly_is_told_so() {
        let reads = App::from_fn(async |request: Request| {
            let body = request.into_body().collect().await;
            response::text(StatusCode::OK, if body.is_ok() { "whole" } else { "broken" })
        });
        let section = format!("{SECTION}\nbody_timeout = 1.5");
        let app = reads.behind(&[filter(&section)]);
        let started = tokio::time::Instant::now();
        let response = app.answer(Request::new(Body::new(Stalled))).await;
        assert_eq!(started.elapsed(), Duration::from_millis(1500));
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(refused_by(&response), Some("timeout"));
        let expected = "408 Request Timeout\n\nThe body of the request did not arrive in time.\n";
        assert_eq!(text(response).await, expected);
        let response = app.answer(Request::new(Body::from("sent"))).await;
        assert_eq!(refused_by(&response), None);
        assert_eq!(text(response).await, "whole");
        assert_eq!(text(get(&app, "/").await).await, "whole");
    }

    #[test]
    fn there_is_no_time_for_no_time() {
        let refused = "error[bad-value]: `timeout` is refused: no app answers in no time";
        let section = SECTION.replace("2.5", "0");
        assert_eq!(faults(&section), [format!("test.ini:3:11: {refused}")]);
        let refused = "`body_timeout` is refused: no client sends anything in no time";
        let section = format!("{SECTION}\nbody_timeout = 0");
        assert_eq!(faults(&section), [format!("test.ini:4:16: error[bad-value]: {refused}")]);
    }
}
