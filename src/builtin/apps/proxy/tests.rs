//! The proxy as clients and upstreams see it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::{App, Body, BoxError, Connection, Context, Request, RequestExt, Response};
use crate::builtin::fixture::{app, closed_address, faults, filter, text, values};

/// An upstream that does what a test tells it.
struct Upstream(TcpListener);

impl Upstream {
    async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// A proxy to it, with further options.
    fn proxy(&self, options: &str) -> App {
        proxy_to(&format!("{}\n{options}", self.url()))
    }

    async fn accept(&self) -> Peer {
        Peer(self.0.accept().await.unwrap().0)
    }

    /// Accepts a connection and answers the request that comes by it.
    async fn answer(&self, response: &str) -> (Peer, String) {
        let mut peer = self.accept().await;
        let head = peer.answer(response).await;
        (peer, head)
    }
}

fn proxy_to(upstream: &str) -> App {
    app(&format!("[app:test]\nuse = egg:pasteline#proxy\nupstream = {upstream}\n"))
}

/// The proxy's connection, seen from the upstream.
struct Peer(TcpStream);

impl Peer {
    async fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// What arrives up to and with a text.
    async fn read_to(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = self.0.read_u8().await;
            let so_far = String::from_utf8_lossy(&read);
            read.push(byte.unwrap_or_else(|error| panic!("{error} after {so_far:?}")));
        }
        String::from_utf8(read).unwrap()
    }

    /// Answers one request without a body, and gives its head.
    async fn answer(&mut self, response: &str) -> String {
        let head = self.read_to("\r\n\r\n").await;
        self.send(response).await;
        head
    }

    /// Waits until the proxy closes the connection.
    async fn closed(mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

/// A body that does not say how long it is, and waits for what a test sends.
struct Channel(mpsc::Receiver<Result<&'static str, &'static str>>);

impl http_body::Body for Channel {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = |text: &'static str| Frame::data(Bytes::from(text));
        let chunk = ready!(self.0.poll_recv(context));
        Poll::Ready(chunk.map(|chunk| chunk.map(frame).map_err(Into::into)))
    }
}

type Sender = mpsc::Sender<Result<&'static str, &'static str>>;

/// A body that begins with some chunks, and the means to send more: without it the body ends.
fn channel<const N: usize>(chunks: [Result<&'static str, &'static str>; N]) -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(8);
    for chunk in chunks {
        sender.try_send(chunk).unwrap();
    }
    (sender, Body::new(Channel(receiver)))
}

fn chunks<const N: usize>(chunks: [Result<&'static str, &'static str>; N]) -> Body {
    channel(chunks).1
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> Request {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body).unwrap();
    let peer = Some(SocketAddr::from(([192, 0, 2, 7], 5000)));
    let connection = Connection { peer, ..Connection::default() };
    *request.context_mut() = Context::new(Arc::new(connection));
    request.context_mut().request_id = Some(HeaderValue::from_static("req-1"));
    request
}

fn get(target: &str) -> Request {
    request("GET", target, &[("host", "api.example")], Body::empty())
}

