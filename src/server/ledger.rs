//! Notes what becomes of connections and requests: in numbers, and in the server's own log.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;

use super::entrance::Refused;
use super::load::Load;
use super::settings::Settings;
use crate::access_log::{Entry, Log};
use crate::app::{Connection, Request, Response, Tunnel};
use crate::metrics::{Meter, Refusal};
use crate::source::describe;

/// What stands for the status of a request whose client left before there was a response.
const CLIENT_LEFT: u16 = 499;

/// Notes what becomes of the connections and requests of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) meter: Arc<Meter>,
    pub(super) load: Load,
    log: Option<Arc<Log>>,
}

impl Ledger {
    /// A ledger with the log that the settings ask for.
    pub(super) fn open(settings: &Settings) -> io::Result<Self> {
        let Some(destination) = settings.access_log.clone() else { return Ok(Self::default()) };
        let place = destination.to_string();
        let log = Log::open(destination, settings.access_format.clone()).map_err(|error| {
            let reason = format!("cannot open the access log {place}: {}", describe(&error));
            io::Error::new(error.kind(), reason)
        })?;
        Ok(Self { log: Some(Arc::new(log)), ..Self::default() })
    }

    /// Notes that a request begins.
    pub(super) fn begin(&self, request: &mut Request) -> Noted {
        self.load.begin_request();
        let entry = self.log.as_ref().map(|log| Box::new(log.begin_outermost(request)));
        Noted { begun: self.meter.begin(), status: CLIENT_LEFT, entry }
    }

    /// Notes that a request has ended.
    pub(super) fn end(&self, noted: &Noted) {
        self.load.end_request();
        self.meter.end(noted.begun, noted.status);
    }

    /// Counts something that was refused and is logged elsewhere, if at all.
    pub(super) fn count(&self, refusal: Refusal) {
        self.meter.refuse(refusal);
    }

    /// Counts a request that a filter refused as a limit of its own was reached.
    pub(super) fn count_by(&self, filter: &'static str) {
        self.meter.refuse_by(filter);
    }

    /// Notes that a connection was ended before its first request.
    pub(super) fn turn_away(&self, refused: &Refused, peer: Option<SocketAddr>) {
        let Refused { refusal, reason, client } = refused;
        self.meter.refuse(*refusal);
        let client = client.or(peer);
        let client = client.as_ref().map_or(&"a Unix socket" as &dyn Display, |client| client);
        let kind = refusal.name();
        // Who knocks and leaves may do so often. The numbers tell an operator, and this who and why.
        match self.load.turned_away().admit(*refusal) {
            Some(0) => tracing::info!(%client, reason, "a connection was refused: {kind}"),
            Some(left_out) => {
                tracing::info!(%client, reason, left_out, "a connection was refused: {kind}");
            }
            None => tracing::debug!(%client, reason, "a connection was refused: {kind}"),
        }
    }

    /// Notes that a request was refused, by what the client has sent of its head.
    pub(super) fn refuse(&self, refusal: Refusal, head: &[u8], connection: &Connection) {
        self.meter.refuse(refusal);
        self.log(refusal, head, connection);
    }

    /// Logs a refusal that is counted elsewhere.
    pub(super) fn log(&self, refusal: Refusal, head: &[u8], connection: &Connection) {
        if let Some(log) = &self.log {
            log.refuse(head, connection, status(refusal));
        }
    }
}

/// With which status a request is refused.
pub(super) fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::AddressConnections
        | Refusal::Connections
        | Refusal::Http2Streams
        | Refusal::Requests => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::BodyTimeout | Refusal::HeadTimeout | Refusal::WriteTimeout => {
            StatusCode::REQUEST_TIMEOUT
        }
        Refusal::HeadSize | Refusal::HeaderLine | Refusal::TrailerSize => {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        }
        Refusal::TargetSize => StatusCode::URI_TOO_LONG,
        Refusal::Http2Flood => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What is noted of a request.
#[derive(Debug)]
pub(super) struct Noted {
    begun: Instant,
    status: u16,
    /// None if the server has no log of its own. It is written when this is dropped.
    entry: Option<Box<Entry>>,
}

impl Noted {
    /// Notes the head of the response.
    pub(super) fn answered(&mut self, response: &Response) {
        self.status = response.status().as_u16();
        if let Some(entry) = &mut self.entry {
            entry.answered(response);
        }
    }

    /// Has the log tell of the request when the connection ends that goes on in another protocol.
    pub(super) fn follow(&mut self, tunnel: Tunnel) -> Tunnel {
        match self.entry.take() {
            Some(entry) => entry.follow(tunnel),
            None => tunnel,
        }
    }

    /// Notes that so many bytes of the response's body were sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.entry {
            entry.sent(bytes);
        }
    }
}
