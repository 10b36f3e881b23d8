//! Answers every request with the same response.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::app::{App, Body, Response, ResponseFuture};
use crate::registry::{AppFactory, Definition, Error, Site};
use crate::settings;
use crate::settings::{HeaderLines, Lines, Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::app::<Respond>("respond");

/// Headers that say how a message is delimited, which is the server's business.
const FRAMING: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// How many fields a response has room for, as filters add to them, and hyper takes the same map
/// for the next request. The smallest table of a map holds as many.
const ROOM: usize = 6;

/// Up to how many bytes a body is copied for each response.
const SHORT: usize = 256;

settings! {
    /// Answers every request with the same response.
    ///
    /// ```ini
    /// [app:closed]
    /// use = egg:pasteline#respond
    /// status = 503
    /// content_type = application/json
    /// body = {"error": "closed until Monday"}
    /// headers =
    ///     Retry-After: 86400
    ///     Cache-Control: no-store
    /// ```
    struct Respond {
        /// The status.
        status: StatusCode = "200",
        /// The body, in UTF-8. Nothing stands after its last line.
        body: String = "",
        /// What the body is. It is left out where there is no body.
        content_type: HeaderValue = "text/plain; charset=utf-8",
        /// More headers.
        headers: HeaderLines,
        /// How long the answer takes, to stand in for a slow app.
        delay: Seconds = "0",
    }
}

impl AppFactory for Respond {
    fn check(&self, reader: &mut Reader<'_>) {
        let has_no_body =
            [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
        if !self.body.is_empty() && has_no_body.contains(&self.status) {
            reader.reject(
                "body",
                format!("a response with status {} has none", self.status.as_u16()),
            );
        }
        for (name, _) in self.headers.0.iter().filter(|(name, _)| FRAMING.contains(name)) {
            reader.reject("headers", format!("the server sends `{name}` itself"));
        }
    }

    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let Seconds(delay) = self.delay;
        let canned = Canned::from(self);
        if delay.is_zero() {
            return Ok(App::ready(move |_| canned.response()));
        }
        Ok(App::new(move |_| {
            let response = canned.response();
            ResponseFuture::new(async move {
                tokio::time::sleep(delay).await;
                response
            })
        }))
    }
}

/// A response that was put together once, to be copied for each request.
struct Canned {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Canned {
    fn response(&self) -> Response {
        let Self { body, .. } = self;
        // To copy few bytes takes less than to count a reference.
        let is_short = body.len() <= SHORT;
        let body = if is_short { Bytes::copy_from_slice(body) } else { body.clone() };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.reserve(self.headers.len().max(ROOM));
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        response
    }
}

impl From<Respond> for Canned {
    fn from(settings: Respond) -> Self {
        let Lines(fields) = settings.headers;
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value);
        }
        if !settings.body.is_empty() {
            headers.entry(CONTENT_TYPE).or_insert(settings.content_type);
        }
        Self { status: settings.status, headers, body: settings.body.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
    use tokio::time::Instant;

    use crate::builtin::fixture::{app, faults, get, text};

    fn respond(options: &str) -> String {
        format!("[app:a]\nuse = egg:pasteline#respond\n{options}")
    }

    #[tokio::test]
    async fn answers_as_it_is_told() {
        let options = "status = 503\nbody = {}\ncontent_type = application/json\n\
                       headers = Retry-After: 1\n  Set-Cookie: a=1\n  Set-Cookie: b=2\n";
        let response = get(&app(&respond(options)), "/any/path").await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers().get_all(SET_COOKIE).iter().count(), 2);
        assert_eq!(text(response).await, "{}");
    }

    #[tokio::test]
    async fn has_no_type_without_a_body() {
        let response = get(&app(&respond("")), "/").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers().is_empty());
    }

    #[tokio::test]
    async fn answers_at_once_without_a_delay() {
        let request = http::Request::new(crate::app::Body::empty());
        assert!(app(&respond("")).answer(request).into_ready().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_its_delay() {
        let app = app(&respond("delay = 1.5"));
        let start = Instant::now();
        get(&app, "/").await;
        assert_eq!(start.elapsed(), Duration::from_millis(1500));
    }

    #[test]
    fn refuses_what_http_forbids() {
        let options = "status = 204\nbody = x\nheaders = Content-Length: 3\n";
        let expected = [
            "test.ini:4:8: error[bad-value]: `body` is refused: a response with status 204 has none",
            "test.ini:5:11: error[bad-value]: `headers` is refused: the server sends \
             `content-length` itself",
        ];
        assert_eq!(faults(&respond(options)), expected);
    }
}
