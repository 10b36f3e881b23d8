//! A resolved app, filter or server as an indented tree, for people.

use std::fmt;

use super::rows::{Indent, Rows, place};
use crate::graph::{Graph, Node, NodeId, NodeKind};
use crate::settings::Mask;
use crate::source::Sources;

/// What a node is made of, each part indented below it: the section, the factory, and each
/// option with the place that it came from. Secrets are hidden.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) graph: &'a Graph,
    pub(super) root: NodeId,
    pub(super) mask: &'a Mask,
    pub(super) sources: &'a Sources,
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_globals(f)?;
        // Not by recursion, as the file says how deep it goes.
        let mut left = vec![(self.root, 0)];
        while let Some((id, depth)) = left.pop() {
            let node = self.graph.node(id);
            self.write_node(f, node, depth)?;
            left.extend(node.parts().into_iter().rev().map(|part| (part, depth + 1)));
        }
        Ok(())
    }
}

impl Tree<'_> {
    /// The options that every factory sees, but for the two that say where the file lies.
    fn write_globals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = Rows::new(1, self.mask, self.sources);
        for (key, value) in &*self.graph.node(self.root).global {
            if &**key != "here" && &**key != "__file__" {
                rows.add(key, &value.text, value.span);
            }
        }
        if rows.is_empty() { Ok(()) } else { write!(f, "for all factories\n{rows}") }
    }

    fn write_node(&self, f: &mut fmt::Formatter<'_>, node: &Node, depth: usize) -> fmt::Result {
        let indent = Indent(depth);
        let factory = node.factory().map(|factory| &*factory.spec);
        let filtered = matches!(node.kind, NodeKind::FilteredWith { .. }).then_some("filtered");
        let names = [node.section(), factory, filtered].into_iter().flatten().collect::<Vec<_>>();
        let span = node.chain.first().map(|link| link.span).or(node.place);
        writeln!(f, "{indent}{}{}", names.join("  "), place(span, self.sources))?;
        for link in node.chain.iter().skip(1) {
            let place = place(Some(link.span), self.sources);
            writeln!(f, "{indent}  by {}{place}", link.section)?;
        }
        // What filters another section says nothing of its own.
        if matches!(node.kind, NodeKind::FilteredWith { .. }) {
            return Ok(());
        }
        let mut rows = Rows::new(depth + 2, self.mask, self.sources);
        for (key, value) in &*node.local {
            rows.add(key, &value.text, value.span);
        }
        write!(f, "{rows}")
    }
}
