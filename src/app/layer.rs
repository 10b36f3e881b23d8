//! Takes any tower layer into the stack.

use bytes::Bytes;
use tower::ServiceExt;
use tower_service::Service;

use super::{Answer, Body, BoxError, Request, ResponseFuture, fault};

/// A service that some tower layer made around an app.
pub(super) struct Bridged<S>(S);

impl<S> Bridged<S> {
    pub(super) fn new(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Answer for Bridged<S>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn answer(&self, request: Request) -> ResponseFuture {
        // A clone is one pointer for the app inside, and `oneshot` waits until it is ready, as
        // layers that limit concurrency must be asked first.
        let answer = self.0.clone().oneshot(request);
        ResponseFuture::new(async move {
            match answer.await {
                Ok(response) => response.map(Body::new),
                Err(error) => fault::response(error.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Request, StatusCode};
    use tower::limit::ConcurrencyLimitLayer;
    use tower::timeout::TimeoutLayer;
    use tower_http::set_status::SetStatusLayer;

    use super::*;
    use crate::app::{App, Filter, RefusedBy, response};

    async fn status(app: App, filter: Filter) -> StatusCode {
        let request = Request::new(Body::empty());
        app.behind(&[filter]).answer(request).await.status()
    }

    fn hello() -> App {
        App::ready(|_| response::text(StatusCode::OK, "hello"))
    }

    #[tokio::test]
    async fn a_layer_of_tower_http_works_as_it_is() {
        let layer = SetStatusLayer::new(StatusCode::IM_A_TEAPOT);
        assert_eq!(status(hello(), Filter::layer(layer)).await, StatusCode::IM_A_TEAPOT);
    }

    #[tokio::test]
    async fn a_layer_that_must_be_ready_first_is_asked() {
        let layer = ConcurrencyLimitLayer::new(1);
        assert_eq!(status(hello(), Filter::layer(layer)).await, StatusCode::OK);
    }

    #[tokio::test]
    async fn who_has_refused_a_request_is_known_outside_of_a_layer() {
        let refusal = || response::text(StatusCode::TOO_MANY_REQUESTS, "");
        let refusing = App::ready(move |_| RefusedBy("limit").mark(refusal()));
        let layer = Filter::layer(SetStatusLayer::new(StatusCode::IM_A_TEAPOT));
        let app = App::from_service(refusing.behind(&[layer]));
        let response = app.answer(Request::new(Body::empty())).await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(response.extensions().get(), Some(&RefusedBy("limit")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_becomes_a_response() {
        let never = App::from_fn(|_| std::future::pending());
        let layer = TimeoutLayer::new(Duration::from_secs(1));
        assert_eq!(status(never, Filter::layer(layer)).await, StatusCode::GATEWAY_TIMEOUT);
    }
}
