//! Answers with a page of the app where it fails.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, EXPECT, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, SET_COOKIE, TRANSFER_ENCODING,
};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri};

use crate::app::{App, Body, Filter, Handler, Request, RequestExt, Response};
use crate::ini::Value;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings::{OptionSpec, Reader, Settings};

pub(super) const DEFINITION: Definition =
    Definition::filter::<ErrorPages>("error_pages").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#errordocument").note(NOTE),
    Alias::of("paste.errordocument:make_errordocument").note(NOTE),
];

const NOTE: &str = "The original asks for the page by the method of the request, by way of the \
    filter itself, and shows whatever comes; here the page is fetched by GET, once, and if it \
    fails too, the app's own answer stands.";

/// The settings: which page belongs to which status.
#[derive(Clone, Debug)]
pub(super) struct ErrorPages(Vec<(StatusCode, PathAndQuery)>);

impl Settings for ErrorPages {
    const DOC: &'static str = "\
 Answers with a page of the app where the app answers with a status that has one.\n\
 \n\
 Every option is a status, from 200 to 599, and its value the path of the page, with or without a\n\
 query, as the app behind the filter knows it. The page is fetched by GET, or HEAD, with the headers\n\
 of the request but those that concern its body or what a client has already. The response keeps its\n\
 status and gets the body and the headers of the page; headers that the page does not have stay. If\n\
 the page is answered with anything but success, the app's own answer stands.\n\
 \n\
 ```ini\n\
 [filter:pages]\n\
 use = egg:pasteline#error_pages\n\
 404 = /lib/msg/404.html\n\
 500 = /lib/msg/500.html?code=500\n\
 ```\n";

    const OPTIONS: &'static [OptionSpec] = &[];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let given = reader.others();
        // All are read before any fault counts, so that all faults are found.
        let pages: Vec<_> =
            given.into_iter().map(|(key, value)| page(reader, key, value)).collect();
        pages.into_iter().collect::<Option<_>>().map(Self)
    }
}

fn page(reader: &mut Reader<'_>, key: &str, value: &Value) -> Option<(StatusCode, PathAndQuery)> {
    let status = status(key);
    if let Err(reason) = status {
        reader.reject_name(key, value, reason);
    }
    let path = value.text.parse::<PathAndQuery>();
    let path = path.ok().filter(|path| path.as_str().starts_with('/'));
    if path.is_none() {
        reader.reject(key, "a page is named by its path, such as `/404.html`");
    }
    Some((status.ok()?, path?))
}

fn status(key: &str) -> Result<StatusCode, &'static str> {
    match key.parse() {
        Ok(204 | 205 | 304) => Err("an answer with this status has no body"),
        Ok(code @ 200..=599_u16) => StatusCode::from_u16(code).map_err(|_| "it is not a status"),
        _ => Err("it is not a status from 200 to 599"),
    }
}

impl FilterFactory for ErrorPages {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(if self.0.is_empty() { Filter::pass() } else { Filter::handler(self) })
    }
}

impl Handler for ErrorPages {
    async fn handle(&self, request: Request, next: App) -> Response {
        let asked = Asked::of(&request);
        let response = next.answer(request).await;
        let status = response.status();
        let page = self.0.iter().find(|(of, _)| *of == status);
        let Some(request) = page.and_then(|(_, path)| asked.request(path)) else { return response };
        let page = next.answer(request).await;
        if !page.status().is_success() {
            tracing::warn!(%status, page = %page.status(), "the page for a status is not to be had");
            return response;
        }
        dressed(response, page)
    }
}

/// What is kept of a request, which the app consumes, to ask for a page in its place.
struct Asked {
    method: Method,
    mount: String,
    headers: HeaderMap,
    extensions: Extensions,
}

/// Headers of a request that say something of its body, or of what the client has already.
const OF_BODY: [HeaderName; 12] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    TRANSFER_ENCODING,
];

