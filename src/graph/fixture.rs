//! A registry of three factories, files that lie in memory, and graphs in a line, for tests.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::files::Place;
use super::view::File;
use super::{Graph, Input, Loaded, Loader, NodeId, NodeKind, Object};
use crate::app::{App, Filter, Request, response};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::annotation::assert_annotated;
use crate::ini::{self, Conf};
use crate::registry::{
    Alias, AppFactory, Assembly, Composite, Definition, Error, FilterFactory, Flow, Globals, Plan,
    Registry, Route, Site,
};
use crate::settings;
use crate::settings::{OptionSpec, Reader};

settings! {
    /// An app.
    struct Page {
        /// What it says.
        title: String = "",
        /// How often.
        times: u8 = "1",
    }
}

impl AppFactory for Page {
    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let text = self.title.repeat(self.times.into());
        Ok(App::ready(move |_| response::text(http::StatusCode::OK, text.clone())))
    }
}

settings! {
    /// A filter.
    struct Tint {
        /// Of which colour.
        colour: String,
    }
}

impl FilterFactory for Tint {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.colour.is_empty() {
            reader.reject("colour", "it is transparent");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::pass())
    }
}

/// A composite of the apps that its options name. An option called `filter` names a filter, which
/// does not get its globals; one called `bad` is refused.
struct Pick;

impl Composite for Pick {
    const DOC: &'static str = "";
    const OPTIONS: &'static [OptionSpec] = &[];

    fn plan(assembly: &mut Assembly<'_>) -> Option<Box<dyn Plan>> {
        for (key, value) in assembly.local {
            match &**key {
                "bad" => {
                    let fault = Diagnostic::error("bad-key", "a bad key").at(value.key_span);
                    assembly.children.note(fault.class("ValueError"));
                }
                "filter" => {
                    assembly.children.filter(value, Globals::Dropped);
                }
                _ => {
                    assembly.children.app(value, Globals::Passed);
                }
            }
        }
        Some(Box::new(Picked))
    }
}

#[derive(Debug)]
struct Picked;

impl Plan for Picked {
    fn kind(&self) -> &'static str {
        "pick"
    }

    fn show(&self, apps: Vec<Json>, filters: Vec<Json>) -> Map<String, Json> {
        [("apps", apps), ("filters", filters)]
            .map(|(key, shown)| (key.to_owned(), Json::Array(shown)))
            .into_iter()
            .collect()
    }

    fn build(&self, mut apps: Vec<App>, _: Vec<Filter>) -> Result<App, Error> {
        apps.pop().ok_or_else(|| Error::new("there is nothing to pick"))
    }

    fn flow(&self) -> Flow {
        Flow::Branches(Vec::new())
    }

    fn route(&self, _: &Request) -> Route {
        Route { turns: Vec::new(), reason: "it picks none".to_owned() }
    }
}

/// An app `page` (also `demo:page`), a filter `tint` (also `demo:tint`) and a composite `pick`
/// (also `demo:pick`).
pub(super) fn registry() -> Registry {
    const PAGE: &[Alias] = &[Alias::of("demo:page")];
    const TINT: &[Alias] = &[Alias::of("demo:tint")];
    const PICK: &[Alias] = &[Alias::of("demo:pick")];
    Registry::default()
        .with(Definition::app::<Page>("page").aliases(PAGE))
        .with(Definition::filter::<Tint>("tint").aliases(TINT).stand_in("tints"))
        .with(Definition::composite::<Pick>("pick").aliases(PICK))
}

/// A loader of the first text, which is `/dir/paste.ini`, and of others that lie beside it by
/// their names.
pub(crate) fn loader<'r>(
    text: &str,
    others: &[(&str, &str)],
    globals: &[(&str, &str)],
    registry: &'r Registry,
) -> Loader<'r> {
    let mut input = Input::new("/dir/no/such/paste.ini");
    input.globals = globals.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let mut loader = Loader::open(&input, registry);
    loader.faults.clear();
    let main = add(&mut loader, "/dir/paste.ini", text);
    loader.main = loader.files.open(main, loader.caller.clone()).ok();
    for (name, text) in others {
        add(&mut loader, &format!("/dir/{name}"), text);
    }
    loader
}

fn add(loader: &mut Loader<'_>, path: &str, text: &str) -> Place {
    let source = loader.files.sources.add(path, text);
    let (document, faults) = ini::parse(source, &loader.files.sources);
    loader.files.insert(File::new(document, faults))
}

/// Compares what a file says is wrong with it with what validating it finds.
pub(super) fn assert_validated(text: &str) {
    let registry = registry();
    let mut loader = loader(text, &[], &[], &registry);
    let found = loader.validate();
    assert_annotated(text, &found, loader.sources());
}

/// What is wrong with the app `main`, in order, with Paste Deploy's name for it.
pub(super) fn errors(text: &str) -> Vec<String> {
    let registry = registry();
    let loaded = loader(text, &[], &[], &registry).load(Object::App, Some("main"));
    let found = loaded.diagnostics.iter();
    found.map(|found| format!("{}: {}", found.class, found.message)).collect()
}

/// The app `main` in a line; its first error if there is one.
pub(super) fn outline(text: &str) -> String {
    outline_with(text, &[], &[])
}

/// As [`outline`], with other files beside it and globals of the caller.
pub(super) fn outline_with(
    text: &str,
    others: &[(&str, &str)],
    globals: &[(&str, &str)],
) -> String {
    let registry = registry();
    let loaded = loader(text, others, globals, &registry).load(Object::App, Some("main"));
    draw(&loaded)
}

/// What was asked for in a line; the first error if there is one.
///
/// A factory is drawn with its options and the globals that no test's `[DEFAULT]` has: those
/// whose names are in capitals.
pub(super) fn draw(loaded: &Loaded) -> String {
    match loaded.root {
        Some(root) => draw_node(&loaded.graph, root),
        None => loaded.diagnostics.iter().find(|found| found.is_error()).map_or_else(
            || "nothing".to_owned(),
            |error| format!("{}: {}", error.class, error.message),
        ),
    }
}

fn draw_node(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let drawn =
        |ids: &[NodeId]| ids.iter().map(|id| draw_node(graph, *id)).collect::<Vec<_>>().join(" ");
    match &node.kind {
        NodeKind::App(factory) | NodeKind::Filter(factory) | NodeKind::Server(factory) => {
            let global = node.global.iter().filter(|(key, _)| key.contains(char::is_uppercase));
            let options = options(node.local.iter().chain(global));
            format!("{}{options}", factory.spec.trim_start_matches("egg:pasteline#"))
        }
        NodeKind::Composite { apps, filters, .. } => {
            format!("pick({})", drawn(&[&filters[..], apps].concat()))
        }
        NodeKind::FilterApp { filter, next } => {
            format!("filter-app({})", drawn(&[*filter, *next]))
        }
        NodeKind::FilteredWith { filter, next } => format!("with({})", drawn(&[*filter, *next])),
        NodeKind::Pipeline { filters, app } => {
            format!("pipeline({})", drawn(&[&filters[..], &[*app]].concat()))
        }
    }
}

fn options<'a>(options: impl Iterator<Item = <&'a Conf as IntoIterator>::Item>) -> String {
    let options = options.map(|(key, value): (&Arc<str>, _)| format!("{key}={}", value.text));
    let options = options.collect::<Vec<_>>().join(", ");
    if options.is_empty() { options } else { format!("{{{options}}}") }
}
