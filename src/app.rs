//! Apps that answer requests, filters that stand before them, and what passes between.

mod body;
mod certificate;
mod context;
mod fault;
mod filter;
mod handler;
mod layer;
mod phase;
mod phases;
mod refused;
pub mod response;
mod service;
pub mod trace;
mod tunnel;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

pub use self::body::{Body, BoxError};
pub use self::certificate::ClientCertificate;
pub use self::context::{Connection, Context, Encryption, Journal, REQUEST_ID, RequestExt, Scheme};
pub(crate) use self::fault::causes;
pub use self::filter::Filter;
pub use self::handler::Handler;
pub use self::phase::{Memo, Memos, Phase};
pub use self::refused::{BodyRefused, RefusedBy};
pub(crate) use self::tunnel::Going;
pub use self::tunnel::{Client, Duplex, Tunnel};

/// A request as apps and filters see it.
pub type Request = http::Request<Body>;

/// A response as apps and filters make it.
pub type Response = http::Response<Body>;

/// Something that answers every request: the end of a pipeline, or a pipeline as a whole.
///
/// An app never fails; what goes wrong inside is a response. Clones share the app: a clone costs
/// one pointer, and a request never clones the chain.
///
/// An app is a [`tower::Service`] too, so it can be mounted wherever tower goes. It is always
/// ready: back-pressure does not cross it.
///
/// ```
/// use pasteline::app::{App, Body, response};
/// use http::{Request, StatusCode};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = App::from_fn(async |_| response::text(StatusCode::OK, "hello"));
/// let response = app.answer(Request::new(Body::empty())).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// # }
/// ```
#[derive(Clone)]
pub struct App(Arc<dyn Answer>);

impl App {
    /// Makes an app of something that answers.
    pub fn new(answer: impl Answer) -> Self {
        Self(Arc::new(answer))
    }

    /// Makes an app of an asynchronous function.
    pub fn from_fn<F, R>(function: F) -> Self
    where
        F: Fn(Request) -> R + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        Self::new(move |request| ResponseFuture::new(function(request)))
    }

    /// Makes an app of a function that answers at once; such an app allocates no future.
    pub fn ready(function: impl Fn(Request) -> Response + Send + Sync + 'static) -> Self {
        Self::new(move |request| ResponseFuture::ready(function(request)))
    }

    /// Answers a request.
    pub fn answer(&self, request: Request) -> ResponseFuture {
        self.0.answer(request)
    }

    /// Puts filters before this app, the first of them outermost. Neighbouring phases become one
    /// node.
    #[must_use]
    pub fn behind(self, filters: &[Filter]) -> Self {
        filter::stack(filters, self)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("App").finish_non_exhaustive()
    }
}

/// What an [`App`] does.
pub trait Answer: Send + Sync + 'static {
    /// Answers a request. What is known at once is best given as [`ResponseFuture::ready`].
    fn answer(&self, request: Request) -> ResponseFuture;
}

impl<F> Answer for F
where
    F: Fn(Request) -> ResponseFuture + Send + Sync + 'static,
{
    fn answer(&self, request: Request) -> ResponseFuture {
        self(request)
    }
}

/// A response that is there already or will be.
pub struct ResponseFuture(State);

enum State {
    /// Taken by the poll that gives it out.
    Ready(Option<Response>),
    Pending(Pin<Box<dyn Future<Output = Response> + Send>>),
}

impl ResponseFuture {
    /// A response that is there already.
    pub fn ready(response: Response) -> Self {
        Self(State::Ready(Some(response)))
    }

    /// A response that a future will give.
    pub fn new(future: impl Future<Output = Response> + Send + 'static) -> Self {
        Self(State::Pending(Box::pin(future)))
    }

    /// Whether the response is there already.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// The response if it is there already, else the future again.
    ///
    /// # Errors
    ///
    /// The future itself, if it is to be waited for.
    #[expect(clippy::result_large_err, reason = "the future is moved on, not reported")]
    pub fn into_ready(self) -> Result<Response, Self> {
        match self.0 {
            State::Ready(Some(response)) => Ok(response),
            state => Err(Self(state)),
        }
    }

    /// Runs a function on the response, at once if it is there already.
    #[must_use]
    pub fn then(self, change: impl FnOnce(Response) -> Response + Send + 'static) -> Self {
        match self.into_ready() {
            Ok(response) => Self::ready(change(response)),
            Err(pending) => Self::new(async move { change(pending.await) }),
        }
    }
}

impl Future for ResponseFuture {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Response> {
        match &mut self.0 {
            State::Ready(response) => {
                Poll::Ready(response.take().expect("a future is not polled after it is ready"))
            }
            State::Pending(future) => future.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.0 {
            State::Ready(_) => "ready",
            State::Pending(_) => "pending",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}

/// The response of an [`App`] in its role as a tower service.
#[derive(Debug)]
pub struct ServiceFuture(ResponseFuture);

impl Future for ServiceFuture {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Ok)
    }
}

impl<B> tower_service::Service<http::Request<B>> for App
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> ServiceFuture {
        ServiceFuture(self.answer(request.map(Body::new)))
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn is_a_tower_service_for_any_body() {
        let app = App::ready(|_| response::text(StatusCode::CREATED, "made"));
        let request = http::Request::new(http_body_util::Full::new(bytes::Bytes::new()));
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
    }

    #[tokio::test]
    async fn changes_a_response_that_comes_later() {
        let future = ResponseFuture::new(async { response::text(StatusCode::OK, "") });
        let future = future.then(|mut response| {
            *response.status_mut() = StatusCode::IM_A_TEAPOT;
            response
        });
        assert_eq!(future.await.status(), StatusCode::IM_A_TEAPOT);
    }
}
