//! Hands the requests of a connection to the app, and answers in its place where it panics.

mod busy;

use std::any::Any;
use std::convert::Infallible;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use http::header::{CONNECTION, RETRY_AFTER};
use http::{HeaderValue, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::Service;

pub(super) use self::busy::Busy;
use super::activity::Activity;
use super::answered::Answered;
use super::current::Current;
use super::gate::Gate;
use super::guard::Guard;
use super::head::Fault;
use super::ledger::status;
use super::limits::Limits;
use crate::app::{
    Body, BodyRefused, Connection, Context, Request, Response, ResponseFuture, response,
    trace::Trace,
};
use crate::metrics::Refusal;

// Panics are caught wherever the app runs. What it leaves behind in itself is seen by later
// requests too, as it would be if it had answered with an error: that is the app's own affair.
// A future or body that has panicked is dropped and not polled again.

/// Which requests come to the app.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) gate: Arc<Gate>,
    pub(super) guard: Guard,
    pub(super) limits: Arc<Limits>,
}

/// Hands the requests of one connection to the app.
pub(super) struct Answerer {
    app: Current,
    rules: Rules,
    connection: Arc<Connection>,
    activity: Arc<Activity>,
}

impl Answerer {
    pub(super) fn new(
        app: Current,
        rules: Rules,
        connection: Connection,
        activity: Arc<Activity>,
    ) -> Self {
        Self { app, rules, connection: Arc::new(connection), activity }
    }

    /// What the connection is at.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// The connection that the requests come by.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// What a request is answered in place of the app; none if that is to see it.
    fn refuse(&self, request: &mut Request) -> Option<Response> {
        let ledger = self.activity.ledger();
        if let Some(refusal) = self.rules.limits.refuse(request, ledger.load.requests()) {
            ledger.count(refusal);
            return Some(refused(refusal));
        }
        if let Err(fault) = self.rules.gate.admit(request) {
            ledger.count(fault.refusal());
            return Some(faulty(fault, request));
        }
        self.rules.guard.refuse(request, ledger)
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
        let busy = Busy::new(&self.activity, &mut request, &self.rules.limits);
        let mut answer = Answer { response: None, busy: Some(busy), trace: Trace::default() };
        if let Some(refusal) = self.refuse(&mut request) {
            answer.response = Some(ResponseFuture::ready(refusal));
            return answer;
        }
        let Answer { response, trace, .. } = &mut answer;
        // A closure that owned the request would be copied on its way with it.
        let ask = || *response = Some(self.app.answer(mem::take(&mut request)));
        if watched(trace, ask).is_err() {
            *response = Some(ResponseFuture::ready(failed()));
        }
        answer
    }
}

/// The response of the app, or 500 if it panics.
///
/// A client that leaves drops this, and with it all that the app was doing for it.
pub(super) struct Answer {
    /// None only until the app is asked.
    response: Option<ResponseFuture>,
    /// Handed on to the body.
    busy: Option<Busy>,
    trace: Trace,
}

impl Future for Answer {
    type Output = Result<http::Response<Answered>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { response, busy, trace } = &mut *self;
        let future = response.as_mut().expect("the app is asked before its answer is polled");
        let mut polled = Poll::Pending;
        if future.is_ready() {
            // There is nothing of the app in it that could fail.
            polled = Pin::new(future).poll(context);
        } else if watched(trace, || polled = Pin::new(future).poll(context)).is_err() {
            polled = Poll::Ready(failed());
        }
        let mut response = ready!(polled);
        let mut busy = busy.take().expect("an answer is not polled after it is ready");
        busy.finish(&mut response);
        Poll::Ready(Ok(response.map(|body| Answered::new(body, busy, mem::take(trace)))))
    }
}

/// The app has panicked, which is in the log.
pub(super) struct Panicked;

/// Does some of the app's work, which may panic. The work stores its result itself: to return it
/// through all that watches would copy it at each level.
pub(super) fn watched(trace: &mut Trace, work: impl FnOnce()) -> Result<(), Panicked> {
    // The line has the id of the request, which the thread is still at.
    trace.within(|| catch_unwind(AssertUnwindSafe(work)).map_err(|panic| log(&*panic)))
}

/// The answer to a request that the server does not take.
#[cold]
fn refused(refusal: Refusal) -> Response {
    let status = status(refusal);
    let detail = match refusal {
        Refusal::BodyTimeout => BodyRefused::TooSlow.detail(),
        Refusal::TrailerSize => BodyRefused::TrailersTooLarge.detail(),
        Refusal::HeadSize => "The head of the request is too large.",
        Refusal::HeaderLine => "A field of the request is too long.",
        Refusal::TargetSize => "The target of the request is too long.",
        _ => "The server is busy. Please try again.",
    };
    let mut response = response::text(status, format!("{status}\n\n{detail}\n"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Refuses a request by its head. Where that is in doubt, so is where the next one begins: over
/// HTTP/1 the connection ends.
#[cold]
fn faulty(fault: Fault, request: &Request) -> Response {
    let mut response = response::refusal(fault.status(), fault.detail(), request.headers());
    if request.version() <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The answer of an app that has panicked.
#[cold]
fn failed() -> Response {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    response::failure(status, "The server has failed to answer the request.", None)
}

#[cold]
fn log(panic: &(dyn Any + Send)) -> Panicked {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("no message"), "the app panicked");
    Panicked
}
