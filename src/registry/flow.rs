//! How requests pass through a composite: in general, and a given one.

use std::sync::Arc;

/// How requests pass through what a composite is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Flow {
    /// They pass all filters, the first outermost, and come to the apps by these ways. Of several
    /// that a request may take, the first is tried first.
    Branches(Vec<Branch>),
    /// They pass all filters, the first outermost, and come to the only app.
    Pipeline {
        /// The name by which this pipeline was chosen among others.
        name: Arc<str>,
    },
}

/// A way to an app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Branch {
    /// The option that names the app, such as `/v2.0`.
    pub key: Arc<str>,
    /// The app, by its number among those that were asked for.
    pub app: usize,
    /// The option that takes all that this one could, so that no request ever comes to it.
    pub hidden_by: Option<Arc<str>>,
}

impl Branch {
    /// Whether no request ever comes to it.
    pub fn is_hidden(&self) -> bool {
        self.hidden_by.is_some()
    }
}

/// What a composite does with a request, as far as the request alone tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The apps that it hands the request to: one, or several until one has the answer; none if
    /// it answers itself.
    pub turns: Vec<Turn>,
    /// Why, in words that follow on `main: `, names in backticks, without a full stop.
    pub reason: String,
}

/// An app that a composite hands a request to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Turn {
    /// The option that names the app; none if it was chosen before there was a request.
    pub key: Option<Arc<str>>,
    /// The app, by its number among those that were asked for.
    pub app: usize,
    /// How many bytes of the path the app does not see, as with
    /// [`RequestExt::mount`](crate::app::RequestExt::mount).
    pub mount: usize,
}
