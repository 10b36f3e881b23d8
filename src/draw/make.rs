//! Makes the picture of a graph.

use std::mem;

use super::{Branch, Item, Kind, Picture, Row, RowId};
use crate::diagnostic::Excerpt;
use crate::graph::{Graph, Node, NodeId, NodeKind, Object};
use crate::registry::{Flow, Kind as FactoryKind, Plan, Registry};
use crate::source::{Sources, shown};

impl Picture {
    /// Adds an app below those that are there.
    pub fn add(&mut self, graph: &Graph, root: NodeId, registry: &Registry, sources: &Sources) {
        let mut maker =
            Maker { rows: mem::take(&mut self.rows), made: Vec::new(), registry, sources };
        for (_, node) in graph.iter().take(root.index() + 1) {
            let row = maker.row(node);
            maker.made.push(Some(row));
        }
        self.roots.extend(maker.finish(root));
        self.rows = maker.rows;
    }
}

struct Maker<'a> {
    /// The rows that something leads to.
    rows: Vec<Row>,
    /// What the nodes so far have become. A node lies behind all that it is made of, and takes
    /// that from here, as no other node needs it.
    made: Vec<Option<Row>>,
    registry: &'a Registry,
    sources: &'a Sources,
}

impl Maker<'_> {
    fn row(&mut self, node: &Node) -> Row {
        match &node.kind {
            // No app is made of a server.
            NodeKind::App(_) | NodeKind::Server(_) => {
                let what = self.native(node, FactoryKind::App);
                Row::of(self.item(node, Kind::App, what))
            }
            NodeKind::Filter(_) => {
                let what = self.native(node, FactoryKind::Filter);
                Row::of(self.item(node, Kind::Filter, what))
            }
            NodeKind::Composite { plan: None, .. } => {
                Row::of(self.item(node, Kind::Composite, None))
            }
            NodeKind::Composite { plan: Some(plan), apps, filters, .. } => {
                self.composite(node, &**plan, apps, filters)
            }
            NodeKind::FilterApp { filter, next } => {
                let lane = self.item(node, Kind::Filtered, Some("filter-app".to_owned()));
                self.sequence(lane, &[*filter], Some(*next))
            }
            NodeKind::FilteredWith { filter, next } if node.object == Object::Filter => {
                self.join(&[*filter, *next])
            }
            NodeKind::FilteredWith { filter, next } => {
                let lane = self.item(node, Kind::Filtered, Some("filter-with".to_owned()));
                self.sequence(lane, &[*filter], Some(*next))
            }
            NodeKind::Pipeline { filters, app } => {
                let lane = self.item(node, Kind::Pipeline, Some("pipeline".to_owned()));
                self.sequence(lane, filters, Some(*app))
            }
        }
    }

    fn composite(
        &mut self,
        node: &Node,
        plan: &dyn Plan,
        apps: &[NodeId],
        filters: &[NodeId],
    ) -> Row {
        let branches = match plan.flow() {
            Flow::Branches(branches) => branches,
            Flow::Pipeline { name } => {
                let what = format!("{} {}", plan.kind(), Excerpt(&name));
                let lane = self.item(node, Kind::Pipeline, Some(what));
                return self.sequence(lane, filters, apps.first().copied());
            }
        };
        let item = |kind| self.item(node, kind, Some(plan.kind().to_owned()));
        let (lane, item) = (item(Kind::Filtered), item(Kind::Composite));
        let mut row = self.join(filters);
        row.lane = Some(lane).filter(|_| !row.items.is_empty());
        row.items.push(item);
        for branch in branches {
            let app = apps.get(branch.app).and_then(|app| self.finish(*app));
            let Some(app) = app else { continue };
            let suffix = if branch.is_hidden() { " (hidden)" } else { "" };
            let label = format!("{}{suffix}", Excerpt(&branch.key));
            row.branches.push(Branch { label, is_hidden: branch.is_hidden(), row: app });
        }
        row
    }

    /// An app behind filters. What stands before that app by itself joins them; a pipeline stays
    /// one.
    fn sequence(&mut self, lane: Item, filters: &[NodeId], app: Option<NodeId>) -> Row {
        let mut row = self.join(filters);
        let app = app.and_then(|app| self.take(app)).unwrap_or_default();
        let is_pipeline = app.lane.as_ref().is_some_and(|lane| lane.kind == Kind::Pipeline);
        if is_pipeline {
            let app = self.add(app);
            row.branches.push(Branch { label: String::new(), is_hidden: false, row: app });
        } else {
            row.items.extend(app.items);
            row.branches = app.branches;
        }
        if row.items.is_empty() {
            return Row { items: vec![lane], ..row };
        }
        Row { lane: Some(lane), ..row }
    }

    /// Filters as one row; one that is filtered itself stands there as several.
    fn join(&mut self, filters: &[NodeId]) -> Row {
        let rows = filters.iter().filter_map(|filter| self.take(*filter));
        Row { items: rows.flat_map(|row| row.items).collect(), ..Row::default() }
    }

    /// What a node has become; none if another one has it.
    fn take(&mut self, id: NodeId) -> Option<Row> {
        self.made[id.index()].take()
    }

    /// The same as a row that others can lead to.
    fn finish(&mut self, id: NodeId) -> Option<RowId> {
        self.take(id).map(|row| self.add(row))
    }

    fn add(&mut self, row: Row) -> RowId {
        self.rows.push(row);
        self.rows.len() - 1
    }

    fn item(&self, node: &Node, kind: Kind, what: Option<String>) -> Item {
        let factory =
            node.factory().map(|factory| Excerpt(factory.written(self.sources)).to_string());
        let header = node.section().map(|header| Excerpt(header).to_string());
        let name = header.as_deref().map(|header| match header.split_once(':') {
            Some((_, name)) => name.trim().to_owned(),
            None => header.to_owned(),
        });
        let span = node.chain.first().map(|link| link.span).or(node.place);
        let place = span.map(|span| {
            let location = self.sources.location(span);
            format!("{}:{}", shown(location.path), location.line)
        });
        Item {
            kind,
            name: name.or_else(|| factory.clone()).unwrap_or_default(),
            what,
            header,
            factory,
            place,
        }
    }

    /// The native name of a factory, if it is known.
    fn native(&self, node: &Node, kind: FactoryKind) -> Option<String> {
        let found = self.registry.find(kind, &node.factory()?.spec)?;
        Some(found.definition.name.to_owned())
    }
}

impl Row {
    fn of(item: Item) -> Self {
        Self { items: vec![item], ..Self::default() }
    }
}
