//! Hands the requests of a connection to the app, and answers in its place where it panics.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::StatusCode;
use hyper::body::Incoming;
use hyper::service::Service;

use crate::app::{App, Body, Connection, Context, Response, ResponseFuture, response};

/// Hands the requests of one connection to the app.
pub(super) struct Answerer {
    app: App,
    connection: Arc<Connection>,
}

impl Answerer {
    pub(super) fn new(app: App, connection: Connection) -> Self {
        Self { app, connection: Arc::new(connection) }
    }
}

impl Service<http::Request<Incoming>> for Answerer {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: http::Request<Incoming>) -> Answer {
        let mut request = request.map(Body::from);
        request.extensions_mut().insert(Context::new(Arc::clone(&self.connection)));
        // What an app leaves behind when it panics is seen by later requests too, as it would be
        // if it had answered with an error; that is the app's own affair.
        let answer = catch_unwind(AssertUnwindSafe(|| self.app.answer(request)));
        Answer(answer.unwrap_or_else(|panic| ResponseFuture::ready(panicked(&*panic))))
    }
}

/// The response of the app, or 500 if it panics.
///
/// A client that leaves drops this, and with it all that the app was doing for it.
pub(super) struct Answer(ResponseFuture);

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        // A future that has panicked is dropped and not polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(panicked(&*panic))).map(Ok)
    }
}

#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = message, "the app panicked");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    response::failure(status, "The server has failed to answer the request.", None)
}
