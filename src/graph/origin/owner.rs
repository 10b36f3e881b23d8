//! Which option of which section a place belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use crate::graph::layers::{DEFAULT, Layers};
use crate::graph::view::View;
use crate::ini::{Document, Setting};
use crate::source::{SourceId, Sources, Span};

/// The files of a load by what they are called and by their texts.
#[derive(Debug)]
pub(super) struct Owners<'l> {
    layers: &'l Layers,
    sources: &'l Sources,
    named: HashMap<&'l str, &'l View>,
    views: HashMap<SourceId, &'l View>,
    /// The main file; none if it could not be read.
    main: Option<&'l View>,
}

/// The option that a place belongs to.
#[derive(Debug)]
pub(super) struct Owner<'l> {
    /// The file as who loads it sees it.
    pub(super) view: &'l View,
    /// The header of the section.
    pub(super) header: Arc<str>,
    pub(super) setting: &'l Setting,
}

impl<'l> Owners<'l> {
    pub(super) fn new(layers: &'l Layers, views: &'l [View], sources: &'l Sources) -> Self {
        // A file looks the same to all who load it, but for what they add.
        let named = views.iter().rev().map(|view| (&*view.filename, view)).collect();
        let by_source = views.iter().rev().map(|view| (view.source(), view)).collect();
        Self { layers, sources, named, views: by_source, main: views.first() }
    }

    /// A file by its path as Paste Deploy has it.
    pub(super) fn view_named(&self, name: &str) -> Option<&'l View> {
        self.named.get(name).copied()
    }

    /// The option that a place belongs to.
    pub(super) fn of(&self, span: Span) -> Option<Owner<'l>> {
        let source = span.source;
        let is_layer = self.layers.contains(source);
        let view = if is_layer { self.main } else { self.views.get(&source).copied() }?;
        let alone = self.layers.document(source, self.sources);
        let (header, setting) = owner(alone.unwrap_or(&view.file.document), span)?;
        Some(Owner { view, header, setting })
    }
}

/// The option that a place in a file belongs to. What a file says stands in its order.
fn owner(document: &Document, span: Span) -> Option<(Arc<str>, &Setting)> {
    let sections = &document.sections;
    let after = sections.partition_point(|section| section.span <= span);
    let section = after.checked_sub(1).map(|number| &sections[number]);
    let own = section.and_then(|section| {
        Some((Arc::clone(&section.name), last_before(&section.options, span)?))
    });
    let default = last_before(&document.defaults, span);
    let default = default.map(|setting| (Arc::from(DEFAULT), setting));
    own.into_iter().chain(default).max_by_key(|(_, setting)| setting.key_span)
}

fn last_before(options: &[Setting], span: Span) -> Option<&Setting> {
    let after = options.partition_point(|setting| setting.key_span <= span);
    options.get(after.checked_sub(1)?)
}
