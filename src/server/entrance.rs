//! What comes before the first request of a connection: the header of a proxy, and the handshake
//! of TLS.

use std::fmt::Display;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::passage;
use super::proxy_header::{NoHeader, ProxyHeader, Step};
use super::settings::Settings;
use super::socket::Socket;
use super::tls::Tls;
use crate::app::{ClientCertificate, Connection, Encryption, Scheme};
use crate::metrics::Refusal;
use crate::settings::Network;

/// What comes before the first request of a connection.
#[derive(Debug)]
pub(super) struct Entrance {
    /// Whose connections begin with the header of a proxy.
    proxies: Box<[Network]>,
    /// How long that may take to come.
    header_timeout: Duration,
    tls: ArcSwapOption<Tls>,
    handshake_timeout: Duration,
}

/// A connection whose requests may come.
pub(super) struct Entered {
    pub(super) socket: Socket,
    pub(super) connection: Connection,
    /// What encrypts it.
    pub(super) tls: Option<Arc<Tls>>,
}

impl Entrance {
    pub(super) fn new(settings: &Settings, tls: Option<Tls>) -> Self {
        Self {
            proxies: settings.proxy_protocol_from.as_slice().into(),
            header_timeout: settings.head_timeout.0,
            tls: ArcSwapOption::new(tls.map(Arc::new)),
            handshake_timeout: settings.tls_handshake_timeout.0,
        }
    }

    /// Has the connections that begin from now on encrypted by something else.
    pub(super) fn replace(&self, tls: Option<Tls>) {
        self.tls.store(tls.map(Arc::new));
    }

    /// Whether there is nothing to come before the first request, which spares the connection a
    /// future.
    pub(super) fn is_open(&self) -> bool {
        self.proxies.is_empty() && self.tls.load().is_none()
    }

    /// Takes what comes before the first request. Whom a proxy tells of is asked about before
    /// anything is agreed on.
    pub(super) async fn pass(
        &self,
        mut socket: Socket,
        mut connection: Connection,
        mut admit: impl FnMut(&Connection) -> Result<(), Refusal>,
    ) -> Result<Entered, Refused> {
        if self.is_proxy(&connection) {
            let header = timeout(self.header_timeout, read_header(&mut socket)).await;
            let header = header.map_err(|_| Refused::of(Refusal::ProxyHeader, "it is late"))??;
            if let ProxyHeader::Passed { peer, local } = header {
                connection.peer = Some(canonical(peer));
                connection.local = Some(canonical(local));
            }
        }
        let tls = self.tls.load_full();
        let told = connection.peer;
        if let Err(refusal) = admit(&connection) {
            // Before encryption is agreed on, nothing can be said.
            if tls.is_none() {
                socket.refuse(TOO_MANY);
            }
            let refused = Refused::of(refusal, "its client has as many connections as it may");
            return Err(refused.of_client(told));
        }
        let Some(tls) = tls else {
            return Ok(Entered { socket, connection, tls: None });
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
        let accepted = timeout(self.handshake_timeout, acceptor.accept(socket)).await;
        let late = |_| Refused::of(Refusal::TlsTimeout, "it is late").of_client(told);
        let failed = |error| Refused::of(Refusal::TlsHandshake, error).of_client(told);
        let mut stream = accepted.map_err(late)?.map_err(failed)?;
        passage::narrow(&mut stream);
        connection.scheme = Scheme::Https;
        connection.encryption = Some(encryption(&stream));
        Ok(Entered { socket: Socket::Tls(Box::new(stream)), connection, tls: Some(tls) })
    }

    /// Whether a connection is passed on by a load balancer.
    pub(super) fn is_proxy(&self, connection: &Connection) -> bool {
        let peer = connection.peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
        self.proxies.iter().any(|network| network.contains(peer))
    }
}

/// What a client is told for whom there is no room.
pub(super) const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";

/// Why a connection ends before its first request.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) reason: String,
    /// The client that a proxy has told of, or that has connected itself; none before that is known.
    pub(super) client: Option<SocketAddr>,
}

impl Refused {
    fn of(refusal: Refusal, reason: impl Display) -> Self {
        Self { refusal, reason: reason.to_string(), client: None }
    }

    fn of_client(self, client: Option<SocketAddr>) -> Self {
        Self { client, ..self }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::of(Refusal::ProxyHeader, error)
    }
}

impl From<NoHeader> for Refused {
    fn from(error: NoHeader) -> Self {
        Self::of(Refusal::ProxyHeader, error)
    }
}

/// An address in the one spelling by which it is logged and compared: a socket for both kinds of
/// addresses shows IPv4 clients as `::ffff:192.0.2.1`, and proxies hand such addresses on.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Reads the header of a proxy and not a byte more.
async fn read_header(socket: &mut Socket) -> Result<ProxyHeader, Refused> {
    let mut bytes = Vec::new();
    loop {
        match ProxyHeader::read(&bytes)? {
            Step::Done(header) => return Ok(header),
            Step::Needs(more) => {
                let had = bytes.len();
                bytes.resize(had + more, 0);
                socket.read_exact(&mut bytes[had..]).await?;
            }
        }
    }
}

/// What is known of how a connection is encrypted.
fn encryption(stream: &TlsStream<Socket>) -> Encryption {
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().and_then(|version| version.as_str());
    let suite = session.negotiated_cipher_suite();
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    Encryption {
        version: version.unwrap_or_default(),
        cipher: suite.and_then(|suite| suite.suite().as_str()).unwrap_or_default(),
        protocol: session.alpn_protocol().map(Into::into),
        server_name: session.server_name().map(Into::into),
        client: certificate.map(|certificate| ClientCertificate::new(certificate.to_vec())),
    }
}
