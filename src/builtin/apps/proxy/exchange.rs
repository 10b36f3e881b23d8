//! One request to the upstream and its response.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::{HeaderValue, StatusCode, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::Route;
use super::body::{Download, Upload};
use super::fault::Fault;
use super::fields;
use super::link::Link;
use super::switch;
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

impl From<TrySendError<http::Request<Upload>>> for Failure {
    fn from(mut error: TrySendError<http::Request<Upload>>) -> Self {
        let unsent = error.take_message().map(|request| request.into_body().take());
        Self { fault: Fault::Broken(error.into_error()), unsent }
    }
}

impl Exchange {
    /// Passes the request on with its body. Where that fails, the response says so.
    pub(super) async fn run(self, body: Body) -> Response {
        let Route { circuit, pool, .. } = &*self.route;
        let passed = match circuit.admit() {
            Ok(pass) => {
                let passed = self.pass(body).await;
                circuit.note(pass, passed.as_ref().err(), &pool.upstream);
                passed
            }
            Err(seconds) => Err(Fault::Open(seconds)),
        };
        passed.unwrap_or_else(|fault| {
            let request_id = self.request.context().request_id.as_ref();
            fault.into_response(&pool.upstream, request_id)
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
        let protocol = switch::asked(&self.request, &self.route.upgrades);
        if let Some(protocol) = &protocol {
            switch::tell(protocol, &mut headers);
        }
        let mut request = http::Request::new(Upload::new(body, Arc::clone(&link.wire)));
        self.request.method().clone_into(request.method_mut());
        self.target.clone_into(request.uri_mut());
        *request.headers_mut() = headers;

        let response = self.response(&mut link, request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(response, link, protocol).map_err(Failure::from);
        }
        let (mut parts, body) = response.into_parts();
        fields::strip(parts.status, &mut parts.headers).map_err(Fault::Improper)?;
        // The version is an affair of the connection to the client.
        parts.version = Version::HTTP_11;
        let body = Download::begin(body, link, pool, *read_timeout);
        Ok(Response::from_parts(parts, body))
    }

    /// Has the connections go on in the protocol that client and upstream have agreed on.
    fn switch(
        &self,
        response: http::Response<Incoming>,
        link: Link,
        protocol: Option<HeaderValue>,
    ) -> Result<Response, Fault> {
        let (mut parts, _) = response.into_parts();
        let protocol = protocol.filter(|protocol| switch::is_taken(protocol, &parts.headers));
        let (Some(protocol), Some((socket, first))) = (protocol, link.into_socket()) else {
            return Err(Fault::Improper("it switched to a protocol that nobody asked for"));
        };
        fields::strip(parts.status, &mut parts.headers).map_err(Fault::Improper)?;
        switch::tell(&protocol, &mut parts.headers);
        parts.extensions.insert(switch::tunnel(socket, first, self.route.upgrade_timeout));
        Ok(Response::from_parts(parts, Body::empty()))
    }

    /// Sends the request, and waits for the head of the response.
    async fn response(
        &self,
        link: &mut Link,
        request: http::Request<Upload>,
    ) -> Result<http::Response<Incoming>, Failure> {
        link.wire.begin();
        let mut response = pin!(link.sender.try_send_request(request));
        poll_fn(|context| {
            if let Poll::Ready(response) =
                link.poll(context, |context| response.as_mut().poll(context))
            {
                link.wire.answered();
                return Poll::Ready(response.map_err(Failure::from));
            }
            let Link { silence, wire, .. } = &mut *link;
            let ended = silence.poll_end(self.route.response_timeout, wire, context);
            ended.map(|()| Err(Fault::ResponseTimeout.into()))
        })
        .await
    }
}
