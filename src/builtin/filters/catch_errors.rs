//! Answers for what panics behind it.

mod transaction;

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use self::transaction::Transactions;
use crate::app::{
    Answer, App, Filter, REQUEST_ID, Request, RequestExt, Response, ResponseFuture, response,
};
use crate::builtin::secrets::Masked;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition =
    Definition::filter::<CatchErrors>("catch_errors").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#error_catcher").dialect(PASTE_ERRORS).note(PASTE_ERRORS_NOTE),
    Alias::of("egg:Paste#httpexceptions").dialect(PASTE_HTTP).note(PASTE_HTTP_NOTE),
    Alias::of("egg:WebError#error_catcher").dialect(PASTE_ERRORS).note(PASTE_ERRORS_NOTE),
    Alias::of("egg:oslo.middleware#catch_errors").dialect(OSLO),
    Alias::of("egg:swift#catch_errors").dialect(SWIFT),
    Alias::of("neutron.openstack.common.middleware.catch_errors:CatchErrorsMiddleware.factory")
        .dialect(OSLO)
        .retired(super::COPIED, "oslo_middleware:CatchErrors.factory"),
    Alias::of("oslo_middleware.catch_errors:CatchErrors.factory").dialect(OSLO),
    Alias::of("oslo_middleware:CatchErrors.factory").dialect(OSLO),
    Alias::of("paste.exceptions.errormiddleware:make_error_middleware")
        .dialect(PASTE_ERRORS)
        .note(PASTE_ERRORS_NOTE),
    Alias::of("paste.httpexceptions:make_middleware").dialect(PASTE_HTTP).note(PASTE_HTTP_NOTE),
];

const OSLO: Dialect = Dialect::lenient().ignored(super::OSLO_CONFIG);
const SWIFT: Dialect = Dialect::lenient()
    .defaults(&[("transaction_ids", "true")])
    .globals(&["trans_id_suffix"])
    .ignored(super::SWIFT_LOG);

const PASTE_HTTP: Dialect =
    Dialect::new().ignored(&[("warning_level", "the original does not look at it either")]);

const PASTE_HTTP_NOTE: &str = "The original makes responses of the exceptions that Python code \
    raises for them, of which there are none here; it lets all others through, where this answers \
    500.";

const PASTE_ERRORS: Dialect = Dialect::new().ignored(&[
    ("debug", "a failure is never shown to clients"),
    ("error_email", MAIL),
    ("error_log", LOG),
    ("error_message", "clients learn the id of the request"),
    ("error_subject_prefix", MAIL),
    ("from_address", MAIL),
    ("reporters", LOG),
    ("show_exceptions_in_wsgi_errors", LOG),
    ("smtp_password", MAIL),
    ("smtp_server", MAIL),
    ("smtp_use_tls", MAIL),
    ("smtp_username", MAIL),
    ("xmlhttp_key", "clients say by `Accept` in which form they want the answer"),
]);

const PASTE_ERRORS_NOTE: &str = "The original shows source code and variables to clients if \
    `debug` is on, by its own option or that of `[DEFAULT]`; this never does.";

const LOG: &str = "what failed is in the log, once";
const MAIL: &str = "no mail is sent; whoever watches the log may";

/// What clients know from oslo.middleware.
const DETAIL: &str =
    "The server has either erred or is incapable of performing the requested operation.";

settings! {
    /// Answers 500 for a request whose filter or app panics; other requests do not notice.
    ///
    /// The cause is logged with the head of the request, its secrets masked, and never told to
    /// the client, who gets the id of the request instead. What a body does after its response
    /// has begun is not caught: that connection ends.
    ///
    /// ```ini
    /// [filter:catch_errors]
    /// use = egg:pasteline#catch_errors
    /// ```
    pub(super) struct CatchErrors {
        /// Whether each request gets an id as Swift makes them, in `X-Trans-Id` and
        /// `X-Openstack-Request-Id` of the response, unless the app set them.
        transaction_ids: bool = "false",
        /// What these ids end with; to it the client may add up to 32 bytes by
        /// `X-Trans-Id-Extra`.
        trans_id_suffix: Option<String>,
    }
}

