//! Tests of the filter, with a clock that stands still.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::app::{App, Body, Connection, Context, RequestExt};
use crate::builtin::fixture::{faults, filter, refused_by, values};

const SECTION: &str = "[filter:f]\nuse = egg:pasteline#rate_limit\n";

fn limited(options: &str) -> App {
    let app = App::ready(|_| response::text(StatusCode::OK, ""));
    app.behind(&[filter(&format!("{SECTION}{options}"))])
}

fn from(client: &str) -> Request {
    let peer = Some(SocketAddr::new(client.parse().unwrap(), 5000));
    let mut request = Request::new(Body::empty());
    let connection = Connection { peer, ..Connection::default() };
    *request.context_mut() = Context::new(Arc::new(connection));
    request
}

fn with(name: &'static str, texts: &[&[u8]]) -> Request {
    let mut request = from("192.0.2.1");
    for text in texts {
        request.headers_mut().append(name, HeaderValue::from_bytes(text).unwrap());
    }
    request
}

async fn status(app: &App, request: Request) -> u16 {
    app.answer(request).await.status().as_u16()
}

/// How many requests are let through before the first is refused.
async fn granted(app: &App, request: impl Fn() -> Request) -> usize {
    for granted in 0..1000 {
        if status(app, request()).await != 200 {
            return granted;
        }
    }
    panic!("none is refused")
}

#[tokio::test(start_paused = true)]
async fn a_bucket_empties_and_fills_up_at_the_rate() {
    let app = limited("rate = 2/s\nburst = 3");
    let request = || from("192.0.2.1");
    assert_eq!(granted(&app, request).await, 3);
    tokio::time::advance(Duration::from_millis(499)).await;
    assert_eq!(granted(&app, request).await, 0);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(granted(&app, request).await, 1);
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(granted(&app, request).await, 3, "a long pause saves up no more");
}

