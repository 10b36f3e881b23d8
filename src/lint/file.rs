//! What is looked at for warnings.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::graph::{self, Graph, Loadable, Loader, NodeKind, Survey};
use crate::ini::{Defaults, Document, Places, Section, Setting, Value};
use crate::registry::{Definition, Flow, Found, Registry};
use crate::source::{Sources, Span};
use crate::syntax;

/// A file as it stands, and what is known of it.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) document: &'a Document,
    pub(super) defaults: Defaults,
    pub(super) sources: &'a Sources,
    pub(super) registry: &'a Registry,
    /// What is wrong with it.
    pub(super) faults: &'a [Diagnostic],
    /// The sections that nothing names or leads to; see [`Survey::alone`].
    pub(super) alone: &'a [usize],
    /// The composites that take one of several pipelines, by the places of their headers.
    strategies: &'a HashSet<Span>,
}

/// A pipeline as it stands, in a section of its own or among those of a strategy.
#[derive(Debug)]
pub(super) struct Pipeline<'a> {
    pub(super) text: Arc<str>,
    value: Value,
    sources: &'a Sources,
    /// Found when the first place is asked for, as most pipelines are fine.
    places: OnceCell<Option<Places>>,
}

impl Pipeline<'_> {
    /// The words that name filters, each with its offset: all but the last, which names an app. An
    /// app may have the name of a filter.
    pub(super) fn filters(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut words = syntax::words(&self.text).peekable();
        std::iter::from_fn(move || words.next().filter(|_| words.peek().is_some()))
    }

    /// The place of a word of the text.
    pub(super) fn place(&self, (at, word): (usize, &str)) -> Option<Span> {
        let places = self.places.get_or_init(|| self.value.places(self.sources));
        places.as_ref()?.part(at..at + word.len())
    }

    /// The place of a word that stands there to the letter; none if it came through a reference.
    pub(super) fn letters(&self, (at, word): (usize, &str)) -> Option<Span> {
        self.place((at, word)).filter(|place| self.sources.text(*place) == word)
    }
}

impl<'a> File<'a> {
    /// None if it could not be read.
    pub(super) fn of(
        loader: &'a Loader<'_>,
        (registry, survey, strategies): (&'a Registry, &'a Survey, &'a HashSet<Span>),
    ) -> Option<Self> {
        let (document, sources) = (loader.document()?, loader.sources());
        let defaults = Defaults::new(document, sources);
        let Survey { diagnostics: faults, alone } = survey;
        Some(Self { document, defaults, sources, registry, faults, alone, strategies })
    }

    /// The sections that are Paste Deploy's.
    pub(super) fn sections(&self) -> impl Iterator<Item = &'a Section> {
        self.document.sections.iter().filter(|section| Loadable::of(section).is_some())
    }

    /// The options of `[DEFAULT]` and of these sections.
    pub(super) fn options(&self) -> impl Iterator<Item = &'a Setting> {
        self.document.defaults.iter().chain(self.sections().flat_map(|section| &section.options))
    }

    /// The pipelines whose references can be filled in.
    pub(super) fn pipelines(&self) -> impl Iterator<Item = Pipeline<'a>> {
        self.sections().flat_map(|section| self.pipelines_of(section))
    }

    fn pipelines_of(&self, section: &'a Section) -> Vec<Pipeline<'a>> {
        let is_strategy = self.strategies.contains(&section.span);
        let is_pipeline = |key: &str| match split(&section.name) {
            Some(("pipeline", _)) => key == "pipeline",
            _ => is_strategy && key != "use" && !key.starts_with("paste."),
        };
        let mut options =
            section.options.iter().filter(|option| is_pipeline(&option.key)).peekable();
        if options.peek().is_none() {
            return Vec::new();
        }
        let scope = self.defaults.scope(Some(section), self.sources);
        let pipelines = options.filter_map(|option| {
            let value = scope.value(&option.key)?.ok()?;
            let text = Arc::clone(&value.text);
            Some(Pipeline { text, value, sources: self.sources, places: OnceCell::new() })
        });
        pipelines.collect()
    }

    /// What is known of the factories that a section may name.
    pub(super) fn definitions(&self, section: &'a Section) -> impl Iterator<Item = &'a Definition> {
        self.factories(section).map(|found| found.definition)
    }

    /// The factories that a section may name, and the names by which it does.
    pub(super) fn factories(&self, section: &'a Section) -> impl Iterator<Item = Found<'a>> {
        let registry = self.registry;
        let names = |option: &&Setting| &*option.key == "use" || option.key.ends_with("_factory");
        let named = section.options.iter().filter(names);
        named.flat_map(|option| registry.all(&option.raw))
    }
}

/// The sections of a graph that take one of several pipelines.
pub(super) fn strategies(graph: &Graph) -> impl Iterator<Item = Span> {
    graph.iter().filter_map(|(_, node)| match &node.kind {
        NodeKind::Composite { plan: Some(plan), .. } => match plan.flow() {
            Flow::Pipeline { .. } => node.chain.first().map(|link| link.span),
            Flow::Branches(_) => None,
        },
        _ => None,
    })
}

/// The kind of a section, such as `app`, and its name without the blanks around it; none for a
/// header such as `[app]`.
pub(super) fn split(header: &str) -> Option<(&str, &str)> {
    let (kind, name) = graph::split(header);
    Some((kind, name?))
}
