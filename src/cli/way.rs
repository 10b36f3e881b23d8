//! The way of a request, for people and for tools.

use std::fmt;

use http::request::Parts;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr;

use crate::app::{Body, Request, RequestExt};
use crate::diagnostic::Excerpt;
use crate::graph::{Graph, Node, NodeKind};
use crate::route::Step;
use crate::source::{Sources, Span, shown};

/// What filters may do that nobody can know before.
const FILTERS: &str = "\
Any filter may answer by itself or change the request; then what follows it may differ.";

/// The steps that a request makes.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) head: &'a Parts,
    pub(super) graph: &'a Graph,
    pub(super) sources: &'a Sources,
}

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host().map_or_else(|| "no host".to_owned(), |host| format!("host {host}"));
        writeln!(f, "{} {}, {host}\n", self.head.method, self.head.uri)?;
        let titles = ["comes to", "script name", "path info", "place", "what happens"];
        let rows: Vec<_> = self.steps.iter().map(|step| self.row(step)).collect();
        let rows: Vec<_> = [titles.map(str::to_owned)].into_iter().chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max();
        let widths: [_; 5] = std::array::from_fn(|column| width(column).unwrap_or_default());
        for row in &rows {
            let cells = row.iter().zip(widths);
            let cells = cells.map(|(cell, width)| format!("{cell}{:1$}", "", width - cell.width()));
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        let is_filter = |step: &Step| matches!(self.node(step).kind, NodeKind::Filter(_));
        if self.steps.iter().any(is_filter) { writeln!(f, "\n{FILTERS}") } else { Ok(()) }
    }
}

impl Way<'_> {
    /// The request and its steps as a JSON object.
    pub(super) fn json(&self) -> Json {
        let Parts { method, uri, .. } = self.head;
        let steps: Vec<_> = self.steps.iter().map(|step| self.step(step)).collect();
        json!({
            "method": method.as_str(),
            "target": uri.to_string(),
            "host": self.host(),
            "steps": steps,
        })
    }

    fn step(&self, step: &Step) -> Json {
        let node = self.node(step);
        let Step { key, depth, script_name, path_info, reason, .. } = step;
        let mut shown = json!({
            "section": node.section(),
            "kind": node.kind.name(),
            "factory": node.factory().map(|factory| factory.written(self.sources)),
            "key": key.as_deref(),
            "depth": depth,
            "script_name": script_name,
            "path_info": path_info,
            "reason": reason,
        });
        if let Some(span) = place(node) {
            let location = self.sources.location(span);
            shown["file"] = json!(location.path.to_string_lossy());
            shown["line"] = json!(location.line);
            shown["column"] = json!(location.column);
        }
        shown
    }

    /// A step in columns.
    fn row(&self, step: &Step) -> [String; 5] {
        let node = self.node(step);
        let factory = || node.factory().map(|factory| factory.written(self.sources));
        let name = Excerpt(node.section().or_else(factory).unwrap_or_default());
        let key = step.key.as_deref().map(|key| format!("{} → ", Excerpt(key)));
        let name = format!("{:1$}{2}{name}", "", step.depth * 2, key.unwrap_or_default());
        let place = place(node).map(|span| {
            let location = self.sources.location(span);
            format!("{}:{}", shown(location.path), location.line)
        });
        let what = match &node.kind {
            NodeKind::App(_) if step.depth > 0 => "answers if it is tried",
            NodeKind::App(_) => "answers",
            _ => &*step.reason,
        };
        let [script_name, path_info] =
            [&step.script_name, &step.path_info].map(|path| match &**path {
                "" => "-".to_owned(),
                path => Excerpt(path).to_string(),
            });
        [name, script_name, path_info, place.unwrap_or_default(), what.to_owned()]
    }

    fn node(&self, step: &Step) -> &Node {
        self.graph.node(step.node)
    }

    fn host(&self) -> Option<String> {
        let request = Request::from_parts(self.head.clone(), Body::empty());
        request.host().map(str::to_owned)
    }
}

/// The header of a section, or where a URI is named.
fn place(node: &Node) -> Option<Span> {
    node.chain.first().map(|link| link.span).or(node.place)
}
