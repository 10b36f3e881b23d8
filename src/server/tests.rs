//! A server as its clients see it, over sockets.

mod http2;
mod limits;
mod tls;
mod upgrades;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Address, Endpoint, Inherited, Running, Server, Settings, Sockets, Tls};
use crate::access_log::{Destination, Format};
use crate::app::{App, Request, RequestExt, ResponseFuture, response};
use crate::builtin::fixture::Directory;
use crate::metrics::{Meter, Metrics, Served};
use crate::settings::{Seconds, Setting};
use crate::source::Sources;

/// The settings of a server at a port that the system chooses.
fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.bind_to(vec![Address::new("127.0.0.1", 0)]);
    settings
}

async fn start(app: App) -> (Running, SocketAddr) {
    start_with(settings(), app).await
}

async fn start_with(settings: Settings, app: App) -> (Running, SocketAddr) {
    start_counted(settings, app, Arc::default()).await
}

async fn start_counted(settings: Settings, app: App, meter: Arc<Meter>) -> (Running, SocketAddr) {
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let tls = Tls::load(&settings, &Sources::default()).unwrap();
    let server = Server::new(sockets.share(0).unwrap(), settings).unwrap().counted_by(meter);
    let server = server.encrypted_by(tls);
    let address = server.endpoints().next().and_then(Endpoint::socket_address).unwrap();
    (server.start(app), address)
}

/// A client that writes and reads bytes as they are.
struct Client(TcpStream);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

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

    /// What arrives until the server closes the connection.
    async fn read_to_close(&mut self) -> String {
        let mut read = String::new();
        self.0.read_to_string(&mut read).await.unwrap();
        read
    }
}

/// Answers with what arrived: the method, the target, the peer, and the body.
fn mirror() -> App {
    App::from_fn(async |request: Request| {
        let peer = request.context().client().map(|client| client.to_string());
        let line = format!("{} {} {}", request.method(), request.uri(), peer.unwrap_or_default());
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        let body = body.unwrap_or_else(|error| error.to_string().into());
        response::text(StatusCode::OK, format!("{line} {}!", String::from_utf8_lossy(&body)))
    })
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    for path in ["/a", "/b"] {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let response = client.read_to("!").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("\r\ndate: "), "{response}");
        assert!(response.ends_with(&format!("GET {path} 127.0.0.1 !")), "{response}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("GET /a 127.0.0.1 !"));
    assert!(client.read_to("!").await.ends_with("GET /b 127.0.0.1 !"));
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("POST / 127.0.0.1 abcde!"));
}

#[tokio::test]
async fn a_head_request_gets_the_length_and_no_body() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let response = client.read_to_close().await;
    assert!(response.contains("\r\ncontent-length: 18\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n"), "{response}");
}

