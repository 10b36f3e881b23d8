//! Runs neighbouring phases as one service.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::phase::ErasedPhase;
use super::{Answer, App, Memos, Request, Response, ResponseFuture};

/// Phases in the order in which a request passes them, and the app behind them.
pub(super) struct Phases {
    phases: Arc<[Arc<dyn ErasedPhase>]>,
    inner: App,
}

impl Phases {
    pub(super) fn new(phases: Arc<[Arc<dyn ErasedPhase>]>, inner: App) -> Self {
        Self { phases, inner }
    }
}

impl Answer for Phases {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        let mut memos = Memos::default();
        for (passed, phase) in self.phases.iter().enumerate() {
            if let ControlFlow::Break(mut response) = phase.request(&mut request, &mut memos) {
                way_out(&self.phases[..passed], &mut memos, &mut response);
                return ResponseFuture::ready(response);
            }
        }
        match self.inner.answer(request).into_ready() {
            Ok(mut response) => {
                way_out(&self.phases, &mut memos, &mut response);
                ResponseFuture::ready(response)
            }
            Err(pending) => {
                let phases = Arc::clone(&self.phases);
                ResponseFuture::new(async move {
                    let mut response = pending.await;
                    way_out(&phases, &mut memos, &mut response);
                    response
                })
            }
        }
    }
}

/// Passes a response through the phases that its request has passed, the innermost first.
fn way_out(passed: &[Arc<dyn ErasedPhase>], memos: &mut Memos, response: &mut Response) {
    for phase in passed.iter().rev() {
        phase.response(memos, response);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};
    use http_body_util::BodyExt;

    use super::*;
    use crate::app::{Body, Filter, Phase, response};

    /// Writes its name into a header on the way in and on the way out.
    struct Named(&'static str);

    impl Phase for Named {
        type Memo = HeaderValue;

        fn request(&self, request: &mut Request) -> ControlFlow<Response, HeaderValue> {
            if request.uri().path().strip_prefix("/stop-at-") == Some(self.0) {
                return ControlFlow::Break(response::text(StatusCode::FORBIDDEN, self.0));
            }
            request.headers_mut().append("seen", HeaderValue::from_static(self.0));
            ControlFlow::Continue(HeaderValue::from_static(self.0))
        }

        fn response(&self, memo: HeaderValue, response: &mut Response) {
            response.headers_mut().append("left", memo);
        }
    }

    fn app(ready: bool) -> App {
        let filters = ["a", "b", "c"].map(|name| Filter::phase(Named(name)));
        let echo = |request: Request| {
            let mut response = response::text(StatusCode::OK, "");
            for value in request.headers().get_all("seen") {
                response.headers_mut().append("seen", value.clone());
            }
            response
        };
        let app = if ready {
            App::ready(echo)
        } else {
            App::from_fn(move |request| {
                let response = echo(request);
                async move {
                    tokio::task::yield_now().await;
                    response
                }
            })
        };
        app.behind(&filters)
    }

    async fn answer(app: App, path: &str) -> (StatusCode, [String; 2]) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = app.answer(request).await;
        let joined = |name| {
            let values = response.headers().get_all(name).iter();
            values.map(|value| value.to_str().unwrap()).collect::<String>()
        };
        (response.status(), ["seen", "left"].map(joined))
    }

    #[tokio::test]
    async fn pass_in_order_and_back() {
        for ready in [true, false] {
            let (status, [seen, left]) = answer(app(ready), "/").await;
            assert_eq!((status, &*seen, &*left), (StatusCode::OK, "abc", "cba"));
        }
    }

    #[tokio::test]
    async fn an_answer_passes_only_the_phases_outside() {
        let (status, [seen, left]) = answer(app(true), "/stop-at-c").await;
        assert_eq!((status, &*seen, &*left), (StatusCode::FORBIDDEN, "", "ba"));
        let (_, [_, left]) = answer(app(true), "/stop-at-a").await;
        assert_eq!(left, "");
    }

    /// Adds a number to a header; neighbours can do it at once.
    struct Adds(u32);

    impl Phase for Adds {
        type Memo = ();

        fn request(&self, request: &mut Request) -> ControlFlow<Response> {
            request.headers_mut().append("seen", self.0.into());
            ControlFlow::Continue(())
        }

        fn join(&self, inner: &Self) -> Option<Self> {
            Some(Self(self.0 + inner.0))
        }
    }

    #[tokio::test]
    async fn neighbours_that_can_be_joined_are_one_phase() {
        let named = Filter::phase(Named("a"));
        let adds = [1, 2, 3, 4].map(|number| Filter::phase(Adds(number)));
        let [one, two, three, four] = adds;
        let app = App::ready(|request: Request| {
            let seen = request.headers().get_all("seen").iter();
            let seen: Vec<_> = seen.map(|value| value.to_str().unwrap()).collect();
            response::text(StatusCode::OK, seen.join(" "))
        });
        let app = app.behind(&[one, two, Filter::pass(), three, named, four]);
        let body = app.answer(Request::new(Body::empty())).await.into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "6 a 4");
    }
}
