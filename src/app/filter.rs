//! A filter, in whichever of the three ways it was written.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tower_layer::Layer;
use tower_service::Service;

use super::handler::Handled;
use super::layer::Bridged;
use super::phase::ErasedPhase;
use super::phases::Phases;
use super::{App, BoxError, Handler, Phase};

/// A filter: what stands before an app and sees requests on their way in and responses on their
/// way out. It is a [`tower::Layer`] over [`App`].
///
/// There are three ways to write one: as a [`Phase`], as a [`Handler`], or as any tower layer.
#[derive(Clone)]
pub struct Filter(Kind);

#[derive(Clone)]
enum Kind {
    Pass,
    Phase(Arc<dyn ErasedPhase>),
    Wrap(Arc<dyn Fn(App) -> App + Send + Sync>),
}

impl Filter {
    /// The filter that does nothing, at no cost.
    pub fn pass() -> Self {
        Self(Kind::Pass)
    }

    /// Makes a filter of a phase.
    pub fn phase(phase: impl Phase) -> Self {
        Self(Kind::Phase(Arc::new(phase)))
    }

    /// Makes a filter of a handler.
    pub fn handler(handler: impl Handler) -> Self {
        let handler = Arc::new(handler);
        Self::wrap(move |next| App::new(Handled::new(Arc::clone(&handler), next)))
    }

    /// Makes a filter of a function from app to app.
    pub fn wrap(wrap: impl Fn(App) -> App + Send + Sync + 'static) -> Self {
        Self(Kind::Wrap(Arc::new(wrap)))
    }

    /// Makes a filter of any tower layer.
    ///
    /// The layer's service is cloned for each request, and the clone is asked whether it is ready
    /// before it is called. What it fails with becomes a response: a timeout 504, a body over a
    /// limit 413, anything else 500.
    pub fn layer<L, B>(layer: L) -> Self
    where
        L: Layer<App> + Send + Sync + 'static,
        L::Service: Service<super::Request, Response = http::Response<B>> + Clone + Send + Sync,
        L::Service: 'static,
        <L::Service as Service<super::Request>>::Error: Into<BoxError>,
        <L::Service as Service<super::Request>>::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::wrap(move |next| App::new(Bridged::new(layer.layer(next))))
    }
}

impl Layer<App> for Filter {
    type Service = App;

    fn layer(&self, inner: App) -> App {
        inner.behind(std::slice::from_ref(self))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Pass => "pass",
            Kind::Phase(_) => "phase",
            Kind::Wrap(_) => "wrap",
        };
        f.debug_tuple("Filter").field(&kind).finish()
    }
}

/// Puts filters before an app, the first outermost: from the right, each run of neighbouring
/// phases as one node.
pub(super) fn stack(filters: &[Filter], app: App) -> App {
    let mut app = app;
    let mut run = Vec::new();
    for filter in filters.iter().rev() {
        match &filter.0 {
            Kind::Pass => {}
            Kind::Phase(phase) => run.push(Arc::clone(phase)),
            Kind::Wrap(wrap) => app = wrap(fuse(&mut run, app)),
        }
    }
    fuse(&mut run, app)
}

/// Puts a run of phases, gathered from the innermost, before an app, and empties it.
fn fuse(run: &mut Vec<Arc<dyn ErasedPhase>>, app: App) -> App {
    if run.is_empty() {
        return app;
    }
    let mut phases: Vec<Arc<dyn ErasedPhase>> = Vec::with_capacity(run.len());
    for phase in run.drain(..).rev() {
        let joined = phases.last().and_then(|outer| outer.join(&*phase));
        if joined.is_some() {
            phases.pop();
        }
        phases.push(joined.unwrap_or(phase));
    }
    App::new(Phases::new(phases.into(), app))
}
