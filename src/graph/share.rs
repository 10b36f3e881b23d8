//! Sections that are made again just as they were before: told apart only when all is resolved.
//!
//! Composites that each name the next one twice would otherwise be looked through once for every
//! way that leads to them.

use std::collections::HashMap;
use std::slice;

use super::frame::{LEVELS, Visit};
use super::resolve::Resolver;
use super::task::{Task, Wish};
use super::{Graph, Node, NodeId, NodeKind};

/// What visits were made of, if nothing was wrong.
#[derive(Debug, Default)]
pub(super) struct Kept {
    made: HashMap<Visit, Made>,
    /// The deepest level since the last visit that is to be kept began.
    deepest: usize,
}

/// What a visit was made of.
#[derive(Clone, Copy, Debug)]
struct Made {
    node: NodeId,
    /// How many names were looked up for it.
    names: usize,
    /// How many levels of names lie below it.
    height: usize,
}

/// A visit that is being made, and what was there before.
#[derive(Debug)]
pub(super) struct Keeping {
    visit: Visit,
    level: usize,
    names: usize,
    errors: usize,
    deepest: usize,
}

impl Kept {
    /// Notes that a name of this level is looked up.
    pub(super) fn reach(&mut self, level: usize) {
        self.deepest = self.deepest.max(level);
    }
}

impl Resolver<'_> {
    /// Takes what a visit was made of before, if it was and nothing more is to be made of it than
    /// a node. Otherwise sets out to remember it.
    pub(super) fn take_again(&mut self, wish: &Wish, visit: &Visit) -> bool {
        // What else asks for it makes something of its own of what is found.
        if !matches!(self.tasks.last(), Some(Task::Create)) {
            return false;
        }
        if let Some(Made { node, names, height }) = self.kept.made.get(visit).copied()
            && wish.level + height <= LEVELS
        {
            if names <= self.names_left() {
                self.names += names;
                self.kept.reach(wish.level + height);
                self.tasks.pop();
                self.made.push(Some(node));
            } else {
                self.stop_too_large(self.place(wish));
            }
            return true;
        }
        let keeping = Keeping {
            visit: visit.clone(),
            level: wish.level,
            names: self.names,
            errors: self.notes.errors(),
            deepest: std::mem::replace(&mut self.kept.deepest, wish.level),
        };
        let before = self.tasks.len() - 1;
        self.tasks.insert(before, Task::Keep(Box::new(keeping)));
        false
    }

    /// Remembers what was made last.
    pub(super) fn keep(&mut self, keeping: Keeping) {
        let Keeping { visit, level, names, errors, deepest } = keeping;
        let (names, height) = (self.names - names, self.kept.deepest - level);
        self.kept.reach(deepest);
        if let Some(Some(node)) = self.made.last().copied()
            && self.notes.errors() == errors
        {
            self.kept.made.insert(visit, Made { node, names, height });
        }
    }
}

impl Graph {
    /// Copies what belongs to several nodes, so that everything below a node belongs to one other
    /// at most; the new number of the node.
    pub(super) fn unshare(&mut self, root: NodeId) -> NodeId {
        if !self.is_shared() {
            return root;
        }
        let shared = std::mem::take(&mut self.nodes);
        let mut left = vec![Step::Enter(root)];
        let mut made: Vec<NodeId> = Vec::new();
        while let Some(step) = left.pop() {
            match step {
                Step::Enter(id) => {
                    left.push(Step::Leave(id));
                    left.extend(shared[id.index()].parts().into_iter().rev().map(Step::Enter));
                }
                Step::Leave(id) => {
                    let mut node = shared[id.index()].clone();
                    let parts = node.parts().len();
                    let copied = made.split_off(made.len() - parts);
                    node.parts_mut().zip(copied).for_each(|(part, copy)| *part = copy);
                    made.push(self.push(node));
                }
            }
        }
        made.pop().expect("the root is left last")
    }

    fn is_shared(&self) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut parts = self.nodes.iter().flat_map(Node::parts);
        parts.any(|part| std::mem::replace(&mut seen[part.index()], true))
    }
}

/// A step on the way through a graph.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enter(NodeId),
    Leave(NodeId),
}

impl Node {
    /// The nodes that it is made of, in the order of [`parts`](Self::parts).
    fn parts_mut(&mut self) -> impl Iterator<Item = &mut NodeId> {
        let (first, second): (&mut [NodeId], &mut [NodeId]) = match &mut self.kind {
            NodeKind::App(_) | NodeKind::Filter(_) | NodeKind::Server(_) => (&mut [], &mut []),
            NodeKind::Composite { apps, filters, .. } => (filters, apps),
            NodeKind::FilterApp { filter, next } | NodeKind::FilteredWith { filter, next } => {
                (slice::from_mut(filter), slice::from_mut(next))
            }
            NodeKind::Pipeline { filters, app } => (filters, slice::from_mut(app)),
        };
        first.iter_mut().chain(second)
    }
}
