//! How many allocations a request through a stack makes.

use std::ops::ControlFlow;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderName, HeaderValue, StatusCode};
use pasteline::app::{App, Body, Filter, Phase, Request, Response, response};

struct Idle;

impl Phase for Idle {
    type Memo = ();

    fn request(&self, _: &mut Request) -> ControlFlow<Response> {
        ControlFlow::Continue(())
    }
}

struct SetHeader(HeaderName);

impl Phase for SetHeader {
    type Memo = u64;

    fn request(&self, _: &mut Request) -> ControlFlow<Response, u64> {
        ControlFlow::Continue(1)
    }

    fn response(&self, _: u64, response: &mut Response) {
        response.headers_mut().insert(self.0.clone(), HeaderValue::from_static("v"));
    }
}

fn allocations(filters: impl IntoIterator<Item = Filter>) -> u64 {
    let filters: Vec<_> = filters.into_iter().collect();
    let app = App::ready(|_| response::text(StatusCode::OK, "hello")).behind(&filters);
    let answer = || {
        let future = pin!(app.answer(Request::new(Body::empty())));
        let Poll::Ready(response) = future.poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("nothing here waits");
        };
        assert_eq!(response.status(), StatusCode::OK);
    };
    answer();
    allocation_counter::measure(answer).count_total
}

#[test]
fn idle_phases_allocate_nothing() {
    let bare = allocations([]);
    assert_eq!(allocations((0..12).map(|_| Filter::phase(Idle))), bare);
}

#[test]
fn twelve_phases_that_set_headers_allocate_at_most_six_times() {
    let header = |index| HeaderName::try_from(format!("x-f{index}")).unwrap();
    let filters = (0..12).map(|index| Filter::phase(SetHeader(header(index))));
    let counted = allocations(filters);
    assert!(counted <= 6, "{counted} allocations");
}
