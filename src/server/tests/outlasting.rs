//! Bodies that come on when their response has left: no byte of them is ever a part of a request.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep};

use super::{Client, Observed, proxy_to, settings};
use crate::app::{App, Request, response};
use crate::server::Settings;
use crate::settings::Seconds;

/// What looks like a request, in a body.
const SMUGGLED: &str = "DELETE /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

/// An app that answers at once, and takes the body still: how many bytes it gets is told.
fn early() -> (App, UnboundedReceiver<Option<usize>>) {
    early_until(Arc::default(), false)
}

/// The same, which takes the body when it may.
fn early_until(go: Arc<Notify>, waits: bool) -> (App, UnboundedReceiver<Option<usize>>) {
    let (tell, told) = unbounded_channel();
    let app = App::ready(move |request: Request| {
        let (tell, go) = (tell.clone(), Arc::clone(&go));
        tokio::spawn(async move {
            if waits {
                go.notified().await;
            }
            let body = request.into_body().collect().await;
            let _ = tell.send(body.ok().map(|body| body.to_bytes().len()));
        });
        response::text(StatusCode::OK, "early!")
    });
    (app, told)
}

/// Lets so much time pass that a connection rests if it may.
async fn a_while() {
    tokio::time::pause();
    sleep(Duration::from_secs(1)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_body_is_whole_however_long_its_response_has_left() {
    for (longest, pause) in [(16_384, false), (100, false), (16_384, true), (100, true)] {
        let (app, mut told) = early();
        let settings = Settings { max_target_size: longest, ..settings() };
        let server = Observed::start_with(settings, app).await;
        let mut client = Client::connect(server.address).await;
        let length = 2000 * SMUGGLED.len();
        client
            .send(&format!("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n"))
            .await;
        client.read_to("early!").await;
        for _ in 0..20 {
            if pause {
                a_while().await;
            }
            client.send(&SMUGGLED.repeat(100)).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(told.recv().await, Some(Some(length)), "{longest} {pause}");
        // The connection lives on.
        client.send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
        assert!(client.read_to_close().await.ends_with("early!"));
        let (served, log) = server.end().await;
        assert_eq!(served.statuses, [(200, 2)].into(), "{log}");
        assert_eq!(served.refusals.values().sum::<u64>(), 0);
    }
}

#[tokio::test]
async fn a_body_that_an_upstream_takes_after_its_response_is_whole() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", upstream.local_addr().unwrap());
    let server = Observed::start(proxy_to(&url)).await;
    let mut client = Client::connect(server.address).await;
    let length = 2000 * SMUGGLED.len();
    client.send(&format!("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")).await;
    let mut peer = upstream.accept().await.unwrap().0;
    let mut head = vec![0; 1024];
    assert!(peer.read(&mut head).await.unwrap() > 0);
    peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\near").await.unwrap();
    client.read_to("ear").await;
    peer.write_all(b"ly!").await.unwrap();
    client.read_to("ly!").await;
    a_while().await;
    let gets = tokio::spawn(async move {
        let mut got = 0;
        let mut bytes = vec![0; 1 << 16];
        while got < length {
            match peer.read(&mut bytes).await {
                Ok(read @ 1..) => got += read,
                _ => break,
            }
        }
        got
    });
    for _ in 0..20 {
        client.send(&SMUGGLED.repeat(100)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(gets.await.unwrap(), length);
    drop(client);
    let (served, log) = server.end().await;
    assert_eq!(served.statuses, [(200, 1)].into(), "{log}");
    assert_eq!(log, "127.0.0.1 \"POST /a HTTP/1.1\" 200 6\n");
}

#[tokio::test]
async fn a_body_that_stalls_when_its_response_has_left_ends_with_the_connection() {
    let (app, mut told) = early();
    let (running, address) = super::start(app).await;
    let mut client = Client::connect(address).await;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf").await;
    client.read_to("early!").await;
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    // A least pace holds for it as for any other body.
    assert!((30..=62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(told.recv().await, Some(None));
}

#[tokio::test]
async fn a_body_that_nobody_wants_does_not_keep_a_connection_from_resting() {
    let app = App::ready(|_| response::text(StatusCode::OK, "unread!"));
    let (running, address) = super::start(app).await;
    let mut client = Client::connect(address).await;
    for _ in 0..3 {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody").await;
        client.read_to("unread!").await;
        a_while().await;
    }
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    // A second of its minute had passed before.
    assert!((58..=61).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn chunks_that_come_after_the_response_have_an_end() {
    for end in ["0\r\n\r\n", "0\r\nX-T: trailer\r\n\r\n"] {
        let (app, mut told) = early();
        let (_running, address) = super::start(app).await;
        let mut client = Client::connect(address).await;
        client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let head = client.read_to("early!").await;
        // hyper says nothing of trailers while it might have another head to read.
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        client.send(&format!("4\r\nbody\r\n{end}")).await;
        assert_eq!(told.recv().await, Some(Some(4)), "{end:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_there_is_whole_though_its_client_has_left() {
    let go = Arc::new(Notify::new());
    let (app, mut told) = early_until(Arc::clone(&go), true);
    let (running, address) = super::start(app).await;
    let mut client = Client::connect(address).await;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody").await;
    client.read_to("early!").await;
    drop(client);
    while running.connections() > 0 {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    assert_eq!(told.recv().await, Some(Some(4)));
}

#[tokio::test]
async fn a_body_has_its_own_time_and_not_that_between_requests() {
    for keep_alive in [0, 1] {
        let (app, mut told) = early();
        let keep_alive_timeout = Seconds(Duration::from_secs(keep_alive));
        let settings = Settings { keep_alive_timeout, ..settings() };
        let (_running, address) = super::start_with(settings, app).await;
        let mut client = Client::connect(address).await;
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf!").await;
        client.read_to("early!").await;
        tokio::time::pause();
        sleep(Duration::from_secs(5)).await;
        tokio::time::resume();
        client.send("half!").await;
        assert_eq!(told.recv().await, Some(Some(10)), "{keep_alive}");
    }
}

#[tokio::test]
async fn the_time_for_a_head_holds_behind_a_body_that_is_kept() {
    let app = App::ready(|request: Request| {
        tokio::spawn(async move {
            let mut body = request.into_body();
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.data_ref().unwrap(), "body");
            std::future::pending::<()>().await;
            drop(body);
        });
        response::text(StatusCode::OK, "early!")
    });
    let (_running, address) = super::start(app).await;
    let mut client = Client::connect(address).await;
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody").await;
    client.read_to("early!").await;
    a_while().await;
    client.send("GET / HTTP/1.1\r\n").await;
    tokio::time::pause();
    let start = Instant::now();
    let told = client.read_to_close().await;
    assert!((10..=12).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
}

/// The end of an app's interest and the end of a response may come on two threads at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_with_bodies_end_whatever_comes_first() {
    let (app, mut told) = early();
    let settings = Settings { keep_alive_timeout: Seconds(Duration::from_secs(1)), ..settings() };
    let (running, address) = super::start_with(settings, app).await;
    let clients = (0..100).map(|number| {
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            let body = "x".repeat(number * 100);
            let head =
                format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
            client.send(&(head + &body)).await;
            client.read_to("early!").await;
            assert_eq!(client.read_to_close().await, "");
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    for _ in 0..100 {
        assert!(told.recv().await.unwrap().is_some());
    }
    // Clients see the end a moment before it is noted.
    while running.connections() > 0 {
        tokio::task::yield_now().await;
    }
}