impl CatchErrors {
    /// One that leaves the id of a request to other filters.
    pub(super) fn without_ids() -> Self {
        Self { transaction_ids: false, trans_id_suffix: None }
    }
}

impl FilterFactory for CatchErrors {
    fn check(&self, reader: &mut Reader<'_>) {
        if !self.transaction_ids {
            reader.ignore("trans_id_suffix", "`transaction_ids` is not on");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let barrier = Filter::wrap(|inner| App::new(Barrier { inner }));
        if !self.transaction_ids {
            return Ok(barrier);
        }
        let suffix = self.trans_id_suffix.unwrap_or_default();
        let filters = [Filter::phase(Transactions { suffix }), barrier];
        Ok(Filter::wrap(move |app| app.behind(&filters)))
    }
}

/// An app whose panics are responses. Unlike a handler it boxes no future for an app that
/// answers at once.
struct Barrier {
    inner: App,
}

impl Answer for Barrier {
    fn answer(&self, request: Request) -> ResponseFuture {
        let head = Head::of(&request);
        // What requests share is sound after a panic in one of them, or it could not be shared
        // between threads either.
        let answered = catch_unwind(AssertUnwindSafe(|| self.inner.answer(request)));
        match answered.map(ResponseFuture::into_ready) {
            Ok(Ok(response)) => ResponseFuture::ready(response),
            Ok(Err(pending)) => ResponseFuture::new(watch(pending, head)),
            Err(panic) => ResponseFuture::ready(head.failure(&*panic)),
        }
    }
}

/// Waits for a response, or makes one of a panic.
async fn watch(mut pending: ResponseFuture, head: Head) -> Response {
    let poll = poll_fn(|context| {
        let poll = AssertUnwindSafe(|| Pin::new(&mut pending).poll(context));
        match catch_unwind(poll) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    poll.await.unwrap_or_else(|panic| head.failure(&*panic))
}

/// What is kept of a request, which the app consumes, to tell what it did.
struct Head {
    method: Method,
    uri: Uri,
    /// In less space and time than a map of them takes.
    headers: Vec<(HeaderName, HeaderValue)>,
    id: Option<HeaderValue>,
}

impl Head {
    fn of(request: &Request) -> Self {
        let mut headers = Vec::with_capacity(request.headers().len());
        headers.extend(request.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers,
            id: request.context().request_id.clone(),
        }
    }

    /// Logs a panic, and makes the response that tells nothing of it.
    fn failure(self, panic: &(dyn Any + Send)) -> Response {
        let id = self.id.as_ref().and_then(|id| id.to_str().ok());
        let headers = HeaderMap::from_iter(self.headers);
        tracing::error!(
            method = %self.method,
            path = self.uri.path(), // the query may hold secrets
            headers = %Masked(&headers),
            request_id = id,
            panic = message(panic),
            "a filter or an app panicked"
        );
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let mut response = response::refusal(status, DETAIL, &headers);
        if let Some(id) = self.id {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}

/// What `panic!` was called with.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("not a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;
    use crate::builtin::fixture::{filter, logged, text, values};

    const SECTION: &str = "[filter:catch_errors]\nuse = egg:pasteline#catch_errors";

    /// The answer to a request whose app panics, at once or later.
    async fn answer(app: App, accept: &'static str) -> Response {
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert("accept", HeaderValue::from_static(accept));
        request.context_mut().request_id = Some(HeaderValue::from_static("req-1"));
        app.behind(&[filter(SECTION)]).answer(request).await
    }

    fn panics_at_once() -> App {
        App::ready(|_| panic!("the password is 42"))
    }

    fn panics_later() -> App {
        App::from_fn(async |_| {
            tokio::task::yield_now().await;
            panic!("the password is 42")
        })
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        for app in [panics_at_once(), panics_later()] {
            let response = answer(app, "text/plain").await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(values(response.headers(), "x-openstack-request-id"), "req-1");
            let expected = format!("500 Internal Server Error\n\n{DETAIL}\n");
            assert_eq!(text(response).await, expected);
        }
    }

    #[tokio::test]
    async fn the_failure_takes_the_form_that_is_asked_for() {
        let body = text(answer(panics_at_once(), "application/json").await).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["message"], DETAIL);
    }

    #[tokio::test]
    async fn swift_gives_every_response_an_id() {
        let section = "[filter:catch_errors]\nuse = egg:swift#catch_errors\ntrans_id_suffix = -a";
        let fine = App::ready(|_| response::text(StatusCode::OK, "fine"));
        for app in [fine, panics_at_once(), panics_later()] {
            let response = app.behind(&[filter(section)]).answer(Request::new(Body::empty())).await;
            let id = values(response.headers(), "x-trans-id");
            assert!(id.starts_with("tx") && id.ends_with("-a"), "{id}");
            assert_eq!(values(response.headers(), "x-openstack-request-id"), id);
        }
    }

    #[tokio::test]
    async fn the_next_request_does_not_notice() {
        let app = App::ready(|request: Request| {
            assert_ne!(request.uri().path(), "/panic");
            response::text(StatusCode::OK, "fine")
        });
        let app = app.behind(&[filter(SECTION)]);
        for (path, status) in [("/panic", 500), ("/", 200)] {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            assert_eq!(app.answer(request).await.status(), status);
        }
    }

    #[tokio::test]
    async fn an_answer_passes_unchanged_and_at_once() {
        let app = App::ready(|_| response::text(StatusCode::IM_A_TEAPOT, "tea"));
        let answered = app.behind(&[filter(SECTION)]).answer(Request::new(Body::empty()));
        let response = answered.into_ready().unwrap();
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    }

    #[tokio::test]
    async fn the_log_tells_what_happened_once() {
        let app = panics_at_once().behind(&[filter(SECTION)]);
        let lines = logged(|| {
            let request = http::Request::post("/v2.0/ports?token=s3cret")
                .header("x-auth-token", "s3cret")
                .header("host", "api");
            app.answer(request.body(Body::empty()).unwrap())
        });
        let lines = lines.await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in ["ERROR", "POST", "/v2.0/ports", "x-auth-token: ****", r#"host: "api""#, "42"] {
            assert!(lines[0].contains(part), "{part}: {lines:?}");
        }
        assert!(!lines[0].contains("s3cret"), "{lines:?}");
    }

    #[test]
    fn secrets_are_masked_and_values_escaped() {
        let secret = [
            "authorization",
            "cookie",
            "proxy-authorization",
            "x-api-key",
            "x-auth-token",
            "x-service-token",
            "x-storage-pass",
            "x-subject-token",
            "x-trace-hmac",
            "x-user-password",
        ];
        let mut headers = HeaderMap::new();
        for name in secret {
            headers.insert(name, HeaderValue::from_static("s3cret"));
        }
        for name in ["content-location", "location", "referer"] {
            headers.insert(name, HeaderValue::from_static("https://a/b?token=s3cret#s3cret"));
        }
        headers.insert("host", HeaderValue::from_static("a"));
        headers.insert("x-odd", HeaderValue::from_bytes(b"\"\xff").unwrap());
        let masked = Masked(&headers).to_string();
        assert!(!masked.contains("s3cret"), "{masked}");
        assert!(masked.contains(r#"referer: "https://a/b"****, "#), "{masked}");
        assert!(masked.contains(r#"host: "a", x-odd: "\"\xff""#), "{masked}");
    }

    #[test]
    fn the_message_of_a_panic_is_found() {
        let caught = |panic: fn()| catch_unwind(panic).unwrap_err();
        assert_eq!(message(&*caught(|| panic!("plain"))), "plain");
        assert_eq!(message(&*caught(|| panic!("formatted {}", 1))), "formatted 1");
        assert_eq!(message(&*caught(|| std::panic::panic_any(1))), "not a text");
    }
}
