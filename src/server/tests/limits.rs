//! What a server bears of its clients: each limit, and what is past it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::{Client, Observed, large, mirror, says, settings, start, start_with, waits};
use crate::app::{App, Body, Response};
use crate::server::Settings;
use crate::settings::Seconds;

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// The status of what a server answers to some bytes on a connection of their own.
async fn status(settings: Settings, bytes: &str) -> String {
    let (_running, address) = start_with(settings, mirror()).await;
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    client.read_to("\r\n").await.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_head_may_be_as_large_as_the_limit() {
    let head = |length: usize| {
        let start = "GET / HTTP/1.1\r\nHost: h\r\nX-Long: ";
        format!("{start}{}\r\n\r\n", "x".repeat(length - start.len() - 4))
    };
    let settings = || Settings { max_header_line: 1 << 16, ..settings() };
    assert_eq!(status(settings(), &head(32 * 1024)).await, "200");
    assert_eq!(status(settings(), &head(32 * 1024 + 1)).await, "431");
}

#[tokio::test]
async fn a_head_may_have_as_many_fields_as_the_limit() {
    let head = |fields: usize| {
        format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X-A: b\r\n".repeat(fields - 1))
    };
    assert_eq!(status(settings(), &head(100)).await, "200");
    assert_eq!(status(settings(), &head(101)).await, "431");
    let few = || Settings { max_fields: 3, ..settings() };
    assert_eq!(status(few(), &head(3)).await, "200");
    assert_eq!(status(few(), &head(4)).await, "431");
}

#[tokio::test]
async fn a_target_may_be_as_long_as_the_limit() {
    let head = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(length));
    assert_eq!(status(settings(), &head(16 * 1024 - 1)).await, "200");
    assert_eq!(status(settings(), &head(16 * 1024)).await, "414");
}

fn chunked(extension: usize, trailer: usize) -> String {
    let (extension, trailer) = ("e".repeat(extension), "t".repeat(trailer));
    format!(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
         1;{extension}\r\nx\r\n0\r\nX-T: {trailer}\r\n\r\n"
    )
}

#[tokio::test]
async fn trailers_may_be_as_long_as_the_limit() {
    let value = 8192 - "X-T: \r\n".len();
    assert_eq!(status(settings(), &chunked(0, value)).await, "200");
    assert_eq!(status(settings(), &chunked(0, value + 1)).await, "431");
}

#[tokio::test]
async fn extensions_of_chunks_end_somewhere() {
    let (_running, address) = start(mirror()).await;
    for (length, is_read) in [(16 * 1024 - 2, true), (16 * 1024 + 1, false)] {
        let mut client = Client::connect(address).await;
        client.send(&chunked(length, 0)).await;
        let answer = client.read_to("!").await;
        assert_eq!(answer.ends_with(" x!"), is_read, "{length}: {answer}");
    }
}

#[tokio::test]
async fn so_many_connections_are_open_at_a_time() {
    let settings = Settings { max_connections: Some(2), ..settings() };
    let server = Observed::start_with(settings, says("!")).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(server.address).await;
        client.send(GET).await;
        assert!(client.read_to("!").await.starts_with("HTTP/1.1 200 "));
        open.push(client);
    }
    let refused = Client::connect(server.address).await.read_to_close().await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    open.pop();
    while server.running.connections() > 1 {
        tokio::task::yield_now().await;
    }
    let mut client = Client::connect(server.address).await;
    client.send(GET).await;
    assert!(client.read_to("!").await.starts_with("HTTP/1.1 200 "));
    drop((open, client));
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["connections"], 1);
    assert!(log.contains("127.0.0.1 \"-\" 503 0\n"), "{log}");
}

#[tokio::test]
async fn so_many_connections_of_an_address_are_open_at_a_time() {
    let settings = Settings { max_connections_per_address: 1, ..settings() };
    let (running, address) = start_with(settings, says("!")).await;
    let mut first = Client::connect(address).await;
    first.send(GET).await;
    first.read_to("!").await;
    let refused = Client::connect(address).await.read_to_close().await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = Client(other.connect(address).await.unwrap());
    other.send(GET).await;
    other.read_to("!").await;
    drop((first, other));
    while running.connections() > 0 {
        tokio::task::yield_now().await;
    }
    let mut again = Client::connect(address).await;
    again.send(GET).await;
    again.read_to("!").await;
}

