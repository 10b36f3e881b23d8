//! Connections and requests that come through others, who tell whose they are.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use super::tls::{Client as Encrypted, ask, encrypted, host, mirror, start};
use super::{Client, Observed, refused, settings, start_counted};
use crate::metrics::{Metrics, Refusal};
use crate::server::Settings;
use crate::server::tls::fixture::{Directory, made};
use crate::settings::{Network, Seconds};

/// The settings of a server behind a load balancer in these networks.
fn balanced(networks: &[Network]) -> Settings {
    Settings { proxy_protocol_from: networks.to_vec(), ..settings() }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// All that a server answers to these bytes.
async fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A server that closes with bytes unread resets the connection.
    let _ = client.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_load_balancer_tells_the_client() {
    let (_running, address) = start(balanced(&[Network::Loopback])).await;
    let mapped = format!("PROXY TCP6 ::ffff:192.0.2.1 ::1 40000 443\r\n{REQUEST}");
    assert!(answer(address, mapped.as_bytes()).await.contains("http 192.0.2.1 in clear"));
    let version1 = format!("PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n{REQUEST}");
    assert!(answer(address, version1.as_bytes()).await.contains("http 192.0.2.1 in clear"));
    let own = [b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", REQUEST.as_bytes()].concat();
    assert!(answer(address, &own).await.contains("http 127.0.0.1 in clear"));
}

#[tokio::test]
async fn a_load_balancer_must_tell_the_client_and_nobody_else_may() {
    let metrics = Metrics::default();
    let settings = balanced(&[Network::Loopback]);
    let (_running, address) = start_counted(settings, mirror(), metrics.meter("main")).await;
    assert_eq!(answer(address, REQUEST.as_bytes()).await, "");
    refused(&metrics, Refusal::ProxyHeader, 1).await;
    let (_running, address) = start(balanced(&[Network::Private])).await;
    let told = format!("PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n{REQUEST}");
    assert!(answer(address, told.as_bytes()).await.starts_with("HTTP/1.1 400 "));
    assert!(answer(address, REQUEST.as_bytes()).await.contains("http 127.0.0.1 in clear"));
}

#[tokio::test]
async fn a_load_balancer_passes_encrypted_connections_on() {
    let (directory, own) = (Directory::new("balanced"), made(&["a.example"]));
    let mut settings = encrypted(&directory, &[&own]);
    settings.proxy_protocol_from = vec![Network::Loopback];
    let (_running, address) = start(settings).await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"PROXY TCP6 2001:db8::1 ::1 1 443\r\n").await.unwrap();
    let connector = TlsConnector::from(Encrypted::new(&[&own]).config());
    let mut stream = connector.connect(host("a.example"), socket).await.unwrap();
    let answer = ask(&mut stream, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 2001:db8::1 TLSv1_3 a.example -");
}

#[tokio::test]
async fn trusted_proxies_tell_the_client() {
    let ask = async |settings: Settings, fields: &str| {
        let (_running, address) = start(settings).await;
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n\r\n");
        answer(address, request.as_bytes()).await
    };
    let fields = "x-forwarded-for: 6.6.6.6, 192.0.2.7, 10.0.0.1\r\nx-forwarded-proto: https";
    let trusting =
        || Settings { trusted_proxies: vec![Network::Loopback, Network::Private], ..settings() };
    assert!(ask(trusting(), fields).await.contains("https 192.0.2.7 in clear"));
    assert!(ask(settings(), fields).await.contains("http 127.0.0.1 in clear"));
    let strangers = Settings { trusted_proxies: vec![Network::Private], ..settings() };
    assert!(ask(strangers, fields).await.contains("http 127.0.0.1 in clear"));
    let contradiction = "forwarded: for=192.0.2.9\r\nx-forwarded-for: 192.0.2.7";
    assert!(ask(trusting(), contradiction).await.starts_with("HTTP/1.1 400 "));
    let behind = Settings { proxy_protocol_from: vec![Network::Loopback], ..trusting() };
    let told = format!(
        "PROXY TCP4 198.51.100.1 10.0.0.2 1 80\r\nGET / HTTP/1.1\r\nhost: a\r\n\
         connection: close\r\n{fields}\r\n\r\n"
    );
    let (_running, address) = start(behind).await;
    let answer = answer(address, told.as_bytes()).await;
    assert!(
        answer.contains("http 198.51.100.1 in clear"),
        "that one is no trusted proxy: {answer}"
    );
}

#[tokio::test]
async fn a_load_balancer_has_its_time_to_tell_the_client() {
    const TOLD: &str = "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n";
    let metrics = Metrics::default();
    let settings = balanced(&[Network::Loopback]);
    let (_running, address) =
        start_counted(settings.clone(), mirror(), metrics.meter("main")).await;
    for told in ["", &TOLD[..10]] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(told.as_bytes()).await.unwrap();
        tokio::time::pause();
        let start = Instant::now();
        assert_eq!(client.read_to_end(&mut Vec::new()).await.unwrap_or_default(), 0);
        let seconds = start.elapsed().as_secs();
        tokio::time::resume();
        assert!((10..=11).contains(&seconds), "{seconds} after {told:?}");
    }
    refused(&metrics, Refusal::ProxyHeader, 2).await;
    // What is left of it at the end is for a machine that has other things to do.
    let settings = Settings { head_timeout: Seconds(Duration::from_secs(10_000)), ..settings };
    let (running, address) = start(settings).await;
    let mut client = Client::connect(address).await;
    client.send(&TOLD[..10]).await;
    while running.connections() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    sleep(Duration::from_secs(9_900)).await;
    tokio::time::resume();
    client.send(&format!("{}{REQUEST}", &TOLD[10..])).await;
    assert!(client.read_to_close().await.contains("http 192.0.2.1 in clear"));
}

#[tokio::test]
async fn so_many_connections_are_open_of_a_client_that_is_told() {
    let settings = Settings { max_connections_per_address: 1, ..balanced(&[Network::Loopback]) };
    let server = Observed::start_with(settings, mirror()).await;
    let ask = async |client: &str| {
        let mut connection = Client::connect(server.address).await;
        connection.send(&format!("PROXY TCP4 {client} 198.51.100.1 40000 80\r\n")).await;
        connection.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let status = connection.read_to("\r\n").await;
        (status, connection)
    };
    let (status, first) = ask("192.0.2.1").await;
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    let (status, mut refused) = ask("192.0.2.1").await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable\r\n");
    assert!(refused.read_to_close().await.contains("retry-after: 1\r\n"));
    let (status, other) = ask("192.0.2.2").await;
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    drop((first, other));
    while server.running.connections() > 0 {
        tokio::task::yield_now().await;
    }
    let (status, again) = ask("192.0.2.1").await;
    assert_eq!(status, "HTTP/1.1 200 OK\r\n");
    drop(again);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["address_connections"], 1);
    assert!(log.contains("192.0.2.1 \"-\" 503 0\n"), "{log}");
}