/// Answers a request in a task of its own.
fn answer(app: &App, request: Request) -> JoinHandle<Response> {
    tokio::spawn(app.answer(request))
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_request_and_its_response_pass_as_they_are() {
    let upstream = Upstream::listen().await;
    let body = Body::from("ping");
    let request = request("PUT", "/v2//p%2Fq?x=1&y", &[("host", "api"), ("x-a", "1")], body);
    let response = answer(&upstream.proxy(""), request);
    let mut peer = upstream.accept().await;
    let seen = peer.read_to("ping").await;
    assert!(seen.starts_with("PUT /v2//p%2Fq?x=1&y HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("\r\nhost: api\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-a: 1\r\n"), "{seen}");
    assert!(seen.contains("\r\ncontent-length: 4\r\n"), "{seen}");
    peer.send("HTTP/1.1 201 Created\r\nX-B: 2\r\nContent-Length: 4\r\n\r\npong").await;
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(values(response.headers(), "x-b"), "2");
    assert_eq!(values(response.headers(), "content-length"), "4");
    assert_eq!(text(response).await, "pong");
}

#[tokio::test]
async fn bodies_are_streamed_both_ways() {
    let upstream = Upstream::listen().await;
    let (sender, body) = channel([Ok("one")]);
    let response = answer(&upstream.proxy(""), request("POST", "/", &[], body));
    let mut peer = upstream.accept().await;
    let seen = peer.read_to("3\r\none\r\n").await;
    assert!(seen.contains("\r\ntransfer-encoding: chunked\r\n"), "{seen}");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    let mut response = response.await.unwrap();
    assert_eq!(values(response.headers(), "transfer-encoding"), "");
    // What the client sends after that passes on even if it does not read.
    sender.send(Ok("two")).await.unwrap();
    peer.read_to("3\r\ntwo\r\n").await;
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "first");
    drop(sender);
    peer.read_to("0\r\n\r\n").await;
    peer.send("4\r\nlast\r\n0\r\n\r\n").await;
    assert_eq!(text(response).await, "last");
}

#[tokio::test]
async fn a_long_body_keeps_its_length() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let mut peer = upstream.accept().await;
    peer.read_to("\r\n\r\n").await;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst").await;
    let response = response.await.unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(1_000_000));
    let rest = "x".repeat(1_000_000 - "first".len());
    let (whole, ()) = tokio::join!(text(response), peer.send(&rest));
    assert!(whole == format!("first{rest}"), "of {} bytes", whole.len());
}

#[tokio::test]
async fn a_get_may_have_a_body_of_unknown_length() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), request("GET", "/", &[], chunks([Ok("query")])));
    let mut peer = upstream.accept().await;
    peer.read_to("\r\n\r\n5\r\nquery\r\n0\r\n\r\n").await;
    peer.send(HELLO).await;
    assert_eq!(text(response.await.unwrap()).await, "hello");
}

#[tokio::test]
async fn what_concerns_one_connection_is_not_passed_on() {
    let hop_by_hop = [
        ("connection", "keep-alive, X-Own"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic eDp5"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("trailer", "x-sum"),
        ("upgrade", "h2c"),
        ("x-own", "1"),
    ];
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), request("GET", "/", &hop_by_hop, Body::empty()));
    let fields: String = hop_by_hop.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    let (_, seen) =
        upstream.answer(&format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n")).await;
    let response = response.await.unwrap();
    for (name, _) in hop_by_hop {
        assert!(!seen.contains(&format!("\r\n{name}: ")), "{name}: {seen}");
        assert_eq!(values(response.headers(), name), "", "{name}");
    }
}