#[tokio::test]
async fn so_many_requests_are_answered_at_a_time() {
    let (app, begun, go_on) = waits();
    let settings = Settings { max_requests_in_flight: 1, ..settings() };
    let server = Observed::start_with(settings, app).await;
    let mut first = Client::connect(server.address).await;
    first.send(GET).await;
    begun.notified().await;
    let mut second = Client::connect(server.address).await;
    second.send(GET).await;
    let refused = second.read_to("again.\n").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    go_on.notify_one();
    first.read_to("done").await;
    second.send(GET).await;
    begun.notified().await;
    go_on.notify_one();
    second.read_to("done").await;
    let (served, log) = server.end().await;
    assert_eq!((served.refusals["requests"], served.statuses[&503]), (1, 1));
    assert!(log.contains("\"GET / HTTP/1.1\" 503 "), "{log}");
}

const POST: &str = "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";

#[tokio::test]
async fn a_body_that_does_not_come_is_refused() {
    let server = Observed::start(mirror()).await;
    let mut client = Client::connect(server.address).await;
    client.send(POST).await;
    tokio::time::pause();
    let start = Instant::now();
    let told = client.read_to_close().await;
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    assert!(told.contains("\r\nconnection: close\r\n"), "{told}");
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["body_timeout"], 1);
    assert!(log.contains("\"POST /body HTTP/1.1\" 408 "), "{log}");
}

/// How a server answers a body that comes at so many bytes a second.
async fn at_a_pace(bytes: usize, seconds: u32) -> String {
    let (_running, address) = start(mirror()).await;
    let mut client = Client::connect(address).await;
    client.send(POST).await;
    let (mut read, mut write) = client.0.into_split();
    tokio::time::pause();
    let sending = tokio::spawn(async move {
        let mut left = 100_000;
        for _ in 0..seconds {
            sleep(Duration::from_secs(1)).await;
            left -= bytes;
            if write.write_all(&vec![b'x'; bytes]).await.is_err() {
                return;
            }
        }
        let _ = write.write_all(&vec![b'x'; left]).await;
        std::future::pending::<()>().await;
    });
    let mut start = [0; 12];
    read.read_exact(&mut start).await.unwrap();
    sending.abort();
    tokio::time::resume();
    String::from_utf8_lossy(&start).into_owned()
}

#[tokio::test]
async fn a_body_must_come_at_a_least_pace() {
    assert_eq!(at_a_pace(40, 120).await, "HTTP/1.1 200");
    assert_eq!(at_a_pace(30, 120).await, "HTTP/1.1 408");
}

#[tokio::test]
async fn an_app_that_does_not_read_may_let_a_body_wait() {
    let (app, begun, go_on) = waits();
    let (_running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send(POST).await;
    begun.notified().await;
    tokio::time::pause();
    sleep(Duration::from_secs(300)).await;
    tokio::time::resume();
    go_on.notify_one();
    assert!(client.read_to("done").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_client_that_does_not_take_its_response_is_left() {
    let server = Observed::start(large()).await;
    let mut client = Client::connect(server.address).await;
    client.send(GET).await;
    client.read_to("\r\n\r\n").await;
    tokio::time::pause();
    let start = Instant::now();
    while server.running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["write_timeout"], 1);
}

/// A body without an end, which counts how many bytes were taken from it.
struct Endless(Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PORTION: [u8; 32 * 1024] = [b'x'; 32 * 1024];
        self.0.fetch_add(PORTION.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PORTION)))))
    }
}

#[tokio::test]
async fn little_is_taken_from_the_app_for_a_client_that_does_not_read() {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let endless = move |_| Response::new(Body::new(Endless(Arc::clone(&count))));
    let (running, address) = start(App::ready(endless)).await;
    let mut client = Client::connect(address).await;
    client.send(GET).await;
    client.read_to("\r\n\r\n").await;
    tokio::time::pause();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    // What the system holds on both sides, and what waits here. Left to itself, it takes 3.9 MiB.
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 1 << 20, "{taken} bytes");
}

/// Waits for so long while a server does nothing but wait, too, and lets time go on then.
async fn pass(seconds: u64) {
    tokio::time::pause();
    sleep(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_head_may_take_as_long_as_the_limit() {
    // What is left of it at the end is for a machine that has other things to do.
    let head_timeout = Seconds(Duration::from_secs(10_000));
    let (running, address) = start_with(Settings { head_timeout, ..settings() }, mirror()).await;
    let mut client = Client::connect(address).await;
    client.send(&GET[..20]).await;
    while running.connections() == 0 {
        tokio::task::yield_now().await;
    }
    pass(9_900).await;
    client.send(&GET[20..]).await;
    assert!(client.read_to("!").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_connection_may_wait_as_long_as_the_limit() {
    let keep_alive_timeout = Seconds(Duration::from_secs(10_000));
    let settings = Settings { keep_alive_timeout, ..settings() };
    let (_running, address) = start_with(settings, mirror()).await;
    let mut client = Client::connect(address).await;
    for _ in 0..2 {
        client.send(GET).await;
        assert!(client.read_to("!").await.starts_with("HTTP/1.1 200 "));
        pass(9_900).await;
    }
}
