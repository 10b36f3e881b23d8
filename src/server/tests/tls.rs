//! Connections that are encrypted, as clients see them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rcgen::{CertificateRevocationListParams, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::client::Resumption;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{settings, start_counted};
use crate::app::{App, Request, RequestExt, response};
use crate::metrics::{Metrics, Refusal};
use crate::server::tls::fixture::{Authority, Directory, Made, made};
use crate::server::{ClientAuth, Running, Settings, UnknownName};
use crate::settings::{Network, Seconds};

/// Answers with what is known of how the connection is encrypted.
fn mirror() -> App {
    App::ready(|request: Request| {
        let context = request.context();
        let scheme = context.scheme().name();
        let told = context.connection.encryption.as_ref().map(|encryption| {
            let name = encryption.server_name.as_deref().unwrap_or("-");
            let client = encryption.client.as_ref();
            let client = client.map_or("-", |client| client.subject());
            format!("{} {name} {client}", encryption.version)
        });
        let peer = context.client().map(|client| client.to_string()).unwrap_or_default();
        let told = told.unwrap_or_else(|| "in clear".to_owned());
        response::text(StatusCode::OK, format!("{scheme} {peer} {told}"))
    })
}

/// The settings of a server with a certificate for each of these lists of names.
fn encrypted(directory: &Directory, pairs: &[&Made]) -> Settings {
    let mut settings = settings();
    for (number, Made { certificate, key }) in pairs.iter().enumerate() {
        let certificate = directory.file(&format!("{number}.pem"), certificate.pem());
        settings.tls_cert.push(certificate);
        settings.tls_key.push(directory.file(&format!("{number}.key"), key.serialize_pem()));
    }
    settings
}

async fn start(settings: Settings) -> (Running, SocketAddr) {
    start_counted(settings, mirror(), Arc::default()).await
}

/// A client that trusts certificates, and may show one.
struct Client {
    roots: RootCertStore,
    shows: Option<(Vec<u8>, Vec<u8>)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: &'static [&'static [u8]],
}

impl Client {
    fn new(trusted: &[&Made]) -> Self {
        let mut roots = RootCertStore::empty();
        for made in trusted {
            roots.add(made.certificate.der().clone()).unwrap();
        }
        Self { roots, shows: None, versions: vec![&TLS13, &TLS12], alpn: &[] }
    }

    fn showing(mut self, made: &Made) -> Self {
        self.shows = Some((made.certificate.der().to_vec(), made.key.serialize_der()));
        self
    }