#[tokio::test]
async fn a_status_without_a_body_has_none() {
    let (_running, address) =
        start(App::ready(|_| response::text(StatusCode::NO_CONTENT, "x"))).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let response = client.read_to_close().await;
    assert!(response.ends_with("\r\n\r\n"), "{response}");
    assert!(!response.contains("content-length"), "{response}");
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_connection_lives() {
    let app = App::new(|request: Request| match request.uri().path() {
        "/at-once" => panic!("at once"),
        "/later" => ResponseFuture::new(async {
            tokio::task::yield_now().await;
            panic!("later")
        }),
        _ => ResponseFuture::ready(response::text(StatusCode::OK, "alive")),
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    for path in ["/at-once", "/later"] {
        client.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        let response = client.read_to("}").await;
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(response.contains("\r\ncontent-type: application/json\r\n"), "{response}");
        assert!(!response.contains("at once") && !response.contains("later"), "{response}");
    }
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("alive").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_client_that_leaves_drops_the_request() {
    /// Tells when it is dropped.
    struct Dropped(Arc<Notify>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_begun, tell_dropped) = (Arc::clone(&begun), Arc::clone(&dropped));
    let app = App::from_fn(move |_| {
        let guard = Dropped(Arc::clone(&tell_dropped));
        tell_begun.notify_one();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    drop(client);
    dropped.notified().await;
}

#[tokio::test]
async fn ending_finishes_what_has_begun_and_refuses_what_comes() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_begun, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let app = App::from_fn(move |_| {
        let (begun, go_on) = (Arc::clone(&tell_begun), Arc::clone(&wait));
        async move {
            begun.notify_one();
            go_on.notified().await;
            response::text(StatusCode::OK, "done")
        }
    });
    let (running, address) = start(app).await;
    let mut idle = Client::connect(address).await;
    let mut busy = Client::connect(address).await;
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;

    let end = tokio::spawn(running.end());
    assert_eq!(idle.read_to_close().await, "", "an idle connection is closed");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!end.is_finished(), "a request is still being answered");
    go_on.notify_one();
    let response = busy.read_to_close().await;
    assert!(response.ends_with("done"), "{response}");
    assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
    end.await.unwrap();
}

/// How many seconds pass until a connection is closed, on a clock that leaps to whatever comes
/// next. It is set going only when all that is left to do is to wait.
async fn seconds_to_close(client: &mut Client) -> u64 {
    tokio::time::pause();
    let start = Instant::now();
    client.read_to_close().await;
    tokio::time::resume();
    start.elapsed().as_secs()
}

#[tokio::test]
async fn a_client_that_sends_no_head_is_left() {
    let (_running, address) = start(mirror()).await;
    let mut silent = Client::connect(address).await;
    assert!((10..=11).contains(&seconds_to_close(&mut silent).await));
    let mut slow = Client::connect(address).await;
    slow.send("GET / HTTP/1.1\r\nHo").await;
    assert!((10..=11).contains(&seconds_to_close(&mut slow).await));
}

#[tokio::test]
async fn a_connection_waits_a_while_for_the_next_request() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_to("!").await;
    assert!((60..=61).contains(&seconds_to_close(&mut client).await));
}

#[tokio::test]
async fn a_connection_that_has_rested_goes_on() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    tokio::time::pause();
    for pause in [50, 150, 250, 350, 10_000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HT").await;
        assert!(client.read_to("!").await.ends_with("GET /a 127.0.0.1 !"));
        tokio::time::sleep(Duration::from_millis(pause / 2)).await;
        client.send("TP/1.1\r\nHost: h\r\n\r\n").await;
        assert!(client.read_to("!").await.ends_with("GET /b 127.0.0.1 !"));
    }
    let start = Instant::now();
    client.read_to_close().await;
    assert!((60..=61).contains(&start.elapsed().as_secs()), "it waits no longer for resting");
}

#[tokio::test]
async fn a_connection_that_rests_is_closed_when_the_server_ends() {
    let (running, address) = start(says("!")).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_to("!").await;
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::time::resume();
    running.end().await;
    assert_eq!(client.read_to_close().await, "");
}

#[tokio::test(start_paused = true)]
async fn an_app_may_take_its_time() {
    let app = App::from_fn(async |_| {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        response::text(StatusCode::OK, "at last")
    });
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("at last").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn without_keep_alive_a_connection_ends_with_its_response() {
    let mut settings = settings();
    settings.keep_alive_timeout = Seconds(Duration::ZERO);
    let (_running, address) = start_with(settings, mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to_close().await.contains("\r\nconnection: close\r\n"));
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    let long = "x".repeat(33 * 1024);
    client.send(&format!("GET / HTTP/1.1\r\nHost: h\r\nX-Long: {long}\r\n")).await;
    assert!(client.read_to("\r\n").await.starts_with("HTTP/1.1 431 "));
}

fn says(text: &'static str) -> App {
    App::ready(move |_| response::text(StatusCode::OK, text))
}

#[tokio::test]
async fn another_app_takes_over_between_two_requests_of_a_connection() {
    let (running, address) = start(says("one!")).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("one!"));
    running.replace(says("two!"));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.ends_with("two!"));
}

#[tokio::test]
async fn a_request_is_finished_by_the_app_that_it_began_with() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell_begun, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let app = App::from_fn(move |_| {
        let (begun, go_on) = (Arc::clone(&tell_begun), Arc::clone(&wait));
        async move {
            begun.notify_one();
            go_on.notified().await;
            response::text(StatusCode::OK, "one!")
        }
    });
    let (running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    running.replace(says("two!"));
    go_on.notify_one();
    assert!(client.read_to("!").await.ends_with("one!"));
}

#[tokio::test]
async fn draining_ends_a_connection_with_its_next_response() {
    let (running, address) = start(says("!")).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(!client.read_to("!").await.contains("connection: close"));
    let drained = tokio::spawn(running.drain(Duration::from_secs(3600)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to_close().await.contains("\r\nconnection: close\r\n"));
    drained.await.unwrap();
}

#[tokio::test]
async fn draining_closes_after_a_while_what_waits_for_a_request() {
    let (running, address) = start(says("!")).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    client.read_to("!").await;
    let drained = tokio::spawn(running.drain(Duration::from_secs(5)));
    assert_eq!(seconds_to_close(&mut client).await, 5);
    drained.await.unwrap();
}

/// A server that counts and logs what clients do to it.
struct Observed {
    running: Running,
    address: SocketAddr,
    metrics: Metrics,
    log: Directory,
}

impl Observed {
    async fn start(app: App) -> Self {
        Self::start_with(settings(), app).await
    }

    async fn start_with(mut settings: Settings, app: App) -> Self {
        let (metrics, log) = (Metrics::default(), Directory::new());
        settings.access_log = Some(Destination::File(log.path("log")));
        let format = "{client_ip} \"{request_line}\" {status} {length}";
        settings.access_format = Format::parse(format).unwrap();
        let (running, address) = start_counted(settings, app, metrics.meter("main")).await;
        Self { running, address, metrics, log }
    }

    /// What a client gets for some bytes, up to the end of the connection.
    async fn ask(&self, bytes: &str) -> String {
        let mut client = Client::connect(self.address).await;
        client.send(bytes).await;
        client.read_to_close().await
    }

    /// What was counted and logged up to the end of the server.
    async fn end(self) -> (Served, String) {
        self.running.end().await;
        let mut snapshot = self.metrics.snapshot();
        crate::access_log::flush(Duration::from_secs(60));
        (snapshot.apps.remove("main").unwrap(), self.log.read("log"))
    }
}

#[tokio::test]
async fn what_is_answered_is_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    server.ask("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET /a HTTP/1.1\" 200 18\n");
    assert_eq!((served.statuses, served.in_flight), ([(200, 1)].into(), 0));
    assert_eq!((served.connections, served.connections_open), (1, 0));
}

#[tokio::test]
async fn what_is_refused_before_any_filter_is_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    let malformed = server.ask("GET / HTTP/1.1\r\nno header\r\n\r\n").await;
    assert!(malformed.starts_with("HTTP/1.1 400 "), "{malformed}");
    let long = "x".repeat(33 * 1024);
    let long = server.ask(&format!("GET /long HTTP/1.1\r\nX-Long: {long}\r\n")).await;
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let (served, log) = server.end().await;
    let expected = "127.0.0.1 \"GET / HTTP/1.1\" 400 0\n127.0.0.1 \"GET /long HTTP/1.1\" 431 0\n";
    assert_eq!(log, expected);
    let refused = ["head_size", "head_timeout", "malformed"].map(|limit| served.refusals[limit]);
    assert_eq!(refused, [1, 0, 1]);
    assert_eq!(served.refusals.values().sum::<u64>(), 2);
    assert_eq!(served.statuses, [].into(), "no app has seen them");
}

