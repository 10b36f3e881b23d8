//! Refuses requests whose body is too large.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use http::StatusCode;
use http_body::Body as _;
use http_body_util::{LengthLimitError, Limited};

use crate::app::response::Form;
use crate::app::{Answer, App, Body, Filter, RefusedBy, Request, Response, ResponseFuture};
use crate::builtin::ahead::{Ahead, read_ahead};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Dialect;

pub(super) const DEFINITION: Definition =
    Definition::filter::<SizeLimit>("sizelimit").aliases(ALIASES).outside_of(&[(
        "decompress",
        "bodies of any size would be taken in and decoded before they are refused",
    )]);

const ALIASES: &[Alias] = &[
    Alias::of("cinder.api.middleware.sizelimit:RequestBodySizeLimiter.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("egg:oslo.middleware#sizelimit").dialect(OSLO),
    Alias::of("keystone.middleware:RequestBodySizeLimiter.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("manila.api.middleware.sizelimit:RequestBodySizeLimiter.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("nova.api.sizelimit:RequestBodySizeLimiter.factory")
        .dialect(OSLO)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("oslo_middleware.sizelimit:RequestBodySizeLimiter.factory").dialect(OSLO),
    Alias::of("oslo_middleware:RequestBodySizeLimiter.factory").dialect(OSLO),
];

const SUCCESSOR: &str = "oslo_middleware:RequestBodySizeLimiter.factory";

const OSLO: Dialect = Dialect::lenient()
    .ignored(super::OSLO_CONFIG)
    .globals(&["max_request_body_size"])
    .group(super::OSLO_MIDDLEWARE);

settings! {
    /// Refuses requests whose body is larger than `max_request_body_size` with 413.
    ///
    /// A request that announces a larger body is refused before any of it is read. Of a body of
    /// unknown length the first `read_ahead` bytes are read before the app is asked, so that an app
    /// that answers without reading it, or an upstream that hangs up, cannot hide that it is too
    /// large. The rest is counted as the app reads it: past the limit the app's reading fails, and
    /// whatever the app answers then becomes a 413.
    ///
    /// ```ini
    /// [filter:sizelimit]
    /// use = egg:pasteline#sizelimit
    /// max_request_body_size = 1048576
    /// ```
    pub(super) struct SizeLimit {
        /// The largest body that is let through, in bytes.
        max_request_body_size: u64 = "114688",
        /// How much of a body of unknown length is read and kept before the app is asked, in
        /// bytes; with 0 the app is asked at once, as those need that answer while they read.
        read_ahead: usize = "131072",
    }
}

impl FilterFactory for SizeLimit {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let limit = self.max_request_body_size;
        let detail = format!("Request is too large. Larger than max_request_body_size ({limit}).");
        let limit = Arc::new(Limit { bytes: limit, ahead: self.read_ahead, detail });
        Ok(Filter::wrap(move |inner| App::new(Gate { limit: Arc::clone(&limit), inner })))
    }
}

struct Limit {
    bytes: u64,
    /// How much is read before the app is asked.
    ahead: usize,
    detail: String,
}

impl Limit {
    fn refuse(&self, form: Form) -> Response {
        tracing::info!(limit = self.bytes, "the body of a request is too large");
        let refusal = form.refusal(StatusCode::PAYLOAD_TOO_LARGE, &self.detail);
        RefusedBy(DEFINITION.name).mark(refusal)
    }

    /// A body that fails past the limit, and whether it has.
    fn counted(&self, body: Body) -> (Body, Arc<AtomicBool>) {
        let exceeded = Arc::new(AtomicBool::new(false));
        let limited = Limited::new(body, usize::try_from(self.bytes).unwrap_or(usize::MAX));
        let theirs = Arc::clone(&exceeded);
        let body = Body::observed(limited, move |polled| {
            if let Poll::Ready(Some(Err(error))) = polled
                && error.is::<LengthLimitError>()
            {
                theirs.store(true, Ordering::Relaxed);
            }
        });
        (body, exceeded)
    }
}

/// An app behind the limit. Unlike a handler it boxes no future for a body whose length is known.
struct Gate {
    limit: Arc<Limit>,
    inner: App,
}

impl Answer for Gate {
    fn answer(&self, request: Request) -> ResponseFuture {
        // The server holds a body to the length that its head announces.
        let size = request.body().size_hint();
        if size.lower() > self.limit.bytes {
            return ResponseFuture::ready(self.limit.refuse(Form::asked(request.headers())));
        }
        if size.upper().is_some_and(|upper| upper <= self.limit.bytes) {
            return self.inner.answer(request);
        }
        let (limit, inner) = (Arc::clone(&self.limit), self.inner.clone());
        ResponseFuture::new(count(request, limit, inner))
    }
}

/// Answers a request whose body may become too large.
async fn count(mut request: Request, limit: Arc<Limit>, inner: App) -> Response {
    let form = Form::asked(request.headers());
    let body = std::mem::take(request.body_mut());
    let body = match read_ahead(body, limit.ahead, limit.bytes).await {
        Ahead::TooLarge => return limit.refuse(form),
        Ahead::Whole(body) => {
            *request.body_mut() = body;
            return inner.answer(request).await;
        }
        Ahead::Begun(body) => body,
    };
    let (body, exceeded) = limit.counted(body);
    *request.body_mut() = body;
    let response = inner.answer(request).await;
    // Apps report a body that they could not read in many ways; none of them names the limit.
    if exceeded.load(Ordering::Relaxed) { limit.refuse(form) } else { response }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::Context;

    use bytes::Bytes;
    use http::header::ACCEPT;
    use http_body::Frame;
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::{App, response};
    use crate::builtin::fixture::{filter, refused_by, text};

    const TEN: &str =
        "[filter:sizelimit]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = 10";
    const TOO_LARGE: &str = "Request is too large. Larger than max_request_body_size (10).";

    /// A body whose length is not known beforehand, of so many chunks of five bytes.
    struct Chunks(usize);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
            self.0 = left;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"12345")))))
        }
    }

    fn chunked(chunks: usize) -> Body {
        Body::new(Chunks(chunks))
    }

    /// An app that reads the body, and says how long it is or that it could not be read.
    fn reader() -> App {
        App::from_fn(async |request: Request| match request.into_body().collect().await {
            Ok(body) => response::text(StatusCode::OK, body.to_bytes().len().to_string()),
            Err(_) => response::text(StatusCode::BAD_GATEWAY, "bad body"),
        })
    }

    async fn answer(app: App, section: &str, body: Body) -> Response {
        let mut request = Request::new(body);
        request.headers_mut().insert(ACCEPT, "application/json".parse().unwrap());
        app.behind(&[filter(section)]).answer(request).await
    }

    async fn post(app: App, section: &str, body: Body) -> (StatusCode, String) {
        let response = answer(app, section, body).await;
        (response.status(), text(response).await)
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_passes() {
        let ok = |length: &str| (StatusCode::OK, length.to_owned());
        assert_eq!(post(reader(), TEN, Body::from("1234567890")).await, ok("10"));
        assert_eq!(post(reader(), TEN, chunked(2)).await, ok("10"));
        assert_eq!(post(reader(), TEN, Body::empty()).await, ok("0"));
    }

    #[tokio::test]
    async fn a_larger_body_is_refused_before_the_app_is_asked() {
        let app = App::ready(|_| unreachable!("the app is not asked"));
        let (status, body) = post(app, TEN, Body::from("12345678901")).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["message"]), (StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE.into()));
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_refused_once_it_is_too_large() {
        let (status, body) = post(reader(), TEN, chunked(3)).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["message"]), (StatusCode::PAYLOAD_TOO_LARGE, &TOO_LARGE.into()));
    }

    #[tokio::test]
    async fn who_has_refused_a_larger_body_is_told_to_the_server() {
        let at_once = format!("{TEN}\nread_ahead = 0");
        for section in [TEN, &at_once] {
            for body in [Body::from("1234567890"), chunked(2)] {
                assert_eq!(refused_by(&answer(reader(), section, body).await), None);
            }
            for body in [Body::from("12345678901"), chunked(3)] {
                let refused = answer(reader(), section, body).await;
                assert_eq!(refused_by(&refused), Some("sizelimit"));
            }
        }
    }

    #[tokio::test]
    async fn an_app_that_does_not_read_a_body_cannot_hide_that_it_is_too_large() {
        let app = App::ready(|_| response::text(StatusCode::OK, "done"));
        let (status, _) = post(app, TEN, chunked(usize::MAX)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn past_what_is_read_ahead_the_app_decides() {
        let section = format!("{TEN}\nread_ahead = 0");
        let app = || App::ready(|_| response::text(StatusCode::OK, "done"));
        let done = (StatusCode::OK, "done".to_owned());
        assert_eq!(post(app(), &section, chunked(usize::MAX)).await, done);
        let (status, _) = post(reader(), &section, chunked(3)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        let section = format!("{TEN}\nread_ahead = 5");
        assert_eq!(post(reader(), &section, chunked(2)).await, (StatusCode::OK, "10".to_owned()));
        let (status, _) = post(reader(), &section, chunked(3)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn the_limit_is_upstreams_unless_it_is_given() {
        let section = "[filter:sizelimit]\nuse = egg:oslo.middleware#sizelimit";
        let body = |length| Body::from(vec![b'x'; length]);
        assert_eq!(post(reader(), section, body(114_688)).await.0, StatusCode::OK);
        let (status, _) = post(reader(), section, body(114_689)).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn oslo_takes_the_limit_from_the_global_options_too() {
        let section = "[DEFAULT]\nmax_request_body_size = 10\n[filter:sizelimit]\n\
            paste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory";
        let (status, _) = post(reader(), section, Body::from("12345678901")).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
