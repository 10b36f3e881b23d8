//! Filters that wait for nothing: two plain functions around what is behind them.

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use smallvec::SmallVec;

use super::{Request, Response};

/// A filter that waits for nothing: one function for the request on its way in, one for the
/// response on its way out.
///
/// Neighbouring phases run as one service, without a future between them.
///
/// ```
/// use std::ops::ControlFlow;
/// use http::StatusCode;
/// use pasteline::app::{App, Body, Filter, Phase, Request, Response, response};
///
/// struct Teapot;
///
/// impl Phase for Teapot {
///     type Memo = ();
///
///     fn request(&self, request: &mut Request) -> ControlFlow<Response> {
///         if request.uri().path() == "/coffee" {
///             return ControlFlow::Break(response::text(StatusCode::IM_A_TEAPOT, "tea only"));
///         }
///         ControlFlow::Continue(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = App::ready(|_| response::text(StatusCode::OK, "tea"));
/// let app = app.behind(&[Filter::phase(Teapot)]);
/// let request = http::Request::get("/coffee").body(Body::empty()).unwrap();
/// assert_eq!(app.answer(request).await.status(), StatusCode::IM_A_TEAPOT);
/// # }
/// ```
pub trait Phase: Send + Sync + 'static {
    /// What is kept from the request for the response: `()` if nothing.
    type Memo: Memo;

    /// Looks at a request, and may change it: passes it on, or answers in its place.
    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo>;

    /// Looks at a response, and may change it. It is not called for a request that
    /// [`request`](Self::request) answered itself.
    fn response(&self, memo: Self::Memo, response: &mut Response) {
        let _ = (memo, response);
    }

    /// One phase that does what this one and its neighbour inside do; none if there is no such
    /// phase. Neighbours are joined when a stack is built.
    fn join(&self, inner: &Self) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = inner;
        None
    }
}

/// What a [`Phase`] may keep from the request for the response: nothing, a few common types that
/// need no allocation, or a box of anything.
pub trait Memo: Sized + Send + 'static {
    /// Puts it on the pile.
    fn keep(self, memos: &mut Memos);

    /// Takes from the pile what was put there last.
    fn recall(memos: &mut Memos) -> Self;
}

/// What the phases before an app keep of one request: a pile, as responses pass the phases in
/// the opposite order.
#[derive(Debug, Default)]
pub struct Memos(SmallVec<[Slot; 12]>);

#[derive(Debug)]
enum Slot {
    Flag(bool),
    Header(Option<HeaderValue>),
    Moment(Instant),
    Number(u64),
    Other(Box<dyn Any + Send>),
}

impl Memo for () {
    fn keep(self, _: &mut Memos) {}

    fn recall(_: &mut Memos) -> Self {}
}

/// Implements [`Memo`] for types that have a slot of their own.
macro_rules! memo {
    ($($type:ty: $value:ident => $slot:expr, $pattern:pat => $recalled:expr;)*) => {$(
        impl Memo for $type {
            fn keep(self, memos: &mut Memos) {
                let $value = self;
                memos.0.push($slot);
            }

            fn recall(memos: &mut Memos) -> Self {
                match memos.0.pop() {
                    Some($pattern) => $recalled,
                    other => unreachable!("a memo is {other:?}; please report this"),
                }
            }
        }
    )*};
}

memo! {
    bool: flag => Slot::Flag(flag), Slot::Flag(flag) => flag;
    HeaderValue: value => Slot::Header(Some(value)), Slot::Header(Some(value)) => value;
    Instant: moment => Slot::Moment(moment), Slot::Moment(moment) => moment;
    Option<HeaderValue>: value => Slot::Header(value), Slot::Header(value) => value;
    u64: number => Slot::Number(number), Slot::Number(number) => number;
}

impl<T: Send + 'static> Memo for Box<T> {
    fn keep(self, memos: &mut Memos) {
        memos.0.push(Slot::Other(self));
    }

    fn recall(memos: &mut Memos) -> Self {
        match memos.0.pop() {
            Some(Slot::Other(any)) => any.downcast().unwrap_or_else(|any| {
                unreachable!("a memo is not what its phase kept: {any:?}; please report this")
            }),
            other => unreachable!("a memo is {other:?}; please report this"),
        }
    }
}

/// For what only few requests need: nothing is allocated for the others.
impl<T: Send + 'static> Memo for Option<Box<T>> {
    fn keep(self, memos: &mut Memos) {
        let kept = self.is_some();
        if let Some(value) = self {
            value.keep(memos);
        }
        kept.keep(memos);
    }

    fn recall(memos: &mut Memos) -> Self {
        bool::recall(memos).then(|| Box::recall(memos))
    }
}

/// A phase whose memo's type is forgotten.
pub(super) trait ErasedPhase: Any + Send + Sync {
    fn request(&self, request: &mut Request, memos: &mut Memos) -> ControlFlow<Response>;

    fn response(&self, memos: &mut Memos, response: &mut Response);

    fn join(&self, inner: &dyn ErasedPhase) -> Option<Arc<dyn ErasedPhase>>;
}

impl<P: Phase> ErasedPhase for P {
    fn request(&self, request: &mut Request, memos: &mut Memos) -> ControlFlow<Response> {
        Phase::request(self, request).map_continue(|memo| memo.keep(memos))
    }

    fn response(&self, memos: &mut Memos, response: &mut Response) {
        let memo = P::Memo::recall(memos);
        Phase::response(self, memo, response);
    }

    fn join(&self, inner: &dyn ErasedPhase) -> Option<Arc<dyn ErasedPhase>> {
        let inner: &dyn Any = inner;
        let joined = Phase::join(self, inner.downcast_ref()?)?;
        Some(Arc::new(joined))
    }
}
