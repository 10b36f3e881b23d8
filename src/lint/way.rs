//! The ways that requests take through a graph, filter by filter.

use std::collections::HashMap;
use std::hash::Hash;

use super::file::{Pipeline, split};
use crate::graph::{Graph, Node, NodeId, NodeKind, Object};
use crate::source::Span;
use crate::syntax;

/// A filter, by its name and where that stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) place: Option<Span>,
}

impl<'a> Named<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        let section = node.section().and_then(|section| Some(split(section)?.1));
        let spec = || node.factory().map(|factory| &*factory.spec);
        let name = section.map(syntax::strip).or_else(spec).unwrap_or_default();
        Self { name, place: node.named.or(node.place) }
    }

    pub(super) fn word(pipeline: &Pipeline<'_>, (at, word): (usize, &'a str)) -> Self {
        Self { name: word, place: pipeline.place((at, word)) }
    }
}

/// The filters that a request has passed: of each kind the first.
pub(super) type Passed<K> = HashMap<K, NodeId>;

/// Looks at every filter, in whatever section it stands, with those that a request has passed on
/// its way there. Filters without a `kind` are not counted among these.
pub(super) fn each_filter<K: Clone + Eq + Hash>(
    graph: &Graph,
    kind: impl Fn(&Node) -> Option<K>,
    mut look: impl FnMut(&Node, &Passed<K>),
) {
    let (mut passed, mut trail) = (Passed::new(), Vec::new());
    // What is to be come to yet, each with how much of the trail leads there.
    let mut rest: Vec<_> = roots(graph).into_iter().map(|root| (root, 0)).collect();
    while let Some((id, length)) = rest.pop() {
        for left in trail.drain(length..) {
            passed.remove(&left);
        }
        let (filters, apps) = parts(graph, id);
        for filter in filters {
            let node = graph.node(filter);
            look(node, &passed);
            if let Some(kind) = kind(node).filter(|kind| !passed.contains_key(kind)) {
                trail.push(kind.clone());
                passed.insert(kind, filter);
            }
        }
        rest.extend(apps.into_iter().map(|app| (app, trail.len())));
    }
}

/// The nodes that no other is made of.
fn roots(graph: &Graph) -> Vec<NodeId> {
    let parts = graph.iter().flat_map(|(_, node)| node.parts());
    let mut is_root = vec![true; graph.iter().count()];
    parts.for_each(|part| is_root[part.index()] = false);
    graph.iter().map(|(id, _)| id).filter(|id| is_root[id.index()]).collect()
}

/// The filters that a node is made of, in the order in which a request passes them, and the apps
/// behind all of them.
fn parts(graph: &Graph, id: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
    let (mut filters, mut apps) = (Vec::new(), Vec::new());
    let mut rest = vec![id];
    while let Some(part) = rest.pop() {
        let node = graph.node(part);
        if let NodeKind::Filter(_) = node.kind {
            filters.push(part);
        } else if part == id || node.object == Object::Filter {
            rest.extend(node.parts().into_iter().rev());
        } else {
            apps.push(part);
        }
    }
    (filters, apps)
}