#[tokio::test]
async fn the_upstream_learns_of_the_client_and_not_from_it() {
    let claims = [
        ("host", "api.example"),
        ("forwarded", "for=6.6.6.6"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x_forwarded_for", "6.6.6.6"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-port", "6"),
        ("x-forwarded-prefix", "/evil"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "6.6.6.6"),
    ];
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), request("GET", "/", &claims, Body::empty()));
    let (_, seen) = upstream.answer(HELLO).await;
    response.await.unwrap();
    assert!(!seen.contains('6') && !seen.contains("evil"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-for: 192.0.2.7\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-host: api.example\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-proto: http\r\n"), "{seen}");
}

#[tokio::test]
async fn what_was_believed_is_passed_on_with_this_server_added() {
    let proxies = "[filter:proxies]\nuse = egg:pasteline#http_proxy_to_wsgi\n\
        enable_proxy_headers_parsing = true\ntrusted_proxies = any\n";
    let claims = [
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/cloud"),
        ("x-forwarded-port", "8443"),
    ];
    let upstream = Upstream::listen().await;
    let app = proxy_to(&format!("{}/base/", upstream.url())).behind(&[filter(proxies)]);
    let mut request = request("GET", "/v2/ports", &claims, Body::empty());
    request.mount("/v2".len());
    let response = answer(&app, request);
    let (_, seen) = upstream.answer(HELLO).await;
    response.await.unwrap();
    assert!(seen.starts_with("GET /base/ports HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-for: 198.51.100.1, 192.0.2.7\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-proto: https\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-prefix: /cloud/v2\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-forwarded-port: 8443\r\n"), "{seen}");
}

#[tokio::test]
async fn settings_of_a_filter_are_no_word_of_a_proxy() {
    let upstream = Upstream::listen().await;
    let claims = [("x-forwarded-for", "6.6.6.6"), ("x-real-ip", "6.6.6.6")];
    for options in ["prefix = /x", "scheme = https"] {
        let prefix = filter(&format!("[filter:p]\nuse = egg:pasteline#prefix\n{options}\n"));
        let app = upstream.proxy("").behind(&[prefix]);
        let response = answer(&app, request("GET", "/", &claims, Body::empty()));
        let (_, seen) = upstream.answer(HELLO).await;
        response.await.unwrap();
        assert!(!seen.contains("6.6.6.6"), "{seen}");
        assert!(seen.contains("\r\nx-forwarded-for: 192.0.2.7\r\n"), "{seen}");
    }
}

#[tokio::test]
async fn a_proxy_at_a_unix_socket_adds_no_address_to_what_it_tells() {
    let proxies = "[filter:proxies]\nuse = egg:pasteline#http_proxy_to_wsgi\n\
        enable_proxy_headers_parsing = true\n";
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("").behind(&[filter(proxies)]);
    for (claim, expected) in [
        (("x-forwarded-for", "198.51.100.1, 10.0.0.2"), Some("198.51.100.1, 10.0.0.2")),
        (("forwarded", "for=198.51.100.1"), Some("198.51.100.1")),
        (("x-forwarded-proto", "https"), None),
    ] {
        let mut request = request("GET", "/", &[claim], Body::empty());
        *request.context_mut() = Context::default();
        let response = answer(&app, request);
        let (_, seen) = upstream.answer(HELLO).await;
        response.await.unwrap();
        let chain = seen.lines().find_map(|line| line.strip_prefix("x-forwarded-for: "));
        assert_eq!(chain, expected, "{seen}");
    }
}

#[tokio::test]
async fn spellings_with_underscores_are_nobodys_word() {
    let proxies = "[filter:proxies]\nuse = egg:pasteline#http_proxy_to_wsgi\n\
        enable_proxy_headers_parsing = true\ntrusted_proxies = any\n";
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("").behind(&[filter(proxies)]);
    let claims = [("x-forwarded-for", "198.51.100.1"), ("x_forwarded-for", "6.6.6.6")];
    let response = answer(&app, request("GET", "/", &claims, Body::empty()));
    let (_, seen) = upstream.answer(HELLO).await;
    response.await.unwrap();
    assert!(!seen.contains("6.6.6.6"), "{seen}");
}

#[tokio::test]
async fn the_host_may_be_the_upstreams_own() {
    let upstream = Upstream::listen().await;
    let own = upstream.url().replace("http://", "\r\nhost: ");
    for (options, request, expected) in [
        ("preserve_host = false", get("/"), &*own),
        ("", get("http://other.example/"), "\r\nhost: other.example"),
        ("", request("GET", "/", &[], Body::empty()), &*own),
    ] {
        let response = answer(&upstream.proxy(options), request);
        let (_, seen) = upstream.answer(HELLO).await;
        response.await.unwrap();
        assert!(seen.contains(&format!("{expected}\r\n")), "{expected}: {seen}");
    }
}

#[tokio::test]
async fn a_head_request_gets_the_length_and_no_body() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), request("HEAD", "/", &[], Body::empty()));
    upstream.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await;
    let response = response.await.unwrap();
    assert_eq!(values(response.headers(), "content-length"), "5");
    assert_eq!(text(response).await, "");
}

