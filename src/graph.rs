//! Paste Deploy's meaning of a file: typed, resolved, immutable nodes, each knowing its place.

mod asked;
mod beyond;
mod blame;
mod check;
mod context;
mod create;
mod egg;
mod fault;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
mod frame;
mod groups;
mod header;
mod input;
mod layers;
mod load;
mod look_up;
mod maker;
mod name;
mod node;
mod notes;
mod options;
mod origin;
mod report;
mod resolve;
mod section;
mod share;
mod show;
mod task;
mod unknown;
mod validate;
mod view;

pub use self::check::check;
pub use self::header::Loadable;
pub(crate) use self::header::split;
pub use self::input::{DropIns, Input};
pub use self::load::Loader;
pub use self::maker::Maker;
pub use self::node::{Factory, Link, Node, NodeKind, Object};
pub use self::origin::{How, Origin, Origins, Step};
pub use self::report::Detail;
pub use self::validate::Survey;

use self::notes::Broken;
use crate::diagnostic::Diagnostic;

/// What a section or a URI resolves to, with all that it is made of.
///
/// Nodes lie in one row, those that a node is made of before it, so that whoever builds or draws
/// them goes through the row once and never recurses. Each node belongs to at most one other: a
/// section that is used twice is there twice, as its settings depend on who uses it.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Values that could not be filled in.
    broken: Broken,
}

/// The number of a node in its [`Graph`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(u32);

impl NodeId {
    /// The place of the node in the row, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Graph {
    /// A node.
    ///
    /// # Panics
    ///
    /// If the number is one of another graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    fn push(&mut self, node: Node) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("a graph has at most 100,000 nodes");
        self.nodes.push(node);
        NodeId(id)
    }

    /// All nodes, those that a node is made of before it. Where the file is at fault, some may
    /// belong to none.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).map(NodeId).zip(&self.nodes)
    }
}

/// What became of a wish for an app, a filter or a server.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What could be resolved. Where something is at fault, parts of it, to be checked further.
    pub graph: Graph,
    /// What was wished for; none if something is at fault.
    pub root: Option<NodeId>,
    /// What is wrong, and what is worth saying. The first error is the one that Paste Deploy
    /// would raise.
    pub diagnostics: Vec<Diagnostic>,
}
