//! Connections that are encrypted, by the program as it is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};

use crate::support::{Server, Test, signal};

/// A certificate for `localhost`, and its key, as they stand in files.
struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Pair {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let der = certificate.der().clone();
        Self { certificate: certificate.pem(), key: key.serialize_pem(), der }
    }

    /// What a server answers that must show this certificate; or the fault that keeps it from
    /// that.
    fn ask(&self, server: &Server) -> Result<String, String> {
        Visitor::of(self).ask(server).map(|(_, answer)| answer)
    }
}

/// A client that remembers its sessions.
struct Visitor(Arc<ClientConfig>);

impl Visitor {
    /// One that believes a certificate.
    fn of(pair: &Pair) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(pair.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Self(Arc::new(config))
    }

    /// How a server takes it, and what it answers; or the fault that keeps it from that.
    fn ask(&self, server: &Server) -> Result<(Option<HandshakeKind>, String), String> {
        let name = ServerName::try_from("localhost").unwrap();
        let client = ClientConnection::new(Arc::clone(&self.0), name).unwrap();
        let socket = TcpStream::connect(server.address()).unwrap();
        let mut stream = StreamOwned::new(client, socket);
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        Ok((stream.conn.handshake_kind(), answer))
    }
}

const HELLO: &str = "\
[server:main]
use = egg:pasteline#http
bind = 127.0.0.1:0
workers = 2
tls_cert = cert.pem
tls_key = cert.key
access_log = log
access_format = {tls_version} {status}
[app:main]
use = egg:pasteline#respond
body = hello
";

#[test]
fn a_renewed_certificate_is_in_force_once_the_reload_has_ended() {
    let (before, after) = (Pair::new(), Pair::new());
    let test = Test::new().ini(HELLO).file("cert.pem", &before.certificate);
    let mut server = test.file("cert.key", &before.key).arguments("serve").start();
    server.line("ready: 2 workers");
    assert!(before.ask(&server).unwrap().ends_with("hello"));
    server.write("cert.pem", &after.certificate);
    server.run("reload api-paste.ini").status(1).tells("its key is not that of the certificate `");
    assert!(before.ask(&server).unwrap().ends_with("hello"), "the old pair is in force");
    server.write("cert.key", &after.key);
    server.run("reload api-paste.ini").status(0);
    // Of both workers, whichever takes the connection.
    for _ in 0..8 {
        assert!(after.ask(&server).unwrap().ends_with("hello"));
    }
    assert!(before.ask(&server).unwrap_err().contains("invalid peer certificate"));
}

#[test]
fn sessions_are_resumed_by_the_program_that_takes_over() {
    for workers in [0, 2] {
        let pair = Pair::new();
        let text = HELLO.replace("workers = 2", &format!("workers = {workers}\npid_file = pid"));
        let test = Test::new().ini(&text).file("cert.pem", &pair.certificate);
        let directory = test.directory().to_owned();
        let mut server = test.file("cert.key", &pair.key).arguments("serve").start();
        if workers > 0 {
            server.line("ready: ");
        }
        let visitor = Visitor::of(&pair);
        assert_eq!(visitor.ask(&server).unwrap().0, Some(HandshakeKind::Full));
        server.signal("USR2");
        server.line(" has taken over");
        // The old one accepts no connection any more, but may yet take those that wait.
        for _ in 0..8 {
            assert_eq!(visitor.ask(&server).unwrap().0, Some(HandshakeKind::Resumed));
        }
        let successor = String::from_utf8(std::fs::read(directory.join("pid")).unwrap()).unwrap();
        signal(successor.trim().parse().unwrap(), "TERM");
        assert_eq!(server.wait().status, Some(0));
    }
}

#[test]
fn the_start_line_tells_that_connections_are_encrypted() {
    let pair = Pair::new();
    let test = Test::new().ini(HELLO).file("cert.pem", &pair.certificate);
    let mut server = test.file("cert.key", &pair.key).arguments("serve").spawn();
    server.line("listening on https://127.0.0.1:");
}

