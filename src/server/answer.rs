//! Hands the requests of a connection to the app, and answers in its place where it panics.

use std::any::Any;
use std::convert::Infallible;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, StatusCode, Version};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;

use super::activity::Activity;
use super::current::Current;
use super::gate::Gate;
use super::head::Fault;
use super::ledger::Noted;
use crate::app::{
    Body, BoxError, Connection, Context, Request, Response, ResponseFuture, response, trace::Trace,
};

// Panics are caught wherever the app runs. What it leaves behind in itself is seen by later
// requests too, as it would be if it had answered with an error: that is the app's own affair.
// A future or body that has panicked is dropped and not polled again.

/// Hands the requests of one connection to the app.
pub(super) struct Answerer {
    app: Current,
    gate: Arc<Gate>,
    connection: Arc<Connection>,
    activity: Arc<Activity>,
}

impl Answerer {
    pub(super) fn new(
        app: Current,
        gate: Arc<Gate>,
        connection: Connection,
        activity: Arc<Activity>,
    ) -> Self {
        Self { app, gate, connection: Arc::new(connection), activity }
    }

    /// The connection that the requests come by.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Service<http::Request<Incoming>> for Answerer {
    type Response = http::Response<Answered>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: http::Request<Incoming>) -> Answer {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(Context::new(Arc::clone(&self.connection)));
        // The log has the request as it came, a refused one too.
        let busy = Busy::new(Arc::clone(&self.activity), &mut request);
        let mut trace = Trace::default();
        if let Err(fault) = self.gate.admit(&mut request) {
            self.activity.ledger().count(fault);
            let response = ResponseFuture::ready(refusal(fault, &request));
            return Answer { response, busy: Some(busy), trace };
        }
        let answer = || catch_unwind(AssertUnwindSafe(|| self.app.answer(request)));
        let response = trace.within(answer);
        let response = response.unwrap_or_else(|panic| ResponseFuture::ready(panicked(&*panic)));
        Answer { response, busy: Some(busy), trace }
    }
}

/// The time in which the app has a request, until the last of its response is taken from it.
struct Busy {
    activity: Arc<Activity>,
    noted: Noted,
}

impl Busy {
    fn new(activity: Arc<Activity>, request: &mut Request) -> Self {
        activity.request_begins();
        let noted = activity.ledger().begin(request);
        Self { activity, noted }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.response_ends();
        self.activity.ledger().end(&self.noted);
    }
}

/// The response of the app, or 500 if it panics.
///
/// A client that leaves drops this, and with it all that the app was doing for it.
pub(super) struct Answer {
    response: ResponseFuture,
    /// Handed on to the body.
    busy: Option<Busy>,
    trace: Trace,
}

impl Future for Answer {
    type Output = Result<http::Response<Answered>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut poll = || Pin::new(&mut this.response).poll(context);
        let response = this.trace.within(|| catch_unwind(AssertUnwindSafe(&mut poll)));
        let response = response.unwrap_or_else(|panic| Poll::Ready(panicked(&*panic)));
        response.map(|mut response| {
            let mut busy = this.busy.take();
            if let Some(busy) = &mut busy {
                busy.noted.answered(&response);
                if busy.activity.is_to_leave() {
                    tell_to_leave(&mut response);
                }
            }
            let trace = mem::take(&mut this.trace);
            Ok(response.map(|body| Answered { body, busy, trace }))
        })
    }
}

/// Tells the client that the connection ends with this response, by which hyper ends it too.
#[cold]
fn tell_to_leave(response: &mut Response) {
    // There the field names the protocol that the connection goes on with.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The body of a response, which ends the connection where the app panics.
pub(super) struct Answered {
    body: Body,
    busy: Option<Busy>,
    trace: Trace,
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, trace, .. } = &mut *self;
        let mut poll = || Pin::new(&mut *body).poll_frame(context);
        let frame = trace.within(|| catch_unwind(AssertUnwindSafe(&mut poll)));
        let frame = frame.unwrap_or_else(|panic| {
            log(&*panic);
            Poll::Ready(Some(Err("the app panicked".into())))
        });
        if let (Poll::Ready(Some(Ok(frame))), Some(busy)) = (&frame, &mut self.busy) {
            busy.noted.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Refuses a request by its head. Where that is in doubt, so is where the next one begins: over
/// HTTP/1 the connection ends.
#[cold]
fn refusal(fault: Fault, request: &Request) -> Response {
    let mut response = response::refusal(fault.status(), fault.detail(), request.headers());
    if request.version() <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response {
    log(panic);
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    response::failure(status, "The server has failed to answer the request.", None)
}

fn log(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("no message"), "the app panicked");
}
