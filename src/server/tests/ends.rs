//! When connections end, and when they do not.

use std::io::Write as _;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Client, mirror, says, seconds_to_close, settings, start, start_with, waits};
use crate::settings::Seconds;

#[tokio::test]
async fn ending_finishes_what_has_begun_and_refuses_what_comes() {
    let (app, begun, go_on) = waits();
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

#[tokio::test]
async fn what_waits_to_be_accepted_when_all_is_closed_is_closed_too() {
    let (app, _begun, _go_on) = waits();
    let (running, address) = start(app).await;
    // The runtime would let the server accept it meanwhile.
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    running.close();
    running.ended().await;
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