#[test]
fn a_settings_file_has_connections_encrypted() {
    let pair = Pair::new();
    let text = "[DEFAULT]\nuse_ssl = true\nbind_host = 127.0.0.1\nbind_port = 0\n\
        [ssl]\ncert_file = cert.pem\nkey_file = cert.key\nversion = TLSv1_2\n";
    let test = Test::new().ini("[app:main]\nuse = egg:pasteline#echo\n").file("n.conf", text);
    let test = test.file("cert.pem", &pair.certificate).file("cert.key", &pair.key);
    let server = test.arguments("--config-file n.conf").serve();
    assert!(pair.ask(&server).unwrap().starts_with("HTTP/1.1 200 "));
}

/// Says something to a server until that closes the connection, and gives the own address.
fn knock(server: &Server, words: &str) -> SocketAddr {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.write_all(words.as_bytes()).unwrap();
    // What the server has not read when it closes resets the connection.
    let _ = socket.read_to_end(&mut Vec::new());
    socket.local_addr().unwrap()
}

#[test]
fn who_is_turned_away_is_told_and_does_not_fill_the_log() {
    let pair = Pair::new();
    let text = HELLO.replace("workers = 2", "workers = 0\nproxy_protocol_from = 127.0.0.1");
    let test = Test::new().ini(&text).file("cert.pem", &pair.certificate);
    let mut server = test.file("cert.key", &pair.key).arguments("serve").start();
    let first = knock(&server, "GET / HTTP/1.1\r\n\r\n");
    let line = server.line("a connection was refused: proxy_header");
    assert!(line.contains(" INFO ") && line.contains(&format!("client={first} ")), "{line}");
    // Whom a load balancer tells of is told, not the load balancer.
    let garbled = "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\nGET / HTTP/1.1\r\n\r\n";
    knock(&server, garbled);
    let line = server.line("a connection was refused: tls_handshake");
    assert!(line.contains(" INFO ") && line.contains("client=192.0.2.1:40000 "), "{line}");
    for words in ["GET / HTTP/1.1\r\n\r\n", garbled].repeat(10) {
        knock(&server, words);
    }
    server.signal("TERM");
    let log = server.wait().status(0).stderr;
    assert_eq!(log.matches("a connection was refused").count(), 2, "{log}");
}

#[test]
fn validate_reads_certificates_too() {
    let test = Test::new().ini(HELLO).file("cert.pem", Pair::new().certificate);
    let finished = test.file("cert.key", Pair::new().key).validate().status(1);
    finished.tells("error[bad-certificate]").tells("its key is not that of the certificate `");
    for (fault, expected) in [
        ("cert_file = none.pem", "none.pem`: no such file or directory"),
        ("cert_file = a\nciphers = RC4", "`RC4` is no cipher suite that is safe to offer"),
        ("cert_file = a\nversion = TLSv1_1", "`TLSv1_1` is broken, and no client needs it"),
    ] {
        let text = format!("[DEFAULT]\nuse_ssl = true\n[ssl]\n{fault}\n");
        let test = Test::new().ini("[app:main]\nuse = egg:pasteline#echo\n");
        let test = test.file("n.conf", text).arguments("--config-file n.conf");
        test.validate().status(1).tells(expected);
    }
}

#[test]
fn a_certificate_that_changes_is_in_force_without_being_asked_for() {
    let (before, after) = (Pair::new(), Pair::new());
    let test = Test::new().ini(HELLO).file("cert.pem", &before.certificate);
    let mut server = test.file("cert.key", &before.key).arguments("serve --watch").start();
    server.line("ready: 2 workers");
    assert!(before.ask(&server).unwrap().ends_with("hello"));
    // Until both are there, they do not belong together, and nothing changes.
    server.write("cert.pem", &after.certificate);
    server.write("cert.key", &after.key);
    server.line("a file of the configuration has changed");
    server.line("reloaded: ");
    for _ in 0..8 {
        assert!(after.ask(&server).unwrap().ends_with("hello"));
    }
}
