//! Refuses requests while too many others are being answered.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body::Body as _;

use crate::app::{Body, Filter, Phase, RefusedBy, Request, Response, response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Reader;

pub(super) const DEFINITION: Definition = Definition::filter::<Concurrency>("concurrency");

settings! {
    /// Refuses requests with 503 and `Retry-After` while as many as `max_requests` are being
    /// answered by what is behind it.
    ///
    /// Nothing waits in a queue: an app that is too slow makes its clients come again later,
    /// rather than fill the memory. A request counts until the last of its response is taken. Each
    /// worker counts its own; `max_requests` of the server is the same for all of its pipelines
    /// together.
    ///
    /// ```ini
    /// [filter:concurrency]
    /// use = egg:pasteline#concurrency
    /// max_requests = 200
    /// ```
    pub(super) struct Concurrency {
        /// How many requests of a worker are answered at a time, at least one.
        max_requests: usize = "100",
        /// After how many seconds a client is told to come again.
        retry_after: u32 = "1",
    }
}

impl FilterFactory for Concurrency {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.max_requests == 0 {
            reader.reject("max_requests", "no request would ever be answered");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(Gate { settings: self, open: Arc::default() }))
    }
}

struct Gate {
    settings: Concurrency,
    /// How many requests are being answered.
    open: Arc<AtomicUsize>,
}

/// The place of one request among those that are answered, which it gives back when dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Phase for Gate {
    type Memo = Box<Place>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.open));
        if before < self.settings.max_requests {
            return ControlFlow::Continue(Box::new(place));
        }
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "The server is busy. Please try again.";
        let mut refusal = response::refusal(status, detail, request.headers());
        let seconds = HeaderValue::from(self.settings.retry_after);
        refusal.headers_mut().insert(RETRY_AFTER, seconds);
        ControlFlow::Break(RefusedBy(DEFINITION.name).mark(refusal))
    }

    fn response(&self, place: Self::Memo, response: &mut Response) {
        if !response.body().is_end_stream() {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = Body::observed(body, move |_| {
                let _until_the_end = &place;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::App;
    use crate::builtin::fixture::{faults, filter, get, refused_by, text};

    const SECTION: &str =
        "[filter:concurrency]\nuse = egg:pasteline#concurrency\nmax_requests = 2\nretry_after = 7";

    #[tokio::test]
    async fn so_many_requests_are_answered_at_a_time() {
        let app = App::ready(|_| response::text(StatusCode::OK, "done"));
        let app = app.behind(&[filter(SECTION)]);
        let first = get(&app, "/").await;
        let second = get(&app, "/").await;
        assert_eq!([first.status(), second.status()], [StatusCode::OK; 2], "up to the limit");
        assert_eq!([&first, &second].map(refused_by), [None; 2]);
        let third = get(&app, "/").await;
        assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE, "one past it");
        assert_eq!(refused_by(&third), Some("concurrency"));
        assert_eq!(third.headers()[RETRY_AFTER], "7");
        assert_eq!(text(first).await, "done");
        assert_eq!(get(&app, "/").await.status(), StatusCode::OK, "a response was taken");
        drop(second);
    }

    #[tokio::test]
    async fn who_leaves_gives_the_place_back() {
        let app = App::from_fn(|_| std::future::pending()).behind(&[filter(SECTION)]);
        for _ in 0..10 {
            let waiting = tokio::spawn(app.answer(Request::new(Body::empty())));
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            waiting.abort();
            let _ = waiting.await;
        }
    }

    #[tokio::test]
    async fn a_body_passes_as_it_is() {
        let app = App::ready(|_| response::text(StatusCode::OK, "done"));
        let body = get(&app.behind(&[filter(SECTION)]), "/").await.into_body();
        assert_eq!(body.size_hint().exact(), Some(4));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "done");
    }

    #[test]
    fn there_is_no_limit_of_nothing() {
        let refused =
            "error[bad-value]: `max_requests` is refused: no request would ever be answered";
        let section = SECTION.replace("= 2", "= 0");
        assert_eq!(faults(&section), [format!("test.ini:3:16: {refused}")]);
    }
}