#[tokio::test]
async fn an_encrypted_connection_is_counted_for_the_client_before_its_handshake() {
    let (directory, own) = (Directory::new("counted"), made(&["a.example"]));
    let metrics = Metrics::default();
    let mut settings = encrypted(&directory, &[&own]);
    settings.proxy_protocol_from = vec![Network::Loopback];
    settings.max_connections_per_address = 1;
    let (_running, address) = start_counted(settings, mirror(), metrics.meter("main")).await;
    let told = async || {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"PROXY TCP6 2001:db8::1 ::1 1 443\r\n").await.unwrap();
        socket
    };
    let connector = TlsConnector::from(Encrypted::new(&[&own]).config());
    let first = connector.connect(host("a.example"), told().await).await.unwrap();
    assert_eq!(told().await.read(&mut [0; 8]).await.unwrap_or_default(), 0);
    refused(&metrics, Refusal::AddressConnections, 1).await;
    drop(first);
}

/// What proxies tell is one thing to the app, to the log and to filters; and what the limits of
/// connections count is the proxy itself, whose connections carry the requests of many.
#[tokio::test]
async fn what_trusted_proxies_tell_is_the_same_to_all() {
    let settings = Settings {
        trusted_proxies: vec![Network::Loopback],
        max_connections_per_address: 1,
        ..settings()
    };
    let server = Observed::start_with(settings, mirror()).await;
    let mut proxy = Client::connect(server.address).await;
    for client in ["192.0.2.7", "192.0.2.8"] {
        let told = format!("GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {client}\r\n\r\n");
        proxy.send(&told).await;
        let answer = proxy.read_to("in clear").await;
        assert!(answer.ends_with(&format!("http {client} in clear")), "{answer}");
    }
    let second = Client::connect(server.address).await.read_to_close().await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");
    drop(proxy);
    let (served, log) = server.end().await;
    assert_eq!(served.refusals["address_connections"], 1);
    let mut clients: Vec<_> = log.lines().filter_map(|line| line.split(' ').next()).collect();
    clients.sort_unstable();
    assert_eq!(clients, ["127.0.0.1", "192.0.2.7", "192.0.2.8"], "{log}");
}

#[tokio::test]
async fn proxies_that_contradict_themselves_are_counted() {
    let settings = Settings { trusted_proxies: vec![Network::Loopback], ..settings() };
    let server = Observed::start_with(settings, mirror()).await;
    let told = "forwarded: for=192.0.2.9\r\nx-forwarded-for: 192.0.2.7";
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{told}\r\n\r\n");
    assert!(server.ask(&request).await.starts_with("HTTP/1.1 400 "));
    let (served, _) = server.end().await;
    assert_eq!((served.refusals["forwarded"], served.statuses[&400]), (1, 1));
}
