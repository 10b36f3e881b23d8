//! Connections that are encrypted, as clients see them.

mod certificates;
mod clients;
mod handshakes;
mod protocols;
mod slow;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::StatusCode;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{settings, start_counted};
use crate::app::{App, Request, RequestExt, response};
use crate::server::tls::fixture::{Directory, Made};
use crate::server::{Running, Settings};

/// Answers with what is known of how the connection is encrypted.
pub(super) fn mirror() -> App {
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
pub(super) fn encrypted(directory: &Directory, pairs: &[&Made]) -> Settings {
    let mut settings = settings();
    for (number, Made { certificate, key }) in pairs.iter().enumerate() {
        let certificate = directory.file(&format!("{number}.pem"), certificate.pem());
        settings.tls_cert.push(certificate);
        settings.tls_key.push(directory.file(&format!("{number}.key"), key.serialize_pem()));
    }
    settings
}

pub(super) async fn start(settings: Settings) -> (Running, SocketAddr) {
    start_counted(settings, mirror(), Arc::default()).await
}

/// A client that trusts certificates, and may show one.
pub(super) struct Client {
    roots: RootCertStore,
    shows: Option<(Vec<u8>, Vec<u8>)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<&'static str>,
}

impl Client {
    pub(super) fn new(trusted: &[&Made]) -> Self {
        let mut roots = RootCertStore::empty();
        for made in trusted {
            roots.add(made.certificate.der().clone()).unwrap();
        }
        Self { roots, shows: None, versions: vec![&TLS13, &TLS12], alpn: Vec::new() }
    }

    fn showing(mut self, made: &Made) -> Self {
        self.shows = Some((made.certificate.der().to_vec(), made.key.serialize_der()));
        self
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
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
        config.alpn_protocols = self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    async fn connect(&self, address: SocketAddr, name: &str) -> io::Result<TlsStream<TcpStream>> {
        connect(&self.config(), address, name).await
    }

    /// What the server answers; or the fault that ends the connection before.
    pub(super) async fn ask(&self, address: SocketAddr, name: &str) -> io::Result<String> {
        ask(&mut self.connect(address, name).await?, name).await
    }
}

async fn connect(
    config: &Arc<ClientConfig>,
    address: SocketAddr,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::clone(config)).connect(host(name), socket).await
}

/// The name by which a client asks for a host.
pub(super) fn host(name: &str) -> ServerName<'static> {
    ServerName::try_from(name.to_owned()).unwrap()
}

/// The status and the body of an answer.
pub(super) async fn ask(stream: &mut TlsStream<TcpStream>, host: &str) -> io::Result<String> {
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
