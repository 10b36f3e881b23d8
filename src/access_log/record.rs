//! What is known of a request that is logged.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::header::{HOST, HeaderName, HeaderValue, REFERER, USER_AGENT};
use http::{Method, StatusCode, Uri, Version};

use crate::app::{ClientCertificate, Connection, Encryption, Request, RequestExt};

/// What is known of a request that is logged.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) head: Head,
    pub(super) client: Option<IpAddr>,
    /// The connection's other end.
    pub(super) peer: Option<IpAddr>,
    /// The port of the connection's other end.
    pub(super) port: Option<u16>,
    /// None if the request was refused before it was read.
    pub(super) connection: Option<Arc<Connection>>,
    pub(super) host: Option<HeaderValue>,
    pub(super) referer: Option<HeaderValue>,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) request_id: Option<HeaderValue>,
    pub(super) started: SystemTime,
    /// None as long as there is no response.
    pub(super) status: Option<StatusCode>,
    /// How many bytes of the response's body were sent.
    pub(super) length: u64,
    /// From the beginning to the end of the response's body.
    pub(super) elapsed: Duration,
    clock: Instant,
}

impl Record {
    /// The record of a request that begins now.
    pub(super) fn begin(request: &Request) -> Self {
        let context = request.context();
        let header = |name: HeaderName| request.headers().get(name).cloned();
        let head = Head::Read {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
        };
        Self {
            client: context.client(),
            connection: Some(Arc::clone(&context.connection)),
            host: header(HOST).or_else(|| HeaderValue::from_str(request.host()?).ok()),
            referer: header(REFERER),
            user_agent: header(USER_AGENT),
            request_id: context.request_id.clone(),
            ..Self::new(head, &context.connection)
        }
    }

    /// The record of a request that is refused now, of whose head only some bytes are known.
    pub(super) fn refused(head: &[u8], connection: &Connection, status: StatusCode) -> Self {
        let head = Head::Refused(Head::first_line(head));
        Self { status: Some(status), ..Self::new(head, connection) }
    }

    fn new(head: Head, connection: &Connection) -> Self {
        Self {
            head,
            client: connection.peer.map(|peer| peer.ip()),
            peer: connection.peer.map(|peer| peer.ip()),
            port: connection.peer.map(|peer| peer.port()),
            connection: None,
            host: None,
            referer: None,
            user_agent: None,
            request_id: None,
            started: SystemTime::now(),
            status: None,
            length: 0,
            elapsed: Duration::ZERO,
            clock: Instant::now(),
        }
    }

    /// Notes that the request ends now.
    pub(super) fn end(&mut self) {
        self.elapsed = self.clock.elapsed();
    }

    /// How the connection was encrypted, if it was.
    pub(super) fn encryption(&self) -> Option<&Encryption> {
        self.connection.as_ref()?.encryption.as_ref()
    }

    /// The certificate that the client has shown, if it was asked for one.
    pub(super) fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.encryption()?.client.as_ref()
    }

    /// The status; if there was no response, 500 while a panic is on its way, else 499, as nginx
    /// has it for a client that left.
    pub(super) fn status(&self) -> u16 {
        let unanswered = if std::thread::panicking() { 500 } else { 499 };
        self.status.map_or(unanswered, |status| status.as_u16())
    }
}

/// What is known of the request line.
#[derive(Debug)]
pub(super) enum Head {
    /// All of it.
    Read { method: Method, uri: Uri, version: Version },
    /// What was sent of it, which need not make sense; empty if nothing was.
    Refused(String),
}

/// What is kept of a request line that is refused.
const LONGEST_LINE: usize = 1024;

impl Head {
    /// The first line of what was sent, as text.
    fn first_line(sent: &[u8]) -> String {
        let sent = sent.trim_ascii_start();
        let line = sent.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]).into_owned()
    }

    /// The method; a dash if it is not known.
    pub(super) fn method(&self) -> &str {
        match self {
            Self::Read { method, .. } => method.as_str(),
            Self::Refused(_) => self.word(0),
        }
    }

    /// The path and the query as the client sent them; a dash if they are not known.
    pub(super) fn target(&self) -> &str {
        match self {
            Self::Read { uri, .. } => uri.path_and_query().map_or("-", |target| target.as_str()),
            Self::Refused(_) => self.word(1),
        }
    }

    /// The protocol; a dash if it is not known.
    pub(super) fn protocol(&self) -> &str {
        match self {
            Self::Read { version: Version::HTTP_10, .. } => "HTTP/1.0",
            Self::Read { version: Version::HTTP_2, .. } => "HTTP/2.0",
            Self::Read { .. } => "HTTP/1.1",
            Self::Refused(_) => self.word(2),
        }
    }

    fn word(&self, index: usize) -> &str {
        let Self::Refused(line) = self else { return "-" };
        line.split(' ').nth(index).filter(|word| !word.is_empty()).unwrap_or("-")
    }

    /// Writes the request line; a dash if nothing of it is known.
    pub(super) fn write(&self, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Refused(line) if line.is_empty() => out.write_char('-'),
            Self::Refused(line) => out.write_str(line),
            Self::Read { .. } => {
                write!(out, "{} {} {}", self.method(), self.target(), self.protocol())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;

    #[test]
    fn the_host_may_be_that_of_the_target() {
        let request = http::Request::get("https://a:81/").body(Body::empty()).unwrap();
        assert_eq!(Record::begin(&request).host.unwrap(), "a:81");
    }
}
