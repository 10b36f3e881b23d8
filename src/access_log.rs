//! The access log: a line for each request, written off the threads that serve.

mod date;
mod destination;
mod followed;
mod format;
mod record;
mod sink;
mod swift;
mod writer;

pub(crate) use self::date::Iso;
pub use self::destination::Destination;
pub use self::format::Format;
pub(crate) use self::writer::Writer;
pub use self::writer::{flush, lost, reopen};

use std::io;
use std::sync::Arc;

use http::StatusCode;

use self::followed::Followed;
use self::format::Line;
use self::record::Record;
use crate::app::{Connection, Journal, REQUEST_ID, Request, RequestExt, Response, Tunnel};

/// A log of requests: where its lines go, and how they are written.
#[derive(Debug)]
pub struct Log {
    writer: Writer,
    format: Format,
}

impl Log {
    /// Opens the destination. All logs of a process that have the same one share a thread that
    /// writes to it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or there can be no further thread.
    pub fn open(destination: Destination, format: Format) -> io::Result<Self> {
        Ok(Self { writer: Writer::open(destination)?, format })
    }

    /// Begins the entry of a request, in place of that which the server has begun for its own log.
    pub fn begin(self: &Arc<Self>, request: &Request) -> Entry {
        if let Some(journal) = &request.context().journal {
            journal.take_over();
        }
        Entry { log: Arc::clone(self), record: Record::begin(request), journal: None }
    }

    /// Begins the entry of a request that has not passed any filter, which may tell more about it
    /// or log it themselves.
    pub fn begin_outermost(self: &Arc<Self>, request: &mut Request) -> Entry {
        let journal = Arc::new(Journal::default());
        request.context_mut().journal = Some(Arc::clone(&journal));
        let record = Record::begin(request);
        Entry { log: Arc::clone(self), record, journal: Some(journal) }
    }

    /// Logs a request that was refused before it was read, by what the client has sent of it.
    pub fn refuse(&self, head: &[u8], connection: &Connection, status: StatusCode) {
        self.append(&Record::refused(head, connection, status));
    }

    fn append(&self, record: &Record) {
        self.writer.append(Line { format: &self.format, record });
    }
}

/// A request that is to be logged, which happens wherever it ends: when its body has been sent or
/// given up, or when it is dropped without a response.
#[derive(Debug)]
pub struct Entry {
    log: Arc<Log>,
    record: Record,
    /// What the filters say, if this was begun outside of them.
    journal: Option<Arc<Journal>>,
}

impl Entry {
    /// Notes the head of the response.
    pub fn answered(&mut self, response: &Response) {
        self.record.status = Some(response.status());
        if self.record.request_id.is_none() {
            self.record.request_id = response.headers().get(REQUEST_ID).cloned();
        }
    }

    /// Has the request end with the connection that goes on in another protocol, of which all that
    /// the client is sent counts as the body of the response.
    #[must_use]
    pub fn follow(self, tunnel: Tunnel) -> Tunnel {
        tunnel.by(|client| Box::new(Followed::new(client, self)))
    }

    /// Notes that so many bytes of the response's body were sent.
    pub fn sent(&mut self, bytes: usize) {
        self.record.length += bytes as u64;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(journal) = &self.journal {
            if journal.is_taken_over() {
                return;
            }
            self.record.client = journal.client().or(self.record.client);
        }
        self.record.end();
        self.log.append(&self.record);
    }
}
