//! The app that answers, which may be replaced while requests are answered.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::app::{App, Request, ResponseFuture};

/// The app that answers the requests of all connections. Clones share it.
///
/// A request is answered to its end by the app that it began with: what that app is made of
/// lives as long as the response does. To look up which app that is costs a request a few
/// nanoseconds and no lock.
#[derive(Clone, Debug)]
pub(super) struct Current(Arc<ArcSwap<App>>);

impl Current {
    pub(super) fn new(app: App) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(app)))
    }

    /// Has another app answer from the next request on.
    pub(super) fn replace(&self, app: App) {
        self.0.store(Arc::new(app));
    }

    pub(super) fn answer(&self, request: Request) -> ResponseFuture {
        self.0.load().answer(request)
    }
}
