//! Builds the app that a graph describes: a fold of filters over apps, from the right.

use std::fmt;

use crate::app::{App, Filter};
use crate::graph::{Factory, Graph, Node, NodeId, NodeKind};
use crate::registry::{Definition, Error as FactoryError, Kind, Registry, Site};
use crate::settings::Reader;
use crate::source::{Sources, Span};

/// Builds an app, and all that it is made of.
///
/// The graph is expected to have passed its check: what is wrong with the file is told there,
/// and here only that something is.
///
/// # Errors
///
/// Everything that stands in the way, not only the first thing: files that factories read and
/// that are not there, say.
pub fn build(
    graph: &Graph,
    root: NodeId,
    registry: &Registry,
    sources: &Sources,
) -> Result<App, Vec<Error>> {
    let mut builder = Builder { registry, sources, parts: Vec::new(), errors: Vec::new() };
    for (_, node) in graph.iter().take(root.index() + 1) {
        let part = builder.part(node);
        builder.parts.push(part);
    }
    let app = builder.take_app(root);
    match app {
        Some(app) if builder.errors.is_empty() => Ok(app),
        _ => Err(builder.errors),
    }
}

/// What keeps a section from being built.
#[derive(Debug)]
pub struct Error {
    /// The header of the section, or the factory of one that has none.
    pub section: String,
    /// The place to blame.
    pub place: Option<Span>,
    /// What stands in the way.
    pub cause: FactoryError,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]: {}", self.section, self.cause)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// What a node has become: filters, the outermost first, and the app behind them. A filter has
/// none. Filters meet their app only when something needs it as a whole, so that phases become
/// one even where a pipeline ends in another.
#[derive(Debug, Default)]
struct Part {
    filters: Vec<Filter>,
    app: Option<App>,
}

impl Part {
    fn behind(mut self, outer: Vec<Filter>) -> Self {
        self.filters.splice(0..0, outer);
        self
    }
}

struct Builder<'a> {
    registry: &'a Registry,
    sources: &'a Sources,
    /// What the nodes so far have become. A node lies behind all that it is made of, and takes
    /// that from here, as no other node needs it. None where something stood in the way.
    parts: Vec<Option<Part>>,
    errors: Vec<Error>,
}

impl Builder<'_> {
    /// Builds one node; none if it or what it is made of is at fault, which is noted.
    fn part(&mut self, node: &Node) -> Option<Part> {
        match &node.kind {
            NodeKind::App(factory) => {
                let app = self.make(node, factory, Kind::App, Definition::build_app)?;
                Some(Part { app: Some(app), ..Part::default() })
            }
            NodeKind::Filter(factory) => {
                let filter = self.make(node, factory, Kind::Filter, Definition::build_filter)?;
                Some(Part { filters: vec![filter], app: None })
            }
            NodeKind::Composite { factory, plan, apps, filters } => {
                let apps: Vec<_> = apps.iter().map(|app| self.take_app(*app)).collect();
                let filters = self.take_filters(filters);
                let Some(plan) = plan else {
                    let cause = format!("no composite is known as `{}`", factory.spec);
                    return self.fail(node, FactoryError::new(cause));
                };
                match plan.build(apps.into_iter().collect::<Option<_>>()?, filters?) {
                    Ok(app) => Some(Part { app: Some(app), ..Part::default() }),
                    Err(cause) => self.fail(node, cause),
                }
            }
            NodeKind::Pipeline { filters, app } => {
                let (filters, app) = (self.take_filters(filters), self.take(*app));
                Some(app?.behind(filters?))
            }
            NodeKind::FilterApp { filter, next } | NodeKind::FilteredWith { filter, next } => {
                let (filter, next) = (self.take(*filter), self.take(*next));
                Some(next?.behind(filter?.filters))
            }
            NodeKind::Server(_) => self.fail(node, FactoryError::new("a server is no app")),
        }
    }

    /// Has a factory make an app or a filter.
    fn make<T>(
        &mut self,
        node: &Node,
        factory: &Factory,
        kind: Kind,
        build: impl Fn(&Definition, &mut Reader<'_>, &Site<'_>) -> Option<Result<T, FactoryError>>,
    ) -> Option<T> {
        let maker = node.maker(factory, self.registry);
        let Some(found) = self.registry.find(kind, maker.spec) else {
            let cause = format!("no {} is known as `{}`", kind.name(), maker.spec);
            return self.fail(node, FactoryError::new(cause));
        };
        let subject = found.subject(maker.spec, maker.place);
        let mut reader =
            Reader::new(subject, &maker.local, &node.global, self.sources).beneath(&node.settings);
        let section = section(node);
        match build(found.definition, &mut reader, &Site { section: &section }) {
            Some(Ok(made)) => Some(made),
            Some(Err(cause)) => self.fail(node, cause),
            None => self.fail(node, FactoryError::new("an option is at fault")),
        }
    }

    fn take(&mut self, id: NodeId) -> Option<Part> {
        self.parts[id.index()].take()
    }

    /// An app as a whole, its filters before it.
    fn take_app(&mut self, id: NodeId) -> Option<App> {
        let part = self.take(id)?;
        part.app.map(|app| app.behind(&part.filters))
    }

    /// The filters of several nodes as one row.
    fn take_filters(&mut self, ids: &[NodeId]) -> Option<Vec<Filter>> {
        let parts: Vec<_> = ids.iter().map(|id| self.take(*id)).collect();
        let parts: Option<Vec<_>> = parts.into_iter().collect();
        parts.map(|parts| parts.into_iter().flat_map(|part| part.filters).collect())
    }

    fn fail<T>(&mut self, node: &Node, cause: FactoryError) -> Option<T> {
        self.errors.push(Error { section: section(node), place: node.place, cause });
        None
    }
}

fn section(node: &Node) -> String {
    let factory = || node.factory().map(|factory| factory.spec.to_string());
    node.section().map(str::to_owned).or_else(factory).unwrap_or_default()
}
