//! What is known of a request that is logged.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use http::header::{HOST, HeaderName, HeaderValue, REFERER, USER_AGENT};
use http::{Method, Uri, Version};

use crate::app::{Request, RequestExt};

/// What is known of a request that is logged.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) client: Option<IpAddr>,
    pub(super) method: Method,
    pub(super) version: Version,
    pub(super) host: Option<HeaderValue>,
    pub(super) referer: Option<HeaderValue>,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) request_id: Option<HeaderValue>,
    pub(super) started: SystemTime,
    /// None as long as there is no response.
    pub(super) status: Option<u16>,
    /// How many bytes of the response's body were sent.
    pub(super) length: u64,
    /// From the beginning to the end of the response's body.
    pub(super) elapsed: Duration,
    uri: Uri,
    clock: Instant,
}

impl Record {
    /// The record of a request that begins now.
    pub(super) fn begin(request: &Request) -> Self {
        let context = request.context();
        let header = |name: HeaderName| request.headers().get(name).cloned();
        Self {
            client: context.client(),
            method: request.method().clone(),
            version: request.version(),
            host: header(HOST),
            referer: header(REFERER),
            user_agent: header(USER_AGENT),
            request_id: context.request_id.clone(),
            started: SystemTime::now(),
            status: None,
            length: 0,
            elapsed: Duration::ZERO,
            uri: request.uri().clone(),
            clock: Instant::now(),
        }
    }

    /// Notes that the request ends now.
    pub(super) fn end(&mut self) {
        self.elapsed = self.clock.elapsed();
    }

    /// The path and the query as the client sent them.
    pub(super) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("-", |target| target.as_str())
    }

    /// The status; if there was no response, 500 while a panic is on its way, else 499, as nginx
    /// has it for a client that left.
    pub(super) fn status(&self) -> u16 {
        let unanswered = if std::thread::panicking() { 500 } else { 499 };
        self.status.unwrap_or(unanswered)
    }
}
