//! Tests of the filter, with a clock that stands still.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::sync::{Notify, Semaphore};
use tokio::time::advance;

use super::*;
use crate::app::{Body, BoxError};
use crate::builtin::fixture::{faults, filter, text, values};

const SECTION: &str = "[filter:c]\nuse = egg:pasteline#cache\n";
/// `200 BODY` and header lines.
type Answer = fn(&Request) -> &'static str;

const FRESH: &str = "cache-control: max-age=60";

/// What the app behind the cache was asked: `GET /a if-none-match: "1"`.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, request: &Request) {
        let mut line = format!("{} {}", request.method(), request.uri());
        for name in ["if-none-match", "if-modified-since"] {
            let value = values(request.headers(), name);
            if !value.is_empty() {
                line.extend([" ", name, ": ", &value]);
            }
        }
        self.0.lock().unwrap().push(line);
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn last(&self) -> String {
        self.0.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

fn head(request: http::request::Builder, lines: &str) -> Request {
    let mut request = request.body(Body::empty()).unwrap();
    set(request.headers_mut(), lines);
    request
}

fn get(lines: &str) -> Request {
    head(http::Request::get("/a"), lines)
}

fn set(headers: &mut HeaderMap, lines: &str) {
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
}

/// A cache before an app whose answer, given as `200 BODY` and header lines, may depend on the
/// request.
fn cached(options: &str, answer: Answer) -> (App, Asked) {
    let asked = Asked::default();
    let notes = asked.clone();
    let app = App::ready(move |request| {
        notes.note(&request);
        let answer = answer(&request);
        let (first, lines) = answer.split_once('\n').unwrap_or((answer, ""));
        let (status, body) = first.split_once(' ').unwrap();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status.parse().unwrap();
        set(response.headers_mut(), lines);
        response
    });
    (app.behind(&[filter(&format!("{SECTION}{options}"))]), asked)
}

/// Where a response comes from.
async fn source(app: &App, request: Request) -> String {
    let response = app.answer(request).await;
    values(response.headers(), "cache-status").replace("pasteline; ", "")
}

/// Whether a second request for the same is answered without asking the app.
async fn is_kept(answer: Answer, lines: &str) -> bool {
    let (app, asked) = cached("", answer);
    app.answer(get(lines)).await;
    app.answer(get(lines)).await;
    asked.count() == 1
}

#[tokio::test(start_paused = true)]
async fn a_fresh_response_is_given_again_with_its_age() {
    let (app, asked) = cached("", |_| {
        "200 hello\ncache-control: max-age=60\nlink: a\nlink: b\nconnection: x-hop\nx-hop: 1\n\
         content-type: text/plain"
    });
    let first = app.answer(get("")).await;
    assert_eq!(values(first.headers(), "cache-status"), "pasteline; fwd=uri-miss; stored");
    assert_eq!(text(first).await, "hello");
    advance(Duration::from_secs(20)).await;
    let second = app.answer(get("")).await;
    assert_eq!(values(second.headers(), "cache-status"), "pasteline; hit; ttl=40");
    assert_eq!(values(second.headers(), "age"), "20");
    assert_eq!(values(second.headers(), "link"), "a | b");
    assert_eq!(values(second.headers(), "content-type"), "text/plain");
    assert!(values(second.headers(), "date").ends_with(" GMT"), "{:?}", second.headers());
    assert!(
        !second.headers().contains_key("x-hop") && !second.headers().contains_key("connection")
    );
    assert_eq!(text(second).await, "hello");
    assert_eq!(asked.count(), 1);
    advance(Duration::from_secs(40)).await;
    assert_eq!(source(&app, get("")).await, "fwd=stale; stored");
}

#[tokio::test(start_paused = true)]
async fn keeps_what_says_that_it_is_fresh() {
    let answers: [(Answer, bool); 22] = [
        (|_| "200 x\ncache-control: max-age=60", true),
        (|_| "200 x\nCache-Control: MAX-AGE=60, Public", true),
        (|_| "200 x\ncache-control: max-age=\"60\"", true),
        (|_| "200 x\ncache-control: max-age=99999999999999999999999", true),
        (|_| "404 x\ncache-control: s-maxage=60, max-age=0", true),
        (|_| "302 x\ncache-control: max-age=60\nlocation: /b", true),
        (
            |_| "200 x\ndate: Thu, 01 Jan 2099 00:00:00 GMT\nexpires: Thu, 01 Jan 2099 01:00:00 GMT",
            true,
        ),
        (|_| "200 x\ncache-control: max-age=60\nexpires: 0", true),
        (|_| "200 x", false),
        (|_| "200 x\nexpires: 0", false),
        (|_| "200 x\ncache-control: max-age=0", false),
        (|_| "200 x\ncache-control: max-age=soon", false),
        (|_| "200 x\ncache-control: max-age=-60", false),
        (|_| "200 x\ncache-control: max-age=60, max-age=0", false),
        (|_| "200 x\ncache-control: max-age=60\ncache-control: No-Store", false),
        (|_| "200 x\ncache-control: max-age=60, private=\"a, b\"", false),
        (|_| "200 x\ncache-control: max-age=60, no-cache", false),
        (|_| "200 x\ncache-control: max-age=60\nset-cookie: a=b", false),
        (|_| "200 x\ncache-control: max-age=60\nvary: accept, *", false),
        (|_| "200 x\ncache-control: max-age=60\nage: 60", false),
        (|_| "200 x\ncache-control: max-age=60\nage: 99999999999999999999999", false),
        (|_| "500 x\ncache-control: max-age=60", false),
    ];
    for (answer, expected) in answers {
        assert_eq!(is_kept(answer, "").await, expected, "{}", answer(&get("")));
    }
    assert!(!is_kept(|_| "200 x\ncache-control: max-age=60", "cache-control: no-store").await);
}

#[tokio::test(start_paused = true)]
async fn what_one_client_gets_is_not_given_to_others_unless_it_is_for_all() {
    for who in ["authorization: Basic x", "cookie: a=b", "x-auth-token: x", "x-user: joe"] {
        assert!(!is_kept(|_| "200 x\ncache-control: max-age=60", who).await, "{who}");
        for answer in [
            (|_: &Request| "200 x\ncache-control: max-age=60, public") as Answer,
            |_| "200 x\ncache-control: s-maxage=60",
            |_| "200 x\ncache-control: max-age=60, must-revalidate",
        ] {
            assert!(is_kept(answer, who).await, "{who}");
        }
    }
    let (app, _) = cached("credentials = X-Key", |_| "200 x\ncache-control: max-age=60");
    assert_eq!(source(&app, get("x-key: a")).await, "fwd=uri-miss");
    assert_eq!(source(&app, get("cookie: a=b")).await, "fwd=uri-miss; stored");
    assert_eq!(source(&app, get("x-key: a")).await, "hit; ttl=60");
}

#[tokio::test(start_paused = true)]
async fn each_url_has_a_response_of_its_own() {
    let (app, asked) = cached("", |_| "200 x\ncache-control: max-age=60");
    for url in ["/a", "/a?", "/a?b", "/b", "/A"] {
        app.answer(head(http::Request::get(url), "host: one.example")).await;
    }
    app.answer(head(http::Request::get("/a"), "host: two.example")).await;
    let mut encrypted = head(http::Request::get("/a"), "host: one.example");
    encrypted.context_mut().forwarded_scheme = Some(crate::app::Scheme::Https);
    app.answer(encrypted).await;
    let mut prefixed = head(http::Request::get("/a"), "host: one.example");
    prefixed.context_mut().forwarded_prefix = Some(HeaderValue::from_static("/cloud"));
    app.answer(prefixed).await;
    assert_eq!(asked.count(), 8);
    let again = head(http::Request::get("/a"), "host: ONE.example");
    assert_eq!(source(&app, again).await, "hit; ttl=60");
}

#[tokio::test(start_paused = true)]
async fn responses_vary_by_what_they_say() {
    let (app, asked) =
        cached("", |request| match request.headers().get("accept").map(HeaderValue::as_bytes) {
            None => "200 none\ncache-control: max-age=60\nvary: Accept\nvary: x-other",
            Some(b"a") => "200 a\ncache-control: max-age=60\nvary: Accept, x-other",
            Some(_) => "200 b\ncache-control: max-age=60\nvary: accept",
        });
    assert_eq!(source(&app, get("")).await, "fwd=uri-miss; stored");
    assert_eq!(source(&app, get("accept: a")).await, "fwd=vary-miss; stored");
    assert_eq!(source(&app, get("accept: b")).await, "fwd=vary-miss; stored");
    assert_eq!(source(&app, get("x-other: \u{ff}")).await, "fwd=vary-miss; stored");
    for (lines, expected) in [("", "none"), ("accept: a", "a"), ("accept: b\nx-other: c", "b")] {
        assert_eq!(text(app.answer(get(lines)).await).await, expected, "{lines}");
    }
    assert_eq!(asked.count(), 4);
    assert_eq!(source(&app, get("accept: a\naccept: b")).await, "fwd=vary-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn no_more_variants_of_a_url_are_kept_than_may_be() {
    let (app, asked) = cached("", |_| "200 x\ncache-control: max-age=60\nvary: accept");
    for number in (0..20).chain(12..20).chain([0]) {
        app.answer(get(&format!("accept: {number}"))).await;
    }
    assert_eq!(asked.count(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_stale_response_is_validated() {
    let (app, asked) = cached("", |request| {
        if request.headers().contains_key("if-none-match") {
            "304 \ncache-control: max-age=30\nx-new: 1\ncontent-length: 0"
        } else {
            "200 hello\ncache-control: max-age=60\netag: \"1\"\nx-new: 0\nx-old: 0"
        }
    });
    app.answer(get("")).await;
    advance(Duration::from_secs(61)).await;
    let validated = app.answer(get("")).await;
    assert_eq!(asked.last(), "GET /a if-none-match: \"1\"");
    let told = values(validated.headers(), "cache-status");
    assert_eq!(told, "pasteline; fwd=stale; fwd-status=304; stored");
    assert_eq!(validated.status(), StatusCode::OK);
    assert_eq!(values(validated.headers(), "x-new"), "1");
    assert_eq!(values(validated.headers(), "x-old"), "0");
    assert_eq!(text(validated).await, "hello");
    assert_eq!(source(&app, get("")).await, "hit; ttl=30");
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_have_it_validated() {
    let (app, asked) = cached("", |request| {
        if request.headers().contains_key("if-modified-since") {
            "304 "
        } else {
            "200 x\ncache-control: max-age=60\nlast-modified: Thu, 01 Jan 2015 00:00:00 GMT"
        }
    });
    app.answer(get("")).await;
    let told = source(&app, get("cache-control: no-cache")).await;
    assert_eq!(told, "fwd=request; fwd-status=304; stored");
    assert_eq!(asked.last(), "GET /a if-modified-since: Thu, 01 Jan 2015 00:00:00 GMT");
    assert_eq!(source(&app, get("pragma: no-cache")).await, "fwd=request; fwd-status=304; stored");
    assert_eq!(
        source(&app, get("cache-control: max-age=60\npragma: no-cache")).await,
        "hit; ttl=60"
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_meanwhile_takes_nothing_away() {
    let (app, asked) = cached("", |request| {
        if request.headers().contains_key("if-none-match") {
            "503 no"
        } else {
            "200 hello\ncache-control: max-age=60\netag: \"1\""
        }
    });
    app.answer(get("")).await;
    advance(Duration::from_secs(61)).await;
    assert_eq!(app.answer(get("")).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(source(&app, get("cache-control: max-stale=5")).await, "hit; ttl=-1");
    assert_eq!(source(&app, get("cache-control: max-stale")).await, "hit; ttl=-1");
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_says_how_fresh_it_is_to_be() {
    let (app, _) = cached("", |_| "200 x\ncache-control: max-age=60, must-revalidate");
    let fetched = "fwd=stale; stored";
    app.answer(get("")).await;
    for (wait, wish, expected) in [
        (10, "max-age=10", "hit; ttl=50"),
        (1, "max-age=10", fetched),
        (30, "min-fresh=30", "hit; ttl=30"),
        (1, "min-fresh=30", fetched),
        (61, "max-stale=60", fetched),
        (0, "only-if-cached", "hit; ttl=60"),
        (61, "only-if-cached", "detail=only-if-cached"),
    ] {
        advance(Duration::from_secs(wait)).await;
        let told = source(&app, get(&format!("cache-control: {wish}"))).await;
        assert_eq!(told, expected, "{wish} after {wait} s");
    }
    let refused = app.answer(get("cache-control: only-if-cached")).await;
    assert_eq!(refused.status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn conditions_of_clients_are_answered_here() {
    let (app, asked) = cached("", |_| {
        "200 hello\ncache-control: max-age=60\netag: W/\"1,2\"\nx-other: 1\n\
         last-modified: Thu, 01 Jan 2015 00:00:00 GMT"
    });
    app.answer(get("")).await;
    for (lines, expected) in [
        ("if-none-match: \"1,2\"", 304),
        ("if-none-match: \"0\", W/\"1,2\"", 304),
        ("if-none-match: \"0\"\nif-none-match: *", 304),
        ("if-none-match: \"1\"", 200),
        ("if-none-match: \u{ff}", 200),
        ("if-modified-since: Thu, 01 Jan 2015 00:00:00 GMT", 304),
        ("if-modified-since: Wed, 31 Dec 2014 00:00:00 GMT", 200),
        ("if-modified-since: yesterday", 200),
        ("if-none-match: \"0\"\nif-modified-since: Thu, 01 Jan 2015 00:00:00 GMT", 200),
    ] {
        let answer = app.answer(get(lines)).await;
        assert_eq!(answer.status(), expected, "{lines}");
        assert_eq!(answer.headers().contains_key("x-other"), expected == 200, "{lines}");
        assert_eq!(values(answer.headers(), "etag"), "W/\"1,2\"");
    }
    assert_eq!(asked.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_answered_from_a_get_and_leaves_nothing() {
    let (app, asked) = cached("", |_| "200 hello\ncache-control: max-age=60");
    let ask = || head(http::Request::head("/a"), "");
    assert_eq!(source(&app, ask()).await, "fwd=uri-miss");
    assert_eq!(source(&app, get("")).await, "fwd=uri-miss; stored");
    let answer = app.answer(ask()).await;
    assert_eq!(values(answer.headers(), "content-length"), "5");
    assert_eq!(text(answer).await, "");
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_makes_it_forget() {
    let (app, _) = cached("", |request| match *request.method() {
        Method::DELETE => "409 no",
        _ => "200 x\ncache-control: max-age=60",
    });
    let ask = |method: &str| head(http::Request::builder().method(method).uri("/a"), "");
    for (method, expected) in [
        ("POST", "fwd=uri-miss; stored"),
        ("PATCH", "fwd=uri-miss; stored"),
        ("OPTIONS", "hit; ttl=60"),
        ("DELETE", "hit; ttl=60"),
        ("post", "fwd=uri-miss; stored"),
    ] {
        app.answer(get("")).await;
        assert_eq!(source(&app, ask(method)).await, "fwd=method");
        assert_eq!(source(&app, get("")).await, expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_cache_can_answer_passes() {
    let (app, asked) = cached("", |_| "200 x\ncache-control: max-age=60");
    app.answer(get("")).await;
    for lines in ["range: bytes=0-1", "if-match: *", "if-range: \"1\"", "upgrade: websocket"] {
        assert_eq!(source(&app, get(lines)).await, "fwd=bypass", "{lines}");
    }
    let with_body = http::Request::get("/a").body(Body::from("x")).unwrap();
    assert_eq!(source(&app, with_body).await, "fwd=bypass");
    assert_eq!(asked.count(), 6);
}

/// A body of unknown length that may break off.
struct Pieces(VecDeque<Result<&'static str, &'static str>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = |text: &'static str| Frame::data(Bytes::from(text));
        Poll::Ready(self.0.pop_front().map(|piece| piece.map(frame).map_err(Into::into)))
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_or_breaks_off_is_passed_on_and_not_kept() {
    for (pieces, expected) in [
        (vec![Ok("12345"), Ok("678")], Some("12345678")),
        (vec![Ok("12345"), Ok("6789"), Ok("0123456789")], Some("1234567890123456789")),
        (vec![Ok("123"), Err("gone")], None),
    ] {
        let length = pieces.len();
        let app = App::ready(move |_| {
            let mut response = Response::new(Body::new(Pieces(pieces.clone().into())));
            set(response.headers_mut(), FRESH);
            response
        });
        let app = app.behind(&[filter(&format!("{SECTION}max_entry_size = 9"))]);
        let is_small = expected.is_some_and(|text| text.len() < 9);
        for told in ["fwd=uri-miss", if is_small { "hit; ttl=60" } else { "fwd=uri-miss" }] {
            let response = app.answer(get("")).await;
            let status = values(response.headers(), "cache-status");
            assert!(status.starts_with(&format!("pasteline; {told}")), "{length}: {status}");
            let body =
                response.into_body().collect().await.ok().map(http_body_util::Collected::to_bytes);
            assert_eq!(body.as_deref(), expected.map(str::as_bytes));
        }
    }
    let (app, asked) = cached("max_entry_size = 5", |_| "200 hello\ncache-control: max-age=60");
    app.answer(get("")).await;
    assert_eq!(text(app.answer(get("")).await).await, "hello");
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_size_of_all_is_bounded() {
    let asked = Asked::default();
    let notes = asked.clone();
    let app = App::ready(move |request| {
        notes.note(&request);
        let mut response = Response::new(Body::from(vec![0; 1000]));
        set(response.headers_mut(), FRESH);
        response
    });
    let app = app.behind(&[filter(&format!("{SECTION}max_size = 20000\nmax_entry_size = 2000"))]);
    let urls: Vec<_> = (0..100).map(|number| format!("/{number}")).collect();
    for url in &urls {
        app.answer(head(http::Request::get(url), "")).await;
    }
    let mut kept = 0;
    for url in &urls {
        let request = head(http::Request::get(url), "cache-control: only-if-cached");
        kept += usize::from(app.answer(request).await.status() == StatusCode::OK);
    }
    assert_eq!(asked.count(), 100);
    assert!((1..=20).contains(&kept), "{kept}");
}

/// A cache before an app that answers, once it is let, with a status and header lines.
struct Slow {
    app: App,
    asked: Asked,
    arrived: Arc<Notify>,
    gate: Arc<Semaphore>,
}

fn slow(options: &str, status: u16, lines: &'static str) -> Slow {
    let (asked, arrived) = (Asked::default(), Arc::new(Notify::new()));
    let gate = Arc::new(Semaphore::new(0));
    let (notes, arrives, opens) = (asked.clone(), Arc::clone(&arrived), Arc::clone(&gate));
    let app = App::from_fn(move |request: Request| {
        let (notes, arrives, opens) = (notes.clone(), Arc::clone(&arrives), Arc::clone(&opens));
        async move {
            notes.note(&request);
            arrives.notify_one();
            opens.acquire().await.unwrap().forget();
            let mut response = response::text(status.try_into().unwrap(), "slow");
            set(response.headers_mut(), lines);
            response
        }
    });
    let app = app.behind(&[filter(&format!("{SECTION}{options}"))]);
    Slow { app, asked, arrived, gate }
}

#[tokio::test(start_paused = true)]
async fn requests_at_once_are_one() {
    let Slow { app, asked, gate, arrived } = slow("", 200, FRESH);
    let open = async {
        arrived.notified().await;
        gate.add_permits(1);
    };
    let ask = || source(&app, get(""));
    let (first, second, third, ()) = tokio::join!(ask(), ask(), ask(), open);
    assert_eq!(first, "fwd=uri-miss; stored");
    assert_eq!([second, third], ["hit; ttl=60; collapsed"; 2]);
    assert_eq!(asked.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_in_vain_twice() {
    let Slow { app, asked, gate, .. } = slow("", 200, "cache-control: no-store");
    gate.add_permits(9);
    let ask = || source(&app, get(""));
    let all = tokio::join!(ask(), ask(), ask());
    let missed = || "fwd=uri-miss".to_owned();
    assert_eq!(all, (missed(), missed(), missed()));
    assert_eq!(asked.count(), 3);
    let Slow { app, asked, gate, arrived } = slow("", 200, "cache-control: no-store");
    gate.add_permits(1);
    app.answer(get("")).await;
    arrived.notified().await;
    // Both are sent on at once: it is known that the answer to the one is none for the other.
    let (first, second) = (app.answer(get("")), app.answer(get("")));
    let both = async { tokio::join!(first, second) };
    let opened = async {
        while asked.count() < 3 {
            arrived.notified().await;
        }
        gate.add_permits(2);
    };
    tokio::join!(both, opened);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_a_bound() {
    let Slow { app, asked, gate, arrived } = slow("max_wait = 2", 200, FRESH);
    let first = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    let second = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    assert_eq!(asked.count(), 2);
    gate.add_permits(2);
    assert_eq!(first.await.unwrap().status(), StatusCode::OK);
    assert_eq!(second.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn where_the_first_client_leaves_another_asks() {
    let Slow { app, asked, gate, arrived } = slow("", 200, FRESH);
    let first = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    let (second, third) = (tokio::spawn(app.answer(get(""))), tokio::spawn(app.answer(get(""))));
    first.abort();
    assert!(first.await.is_err());
    arrived.notified().await;
    gate.add_permits(1);
    assert_eq!(second.await.unwrap().status(), StatusCode::OK);
    assert_eq!(third.await.unwrap().status(), StatusCode::OK);
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_has_shown_who_he_is_waits_for_nobody() {
    let Slow { app, asked, gate, arrived } = slow("", 200, FRESH);
    let first = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    let second = tokio::spawn(app.answer(get("authorization: Basic x")));
    arrived.notified().await;
    gate.add_permits(2);
    first.await.unwrap();
    second.await.unwrap();
    assert_eq!(asked.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_change_is_not_kept_after_it() {
    let Slow { app, gate, arrived, .. } = slow("", 200, FRESH);
    let first = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    let change = tokio::spawn(app.answer(head(http::Request::put("/a"), "")));
    arrived.notified().await;
    // The semaphore is fair: the first is answered first, so it has to be asked again.
    gate.add_permits(1);
    first.await.unwrap();
    gate.add_permits(2);
    change.await.unwrap();
    assert_eq!(source(&app, get("")).await, "fwd=uri-miss; stored");
    // And here the change is over before the answer is there.
    let Slow { app, gate, arrived, .. } = slow("", 200, FRESH);
    let change = tokio::spawn(app.answer(head(http::Request::put("/a"), "")));
    arrived.notified().await;
    let first = tokio::spawn(app.answer(get("")));
    arrived.notified().await;
    gate.add_permits(1);
    change.await.unwrap();
    gate.add_permits(2);
    first.await.unwrap();
    assert_eq!(source(&app, get("")).await, "fwd=uri-miss; stored");
}

#[tokio::test(start_paused = true)]
async fn tells_after_caches_behind_it() {
    let (app, _) = cached("", |_| "200 x\ncache-control: max-age=60\ncache-status: other; hit");
    app.answer(get("")).await;
    assert_eq!(source(&app, get("")).await, "other; hit | hit; ttl=60");
}

#[test]
fn wrong_settings_are_told() {
    for (option, place, expected) in [
        ("max_size = lots", "3:12", "a whole number"),
        ("max_entry_size = -1", "3:18", "a whole number"),
        ("max_size = 10\nmax_entry_size = 11", "4:18", "no more than `max_size` (10)"),
        ("max_wait = soon", "3:12", "a number of seconds"),
        ("credentials = a b", "3:15", "the name of a header"),
    ] {
        let faults = faults(&format!("{SECTION}{option}"));
        let [fault] = &*faults else { panic!("one fault of {option}: {faults:?}") };
        let start = format!("test.ini:{place}: error[bad-value]");
        assert!(fault.starts_with(&start) && fault.contains(expected), "{fault}");
    }
}
