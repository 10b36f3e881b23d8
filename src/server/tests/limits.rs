//! What a server bears of its clients: each limit, and what is past it.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::http2::{in_clear, waits};
use super::{Client, Observed, mirror, says, settings, start, start_with};
use crate::app::{App, response};
use crate::server::Settings;

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

/// An app that answers with more than the buffers of the system hold.
fn large() -> App {
    App::ready(|_| response::text(StatusCode::OK, Bytes::from(vec![b'x'; 16 << 20])))
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

/// A client that writes and reads frames of HTTP/2 as they are.
struct Frames(TcpStream);

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// Ends the head, and the stream.
const END: u8 = 5;

impl Frames {
    async fn connect(address: std::net::SocketAddr) -> Self {
        let mut frames = Self(TcpStream::connect(address).await.unwrap());
        frames.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        frames
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        // A server that has had enough may have closed its end.
        let _ = self.0.write_all(&[&head, payload].concat()).await;
    }

    /// Asks for `/` of the host `h`, with a field of so long a value.
    async fn get(&mut self, stream: u32, value: usize) {
        // The literal has the name `x`, and a length of seven bits and two times seven more.
        let rest = value - 127;
        let digit = |bits: usize| u8::try_from(bits & 0x7f).unwrap();
        let length = [0x7f, digit(rest) | 0x80, digit(rest >> 7)];
        let field = [&[0, 1, b'x'][..], &length, &vec![b'v'; value]].concat();
        let head = [&[0x82, 0x86, 0x84, 0x41, 1, b'h'], &*field].concat();
        self.send(HEADERS, END, stream, &head).await;
    }

    /// The next frame of some kinds: which, its stream, and what it holds.
    async fn next(&mut self, kinds: &[u8]) -> (u8, u32, Vec<u8>) {
        loop {
            let length = self.0.read_u24().await;
            let kind = self.0.read_u8().await.unwrap();
            self.0.read_u8().await.unwrap();
            let stream = self.0.read_u32().await.unwrap();
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            if kinds.contains(&kind) {
                return (kind, stream, payload);
            }
        }
    }
}

trait ReadLength {
    async fn read_u24(&mut self) -> u32;
}

impl ReadLength for TcpStream {
    async fn read_u24(&mut self) -> u32 {
        let high = u32::from(self.read_u16().await.unwrap());
        high << 8 | u32::from(self.read_u8().await.unwrap())
    }
}

#[tokio::test]
async fn a_connection_has_so_many_streams_at_a_time() {
    let (app, begun, go_on) = waits();
    let settings = Settings { http2_max_streams: 2, ..in_clear() };
    let (_running, address) = start_with(settings, app).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    // A client that has agreed to the limit.
    client.next(&[SETTINGS]).await;
    client.send(SETTINGS, 1, 0, &[]).await;
    for stream in [1, 3, 5] {
        client.get(stream, 200).await;
    }
    begun.notified().await;
    let (kind, stream, reason) = client.next(&[HEADERS, RESET]).await;
    assert_eq!((kind, stream, reason), (RESET, 5, vec![0, 0, 0, 7]), "refused");
    go_on.notify_one();
    go_on.notify_one();
    assert_eq!(client.next(&[HEADERS, RESET]).await.0, HEADERS);
}

#[tokio::test]
async fn a_head_of_http2_must_be_smaller_than_the_limit() {
    let settings = Settings { http2_max_header_list: 1024, ..in_clear() };
    let (_running, address) = start_with(settings, says("!")).await;
    // Each field counts 32 more than its name and value.
    let others = [":methodGET", ":schemehttp", ":path/", ":authorityh", "x"];
    let room = 1024 - others.map(|field| field.len() + 32).iter().sum::<usize>();
    for (value, status) in [(room - 1, 0x88), (room, 0x48)] {
        let mut client = Frames::connect(address).await;
        client.send(SETTINGS, 0, 0, &[]).await;
        client.get(1, value).await;
        let (kind, _, head) = client.next(&[HEADERS, RESET, GOAWAY]).await;
        // 200 is one entry of a table; the refusal is another status, in letters.
        assert_eq!((kind, head[0]), (HEADERS, status), "{value} {head:?}");
    }
}

#[tokio::test]
async fn a_client_that_has_its_streams_reset_too_often_is_left() {
    for (resets, kind) in [(5, PING), (6, GOAWAY)] {
        let (app, _begun, _go_on) = waits();
        let settings = Settings { http2_max_resets: 5, ..in_clear() };
        let (_running, address) = start_with(settings, app).await;
        let mut client = Frames::connect(address).await;
        client.send(SETTINGS, 0, 0, &[]).await;
        for stream in (1..).step_by(2).take(resets) {
            client.get(stream, 200).await;
            // More than a window can be.
            client.send(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes()).await;
        }
        client.send(PING, 0, 0, b"question").await;
        assert_eq!(client.next(&[PING, GOAWAY]).await.0, kind, "{resets}");
    }
}

#[tokio::test]
async fn a_stream_that_the_client_opens_no_window_for_is_reset() {
    let settings = in_clear();
    let server = Observed::start_with(settings, large()).await;
    let mut client = Frames::connect(server.address).await;
    // No window for streams to begin with.
    client.send(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    client.get(1, 200).await;
    client.next(&[HEADERS]).await;
    tokio::time::pause();
    let start = Instant::now();
    let (_, stream, _) = client.next(&[RESET]).await;
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    assert_eq!(stream, 1);
    drop(client);
    let (served, _) = server.end().await;
    assert_eq!(served.refusals["write_timeout"], 1);
}

#[tokio::test]
async fn a_client_of_http2_that_is_gone_is_left() {
    let (app, begun, _go_on) = waits();
    let (running, address) = start_with(in_clear(), app).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.get(1, 200).await;
    begun.notified().await;
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((50..=51).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_client_of_http2_that_is_there_may_wait() {
    let (app, begun, go_on) = waits();
    let (_running, address) = start_with(in_clear(), app).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    client.get(1, 200).await;
    begun.notified().await;
    tokio::time::pause();
    let start = Instant::now();
    for _ in 0..5 {
        let (_, _, question) = client.next(&[PING]).await;
        client.send(PING, 1, 0, &question).await;
    }
    assert!(start.elapsed() >= Duration::from_secs(150), "{:?}", start.elapsed());
    tokio::time::resume();
    go_on.notify_one();
    assert_eq!(client.next(&[HEADERS, RESET, GOAWAY]).await.0, HEADERS);
}

#[tokio::test]
async fn a_body_of_http2_that_does_not_come_is_refused() {
    let (_running, address) = start_with(in_clear(), mirror()).await;
    let mut client = Frames::connect(address).await;
    client.send(SETTINGS, 0, 0, &[]).await;
    // A head that does not end its stream.
    client.send(HEADERS, 4, 1, &[0x83, 0x86, 0x84, 0x41, 1, b'h']).await;
    client.next(&[SETTINGS]).await;
    tokio::time::pause();
    let start = Instant::now();
    let (kind, stream, head) = client.next(&[HEADERS, RESET]).await;
    assert!((30..=31).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!((kind, stream, head[0]), (HEADERS, 1, 0x48), "408, in letters");
}

/// All that an app gives comes to the client, however much it gives at once.
#[tokio::test]
async fn a_large_response_of_http2_arrives_whole() {
    let (_running, address) = start_with(in_clear(), large()).await;
    let mut client = super::http2::Multiplexed::connect(address).await;
    let (status, body) = client.send("/").await.unwrap().unwrap();
    assert_eq!((status, body.len()), (StatusCode::OK, 16 << 20));
}
