//! Takes any tower service into the stack as an app.

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use tower_service::Service;

use super::layer::Bridged;
use super::{App, Body, BoxError, Request, RequestExt};

impl App {
    /// Makes an app of any tower service, an axum `Router` among them.
    ///
    /// The service is cloned for each request and asked whether it is ready. It sees the path
    /// that is its own: what the composites above have matched is cut from the URI. What it
    /// fails with becomes a response, as for [`Filter::layer`](super::Filter::layer).
    pub fn from_service<S, B>(service: S) -> Self
    where
        S: Service<Request, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let bridged = Self::new(Bridged::new(service));
        Self::new(move |mut request: Request| {
            if let Some(uri) = own_uri(&request) {
                *request.uri_mut() = uri;
            }
            bridged.answer(request)
        })
    }
}

/// The URI with the path that is the app's own; none if that is the whole path already.
fn own_uri(request: &http::Request<Body>) -> Option<Uri> {
    if request.script_name().is_empty() {
        return None;
    }
    let rest = request.path_info();
    let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::BodyExt;
    use tower::service_fn;

    use super::*;

    async fn seen(path: &str, mount: usize) -> String {
        let app = App::from_service(service_fn(async |request: Request| {
            Ok::<_, Infallible>(http::Response::new(Body::from(request.uri().to_string())))
        }));
        let mut request = http::Request::get(path).body(Body::empty()).unwrap();
        request.mount(mount);
        let body = app.answer(request).await.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_service_sees_the_path_that_is_its_own() {
        assert_eq!(seen("/api/users?x=1", 4).await, "/users?x=1");
        assert_eq!(seen("/api", 4).await, "/");
        assert_eq!(seen("/api", 0).await, "/api");
    }
}
