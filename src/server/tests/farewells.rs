//! What a client still sends after the last response.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use super::{Client, settings, start, start_with};
use crate::app::{App, response};
use crate::server::Settings;

/// An app that refuses a request without a look at its body.
fn refuses() -> App {
    App::ready(|_| response::text(StatusCode::PAYLOAD_TOO_LARGE, "no"))
}

/// A head that announces so many bytes.
fn head(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n")
}

/// Sends the half of a body that nobody wants, and gets the response.
async fn half_sent() -> (crate::server::Running, Client) {
    let (running, address) = start(refuses()).await;
    let mut client = Client::connect(address).await;
    client.send(&head(2 << 20)).await;
    client.send(&"x".repeat(1 << 20)).await;
    assert!(client.read_to("no").await.starts_with("HTTP/1.1 413 "));
    (running, client)
}

#[tokio::test]
async fn a_client_that_sends_its_body_to_the_end_gets_the_response() {
    let (_running, address) = start(refuses()).await;
    for length in [1, 100_000, 16 << 20] {
        let mut client = Client::connect(address).await;
        client.send(&head(length)).await;
        client.send(&"x".repeat(length)).await;
        assert!(client.read_to("no").await.starts_with("HTTP/1.1 413 "), "{length}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_not_taken_without_end() {
    let (_running, address) = start(refuses()).await;
    let mut client = Client::connect(address).await;
    client.send(&head(1 << 40)).await;
    let bytes = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sent < 1 << 30 && client.0.write_all(&bytes).await.is_ok() {
        sent += bytes.len();
    }
    assert!((32 << 20..1 << 30).contains(&sent), "{sent} bytes");
}

#[tokio::test]
async fn a_client_that_falls_silent_is_not_waited_for() {
    let (running, mut client) = half_sent().await;
    tokio::time::pause();
    let start = Instant::now();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!((2..=4).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    tokio::time::resume();
    assert_eq!(client.read_to_close().await, "");
}

#[tokio::test]
async fn the_end_of_the_server_does_not_wait_for_a_body_that_nobody_wants() {
    let (running, _client) = half_sent().await;
    tokio::time::pause();
    let start = Instant::now();
    running.end().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_client_that_is_too_slow_with_its_body_is_not_heard_on() {
    let keep_alive_timeout = crate::settings::Seconds(Duration::from_secs(600));
    let (running, address) =
        start_with(Settings { keep_alive_timeout, ..settings() }, super::mirror()).await;
    let mut client = Client::connect(address).await;
    client.send(&head(100)).await;
    tokio::time::pause();
    let start = Instant::now();
    let mut answer = [0; 12];
    client.0.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let answered = start.elapsed();
    while running.connections() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    let later = start.elapsed().saturating_sub(answered);
    assert!(later < Duration::from_secs(1), "{later:?}");
}