    fn config(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&self.versions).unwrap();
        let builder = builder.with_root_certificates(self.roots.clone());
        let mut config = match self.shows.clone() {
            Some((certificate, key)) => {
                let key: PrivateKeyDer<'static> = key.try_into().unwrap();
                builder.with_client_auth_cert(vec![certificate.into()], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    async fn connect(&self, address: SocketAddr, name: &str) -> io::Result<TlsStream<TcpStream>> {
        connect(&self.config(), address, name).await
    }

    /// What the server answers; or the fault that ends the connection before.
    async fn ask(&self, address: SocketAddr, name: &str) -> io::Result<String> {
        ask(&mut self.connect(address, name).await?, name).await
    }
}

async fn connect(
    config: &Arc<ClientConfig>,
    address: SocketAddr,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::clone(config)).connect(name, socket).await
}

/// The status and the body of an answer.
async fn ask(stream: &mut TlsStream<TcpStream>, host: &str) -> io::Result<String> {
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end());
    Ok(format!("{status} {body}"))
}

/// The message of the fault that ends a connection.
fn fault<T>(result: io::Result<T>) -> String {
    result.map(|_| ()).expect_err("the server refuses").to_string()
}

#[tokio::test]
async fn requests_come_by_either_version() {
    let (directory, own) = (Directory::new("versions"), made(&["a.example"]));
    let (_running, address) = start(encrypted(&directory, &[&own])).await;
    let mut client = Client::new(&[&own]);
    let answer = client.ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example -");
    client.versions = vec![&TLS12];
    let answer = client.ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_2 a.example -");
}

#[tokio::test]
async fn the_name_chooses_the_certificate() {
    let directory = Directory::new("names");
    let (first, second) = (made(&["a.example"]), made(&["*.b.example"]));
    let settings = encrypted(&directory, &[&first, &second]);
    let (_running, address) = start(settings.clone()).await;
    let client = Client::new(&[&first, &second]);
    for name in ["a.example", "x.b.example"] {
        assert!(client.ask(address, name).await.unwrap().starts_with("200 "), "{name}");
    }
    let message = fault(client.ask(address, "unknown.example").await);
    assert!(message.contains("not valid for"), "it was given the first one: {message}");
    let settings = Settings { tls_unknown_name: UnknownName::Refuse, ..settings };
    let (_running, address) = start(settings).await;
    let message = fault(client.ask(address, "unknown.example").await);
    assert!(message.contains("received fatal alert"), "{message}");
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused() {
    let (directory, own) = (Directory::new("alpn"), made(&["a.example"]));
    let (_running, address) = start(encrypted(&directory, &[&own])).await;
    let mut client = Client::new(&[&own]);
    client.alpn = &[b"http/1.1"];
    assert!(client.ask(address, "a.example").await.unwrap().starts_with("200 "));
    client.alpn = &[b"spdy/3"];
    let message = fault(client.ask(address, "a.example").await);
    assert!(message.contains("NoApplicationProtocol"), "{message}");
}

#[tokio::test]
async fn clients_must_show_a_certificate_that_is_right() {
    let (directory, own) = (Directory::new("clients"), made(&["a.example"]));
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let right = authority.certify("compute1", |_| ());
    let revoked = authority.certify("lost", |params| params.serial_number = Some(7.into()));
    let mut settings = encrypted(&directory, &[&own]);
    settings.ca_file = Some(directory.file("ca.pem", authority.pem()));
    settings.crl_file = Some(directory.file("crl.pem", authority.revoke(7)));
    let (_running, address) = start(settings.clone()).await;
    let client = || Client::new(&[&own]);
    let answer = client().showing(&right).ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example CN=compute1");
    let expired = authority.certify("old", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let server_only = authority.certify("server", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    for (why, wrong, alert) in [
        ("expired", &expired, "CertificateExpired"),
        ("for servers", &server_only, "UnsupportedCertificate"),
        ("of another authority", &other.certify("compute1", |_| ()), "UnknownCA"),
        ("revoked", &revoked, "CertificateRevoked"),
    ] {
        let message = fault(client().showing(wrong).ask(address, "a.example").await);
        assert!(message.contains(alert), "{why}: {message}");
    }
    let message = fault(client().ask(address, "a.example").await);
    assert!(message.contains("CertificateRequired"), "{message}");
    settings.client_auth = Some(ClientAuth::Optional);
    let (_running, address) = start(settings).await;
    let answer = client().ask(address, "a.example").await.unwrap();
    assert_eq!(answer, "200 https 127.0.0.1 TLSv1_3 a.example -");
    let message = fault(client().showing(&revoked).ask(address, "a.example").await);
    assert!(message.contains("CertificateRevoked"), "{message}");
}

impl Authority {
    /// A list that revokes one certificate, by its number.
    fn revoke(&self, number: u64) -> String {
        let now = date_time_ymd(2026, 1, 1);
        let revoked = rcgen::RevokedCertParams {
            serial_number: number.into(),
            revocation_time: now,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now,
            next_update: date_time_ymd(2090, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        params.signed_by(self.issuer()).unwrap().pem().unwrap()
    }
}

#[tokio::test]
async fn sessions_are_resumed_at_a_server_that_asks_for_no_more() {
    let (directory, own) = (Directory::new("sessions"), made(&["a.example"]));
    let settings = encrypted(&directory, &[&own]);
    let authority = directory.file("ca.pem", Authority::new("one").pem());
    let (_one, one) = start(settings.clone()).await;
    let (_other, other) = start(settings.clone()).await;
    let asking =
        Settings { ca_file: Some(authority), client_auth: Some(ClientAuth::Optional), ..settings };
    let (_asking, asking) = start(asking).await;
    for version in [&TLS13, &TLS12] {
        let mut client = Client::new(&[&own]);
        client.versions = vec![version];
        let mut config = Arc::unwrap_or_clone(client.config());
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let kind = async |address| {
            let mut stream = connect(&config, address, "a.example").await.unwrap();
            // The ticket comes before the answer.
            ask(&mut stream, "a.example").await.unwrap();
            stream.get_ref().1.handshake_kind().unwrap()
        };
        assert_eq!(kind(one).await, HandshakeKind::Full);
        assert_eq!(kind(other).await, HandshakeKind::Resumed);
        assert_eq!(kind(asking).await, HandshakeKind::Full);
    }
}

#[tokio::test]
async fn a_new_certificate_is_for_connections_that_begin_with_it() {
    let (directory, before) = (Directory::new("renewed"), made(&["a.example"]));
    let mut settings = encrypted(&directory, &[&before]);
    let (running, address) = start(settings.clone()).await;
    let mut open = Client::new(&[&before]).connect(address, "a.example").await.unwrap();
    let after = made(&["a.example"]);
    settings = Settings { tls_cert: Vec::new(), tls_key: Vec::new(), ..settings };
    let renewed = encrypted(&directory, &[&after]);
    settings.tls_cert = renewed.tls_cert;
    settings.tls_key = renewed.tls_key;
    running.encrypt_by(
        crate::server::Tls::load(&settings, &crate::source::Sources::default()).unwrap(),
    );
    assert!(ask(&mut open, "a.example").await.unwrap().starts_with("200 "));
    assert!(Client::new(&[&after]).ask(address, "a.example").await.unwrap().starts_with("200 "));
    let message = fault(Client::new(&[&before]).ask(address, "a.example").await);
    assert!(message.contains("invalid peer certificate"), "{message}");
}

#[tokio::test]
async fn a_request_for_the_host_of_another_certificate_is_misdirected() {
    let directory = Directory::new("misdirected");
    let (first, second) = (made(&["a.example"]), made(&["b.example"]));
    let settings = encrypted(&directory, &[&first, &second]);
    let (_running, address) = start(settings.clone()).await;
    let client = Client::new(&[&first, &second]);
    let status = async |address, host| {
        let mut stream = client.connect(address, "a.example").await.unwrap();
        ask(&mut stream, host).await.unwrap()[..3].to_owned()
    };
    assert_eq!(status(address, "a.example:8443").await, "200");
    assert_eq!(status(address, "B.example").await, "421");
    assert_eq!(status(address, "inside").await, "200");
    let authority = directory.file("ca.pem", Authority::new("one").pem());
    let (ca_file, client_auth) = (Some(authority), Some(ClientAuth::Optional));
    let (_running, address) = start(Settings { client_auth, ca_file, ..settings }).await;
    assert_eq!(status(address, "a.example").await, "200");
    assert_eq!(status(address, "inside").await, "421");
}

/// Waits until a refusal is counted.
async fn refused(metrics: &Metrics, refusal: Refusal) {
    while metrics.snapshot().apps["main"].refusals[refusal.name()] == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
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
    refused(&metrics, Refusal::TlsTimeout).await;
    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    garbage.read_to_end(&mut Vec::new()).await.unwrap();
    refused(&metrics, Refusal::TlsHandshake).await;
    running.end().await;
}

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
    refused(&metrics, Refusal::ProxyHeader).await;
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
    let name = ServerName::try_from("a.example").unwrap();
    let connector = TlsConnector::from(Client::new(&[&own]).config());
    let mut stream = connector.connect(name, socket).await.unwrap();
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