/// What the client is told of the length of a response to a method with a status and fields; none
/// if the answer is a 502.
async fn told_length(method: &str, status: u16, fields: &str) -> Option<String> {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), request(method, "/", &[], Body::empty()));
    let body = if method == "GET" && status == 200 { "abc" } else { "" };
    upstream.answer(&format!("HTTP/1.1 {status} X\r\n{fields}\r\n{body}")).await;
    let response = response.await.unwrap();
    if response.status() == StatusCode::BAD_GATEWAY {
        return None;
    }
    assert_eq!(response.status(), status);
    let lengths = response.headers().get_all(CONTENT_LENGTH).iter();
    let told = lengths.map(|length| length.to_str().unwrap()).collect::<Vec<_>>().join(" and ");
    assert_eq!(text(response).await, body);
    Some(told)
}

#[tokio::test]
async fn a_length_is_told_once_and_only_if_it_is_one() {
    for (value, expected) in [
        ("3", Some("3")),
        ("3, 3", Some("3")),
        ("3,3,3", Some("3")),
        ("3\r\nContent-Length: 3", Some("3")),
        ("3, 5", None),
        ("3\r\nContent-Length: 5", None),
        ("3,", None),
        ("+3", None),
        ("3;", None),
        ("", None),
        ("18446744073709551616", None),
    ] {
        let fields = format!("Content-Length: {value}\r\n");
        for (method, status) in [("GET", 200), ("HEAD", 200), ("GET", 304), ("HEAD", 304)] {
            let told = told_length(method, status, &fields).await;
            assert_eq!(told.as_deref(), expected, "{method} {status} {value:?}");
        }
        for method in ["GET", "HEAD"] {
            let told = told_length(method, 204, &fields).await;
            assert_eq!(told.as_deref(), Some(""), "{method} 204 {value:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("");
    let response = answer(&app, get("/a"));
    let (mut peer, _) = upstream.answer(HELLO).await;
    assert_eq!(text(response.await.unwrap()).await, "hello");
    let response = answer(&app, get("/b"));
    assert!(peer.answer(HELLO).await.starts_with("GET /b "));
    assert_eq!(text(response.await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("");
    let response = answer(&app, get("/"));
    let (peer, _) = upstream.answer(HELLO).await;
    assert_eq!(text(response.await.unwrap()).await, "hello");
    tokio::time::pause();
    peer.closed().await;
}

/// What becomes of a request whose connection, used before, the upstream closes with so much of
/// a response: the status, or none if the request is sent again.
async fn after_close(request: Request, part: &str) -> Option<StatusCode> {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("");
    let response = answer(&app, get("/"));
    let (mut peer, _) = upstream.answer(HELLO).await;
    text(response.await.unwrap()).await;

    let mut response = answer(&app, request);
    peer.answer(part).await;
    drop(peer);
    tokio::select! {
        response = &mut response => Some(response.unwrap().status()),
        (_, head) = upstream.answer(HELLO) => {
            assert!(head.starts_with("GET /again "), "{head}");
            assert_eq!(text(response.await.unwrap()).await, "hello");
            None
        }
    }
}

#[tokio::test]
async fn a_request_that_may_be_repeated_is_sent_again_where_nothing_came_back() {
    assert_eq!(after_close(get("/again"), "").await, None);
    let bad_gateway = Some(StatusCode::BAD_GATEWAY);
    assert_eq!(after_close(get("/again"), "HTTP/1.1 2").await, bad_gateway);
    let post = request("POST", "/again", &[], Body::empty());
    assert_eq!(after_close(post, "").await, bad_gateway);
}

#[tokio::test]
async fn a_request_that_was_not_sent_is_sent_by_another_connection() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("");
    let response = answer(&app, get("/"));
    let (peer, _) = upstream.answer(HELLO).await;
    text(response.await.unwrap()).await;
    drop(peer);
    // Long enough for the runtime to hear of the end; whoever uses the connection has not.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let response = answer(&app, request("POST", "/again", &[], "body".into()));
    let (_peer, head) =
        tokio::time::timeout(Duration::from_secs(60), upstream.answer(HELLO)).await.unwrap();
    assert!(head.starts_with("POST /again "), "{head}");
    assert_eq!(text(response.await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    drop(upstream.answer("").await);
    assert_eq!(response.await.unwrap().status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_dead_upstream_is_a_502_that_names_the_request() {
    let (_socket, closed) = closed_address();
    let app = proxy_to(&format!("http://{closed}"));
    let response = app.answer(get("/")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(values(response.headers(), "content-type"), "application/json");
    let expected = r#"{"message":"The upstream server cannot be reached.","code":"502 Bad Gateway","title":"Bad Gateway","request_id":"req-1"}"#;
    assert_eq!(text(response).await, expected);
}

#[tokio::test]
async fn an_upstream_that_fails_is_left_alone_and_asked_again() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("max_fails = 2\nfail_timeout = 0.05\nresponse_timeout = 0.2\n");
    for _ in 0..2 {
        let response = answer(&app, get("/"));
        let _silent = upstream.accept().await;
        assert_eq!(response.await.unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
    }
    let refused = app.answer(get("/")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[RETRY_AFTER], "1");
    let healthy = tokio::spawn(async move {
        loop {
            let Peer(mut peer) = upstream.accept().await;
            // Whoever gave up meanwhile does not hear it.
            let _ = peer.read(&mut [0; 1024]).await;
            let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
        }
    });
    while app.answer(get("/")).await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.answer(get("/")).await.status(), StatusCode::OK, "all are passed on again");
    healthy.abort();
}

#[tokio::test]
async fn a_silent_upstream_is_a_504() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let mut peer = upstream.accept().await;
    peer.read_to("\r\n\r\n").await;
    tokio::time::pause();
    let response = response.await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(text(response).await.contains(r#""request_id":"req-1""#));
    peer.closed().await;
}

#[tokio::test]
async fn a_client_that_is_slow_to_send_is_not_the_upstreams_fault() {
    let upstream = Upstream::listen().await;
    let (_sender, body) = channel([Ok("part")]);
    let mut response = answer(&upstream.proxy(""), request("POST", "/", &[], body));
    let mut peer = upstream.accept().await;
    peer.read_to("part\r\n").await;
    tokio::time::pause();
    let minute = tokio::time::sleep(Duration::from_secs(60));
    tokio::select! {
        response = &mut response => panic!("{response:?}"),
        () = minute => {}
    }
    tokio::time::resume();
    peer.send(HELLO).await;
    assert_eq!(response.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_proper_response_is_a_502() {
    for response in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "SSH-2.0-x\r\n\r\n",
    ] {
        let upstream = Upstream::listen().await;
        let answered = answer(&upstream.proxy(""), get("/"));
        let (peer, _) = upstream.answer(response).await;
        assert_eq!(answered.await.unwrap().status(), StatusCode::BAD_GATEWAY, "{response}");
        peer.closed().await;
    }
}

#[tokio::test]
async fn the_head_of_a_response_may_have_32_kib() {
    // hyper looks whether it is too long before it reads on, by up to as much again.
    for (length, status) in [(32 * 1024, StatusCode::OK), (64 * 1024, StatusCode::BAD_GATEWAY)] {
        let upstream = Upstream::listen().await;
        let response = answer(&upstream.proxy(""), get("/"));
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ";
        let long = "x".repeat(length - head.len() - 4);
        upstream.answer(&format!("{head}{long}\r\n\r\n")).await;
        assert_eq!(response.await.unwrap().status(), status, "{length}");
    }
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    upstream.answer(&format!("{interim}{HELLO}")).await;
    let response = response.await.unwrap();
    assert_eq!(
        (response.status(), values(response.headers(), "link")),
        (StatusCode::OK, String::new())
    );
}

#[tokio::test]
async fn interim_responses_without_end_are_a_502() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let (Peer(mut peer), _) = upstream.answer("").await;
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000);
    // It ends only when the proxy closes the connection.
    while peer.write_all(interim.as_bytes()).await.is_ok() {}
    assert_eq!(response.await.unwrap().status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_413() {
    let limit = "[filter:limit]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = 4\n\
        read_ahead = 0\n";
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("").behind(&[filter(limit)]);
    let response = answer(&app, request("POST", "/", &[], chunks([Ok("four"), Ok("more")])));
    let peer = upstream.accept().await;
    assert_eq!(response.await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    peer.closed().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_400() {
    let upstream = Upstream::listen().await;
    let body = chunks([Ok("part"), Err("the client has left")]);
    let response = answer(&upstream.proxy(""), request("POST", "/", &[], body));
    let peer = upstream.accept().await;
    assert_eq!(response.await.unwrap().status(), StatusCode::BAD_REQUEST);
    peer.closed().await;
}

#[tokio::test]
async fn a_response_that_breaks_off_does_not_look_whole() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let (peer, _) = upstream.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
    drop(peer);
    assert!(response.await.unwrap().into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_response_that_stalls_ends() {
    let upstream = Upstream::listen().await;
    let response = answer(&upstream.proxy(""), get("/"));
    let (peer, _) = upstream.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
    let mut body = response.await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    tokio::time::pause();
    let error = body.frame().await.unwrap().unwrap_err().to_string();
    assert_eq!(error, "the upstream stalled in the middle of its response");
    drop(body);
    peer.closed().await;
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_connection_to_the_upstream() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("");
    let waiting = answer(&app, get("/"));
    let mut peer = upstream.accept().await;
    peer.read_to("\r\n\r\n").await;
    waiting.abort();
    peer.closed().await;

    let response = answer(&app, get("/"));
    let (peer, _) = upstream.answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").await;
    drop(response.await.unwrap());
    peer.closed().await;
}

#[tokio::test]
async fn methods_may_be_limited() {
    let app = app("[app:test]\nuse = egg:Paste#proxy\naddress = http://127.0.0.1:1/\n\
        allowed_request_methods = get HEAD\n");
    let response = app.answer(request("POST", "/", &[], Body::empty())).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(values(response.headers(), "allow"), "GET, HEAD");
    let response = app.answer(request("CONNECT", "up:80", &[], Body::empty())).await;
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn headers_may_be_suppressed() {
    let upstream = Upstream::listen().await;
    let app = upstream.proxy("suppress_headers = cookie x-user-*");
    let headers = [("cookie", "a=b"), ("x_user_id", "1"), ("x-other", "2")];
    let response = answer(&app, request("GET", "/", &headers, Body::empty()));
    let (_, seen) = upstream.answer(HELLO).await;
    response.await.unwrap();
    assert!(
        !seen.contains("cookie") && !seen.contains("user") && seen.contains("x-other"),
        "{seen}"
    );
}

#[test]
fn an_upstream_that_cannot_be_used_is_refused_with_its_place() {
    let section = "[app:test]\nuse = egg:pasteline#proxy\nupstream = https://up\nread_timeout = 0";
    let expected = [
        "test.ini:3:12: error[bad-value]: `upstream` is refused: `https` upstreams are not there \
         yet, only `http`",
    ];
    assert_eq!(faults(section), expected);
    let section = section.replace("https", "http");
    let expected = [
        "test.ini:4:16: error[bad-value]: `read_timeout` is refused: it must be more than no time",
    ];
    assert_eq!(faults(&section), expected);
}
