//! How long a handshake may take, and what becomes of those that fail.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use super::{Client, ask, encrypted, host, mirror, start};
use crate::metrics::{Metrics, Refusal};
use crate::server::Settings;
use crate::server::tests::{refused, start_counted};
use crate::server::tls::fixture::{Directory, made};
use crate::settings::Seconds;

/// What a client of TLS sends first.
fn hello() -> Vec<u8> {
    let name = host("a.example");
    let mut client = rustls::ClientConnection::new(Client::new(&[]).config(), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// How many seconds pass until the server closes a connection to which these bytes were sent,
/// then a byte each second.
async fn seconds_to_close(settings: Settings, bytes: &[u8], slowly: &[u8]) -> u64 {
    let (_running, address) = start(settings).await;
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    write.write_all(bytes).await.unwrap();
    let slowly = slowly.to_vec();
    tokio::time::pause();
    let start = Instant::now();
    let dripping = tokio::spawn(async move {
        for byte in slowly {
            sleep(Duration::from_secs(1)).await;
            if write.write_all(&[byte]).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    });
    // A connection that is closed with bytes unread is reset.
    let _ = read.read_to_end(&mut Vec::new()).await;
    dripping.abort();
    tokio::time::resume();
    start.elapsed().as_secs()
}

#[tokio::test]
async fn a_handshake_that_is_not_finished_is_left() {
    let (directory, own) = (Directory::new("unfinished"), made(&["a.example"]));
    let (settings, hello) = (encrypted(&directory, &[&own]), hello());
    for (begun, slowly) in [
        (&[][..], &[][..]),
        (&hello[..hello.len() / 2], &[]),
        (&hello, &[]),
        (&[], &hello[..hello.len() / 2]),
    ] {
        let seconds = seconds_to_close(settings.clone(), begun, slowly).await;
        assert!((10..=11).contains(&seconds), "{seconds} after {} bytes", begun.len());
    }
}

#[tokio::test]
async fn a_handshake_may_take_as_long_as_the_limit() {
    let (directory, own) = (Directory::new("patient"), made(&["a.example"]));
    let mut settings = encrypted(&directory, &[&own]);
    // What is left of it at the end is for a machine that has other things to do.
    settings.tls_handshake_timeout = Seconds(Duration::from_secs(10_000));
    let (running, address) = start(settings).await;
    let socket = TcpStream::connect(address).await.unwrap();
    while running.connections() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    sleep(Duration::from_secs(9_900)).await;
    tokio::time::resume();
    let connector = TlsConnector::from(Client::new(&[&own]).config());
    let mut stream = connector.connect(host("a.example"), socket).await.unwrap();
    assert!(ask(&mut stream, "a.example").await.unwrap().starts_with("200 "));
}

#[tokio::test]
async fn handshakes_that_fail_or_are_late_are_counted() {
    let (directory, own) = (Directory::new("late"), made(&["a.example"]));
    let mut settings = encrypted(&directory, &[&own]);
    settings.tls_handshake_timeout = Seconds(Duration::from_millis(50));
    let metrics = Metrics::default();
    let (running, address) = start_counted(settings, mirror(), metrics.meter("main")).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
    refused(&metrics, Refusal::TlsTimeout, 1).await;
    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    garbage.read_to_end(&mut Vec::new()).await.unwrap();
    refused(&metrics, Refusal::TlsHandshake, 1).await;
    running.end().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_handshake_leaves_nothing_behind() {
    let (directory, own) = (Directory::new("left"), made(&["a.example"]));
    let metrics = Metrics::default();
    let settings = encrypted(&directory, &[&own]);
    let (running, address) = start_counted(settings, mirror(), metrics.meter("main")).await;
    let hello = hello();
    let lengths = [0, 1, 5, hello.len() / 2, hello.len()];
    for length in lengths {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(&hello[..length]).await.unwrap();
    }
    refused(&metrics, Refusal::TlsHandshake, lengths.len() as u64).await;
    while running.connections() > 0 {
        tokio::task::yield_now().await;
    }
    let answer = Client::new(&[&own]).ask(address, "a.example").await.unwrap();
    assert!(answer.starts_with("200 "), "{answer}");
}

#[tokio::test]
async fn a_handshake_has_a_time_of_its_own() {
    let (directory, own) = (Directory::new("slow"), made(&["a.example"]));
    let mut settings = encrypted(&directory, &[&own]);
    settings.tls_handshake_timeout = Seconds(Duration::from_secs(30));
    let metrics = Metrics::default();
    let (_running, address) = start_counted(settings, mirror(), metrics.meter("main")).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    tokio::time::pause();
    let begun = Instant::now();
    assert_eq!(silent.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert!(begun.elapsed() > Duration::from_secs(20), "a head would be late by then");
    tokio::time::resume();
    refused(&metrics, Refusal::TlsTimeout, 1).await;
}
