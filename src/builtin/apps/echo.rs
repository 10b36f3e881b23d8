//! Answers with the request that arrived, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value as Json, json};

use crate::app::{App, Body, Request, RequestExt, Response, response};
use crate::builtin::body;
use crate::registry::{Alias, AppFactory, Definition, Error, Site};
use crate::settings;
use crate::settings::Dialect;

pub(super) const DEFINITION: Definition = Definition::app::<Echo>("echo").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#test").dialect(PASTE).note(NOTE),
    Alias::of("egg:PasteScript#test").dialect(PASTE).note(NOTE),
    Alias::of("paste.debug.debugapp:make_test_app").dialect(PASTE).note(NOTE),
    Alias::of("paste.script.testapp:make_test_application").dialect(PASTE).note(NOTE),
];

const PASTE: Dialect = Dialect::new().ignored(&[
    ("lint", "it looks for mistakes in the use of WSGI, which is not spoken here"),
    ("text", "the answer is JSON, whatever is asked for"),
]);

const NOTE: &str = "The original shows the whole environment of the Python process, to any client, \
    and fails on purpose for a query with `error=`; this shows the request alone.";

settings! {
    /// Answers with the request that arrived, as JSON: to see what the filters before it do.
    ///
    /// The keys are `method`, `uri` (as the client sent it), `version`, `scheme`, `client` (the
    /// address, or null), `script_name` and `path_info` (the part of the path that composites
    /// have taken, and the rest), `query`, `headers` (pairs, those of one name together) and
    /// `body`, or `body_base64` if the body is not UTF-8.
    ///
    /// ```ini
    /// [app:echo]
    /// use = egg:pasteline#echo
    /// ```
    struct Echo {
        /// The largest body, in bytes; a larger one is refused with 413.
        max_body_size: usize = "1048576",
    }
}

impl AppFactory for Echo {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let limit = self.max_body_size;
        Ok(App::from_fn(move |request| echo(request, limit)))
    }
}

async fn echo(request: Request, limit: usize) -> Response {
    let (head, body) = request.into_parts();
    match body::whole(body, limit).await {
        Ok(body) => {
            let mut response = response::json(StatusCode::OK, &describe(head, &body));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err((status, detail)) => response::refusal(status, detail, &head.headers),
    }
}

fn describe(head: Parts, body: &Bytes) -> Json {
    // Scheme, client and path are asked of a request.
    let request = Request::from_parts(head, Body::empty());
    let context = request.context();
    let mut described = Map::new();
    for (key, value) in [
        ("method", json!(request.method().as_str())),
        ("uri", json!(request.uri().to_string())),
        ("version", json!(format!("{:?}", request.version()))),
        ("scheme", json!(context.scheme().name())),
        ("client", json!(context.client().map(|client| client.to_string()))),
        ("script_name", json!(request.script_name())),
        ("path_info", json!(request.path_info())),
        ("query", json!(request.uri().query().unwrap_or_default())),
        ("headers", headers(request.headers())),
        match std::str::from_utf8(body) {
            Ok(text) => ("body", json!(text)),
            Err(_) => ("body_base64", json!(STANDARD.encode(body))),
        },
    ] {
        described.insert(key.to_owned(), value);
    }
    described.into()
}

/// Pairs of names and values. What is not UTF-8 in a value is replaced.
fn headers(headers: &HeaderMap) -> Json {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])
    };
    headers.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Arc;

    use http::StatusCode;
    use serde_json::{Value as Json, json};

    use crate::app::{Body, Connection, Context, Request, RequestExt, Scheme};
    use crate::builtin::fixture::{app, text};

    const ECHO: &str = "[app:a]\nuse = egg:pasteline#echo\n";

    async fn echo(request: Request) -> Json {
        let response = app(ECHO).answer(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_str(&text(response).await).unwrap()
    }

    #[tokio::test]
    async fn says_what_arrived() {
        let mut request = http::Request::post("/echo/a%20b?c=d&e")
            .header("x-one", "1")
            .header("x-two", "2")
            .header("x-one", "3")
            .body(Body::from("hello"))
            .unwrap();
        let peer = Some(SocketAddr::from(([10, 0, 0, 1], 5000)));
        let connection = Connection { peer, ..Connection::default() };
        request.extensions_mut().insert(Context::new(Arc::new(connection)));
        request.context_mut().forwarded_scheme = Some(Scheme::Https);
        request.context_mut().forwarded_for = Some(IpAddr::from([192, 0, 2, 7]));
        request.mount(5);
        let expected = json!({
            "method": "POST",
            "uri": "/echo/a%20b?c=d&e",
            "version": "HTTP/1.1",
            "scheme": "https",
            "client": "192.0.2.7",
            "script_name": "/echo",
            "path_info": "/a%20b",
            "query": "c=d&e",
            "headers": [["x-one", "1"], ["x-one", "3"], ["x-two", "2"]],
            "body": "hello",
        });
        assert_eq!(echo(request).await, expected);
    }

    #[tokio::test]
    async fn what_is_not_utf_8_is_base64() {
        let seen = echo(Request::new(Body::from(vec![0xff, 0]))).await;
        assert_eq!((&seen["body"], &seen["body_base64"]), (&Json::Null, &json!("/wA=")));
        assert_eq!(seen["client"], Json::Null);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let app = app(&format!("{ECHO}max_body_size = 4\n"));
        let response = app.answer(Request::new(Body::from("fives"))).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
