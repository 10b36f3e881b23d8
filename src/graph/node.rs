//! What sections and URIs resolve to, each with its place.

use std::sync::Arc;

use super::NodeId;
use crate::ini::Conf;
use crate::registry::{Kind, Plan};
use crate::source::{Sources, Span};

/// An app, a filter or a server, or a way to put some together.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is made of.
    pub kind: NodeKind,
    /// What it makes. What a filter is filtered with is a filter, and with an app an app.
    pub object: Object,
    /// The sections that led to it by `use`, beginning with the one that was named; empty for a
    /// URI that stands alone, such as `egg:Paste#static` in a pipeline.
    pub chain: Vec<Link>,
    /// The options for the factory: those of all sections of the chain, the first of them winning.
    pub local: Arc<Conf>,
    /// The options that all factories see: `[DEFAULT]`, `set` and what the caller gives.
    pub global: Arc<Conf>,
    /// The options that settings files give for the factory, which count where neither of the
    /// others does.
    pub settings: Arc<Conf>,
    /// Where it is asked for, such as its word in a pipeline; none if no file does so.
    pub named: Option<Span>,
    /// The place to blame: where the factory is named, or else the section's header.
    pub place: Option<Span>,
}

impl Node {
    /// The header of the section that was named, such as `filter:cors`.
    pub fn section(&self) -> Option<&str> {
        self.chain.first().map(|link| &*link.section)
    }

    /// The factory, if it is made by one.
    pub fn factory(&self) -> Option<&Factory> {
        self.made_by().map(|(_, factory)| factory)
    }

    /// The factory, if it is made by one, with what that makes.
    pub fn made_by(&self) -> Option<(Kind, &Factory)> {
        self.kind.made_by()
    }

    /// The nodes that it is made of, in the order in which a request comes to them.
    pub fn parts(&self) -> Vec<NodeId> {
        match &self.kind {
            NodeKind::App(_) | NodeKind::Filter(_) | NodeKind::Server(_) => Vec::new(),
            NodeKind::Composite { apps, filters, .. } => [&**filters, apps].concat(),
            NodeKind::FilterApp { filter, next } | NodeKind::FilteredWith { filter, next } => {
                vec![*filter, *next]
            }
            NodeKind::Pipeline { filters, app } => [&**filters, &[*app]].concat(),
        }
    }
}

/// A section that led to a node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The path of the file as Paste Deploy has it: absolute, but `..` is not resolved.
    pub file: Arc<str>,
    /// The header, such as `filter:cors`.
    pub section: Arc<str>,
    /// The place of the header.
    pub span: Span,
}

/// What can be asked of a file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Object {
    /// An app: also a composite, a pipeline or a filter with its app.
    App,
    /// A filter.
    Filter,
    /// A server.
    Server,
}

impl Object {
    pub(super) const ALL: [Self; 3] = [Self::App, Self::Filter, Self::Server];

    /// The word for it: `app`, `filter` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Filter => "filter",
            Self::Server => "server",
        }
    }

    /// The word with its article.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::App => "an app",
            Self::Filter => "a filter",
            Self::Server => "a server",
        }
    }
}

/// What a node is made of.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// An app of a factory.
    App(Factory),
    /// An app made of others by a factory.
    Composite {
        /// The factory.
        factory: Factory,
        /// How it puts them together; none if no factory is known by that name.
        plan: Option<Arc<dyn Plan>>,
        /// The apps, in the order in which the factory asked for them.
        apps: Vec<NodeId>,
        /// The filters, in the order in which the factory asked for them.
        filters: Vec<NodeId>,
    },
    /// A filter of a factory.
    Filter(Factory),
    /// A `[filter-app:]`: an app behind a filter.
    FilterApp {
        /// The filter.
        filter: NodeId,
        /// The app.
        next: NodeId,
    },
    /// A section with `filter-with`: an app, or a filter, behind a filter.
    FilteredWith {
        /// The filter.
        filter: NodeId,
        /// The app, or the filter that comes after it.
        next: NodeId,
    },
    /// A `[pipeline:]`: an app behind filters.
    Pipeline {
        /// The filters, the outermost first.
        filters: Vec<NodeId>,
        /// The app.
        app: NodeId,
    },
    /// A server of a factory.
    Server(Factory),
}

impl NodeKind {
    /// The factory, if something is made by one, with what that makes.
    pub(super) fn made_by(&self) -> Option<(Kind, &Factory)> {
        match self {
            Self::App(factory) => Some((Kind::App, factory)),
            Self::Composite { factory, .. } => Some((Kind::Composite, factory)),
            Self::Filter(factory) => Some((Kind::Filter, factory)),
            Self::Server(factory) => Some((Kind::Server, factory)),
            Self::FilterApp { .. } | Self::FilteredWith { .. } | Self::Pipeline { .. } => None,
        }
    }

    /// The word for it, such as `filter-app`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::App(_) => "app",
            Self::Composite { .. } => "composite",
            Self::Filter(_) => "filter",
            Self::FilterApp { .. } => "filter-app",
            Self::FilteredWith { .. } => "filtered-with",
            Self::Pipeline { .. } => "pipeline",
            Self::Server(_) => "server",
        }
    }
}

/// A factory as a file names it.
#[derive(Clone, Debug)]
pub struct Factory {
    /// Its name: `egg:Paste#urlmap`, `module:attribute` or `call:module:attribute`.
    pub spec: Arc<str>,
    /// Where it is named.
    pub span: Option<Span>,
    /// What Paste Deploy would call it by: `paste.app_factory`, `paste.filter_app_factory` …, or
    /// `entry-point` where only the Python distribution could tell.
    pub protocol: &'static str,
}

impl Factory {
    /// Its name for people: as it stands in the file where a reference is a part of it, which may
    /// lead to a secret.
    pub fn written<'a>(&'a self, sources: &'a Sources) -> &'a str {
        let written = self.span.map(|span| sources.text(span));
        written.filter(|text| text.contains("%(")).unwrap_or(&self.spec)
    }
}
