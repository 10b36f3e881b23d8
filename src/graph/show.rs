//! What `show` prints of a node.

use serde_json::{Map, Value as Json, json};

use super::{Factory, Graph, Node, NodeId, NodeKind};
use crate::ini::Conf;

impl Graph {
    /// A node and all that it is made of, as Paste Deploy would make it: the tree that `show`
    /// prints, secrets included.
    ///
    /// It is as deep as the graph, which [`serde_json`] and dropping it mind: at most 480 levels
    /// of sections, each up to four levels of JSON.
    pub fn show(&self, id: NodeId) -> Json {
        self.show_with(id, |_| None)
    }

    /// The tree that [`show`](Self::show) prints, each node with what is added to it.
    pub(super) fn show_with(
        &self,
        id: NodeId,
        addition: impl Fn(&Node) -> Option<(String, Json)>,
    ) -> Json {
        // What a node is made of lies before it and belongs to no other.
        let mut shown: Vec<Json> = Vec::with_capacity(id.index() + 1);
        for node in &self.nodes[..=id.index()] {
            let mut tree = draw(self, node, |child| shown[child.index()].take());
            tree.extend(addition(node));
            shown.push(Json::Object(tree));
        }
        shown.pop().unwrap_or_default()
    }

    /// Whether Paste Deploy takes a node for a plain app. Whatever else it puts a filter around
    /// it takes for a filter, be it a pipeline.
    fn is_plain_app(&self, id: NodeId) -> bool {
        matches!(self.node(id).kind, NodeKind::App(_) | NodeKind::Composite { .. })
    }
}

/// A node, given how to come by what it is made of.
fn draw(graph: &Graph, node: &Node, mut child: impl FnMut(NodeId) -> Json) -> Map<String, Json> {
    let mut tree = head(node);
    match &node.kind {
        NodeKind::App(_) | NodeKind::Filter(_) | NodeKind::Server(_) => {}
        NodeKind::Composite { plan, apps, filters, .. } => {
            let kind = plan.as_ref().map_or("opaque", |plan| plan.kind());
            tree.insert("composite".to_owned(), json!(kind));
            let mut children = |ids: &[NodeId]| ids.iter().map(|id| child(*id)).collect();
            let (apps, filters) = (children(apps), children(filters));
            tree.extend(plan.as_ref().map(|plan| plan.show(apps, filters)).unwrap_or_default());
        }
        NodeKind::FilterApp { filter, next } => {
            tree.insert("next".to_owned(), child(*next));
            tree.insert("filter".to_owned(), child(*filter));
        }
        NodeKind::FilteredWith { filter, next } => {
            tree.insert("filter".to_owned(), child(*filter));
            tree.insert("next".to_owned(), child(*next));
            let yields = if graph.is_plain_app(*next) { "app" } else { "filter" };
            tree.insert("yields".to_owned(), json!(yields));
        }
        NodeKind::Pipeline { filters, app } => {
            tree.insert("app".to_owned(), child(*app));
            let filters = filters.iter().map(|filter| child(*filter)).collect();
            tree.insert("filters".to_owned(), filters);
        }
    }
    tree
}

/// What every node has.
fn head(node: &Node) -> Map<String, Json> {
    let chain = node.chain.iter().map(|link| json!([&*link.file, &*link.section])).collect();
    let mut tree = Map::new();
    tree.insert("kind".to_owned(), json!(node.kind.name()));
    tree.insert("section".to_owned(), json!(node.section()));
    tree.insert("chain".to_owned(), chain);
    if let Some(Factory { spec, protocol, .. }) = node.factory() {
        tree.insert("protocol".to_owned(), json!(protocol));
        tree.insert("factory".to_owned(), json!(&**spec));
    }
    tree.insert("local_conf".to_owned(), conf(&node.local));
    tree.insert("global_conf".to_owned(), conf(&node.global));
    tree
}

fn conf(conf: &Conf) -> Json {
    conf.iter().map(|(key, value)| (key.to_string(), json!(&*value.text))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::fixture::{loader, registry};
    use crate::graph::{Detail, Object};

    /// The tree of the app `main`, but for its confs.
    fn tree(text: &str) -> serde_json::Value {
        let registry = registry();
        let mut tree =
            loader(text, &[], &[], &registry).show(Object::App, Some("main"), Detail::Plain);
        strip(&mut tree);
        tree
    }

    fn strip(tree: &mut serde_json::Value) {
        match tree {
            serde_json::Value::Object(map) => {
                for key in ["local_conf", "global_conf"] {
                    assert!(!map.contains_key("kind") || map.contains_key(key), "{map:?}");
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }

    #[test]
    fn shows_what_paste_deploy_would_make() {
        let text = "[pipeline:main]\npipeline = f c\nfilter-with = f\n[filter:f]\nuse = call:m:f\n\
                    [composite:c]\nuse = d\n[composite:d]\nuse = egg:pasteline#pick\nx = egg:A\n";
        let filter = json!({
            "kind": "filter",
            "section": "filter:f",
            "chain": [["/dir/paste.ini", "filter:f"]],
            "protocol": "paste.filter_factory",
            "factory": "call:m:f",
        });
        let app = json!({
            "kind": "app",
            "section": null,
            "chain": [],
            "protocol": "entry-point",
            "factory": "egg:A#main",
        });
        let composite = json!({
            "kind": "composite",
            "section": "composite:c",
            "chain": [["/dir/paste.ini", "composite:c"], ["/dir/paste.ini", "composite:d"]],
            "protocol": "entry-point",
            "factory": "egg:pasteline#pick",
            "composite": "pick",
            "apps": [app],
            "filters": [],
        });
        let pipeline = json!({
            "kind": "pipeline",
            "section": "pipeline:main",
            "chain": [["/dir/paste.ini", "pipeline:main"]],
            "app": composite,
            "filters": [filter],
        });
        let expected = json!({
            "kind": "filtered-with",
            "section": "pipeline:main",
            "chain": [["/dir/paste.ini", "pipeline:main"]],
            "filter": filter,
            "next": pipeline,
            "yields": "filter",
        });
        assert_eq!(tree(text), expected);
    }

    #[test]
    fn a_factory_that_is_unknown_is_shown_as_it_is_named() {
        let text = "[composite:main]\npaste.composite_factory = m:f [x]\na = b\n";
        let tree = tree(text);
        assert_eq!(tree["factory"], "m:f [x]");
        assert_eq!(tree["composite"], "opaque");
    }
}
