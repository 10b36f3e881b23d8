//! A program with a filter, a tower layer and an axum `Router` of its own, and the whole command
//! line of pasteline.
//!
//! ```console
//! cargo run --example own_filter -- serve examples/own_filter.ini
//! curl -i http://127.0.0.1:9696/greet/Ada
//! cargo run --example own_filter -- explain teapot
//! ```

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::{HeaderValue, StatusCode};
use pasteline::app::{App, Filter, Phase, Request, Response, response};
use pasteline::registry::{AppFactory, Definition, Error, FilterFactory, Registry, Site};
use pasteline::settings;
use tower::{Layer, Service};

fn main() -> ExitCode {
    let registry = Registry::builtin()
        .with(Definition::app::<Greeter>("greeter"))
        .with(Definition::filter::<Stopwatch>("stopwatch"))
        .with(Definition::filter::<Teapot>("teapot"));
    pasteline::main(registry)
}

// A filter that waits for nothing: a phase.

settings! {
    /// Answers `418 I'm a teapot` to requests for one path.
    ///
    /// ```ini
    /// [filter:teapot]
    /// use = egg:pasteline#teapot
    /// path = /espresso
    /// ```
    struct Teapot {
        /// The path that gets the refusal.
        path: String = "/coffee",
    }
}

impl FilterFactory for Teapot {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(self))
    }
}

impl Phase for Teapot {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        if request.uri().path() == self.path {
            return ControlFlow::Break(response::text(StatusCode::IM_A_TEAPOT, "tea only\n"));
        }
        ControlFlow::Continue(())
    }
}

// A tower layer, as any crate may bring one.

settings! {
    /// Tells in the header `Server-Timing` how long the answer took.
    ///
    /// ```ini
    /// [filter:stopwatch]
    /// use = egg:pasteline#stopwatch
    /// metric = greeter
    /// ```
    struct Stopwatch {
        /// The name of the metric.
        metric: String = "app",
    }
}

impl FilterFactory for Stopwatch {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::layer(StopwatchLayer { metric: self.metric }))
    }
}

#[derive(Clone)]
struct StopwatchLayer {
    metric: String,
}

impl<S> Layer<S> for StopwatchLayer {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner, metric: self.metric.clone() }
    }
}

#[derive(Clone)]
struct Timed<S> {
    inner: S,
    metric: String,
}

impl<S> Service<Request> for Timed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (start, metric) = (Instant::now(), self.metric.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
            if let Ok(value) = HeaderValue::try_from(format!("{metric};dur={milliseconds:.3}")) {
                response.headers_mut().append("server-timing", value);
            }
            Ok(response)
        })
    }
}

// An axum `Router` as an app.

settings! {
    /// Greets whoever is named: `/greet/Ada`.
    ///
    /// ```ini
    /// [app:greeter]
    /// use = egg:pasteline#greeter
    /// greeting = Bonjour
    /// ```
    struct Greeter {
        /// The word before the name.
        greeting: String = "Hello",
    }
}

impl AppFactory for Greeter {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let greet = async move |Path(name): Path<String>| format!("{} {name}\n", self.greeting);
        Ok(App::from_service(Router::new().route("/greet/{name}", get(greet))))
    }
}
