//! Filters that wait: for the network, a clock, or what is behind them.

use std::sync::Arc;

use super::{Answer, App, Request, Response, ResponseFuture};

/// A filter that waits: for the network, a clock, or what is behind it. It costs one boxed
/// future a request; what waits for nothing is better a [`Phase`](super::Phase).
///
/// ```
/// use http::StatusCode;
/// use pasteline::app::{App, Body, Filter, Handler, Request, Response, response};
///
/// /// Asks a second time where the first answer is a failure of the server.
/// struct Twice;
///
/// impl Handler for Twice {
///     async fn handle(&self, request: Request, next: App) -> Response {
///         let again = http::Request::get(request.uri()).body(Body::empty());
///         let response = next.answer(request).await;
///         match again {
///             Ok(again) if response.status().is_server_error() => next.answer(again).await,
///             _ => response,
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = App::ready(|_| response::text(StatusCode::OK, "")).behind(&[Filter::handler(Twice)]);
/// let response = app.answer(Request::new(Body::empty())).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// # }
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Answers a request, most often by asking `next` and changing what it answers.
    fn handle(&self, request: Request, next: App) -> impl Future<Output = Response> + Send;
}

/// A handler before an app.
pub(super) struct Handled<H> {
    handler: Arc<H>,
    next: App,
}

impl<H: Handler> Handled<H> {
    pub(super) fn new(handler: Arc<H>, next: App) -> Self {
        Self { handler, next }
    }
}

impl<H: Handler> Answer for Handled<H> {
    fn answer(&self, request: Request) -> ResponseFuture {
        let (handler, next) = (Arc::clone(&self.handler), self.next.clone());
        ResponseFuture::new(async move { handler.handle(request, next).await })
    }
}
