//! Apps made of other sections: how they name their children and put them together.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::{Error, Flow, Route};
use crate::app::{App, Filter, Request};
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Value};
use crate::settings::OptionSpec;
use crate::source::{Sources, Span};

/// A composite: an app made of other sections, which its settings name.
///
/// It asks for its children while the file is resolved, so that the whole graph is known,
/// checked and drawn before anything is built.
pub trait Composite: 'static {
    /// What it is for, as Markdown.
    const DOC: &'static str;

    /// The options whose names are fixed; the others have a meaning by their form.
    const OPTIONS: &'static [OptionSpec];

    /// Reads the settings and asks for the children, in the order in which Paste Deploy's
    /// factory would load them, so that the first fault is the same. None if something is at
    /// fault, which the assembly has noted.
    fn plan(assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>>;
}

/// The settings of a composite and the means to ask for its children.
pub struct Assembly<'a> {
    /// The options of the section, in order, without those that Paste Deploy takes itself.
    pub local: &'a Conf,
    /// The global options.
    pub global: &'a Conf,
    /// The strategy that the operator chose, by `--strategy` or the service's settings.
    pub strategy: Option<&'a str>,
    /// The factory as the file names it, such as `call:nova.api.auth:pipeline_factory`.
    pub factory: &'a str,
    /// The place to blame for what is missing: that of the factory or the section.
    pub place: Option<Span>,
    /// The texts that places lie in.
    pub sources: &'a Sources,
    /// Finds the children.
    pub children: &'a mut dyn Children,
}

impl fmt::Debug for Assembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly").field("factory", &self.factory).finish_non_exhaustive()
    }
}

/// Finds the children of a composite and takes down what is wrong.
///
/// Apps and filters are numbered from 0, each kind on its own, in the order in which they are
/// asked for, those that are at fault included.
pub trait Children {
    /// Asks for an app by what a value names: a section or a URI. The number it has among the
    /// apps; none if it is known already to be at fault, which is noted. It may turn out to be
    /// later, as children are looked for when all have been asked for.
    fn app(&mut self, name: &Value, globals: Globals) -> Option<usize>;

    /// Asks for a filter, as [`app`](Self::app) does for an app.
    fn filter(&mut self, name: &Value, globals: Globals) -> Option<usize>;

    /// Notes what is wrong with the settings.
    fn note(&mut self, diagnostic: Diagnostic);
}

/// Whether a composite hands its own `global_conf` on to a child.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Globals {
    /// The child sees only the defaults of the file and what the caller gave, as with
    /// OpenStack's `pipeline_factory`.
    Dropped,
    /// The child sees them, `set` values included.
    Passed,
}

/// How a composite puts its children together.
pub trait Plan: fmt::Debug + Send + Sync {
    /// The word by which trees and pictures know the kind, such as `urlmap`.
    fn kind(&self) -> &'static str;

    /// What `show` prints of it beside what every node has, given what it prints for the apps
    /// and filters that were asked for.
    fn show(&self, apps: Vec<Json>, filters: Vec<Json>) -> Map<String, Json>;

    /// Makes the app of the apps and filters that were asked for, in that order. A filter that is
    /// itself filtered (`filter-with`) stands there as several.
    ///
    /// # Errors
    ///
    /// What of the world around stands in the way.
    fn build(&self, apps: Vec<App>, filters: Vec<Filter>) -> Result<App, Error>;

    /// How requests pass through the apps and filters that were asked for, for pictures.
    fn flow(&self) -> Flow;

    /// What the app that [`build`](Self::build) makes does with a request. It looks at the
    /// request as that app does, by the same code.
    fn route(&self, request: &Request) -> Route;
}