#[tokio::test(start_paused = true)]
async fn without_a_burst_the_number_of_the_rate_may_come_at_once() {
    for (rate, expected) in [("1/s", 1), ("10 / s", 10), ("60/m", 60), ("5/h", 5)] {
        let app = limited(&format!("rate = {rate}"));
        assert_eq!(granted(&app, || from("192.0.2.1")).await, expected, "{rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_told_when_to_come_again() {
    let app = limited("rate = 2/m\nburst = 1");
    let granted = app.answer(from("192.0.2.1")).await;
    assert_eq!((granted.status(), refused_by(&granted)), (StatusCode::OK, None));
    tokio::time::advance(Duration::from_millis(500)).await;
    let mut asking = from("192.0.2.1");
    asking.headers_mut().insert("accept", HeaderValue::from_static("application/json"));
    let refused = app.answer(asking).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused_by(&refused), Some("rate_limit"));
    assert_eq!(values(refused.headers(), "retry-after"), "30");
    assert_eq!(values(refused.headers(), "content-type"), "application/json");
    assert_eq!(values(refused.headers(), "ratelimit"), "");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(status(&app, from("192.0.2.1")).await, 200);
}

#[tokio::test(start_paused = true)]
async fn clients_are_told_apart_by_what_they_have_at_the_least() {
    let app = limited("rate = 1/h");
    for (client, expected) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("::ffff:192.0.2.1", 429),
        ("192.0.2.2", 200),
        ("2001:db8::1", 200),
        ("2001:db8::ffff:1", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(status(&app, from(client)).await, expected, "{client}");
    }
    assert_eq!(status(&app, Request::new(Body::empty())).await, 200, "no address is one, too");
    assert_eq!(status(&app, Request::new(Body::empty())).await, 429);
}

#[tokio::test(start_paused = true)]
async fn the_client_is_whom_a_trusted_proxy_tells() {
    let app = limited("rate = 1/h");
    let told = |client: [u8; 4]| {
        let mut request = from("10.0.0.1");
        request.context_mut().forwarded_for = Some(IpAddr::from(client));
        request
    };
    assert_eq!(status(&app, told([192, 0, 2, 1])).await, 200);
    assert_eq!(status(&app, told([192, 0, 2, 2])).await, 200);
    assert_eq!(status(&app, told([192, 0, 2, 1])).await, 429);
    let mut claimed = from("192.0.2.1");
    claimed.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.9"));
    assert_eq!(status(&app, claimed).await, 429, "what nobody has checked does not count");
}

#[tokio::test(start_paused = true)]
async fn the_values_of_a_header_are_told_apart() {
    let app = limited("rate = 1/h\nkey = header:X-Api-Key");
    let huge = vec![b'x'; 100_000];
    let cases: &[(&[&[u8]], u16)] = &[
        (&[], 200),
        (&[], 429),
        (&[b""], 200),
        (&[b"a"], 200),
        (&[b"A"], 200),
        (&[b"a"], 429),
        (&[b"a", b"b"], 200),
        (&[b"ab"], 200),
        (&[b"b", b"a"], 200),
        (&[b"\xff"], 200),
        (&[b"\xff"], 429),
        (&[&huge], 200),
        (&[&huge], 429),
    ];
    for (texts, expected) in cases {
        assert_eq!(status(&app, with("x-api-key", texts)).await, *expected, "{texts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_are_told_apart_by_their_names() {
    let app = limited("rate = 1/h\nkey = host");
    for (host, expected) in [
        (&b"a.example"[..], 200),
        (b"A.EXAMPLE:8080", 429),
        (b"b.example", 200),
        (b"[2001:db8::1]", 200),
        (b"[2001:db8::1]:80", 429),
        (b"[2001:db8::2]", 200),
        (b"\xff", 200),
    ] {
        assert_eq!(status(&app, with("host", &[host])).await, expected, "{host:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_are_counted_together() {
    let app = limited("rate = 2/h\nkey = all\nstatus = 503");
    for (client, expected) in [("192.0.2.1", 200), ("192.0.2.2", 200), ("192.0.2.3", 503)] {
        assert_eq!(status(&app, from(client)).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn responses_tell_what_is_left() {
    let app = limited("rate = 1/s\nburst = 3\nheaders = true");
    for expected in ["\"client\";r=2;t=1", "\"client\";r=1;t=2", "\"client\";r=0;t=3"] {
        let response = app.answer(from("192.0.2.1")).await;
        assert_eq!(values(response.headers(), "ratelimit"), expected);
        assert_eq!(values(response.headers(), "ratelimit-policy"), "\"client\";q=3;w=3");
    }
    let refused = app.answer(from("192.0.2.1")).await;
    assert_eq!(values(refused.headers(), "ratelimit"), "\"client\";r=0;t=3");
}

#[tokio::test(start_paused = true)]
async fn no_more_keys_are_kept_than_may_be() {
    let rate = Rate { requests: 1, time: Duration::from_secs(3600) };
    let meter = Meter::new(rate, None, 100);
    for key in 0..10_000 {
        assert!(matches!(meter.take(key), Share::Granted { .. }));
    }
    assert!(meter.keys() <= 100, "{}", meter.keys());
}

#[tokio::test(start_paused = true)]
async fn threads_share_a_bucket_to_the_last_request() {
    let rate = Rate { requests: 100, time: Duration::from_secs(3600) };
    let meter = Meter::new(rate, None, 100);
    let granted = || (0..100).filter(|_| matches!(meter.take(1), Share::Granted { .. })).count();
    let all = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(granted));
        threads.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
    });
    assert_eq!(all, 100);
}

#[tokio::test(start_paused = true)]
async fn extremes_do_not_overflow() {
    for (rate, burst) in [("1/h", u32::MAX), ("1000000000/s", u32::MAX), ("1000000000/s", 1)] {
        let app = limited(&format!("rate = {rate}\nburst = {burst}\nheaders = true"));
        assert_eq!(status(&app, from("192.0.2.1")).await, 200, "{rate} {burst}");
        tokio::time::advance(Duration::from_secs(1 << 40)).await;
        assert_eq!(status(&app, from("192.0.2.1")).await, 200, "{rate} {burst}");
    }
}

#[test]
fn wrong_settings_are_told() {
    for (option, place, expected) in [
        ("rate = 10", "3:8", "such as `10/s`"),
        ("rate = 10/", "3:11", "`s`, `m` or `h`"),
        ("rate = 10/d", "3:11", "`s`, `m` or `h`"),
        ("rate = 0/s", "3:8", "from 1 to 1000000000"),
        ("rate = ten/s", "3:8", "from 1 to 1000000000"),
        ("rate = 1.5/s", "3:8", "from 1 to 1000000000"),
        ("rate = 99999999999/s", "3:8", "from 1 to 1000000000"),
        ("rate = 1/s\nburst = 0", "4:9", "every request would be refused"),
        ("rate = 1/s\nburst = -1", "4:9", "a whole number"),
        ("rate = 1/s\nkey = user", "4:7", "`client`, `host`, `header:`"),
        ("rate = 1/s\nkey = header:a b", "4:14", "no name of a header"),
        ("rate = 1/s\nkey = header:", "4:14", "no name of a header"),
        ("rate = 1/s\nmax_keys = 0", "4:12", "nothing could be counted"),
        ("rate = 1/s\nstatus = 200", "4:10", "from 400 to 599"),
        ("rate = 1/s\nheaders = maybe", "4:11", "`true` or `false`"),
    ] {
        let faults = faults(&format!("{SECTION}{option}"));
        let [fault] = &*faults else { panic!("one fault of {option}: {faults:?}") };
        let start = format!("test.ini:{place}: error[bad-value]");
        assert!(fault.starts_with(&start) && fault.contains(expected), "{fault}");
    }
    let [fault] = &*faults(SECTION) else { panic!("one fault") };
    assert!(fault.contains("missing-option") && fault.contains("`rate`"), "{fault}");
}
