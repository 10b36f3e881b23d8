//! One request to the upstream and its response.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::TRANSFER_ENCODING;
use http::{StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::Route;
use super::body::{Download, Upload};
use super::fault::Fault;
use super::fields;
use super::link::{Link, Wire};
use crate::app::{Body, Request, RequestExt, Response};

/// A request that is passed on, as often as it may be.
pub(super) struct Exchange {
    pub(super) route: Arc<Route>,
    /// The request as it came, without its body.
    pub(super) request: Request,
    pub(super) target: Uri,
}

/// There is no response; the body is here where none of the request was sent.
struct Failure {
    fault: Fault,
    unsent: Option<Body>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, unsent: None }
    }
}

impl Exchange {
    /// Passes the request on with its body. Where that fails, the response says so.
    pub(super) async fn run(self, body: Body) -> Response {
        self.pass(body).await.unwrap_or_else(|fault| {
            let request_id = self.request.context().request_id.as_ref();
            fault.into_response(&self.route.pool.upstream, request_id)
        })
    }

    /// Sends the request, over a connection that waits for one if there is any.
    ///
    /// It is sent once more, over a new connection, if the upstream has closed the old one
    /// meanwhile: where none of it was sent; or where no byte of a response has come, and the
    /// request may be repeated and has no body.
    async fn pass(&self, mut body: Body) -> Result<Response, Fault> {
        let pool = &self.route.pool;
        if let Some(link) = pool.take() {
            let repeats = self.request.method().is_idempotent() && body.is_end_stream();
            let wire = Arc::clone(&link.wire);
            let Failure { fault, unsent } = match self.send(link, body).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let is_closed = matches!(&fault, Fault::Broken(error) if !error.is_user());
            body = match unsent {
                Some(unsent) => unsent,
                None if is_closed && repeats && !wire.has_received() => Body::empty(),
                None => return Err(fault),
            };
            tracing::debug!(upstream = %pool.upstream, "a connection was closed; sending again");
        }
        self.send(pool.connect().await?, body).await.map_err(|failure| failure.fault)
    }

    async fn send(&self, mut link: Link, body: Body) -> Result<Response, Failure> {
        let Route { pool, fields, read_timeout, .. } = &*self.route;
        let mut headers = fields.of(&self.request, &pool.upstream);
        fields::set_framing(&body, &mut headers);
        let mut request = http::Request::new(Upload::new(body, Arc::clone(&link.wire)));
        self.request.method().clone_into(request.method_mut());
        self.target.clone_into(request.uri_mut());
        *request.headers_mut() = headers;

        let response = self.response(&mut link, request).await?;
        if let Some(reason) = improper(&response) {
            return Err(Fault::Improper(reason).into());
        }
        let (mut parts, body) = response.into_parts();
        fields::strip_response(&mut parts.headers);
        // The version is an affair of the connection to the client.
        parts.version = Version::HTTP_11;
        let body = if body.is_end_stream() {
            pool.put(link);
            Body::empty()
        } else {
            Body::new(Download::new(body, link, Arc::clone(pool), *read_timeout))
        };
        Ok(Response::from_parts(parts, body))
    }

    /// Sends the request, and waits for the head of the response.
    async fn response(
        &self,
        link: &mut Link,
        request: http::Request<Upload>,
    ) -> Result<http::Response<Incoming>, Failure> {
        let Link { sender, wire, timer, .. } = link;
        wire.begin();
        let mut patience = Patience::new(self.route.response_timeout, wire, timer);
        let mut response = pin!(sender.try_send_request(request));
        poll_fn(|context| {
            if let Poll::Ready(response) = response.as_mut().poll(context) {
                return Poll::Ready(response.map_err(|mut error| Failure {
                    unsent: error.take_message().map(|request| request.into_body().into_body()),
                    fault: Fault::Broken(error.into_error()),
                }));
            }
            patience.poll_end(context).map(|()| Err(Fault::ResponseTimeout.into()))
        })
        .await
    }
}

/// Why a response cannot be passed on, if so.
fn improper(response: &http::Response<Incoming>) -> Option<&'static str> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Some("it switched to a protocol that nobody asked for");
    }
    let mut codings = response.headers().get_all(TRANSFER_ENCODING).iter();
    let is_plain = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    if is_plain { None } else { Some("it has a transfer coding other than `chunked`") }
}

/// How long a response is waited for: from when the last of the request's body was sent, or the
/// upstream took the last of it that it did take. A client that is slow to send is not its fault.
struct Patience<'a> {
    timeout: Duration,
    sent: u32,
    wire: &'a Wire,
    timer: &'a mut Pin<Box<Sleep>>,
}

impl<'a> Patience<'a> {
    fn new(timeout: Duration, wire: &'a Wire, timer: &'a mut Pin<Box<Sleep>>) -> Self {
        timer.as_mut().reset(Instant::now() + timeout);
        Self { timeout, sent: wire.sent(), wire, timer }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let sent = self.wire.sent();
            if sent == self.sent && !self.wire.waits_for_client() {
                return Poll::Ready(());
            }
            self.sent = sent;
            self.timer.as_mut().reset(Instant::now() + self.timeout);
        }
    }
}
