//! The connections to Keystone.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Fault;
use crate::app::causes;

/// The connections to Keystone, kept to limits.
pub(in crate::builtin::filters) struct Wire {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    limits: Limits,
    permits: Semaphore,
}

/// What is kept to.
#[derive(Clone, Copy, Debug)]
pub(in crate::builtin::filters) struct Limits {
    pub(in crate::builtin::filters) connect_timeout: Duration,
    /// For an answer as a whole, with the wait for a connection.
    pub(in crate::builtin::filters) timeout: Duration,
    pub(in crate::builtin::filters) retries: u8,
    pub(in crate::builtin::filters) connections: usize,
}

/// An answer as a whole.
pub(in crate::builtin::filters) struct Answer {
    pub(in crate::builtin::filters) status: StatusCode,
    pub(in crate::builtin::filters) headers: HeaderMap,
    pub(in crate::builtin::filters) body: Bytes,
}

/// How long a connection is kept while nobody uses it: shorter than httpd, which Keystone mostly
/// runs under, keeps its own.
const IDLE: Duration = Duration::from_secs(4);

/// The longest answer: a catalog of some thousand endpoints.
const LONGEST: usize = 4 * 1024 * 1024;

/// How long it is waited before the first attempt to connect again; before each other, twice as long.
const PAUSE: Duration = Duration::from_millis(100);

const AGENT: &str = concat!("pasteline/", env!("CARGO_PKG_VERSION"));

/// A request without a body.
pub(in crate::builtin::filters) fn request(method: Method, uri: Uri) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::new(Full::default());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    request
}

impl Wire {
    pub(in crate::builtin::filters) fn new(limits: Limits, tls: ClientConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(limits.connect_timeout));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client, limits, permits: Semaphore::new(limits.connections) }
    }

    /// How long an answer may take.
    pub(super) fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    /// Sends a request and waits for the answer as a whole. Where no connection can be made, it is
    /// tried again; so it is where one breaks, if the request only asks.
    pub(in crate::builtin::filters) async fn send(
        &self,
        request: &http::Request<Full<Bytes>>,
    ) -> Result<Answer, Fault> {
        timeout(self.limits.timeout, self.exchange(request)).await.unwrap_or(Err(Fault::Timeout))
    }

    async fn exchange(&self, request: &http::Request<Full<Bytes>>) -> Result<Answer, Fault> {
        let _permit = self.permits.acquire().await.expect("it is never closed");
        let mut pause = PAUSE;
        for _ in 0..self.limits.retries {
            match self.attempt(request).await {
                Err(Fault::Unreachable(_)) => sleep(pause).await,
                Err(Fault::Lost(_)) if *request.method() == Method::GET => sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        self.attempt(request).await
    }

    async fn attempt(&self, request: &http::Request<Full<Bytes>>) -> Result<Answer, Fault> {
        let response = self.client.request(request.clone()).await.map_err(|error| {
            let is_connect = error.is_connect();
            let reason = causes(&error).last().map(ToString::to_string).unwrap_or_default();
            if is_connect { Fault::Unreachable(reason) } else { Fault::Lost(reason) }
        })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| {
            let (is_too_long, reason) = (error.is::<LengthLimitError>(), error.to_string());
            if is_too_long { Fault::Broken(reason) } else { Fault::Lost(reason) }
        })?;
        let body = body.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}