#[tokio::test]
async fn a_client_that_takes_too_long_for_a_head_is_told_so() {
    let server = Observed::start(mirror()).await;
    let mut slow = Client::connect(server.address).await;
    slow.send("GET /slow HTTP/1.1\r\nHo").await;
    let mut silent = Client::connect(server.address).await;
    tokio::time::pause();
    let told = slow.read_to_close().await;
    assert_eq!(silent.read_to_close().await, "", "who asks for nothing is refused nothing");
    tokio::time::resume();
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET /slow HTTP/1.1\" 408 0\n");
    assert_eq!(served.refusals["head_timeout"], 1);
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_and_logged() {
    let begun = Arc::new(Notify::new());
    let tell_begun = Arc::clone(&begun);
    let server = Observed::start(App::from_fn(move |_| {
        tell_begun.notify_one();
        std::future::pending()
    }))
    .await;
    let mut client = Client::connect(server.address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    begun.notified().await;
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(log, "127.0.0.1 \"GET / HTTP/1.1\" 499 0\n");
    assert_eq!(served.statuses, [(499, 1)].into());
}

#[tokio::test]
async fn only_what_no_filter_logs_is_logged_by_the_server() {
    let server = Observed::start(App::ready(|request: Request| {
        if let Some(journal) = &request.context().journal {
            journal.take_over();
        }
        response::text(StatusCode::OK, "")
    }))
    .await;
    server.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    let (served, log) = server.end().await;
    assert_eq!((log.as_str(), served.statuses), ("", [(200, 1)].into()));
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_keeps_the_server_from_starting() {
    let mut settings = settings();
    settings.access_log = Some(Destination::File("/no/such/directory/log".into()));
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let error = Server::new(sockets.share(0).unwrap(), settings).unwrap_err().to_string();
    let expected = "cannot open the access log `/no/such/directory/log`: no such file or directory";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_request_is_refused_by_its_head_counted_and_logged() {
    let server = Observed::start(mirror()).await;
    for (line, host, expected) in [
        ("GET / HTTP/1.1", "a b", "400 Bad Request"),
        ("GET /a%2fb HTTP/1.1", "a", "400 Bad Request"),
        ("TRACE / HTTP/1.1", "a", "501 Not Implemented"),
    ] {
        let answer = server.ask(&format!("{line}\r\nhost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}\r\n")), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    let (served, log) = server.end().await;
    let counted = ["host", "path", "method"].map(|limit| served.refusals[limit]);
    assert_eq!((counted, served.statuses), ([1; 3], [(400, 2), (501, 1)].into()));
    let lines: Vec<_> = log.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
    let expected = [
        r#"127.0.0.1 "GET / HTTP/1.1" 400"#,
        r#"127.0.0.1 "GET /a%2fb HTTP/1.1" 400"#,
        r#"127.0.0.1 "TRACE / HTTP/1.1" 501"#,
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn an_app_sees_a_plain_path() {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send("GET //a/%2e%2e/%62?c=%2f HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let answer = client.read_to("!").await;
    assert!(answer.contains("GET /b?c=%2f "), "{answer}");
}
