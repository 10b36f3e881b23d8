//! HTTP/2 as its clients see it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::frames::{DATA, END, Frames, GOAWAY, HEADERS, PING, SETTINGS, WINDOW_UPDATE, frame};
use super::{Client, says, seconds_to_close, settings, start, start_with, waits};
use crate::server::{Http2, Running, Settings};

pub(super) fn in_clear() -> Settings {
    let mut settings = settings();
    settings.http2 = Http2::On;
    settings
}

/// A client that speaks HTTP/2 from the start.
pub(super) struct Multiplexed {
    sender: SendRequest<Empty<Bytes>>,
    pub(super) connection: JoinHandle<hyper::Result<()>>,
}

impl Multiplexed {
    pub(super) async fn connect(address: std::net::SocketAddr) -> Self {
        let socket = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = handshake(TokioExecutor::new(), socket).await.unwrap();
        Self { sender, connection: tokio::spawn(connection) }
    }

    pub(super) fn send(&mut self, path: &str) -> JoinHandle<hyper::Result<(StatusCode, String)>> {
        let request = http::Request::get(format!("http://h{path}")).body(Empty::new()).unwrap();
        let response = self.sender.send_request(request);
        tokio::spawn(async move {
            let (head, body) = response.await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
        })
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.send(path).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn both_protocols_are_spoken_in_clear_if_that_is_asked_for() {
    let (_running, address) = start_with(in_clear(), says("hello!")).await;
    let mut client = Multiplexed::connect(address).await;
    for _ in 0..2 {
        assert_eq!(client.get("/").await, (StatusCode::OK, "hello!".to_owned()));
    }
    let mut client = Client::connect(address).await;
    client.send("P").await;
    client.send("UT / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(client.read_to("!").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn http2_is_not_spoken_in_clear_unless_it_is_asked_for() {
    let (_running, address) = start(says("hello!")).await;
    let mut client = Client::connect(address).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(client.read_to_close().await, "");
}

#[tokio::test]
async fn a_client_that_does_not_say_what_it_speaks_is_left() {
    let (_running, address) = start_with(in_clear(), says("hello!")).await;
    for beginning in ["", "PRI * HT"] {
        let mut client = Client::connect(address).await;
        client.send(beginning).await;
        assert!((10..=11).contains(&seconds_to_close(&mut client).await), "{beginning}");
    }
}

#[tokio::test]
async fn a_client_of_http2_that_never_asks_has_the_time_of_a_head() {
    let (running, address) = start_with(in_clear(), says("hello!")).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    // The half of a head.
    client.write(&frame(HEADERS, END, 1, &[0x82, 0x86, 0x84])[..10]).await;
    client.next(&[SETTINGS]).await;
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((10..=11).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_connection_of_streams_that_nobody_opens_is_left() {
    let (_running, address) = start_with(in_clear(), says("hello!")).await;
    let mut client = Multiplexed::connect(address).await;
    client.get("/").await;
    tokio::time::pause();
    let start = Instant::now();
    client.connection.await.unwrap().unwrap();
    let elapsed = start.elapsed().as_secs();
    assert!((60..=61).contains(&elapsed), "{elapsed}");
}

#[tokio::test]
async fn draining_answers_the_streams_that_are_open() {
    let (app, begun, go_on) = waits();
    let (running, address) = start_with(in_clear(), app).await;
    let mut client = Multiplexed::connect(address).await;
    let open = client.send("/");
    begun.notified().await;
    let drained = tokio::spawn(running.drain(Duration::from_secs(3600)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!drained.is_finished(), "a stream is open");
    go_on.notify_one();
    assert_eq!(open.await.unwrap().unwrap(), (StatusCode::OK, "done".to_owned()));
    // The client was told to open no more streams, so nobody waits for the linger of the drain.
    client.connection.await.unwrap().unwrap();
    drained.await.unwrap();
}

/// Asks for something over HTTP/2, frame by frame, and reads until the server has closed its end.
async fn ask_until_closed(client: &mut TcpStream) -> Vec<u8> {
    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0";
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // GET / of the host `x`, by what the static table of HPACK has.
    client.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x01\x01x").await.unwrap();
    let (mut read, mut is_asked) = (Vec::new(), false);
    while client.read_buf(&mut read).await.unwrap() > 0 {
        // A server that ends wants to know that it is heard.
        let ping = read.windows(PING.len() + 8).find(|frame| frame.starts_with(PING));
        if let Some(ping) = ping.filter(|_| !is_asked) {
            is_asked = true;
            let heard = [b"\0\0\x08\x06\x01\0\0\0\0", &ping[PING.len()..]].concat();
            client.write_all(&heard).await.unwrap();
        }
    }
    read
}

#[tokio::test]
async fn a_client_may_speak_on_when_the_server_has_said_all() {
    for is_patient in [false, true] {
        let (app, begun, go_on) = waits();
        let (running, address) = start_with(in_clear(), app).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let asked = tokio::spawn(async move { (ask_until_closed(&mut client).await, client) });
        begun.notified().await;
        let running = Arc::new(running);
        let drained = tokio::spawn({
            let running = Arc::clone(&running);
            async move { running.drain(Duration::from_secs(3600)).await }
        });
        go_on.notify_one();
        let (read, mut client) = asked.await.unwrap();
        assert!(read.windows(4).any(|read| read == b"done"), "{read:?}");
        // As long as somebody hears it, nothing is reset.
        client.write_all(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01").await.unwrap();
        assert_eq!(running.connections(), 1);
        if is_patient {
            tokio::time::pause();
            let start = Instant::now();
            drained.await.unwrap();
            assert!((1..=501).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
            tokio::time::resume();
        } else {
            drop(client);
            drained.await.unwrap();
        }
    }
}

/// How long the end of a server takes, in milliseconds.
async fn time_to_end(running: Running) -> u128 {
    tokio::time::pause();
    let start = Instant::now();
    running.end().await;
    tokio::time::resume();
    start.elapsed().as_millis()
}

#[tokio::test]
async fn a_client_that_does_not_say_that_it_hears_of_the_end_is_left() {
    // What it says last: all of a frame, a part of one, or of a head.
    for last in [&b""[..], b"\0\0\x08\x06", b"\0\0\x01\x01\x01\0\0\0\x03\x82"] {
        let (running, address) = start_with(in_clear(), says("hello!")).await;
        let mut client = Frames::connect(address).await;
        client.agree().await;
        client.get(1, 200).await;
        assert_eq!(client.next(&[DATA]).await.2, b"hello!");
        client.write(last).await;
        let elapsed = time_to_end(running).await;
        assert!((1000..=2000).contains(&elapsed), "{elapsed} ms, {last:?}");
    }
}

#[tokio::test]
async fn a_client_that_only_begins_is_left_at_the_end() {
    let (running, address) = start_with(in_clear(), says("hello!")).await;
    let mut client = Frames::connect(address).await;
    // The server's settings show that it has heard.
    client.next(&[SETTINGS]).await;
    let elapsed = time_to_end(running).await;
    assert!((1000..=2000).contains(&elapsed), "{elapsed} ms");
}

#[tokio::test]
async fn a_client_that_does_not_say_that_it_hears_of_the_end_is_answered() {
    let (app, begun, go_on) = waits();
    let (running, address) = start_with(in_clear(), app).await;
    let mut client = Frames::connect(address).await;
    // Windows of one byte, so that something of a response is left when the app is done.
    client.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]).await;
    client.get(1, 200).await;
    begun.notified().await;
    let ended = tokio::spawn(running.end());
    client.next(&[PING]).await;
    tokio::time::pause();
    sleep(Duration::from_secs(5)).await;
    tokio::time::resume();
    assert!(!ended.is_finished(), "a request is being answered");
    go_on.notify_one();
    assert_eq!(client.next(&[DATA, GOAWAY]).await.2, b"d");
    tokio::time::pause();
    sleep(Duration::from_secs(5)).await;
    tokio::time::resume();
    assert!(!ended.is_finished(), "the response is not taken");
    client.send(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 100]).await;
    assert_eq!(client.next(&[DATA, GOAWAY]).await.2, b"one");
    // It is told which request was the last.
    assert_eq!(client.next(&[GOAWAY]).await.2, [0, 0, 0, 1, 0, 0, 0, 0]);
    ended.await.unwrap();
}

#[tokio::test]
async fn ending_closes_what_is_idle() {
    let (running, address) = start_with(in_clear(), says("hello!")).await;
    let mut client = Multiplexed::connect(address).await;
    client.get("/").await;
    running.end().await;
    client.connection.await.unwrap().unwrap();
}