/// Headers of a response that say something of its body.
const OF_ANSWER: [HeaderName; 8] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
];

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            method: if request.method() == Method::HEAD { Method::HEAD } else { Method::GET },
            mount: request.script_name().to_owned(),
            headers: request.headers().clone(),
            extensions: request.extensions().clone(),
        }
    }

    /// A request for a page; none if the two parts of its path make no path.
    fn request(mut self, page: &PathAndQuery) -> Option<Request> {
        for name in &OF_BODY {
            self.headers.remove(name);
        }
        let mut request = Request::new(Body::empty());
        *request.method_mut() = self.method;
        *request.uri_mut() = format!("{}{page}", self.mount).parse::<Uri>().ok()?;
        *request.headers_mut() = self.headers;
        *request.extensions_mut() = self.extensions;
        Some(request)
    }
}

/// A response with the body and the headers of a page.
fn dressed(response: Response, page: Response) -> Response {
    let (mut head, _) = response.into_parts();
    let (page_head, body) = page.into_parts();
    for name in &OF_ANSWER {
        head.headers.remove(name);
    }
    for name in page_head.headers.keys() {
        let values = page_head.headers.get_all(name);
        if *name != SET_COOKIE {
            head.headers.remove(name);
        }
        for value in values {
            head.headers.append(name, value.clone());
        }
    }
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::app::response;
    use crate::builtin::fixture::{faults, filter, text, values};

    const SECTION: &str = "[filter:pages]\nuse = egg:Paste#errordocument\n\
        404 = /pages/404?code=404\n500 = /pages/none\n403 = /pages/403\n";

    /// An app with a page, which answers to anything else with the status that its path names.
    fn app() -> App {
        let app = App::ready(|request: Request| {
            let (method, path) = (request.method().clone(), request.path_info().to_owned());
            if path == "/pages/404" {
                assert!(request.headers().get("content-type").is_none(), "{request:?}");
                let query = request.uri().query().unwrap_or_default();
                let mut page = response::text(StatusCode::OK, format!("{method} {query}"));
                page.headers_mut().append(SET_COOKIE, HeaderValue::from_static("page=1"));
                return page;
            }
            let status = path.trim_start_matches('/').parse().unwrap_or(StatusCode::NOT_FOUND);
            let mut own = response::text(status, "its own");
            own.headers_mut().insert(ETAG, HeaderValue::from_static("\"own\""));
            own.headers_mut().insert("x-own", HeaderValue::from_static("1"));
            own.headers_mut().append(SET_COOKIE, HeaderValue::from_static("own=1"));
            own
        });
        app.behind(&[filter(SECTION)])
    }

    async fn answer(method: &str, path: &str, mount: usize) -> Response {
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", "text/plain").header("range", "bytes=0-1");
        let mut request = request.body(Body::from("a body")).unwrap();
        request.mount(mount);
        app().answer(request).await
    }

    #[tokio::test]
    async fn a_page_stands_in_for_the_body_and_the_status_stays() {
        for (method, path, mount, expected) in
            [("POST", "/x", 0, "GET code=404"), ("GET", "/v2/x", 3, "GET code=404")]
        {
            let response = answer(method, path, mount).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            let headers = response.headers();
            assert_eq!(values(headers, "etag"), "");
            assert_eq!(values(headers, "x-own"), "1");
            assert_eq!(values(headers, "set-cookie"), "own=1 | page=1");
            assert_eq!(text(response).await, expected);
        }
    }

    #[tokio::test]
    async fn the_apps_own_answer_stands_without_a_page() {
        for path in ["/200", "/418", "/500"] {
            let response = answer("GET", path, 0).await;
            assert_eq!(values(response.headers(), "etag"), "\"own\"", "{path}");
            assert_eq!(text(response).await, "its own", "{path}");
        }
        // The page for 403 is answered with 404, which has a page: it is not looked for again.
        assert_eq!(text(answer("GET", "/403", 0).await).await, "its own");
    }

    #[test]
    fn what_is_no_status_and_no_path_is_refused() {
        let section = "[filter:p]\nuse = egg:pasteline#error_pages\nall = /x\n304 = /x\n404 = x\n";
        let expected = [
            "test.ini:3:1: error[bad-value]: `all` is refused: it is not a status from 200 to 599",
            "test.ini:4:1: error[bad-value]: `304` is refused: an answer with this status has no \
             body",
            "test.ini:5:7: error[bad-value]: `404` is refused: a page is named by its path, such as \
             `/404.html`",
        ];
        assert_eq!(faults(section), expected);
    }
}
