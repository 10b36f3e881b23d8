//! Tells which way a request takes through an app, without answering it.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::request::Parts;

use crate::app::{Body, Request, RequestExt};
use crate::graph::{Graph, NodeId, NodeKind};
use crate::registry::{Plan, Route, Turn};

/// Something that a request comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// What it comes to.
    pub node: NodeId,
    /// The key by which the composite before it chose the app that begins here; none if no such
    /// app begins here.
    pub key: Option<Arc<str>>,
    /// How many composites that try apps in turn this lies in. The steps in the next of such apps
    /// follow on those in this one, if its answer is not good enough.
    pub depth: usize,
    /// The part of the path that the composites before it have matched.
    pub script_name: String,
    /// The rest of the path.
    pub path_info: String,
    /// What a composite does with the request, in words; empty for all else.
    pub reason: String,
}

/// The steps that a request makes in an app, in order: pipelines, composites, filters, and apps.
/// Composites decide as they do when they answer, by the same code.
///
/// Filters are taken to let the request pass as it is, and all apps that a composite may try are
/// taken to be tried.
///
/// ```
/// use pasteline::graph::{Input, Loader, Object};
/// use pasteline::registry::Registry;
/// use pasteline::route::route;
///
/// let registry = Registry::builtin();
/// let mut loader = Loader::open(&Input::new("api-paste.ini"), &registry);
/// let loaded = loader.load(Object::App, Some("site"));
/// let (head, ()) = http::Request::get("/echo/hello").body(()).unwrap().into_parts();
/// let steps = route(&loaded.graph, loaded.root.unwrap(), &head);
/// let last = steps.last().unwrap();
/// assert_eq!(loaded.graph.node(last.node).section(), Some("app:echo"));
/// assert_eq!((&*last.script_name, &*last.path_info), ("/echo", "/hello"));
/// ```
pub fn route(graph: &Graph, root: NodeId, head: &Parts) -> Vec<Step> {
    let mut walk = Walk { head, steps: Vec::new(), left: Vec::new() };
    walk.left.push(Place { node: root, key: None, depth: 0, mount: 0 });
    while let Some(place) = walk.left.pop() {
        walk.step(graph, place);
    }
    walk.steps
}

struct Walk<'a> {
    head: &'a Parts,
    steps: Vec<Step>,
    /// Where the request is still to come, the next place last.
    left: Vec<Place>,
}

/// A node on the way, and how the request comes there.
struct Place {
    node: NodeId,
    key: Option<Arc<str>>,
    depth: usize,
    /// How much of the path has been matched.
    mount: usize,
}

impl Walk<'_> {
    fn step(&mut self, graph: &Graph, place: Place) {
        let Place { node: id, key, depth, mount } = place;
        let node = graph.node(id);
        let request = self.request(mount);
        let here = |node: NodeId| Place { node, key: None, depth, mount };
        let (next, reason): (Vec<_>, _) = match &node.kind {
            NodeKind::FilterApp { filter, next } | NodeKind::FilteredWith { filter, next } => {
                // Both come under its own section, so there is nothing to tell of it.
                self.left.extend([here(*next), Place { key, ..here(*filter) }]);
                return;
            }
            NodeKind::Composite { plan, apps, filters, .. } => {
                let Route { turns, reason } = decide(plan.as_deref(), &request);
                let depth = depth + usize::from(turns.len() > 1);
                let turns = turns.into_iter().filter_map(|Turn { key, app, mount: more }| {
                    let (node, mount) = (*apps.get(app)?, mount + more);
                    Some(Place { node, key, depth, mount })
                });
                (filters.iter().copied().map(here).chain(turns).collect(), reason)
            }
            _ => (node.parts().into_iter().map(here).collect(), String::new()),
        };
        self.steps.push(Step {
            node: id,
            key,
            depth,
            script_name: request.script_name().to_owned(),
            path_info: request.path_info().to_owned(),
            reason,
        });
        self.left.extend(next.into_iter().rev());
    }

    /// The request as it comes to a place.
    fn request(&self, mount: usize) -> Request {
        let mut request = Request::from_parts(self.head.clone(), Body::empty());
        request.mount(mount);
        request
    }
}

/// What a composite does with a request.
fn decide(plan: Option<&dyn Plan>, request: &Request) -> Route {
    plan.map_or_else(
        || Route {
            turns: Vec::new(),
            reason: "its factory is not known, so neither is what it does".to_owned(),
        },
        |plan| plan.route(request),
    )
}
