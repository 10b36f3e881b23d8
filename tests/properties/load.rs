//! What holds for all files that are loaded. The fuzz target `load` calls this as well.

use std::sync::Arc;

use http::Request;
use pasteline::diagnostic::{Diagnostic, Style, render};
use pasteline::draw::{Colours, Picture};
use pasteline::graph::{Detail, DropIns, Input, Loadable, Loaded, Loader, Object};
use pasteline::lint;
use pasteline::registry::Registry;
use pasteline::route::route;
use pasteline::source::Sources;

use crate::files::{MAIN, OVERLAY, files, path};

/// How many sections are looked at one by one, and how many faults are drawn.
const LOOKED_AT: usize = 8;

/// A text of several files can be loaded, whatever it says: it is checked, each section is what
/// `load` says it is, and what is resolved can be shown, drawn and asked for the way of a request.
///
/// The first file is `main.ini`. Each of the others begins with a line `--- NAME`; `over.ini` lies
/// over the first, the rest can be included. The factories are those of the program, as looking at
/// their settings has no side effects.
pub(crate) fn is_loaded(text: &str) {
    let registry = Registry::builtin();
    let mut loader = open(text, &registry);
    let found = lint::validate(&mut loader, &registry);
    is_told(&found, loader.sources());
    assert_eq!(found, lint::validate(&mut open(text, &registry), &registry), "{text:?}");
    let sections = loader.loadable();
    for Loadable { object, name, .. } in sections.into_iter().take(LOOKED_AT) {
        let loaded = loader.load(object, name.as_deref());
        is_whole(&loaded);
        is_told(&loaded.diagnostics, loader.sources());
        is_shown(&loaded, &registry, loader.sources());
        let again = loader.load(object, name.as_deref());
        assert_eq!(loaded.diagnostics, again.diagnostics, "{text:?}");
    }
    assert!(serde_json::to_string(&loader.show_sections(Detail::Plain).ok()).is_ok());
}

fn open<'r>(text: &str, registry: &'r Registry) -> Loader<'r> {
    let files = files(text);
    let overlays = files.iter().filter(|(name, _)| *name == OVERLAY).map(|(name, _)| path(name));
    let mut input = Input::new(path(MAIN));
    input.overlays = overlays.map(Into::into).take(1).collect();
    input.drop_ins = DropIns::Ignored;
    input.globals = vec![("given".to_owned(), "by the operator".to_owned())];
    // There are no files but these, whatever lies on the disk.
    let mut sources = Sources::from_snapshot(Arc::default());
    for (name, text) in files {
        sources.substitute(path(name).as_ref(), text);
    }
    Loader::open_with(&input, registry, sources)
}

/// Every place that a fault names is there, and it can be drawn.
fn is_told(faults: &[Diagnostic], sources: &Sources) {
    for fault in faults {
        assert!(!fault.message.is_empty() && !fault.message.contains('\n'), "{fault:?}");
        let related = fault.related.iter().map(|(span, _)| *span);
        for span in fault.span.into_iter().chain(related) {
            assert!(sources.get(span.source).text().get(span.range()).is_some(), "{fault:?}");
        }
    }
    for fault in faults.iter().take(LOOKED_AT) {
        assert!(render(fault, sources, Style::Plain).starts_with(fault.severity.name()));
        assert!(!render(fault, sources, Style::Short).contains('\n'), "{fault:?}");
        assert_eq!(fault.json(sources)["slug"], fault.slug);
    }
}

/// There is a root unless something is wrong, and nodes lie behind those that they are made of.
fn is_whole(loaded: &Loaded) {
    let is_faulty = loaded.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(loaded.root.is_none(), is_faulty, "{:?}", loaded.diagnostics);
    for (id, node) in loaded.graph.iter() {
        assert!(node.parts().iter().all(|part| part.index() < id.index()), "{node:?}");
    }
}

/// What is resolved can be written out in every form.
fn is_shown(loaded: &Loaded, registry: &Registry, sources: &Sources) {
    let Some(root) = loaded.root else { return };
    let graph = &loaded.graph;
    assert!(serde_json::to_string(&graph.show(root)).is_ok());
    if graph.node(root).object != Object::App {
        return;
    }
    let mut picture = Picture::new("main.ini");
    picture.add(graph, root, registry, sources);
    let drawn = [
        picture.dot().to_string(),
        picture.mermaid().to_string(),
        picture.svg().to_string(),
        picture.tree(Colours::None).to_string(),
    ];
    assert!(drawn.iter().all(|drawn| !drawn.is_empty()));
    let request = Request::get("/v2.0/networks").header("host", "example.com:8080");
    let (head, ()) = request.body(()).expect("it is one").into_parts();
    assert!(!route(graph, root, &head).is_empty());
}
