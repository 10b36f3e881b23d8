//! A resolved app, filter or server as an indented tree, for people.

use std::fmt;
use std::sync::Arc;

use super::rows::{Indent, Manner, Rows, harmless};
use crate::graph::{Detail, Graph, How, Node, NodeId, NodeKind, Origin, Origins};
use crate::ini::Conf;

/// What a node is made of, each part indented below it: the section, the factory, and each
/// option with the place that it came from. Secrets are hidden.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) graph: &'a Graph,
    pub(super) root: NodeId,
    pub(super) origins: &'a Origins<'a>,
    pub(super) manner: Manner<'a>,
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.graph.node(self.root);
        let mut rows = Rows::new(1, self.manner, None);
        for origin in self.globals(root, &Conf::default()) {
            rows.add(&origin.key, &origin);
        }
        if !rows.is_empty() {
            write!(f, "for all factories\n{rows}")?;
        }
        // Not by recursion, as the file says how deep it goes.
        let mut left = vec![(self.root, 0, &root.global)];
        while let Some((id, depth, global)) = left.pop() {
            let node = self.graph.node(id);
            self.write_node(f, node, depth, global)?;
            // What filters another section says nothing of its own.
            let is_silent = matches!(node.kind, NodeKind::FilteredWith { .. });
            let global = if is_silent { global } else { &node.global };
            left.extend(node.parts().into_iter().rev().map(|part| (part, depth + 1, global)));
        }
        Ok(())
    }
}

impl Tree<'_> {
    /// The options that all factories see, but for those that whoever names the node has too and
    /// those that say where the file lies.
    fn globals(&self, node: &Node, known: &Conf) -> Vec<Origin> {
        let is_new = |key: &&Arc<str>| known.get(*key) != node.global.get(*key);
        let is_own = |key: &&Arc<str>| !matches!(&***key, "here" | "__file__");
        let new = node.global.keys().filter(is_own).filter(is_new);
        new.filter_map(|key| self.origins.global_of(node, key)).collect()
    }

    fn write_node(
        &self,
        f: &mut fmt::Formatter<'_>,
        node: &Node,
        depth: usize,
        known: &Arc<Conf>,
    ) -> fmt::Result {
        let indent = Indent(depth);
        let factory = node.factory().map(|factory| factory.written(self.manner.sources));
        let filtered = matches!(node.kind, NodeKind::FilteredWith { .. }).then_some("filtered");
        let names = [node.section(), factory, filtered].into_iter().flatten().collect::<Vec<_>>();
        let span = node.chain.first().map(|link| link.span).or(node.place);
        let names: Vec<_> = names.into_iter().map(harmless).collect();
        writeln!(f, "{indent}{}{}", names.join("  "), self.manner.place(span))?;
        for link in node.chain.iter().skip(1) {
            let place = self.manner.place(Some(link.span));
            writeln!(f, "{indent}  by {}{place}", harmless(&link.section))?;
        }
        if filtered.is_some() {
            return Ok(());
        }
        let mut rows = Rows::new(depth + 2, self.manner, node.section());
        for origin in self.origins.local(node) {
            rows.add(&origin.key, &origin);
        }
        if self.manner.detail == Detail::Origins {
            for origin in self.origins.implied(node) {
                rows.add(&origin.key, &origin);
            }
        }
        if !Arc::ptr_eq(known, &node.global) {
            for origin in self.globals(node, known) {
                rows.add(&global_name(&origin), &origin);
            }
        }
        write!(f, "{rows}")
    }
}

/// A global option by what makes it one.
fn global_name(origin: &Origin) -> String {
    let Origin { key, steps, .. } = origin;
    match steps.first().map(|step| step.how) {
        Some(How::Set) => format!("set {key}"),
        _ => format!("[DEFAULT] {key}"),
    }
}
