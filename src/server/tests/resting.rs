//! Connections that give back their buffers while they wait for a request.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tokio::net::UnixStream;

use super::*;
use crate::app::{Body, Response};
use crate::server::UnixName;

#[tokio::test]
async fn the_rest_of_a_head_that_has_begun_early_has_its_time() {
    let server = Observed::start(mirror()).await;
    let mut client = Client::connect(server.address).await;
    client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHo").await;
    client.read_to("!").await;
    tokio::time::pause();
    let start = Instant::now();
    let told = client.read_to_close().await;
    assert!((10..=12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    let (served, log) = server.end().await;
    assert!(log.ends_with("127.0.0.1 \"GET /b HTTP/1.1\" 408 0\n"), "{log}");
    assert_eq!(served.refusals["head_timeout"], 1);
}

/// A body of so many frames, each 16 KB long, which come one at a time.
struct Frames(usize);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(&[b'!'; 16_000])))))
    }
}

/// A Unix socket takes all of what is written or nothing of it.
#[tokio::test]
async fn a_response_that_waits_for_its_client_is_whole() {
    let directory = Directory::new();
    let mut settings = Settings::default();
    settings.bind_to(vec![Address::Unix(UnixName::Path(directory.path("api.sock")))]);
    let sockets = Sockets::bind(&settings, 0, &mut Inherited::none()).await.unwrap();
    let server = Server::new(sockets.share(0).unwrap(), settings).unwrap();
    let app = App::ready(|request: Request| {
        Response::new(Body::new(Frames(request.uri().path()[1..].parse().unwrap())))
    });
    let _running = server.start(app);
    tokio::time::pause();
    for count in 4..26 {
        let mut client = UnixStream::connect(directory.path("api.sock")).await.unwrap();
        let requests = ["keep-alive", "close"].map(|connection| {
            format!("GET /{count} HTTP/1.1\r\nHost: h\r\nConnection: {connection}\r\n\r\n")
        });
        client.write_all(requests.concat().as_bytes()).await.unwrap();
        // The app is done long before, and the connection might rest.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        let sent = read.split(|byte| *byte == b'!').count() - 1;
        assert_eq!(sent, 2 * count * 16_000, "{count} frames");
    }
}

#[tokio::test]
async fn what_has_arrived_when_a_server_ends_is_answered() {
    let (running, address) = start(says("!")).await;
    // Nobody takes it up before the server is told to end.
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    running.end().await;
    let mut told = String::new();
    client.read_to_string(&mut told).unwrap();
    assert!(told.ends_with('!') && told.contains("\r\nconnection: close\r\n"), "{told}");
}
