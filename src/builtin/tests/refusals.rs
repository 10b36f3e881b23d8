//! Refusals by a limit, through whatever stands outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{ACCEPT, ACCEPT_ENCODING, ETAG, ORIGIN};
use http::{HeaderValue, StatusCode};

use super::definitions;
use super::hostile::{dns, minimal};
use crate::app::{App, Body, RefusedBy, Request, Response, response};
use crate::builtin::fixture::{Directory, plan, refused_by};
use crate::registry::Kind;

const PATH: &str = "/v1/account/container";

/// A filter's refusal, as large as to be compressed; a page for any other path.
fn refuse(request: &Request, status: StatusCode) -> Response {
    if !request.uri().path().ends_with(PATH) {
        return response::text(StatusCode::OK, "a page");
    }
    let detail = "Please wait. ".repeat(1000);
    let mut refusal = response::refusal(status, &detail, request.headers());
    refusal.headers_mut().insert(ETAG, HeaderValue::from_static("\"a\""));
    RefusedBy("limit").mark(refusal)
}

fn request() -> Request {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = PATH.parse().unwrap();
    for (name, value) in [
        (ACCEPT, "application/json"),
        (ACCEPT_ENCODING, "gzip, identity;q=0"),
        (ORIGIN, "https://dashboard.example.com"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    request
}

/// Those that refuse a client who does not show who it is.
const ASK_WHO_IT_IS: &[&str] =
    &["auth_token", "basic_auth", "external_oauth2_token", "oauth2_token"];

#[tokio::test]
async fn every_filter_hands_on_who_has_refused_a_request() {
    let (directory, dns) = (Directory::new(), dns().await);
    std::fs::write(directory.path("users"), "").unwrap();
    let mut alone = Vec::new();
    for definition in definitions().filter(|definition| definition.is(Kind::Filter)) {
        let name = definition.name;
        for status in [404, 408, 413, 429, 498, 500, 503, 504] {
            let status = StatusCode::from_u16(status).unwrap();
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            let app = App::ready(move |request| {
                count.fetch_add(1, Ordering::Relaxed);
                refuse(&request, status)
            });
            let app = app.behind(&[minimal(definition, &directory, &dns)]);
            let response = app.answer(request()).await;
            if asked.load(Ordering::Relaxed) > 0 {
                assert_eq!(refused_by(&response), Some("limit"), "{name}: {status}");
            } else {
                alone.push(name);
            }
        }
    }
    alone.dedup();
    assert_eq!(alone, ASK_WHO_IT_IS);
}

#[tokio::test]
async fn a_cascade_and_a_map_of_urls_hand_it_on() {
    let refusing = || App::ready(|request| refuse(&request, StatusCode::TOO_MANY_REQUESTS));
    for options in [
        "use = egg:pasteline#cascade\napp1 = a\napp2 = b",
        "use = egg:pasteline#cascade\napp1 = a\napp2 = b\ncatch = 429",
        "use = egg:pasteline#urlmap\n/ = a\n/other = b",
    ] {
        let planned = plan(&format!("[composite:c]\n{options}\n"), None);
        let app = planned.app_of(vec![refusing(), refusing()]);
        assert_eq!(refused_by(&app.answer(request()).await), Some("limit"), "{options}");
    }
}

#[tokio::test]
async fn what_another_app_of_a_cascade_answers_is_no_refusal() {
    let refusing = App::ready(|request| refuse(&request, StatusCode::TOO_MANY_REQUESTS));
    let answering = App::ready(|_| response::text(StatusCode::OK, "answered"));
    let options = "use = egg:pasteline#cascade\napp1 = a\napp2 = b\ncatch = 429";
    let app = plan(&format!("[composite:c]\n{options}\n"), None).app_of(vec![refusing, answering]);
    assert_eq!(refused_by(&app.answer(request()).await), None);
}
