//! Connections that an app goes on with in another protocol.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::{Client, start};
use crate::app::{App, Body, Response, Tunnel};

const ASKS: &str = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

fn switching(tunnel: Option<Tunnel>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [("connection", "upgrade"), ("upgrade", "echo")] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(tunnel) = tunnel {
        response.extensions_mut().insert(tunnel);
    }
    response
}

/// Sends back what it is sent, until the client has closed its half.
fn echo() -> App {
    App::ready(|_| {
        switching(Some(Tunnel::new(async |client| {
            let (mut reader, mut writer) = tokio::io::split(client);
            tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        })))
    })
}

#[tokio::test]
async fn an_app_may_take_a_connection_over() {
    let (_running, address) = start(echo()).await;
    let mut client = Client::connect(address).await;
    client.send(&format!("{ASKS}early!")).await;
    assert!(client.read_to("\r\n\r\n").await.starts_with("HTTP/1.1 101 "));
    assert_eq!(client.read_to("!").await, "early!");
    client.send("late!").await;
    assert_eq!(client.read_to("!").await, "late!");
}

/// More than a head may have, after the server has begun to look when the connection ends.
#[tokio::test]
async fn what_an_app_goes_on_with_lasts_until_it_is_over() {
    let (running, address) = start(echo()).await;
    let mut client = Client::connect(address).await;
    client.send(&format!("{ASKS}early!")).await;
    client.read_to("early!").await;
    running.leave();
    tokio::time::pause();
    sleep(Duration::from_secs(2)).await;
    tokio::time::resume();
    for _ in 0..10 {
        client.send(&("x".repeat(10_000) + "!")).await;
        client.read_to("!").await;
    }
}

#[tokio::test]
async fn a_change_that_nobody_asked_for_is_a_failure() {
    let (_running, address) = start(echo()).await;
    let mut client = Client::connect(address).await;
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let head = client.read_to("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
    assert!(!head.contains("upgrade"), "{head}");
}

#[tokio::test]
async fn a_body_is_no_part_of_what_comes_after_it() {
    let (_running, address) = start(echo()).await;
    let mut client = Client::connect(address).await;
    let asks = ASKS.replace("Host: h", "Host: h\r\nContent-Length: 10");
    client.send(&format!("{asks}12345")).await;
    let head = client.read_to("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
}

#[tokio::test]
async fn a_change_that_leads_nowhere_is_a_failure() {
    let (_running, address) = start(App::ready(|_| switching(None))).await;
    let mut client = Client::connect(address).await;
    client.send(ASKS).await;
    assert!(client.read_to("\r\n\r\n").await.starts_with("HTTP/1.1 500 "));
}

#[tokio::test]
async fn closing_ends_what_an_app_goes_on_with() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = listener.local_addr().unwrap();
    let app = App::ready(move |_| {
        switching(Some(Tunnel::new(async move |mut client| {
            let mut other = tokio::net::TcpStream::connect(other).await.unwrap();
            copy_bidirectional(&mut client, &mut other).await.unwrap();
        })))
    });
    let (running, address) = start(app).await;
    let mut client = Client::connect(address).await;
    client.send(ASKS).await;
    client.read_to("\r\n\r\n").await;
    let mut other = Client(listener.accept().await.unwrap().0);
    client.send("there").await;
    other.read_to("there").await;
    running.leave();
    other.send("back").await;
    client.read_to("back").await;
    running.close();
    running.ended().await;
    assert_eq!(client.read_to_close().await + &other.read_to_close().await, "");
}
