//! Where the options of nodes come from, found out when somebody asks.

mod owner;
mod step;
#[cfg(test)]
mod tests;
mod way;

pub use self::step::{How, Origin, Step};

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use self::owner::Owners;
use super::layers::DEFAULT;
use super::view::View;
use super::{Loader, Node, NodeKind};
use crate::ini::{Scope, Setting, Value};
use crate::registry::Flow;
use crate::settings::Dialect;
use crate::source::SourceId;

/// Tells where the options of nodes come from: through `use`, `set` and `get`, references, and
/// what lies over a file.
///
/// Nothing of this is kept while a file is loaded. It is made after a load, for the nodes of that
/// load.
#[derive(Debug)]
pub struct Origins<'l> {
    loader: &'l Loader<'l>,
    owners: Owners<'l>,
    scopes: RefCell<Scopes<'l>>,
}

/// What the options of sections see, by file and number; none for `[DEFAULT]`.
type Scopes<'l> = HashMap<(SourceId, Option<usize>), Rc<Scope<'l>>>;

/// A section that led to a node.
struct Passed<'l> {
    header: Arc<str>,
    file: SourceId,
    scope: Rc<Scope<'l>>,
}

impl<'l> Origins<'l> {
    /// The origins of what was loaded last.
    pub fn new(loader: &'l Loader<'_>) -> Self {
        let owners = Owners::new(&loader.layers, loader.files.views(), loader.sources());
        Self { loader, owners, scopes: RefCell::default() }
    }

    /// The options for the factory of a node, in their order.
    pub fn local(&self, node: &Node) -> Vec<Origin> {
        let passed = self.passed(node);
        let origin = |(key, value): (&Arc<str>, &Value)| self.origin(node, key, value, &passed);
        node.local.iter().map(origin).collect()
    }

    /// The options that all factories see, as far as a node is concerned.
    pub fn global(&self, node: &Node) -> Vec<Origin> {
        node.global.iter().map(|(key, value)| self.origin(node, key, value, &[])).collect()
    }

    /// The origins of all options of a node as JSON, secrets included.
    pub(super) fn json(&self, node: &Node) -> Json {
        let sources = self.loader.sources();
        let origins = |origins: Vec<Origin>| -> Json {
            let shown = origins.iter().map(|origin| (origin.key.to_string(), origin.json(sources)));
            shown.collect()
        };
        json!({
            "local_conf": origins(self.local(node)),
            "global_conf": origins(self.global(node)),
            "implied": origins(self.implied(node)),
        })
    }

    /// One of the options that all factories see.
    pub fn global_of(&self, node: &Node, key: &str) -> Option<Origin> {
        let (key, value) = node.global.get_key_value(key)?;
        Some(self.origin(node, key, value, &[]))
    }

    /// What the factory of a node takes for options that the section does not give: global ones,
    /// if it looks there, those of settings files, and defaults; and which ones it misses. Nothing
    /// if no such factory is known.
    pub fn implied(&self, node: &Node) -> Vec<Origin> {
        let found = node
            .made_by()
            .and_then(|(kind, factory)| self.loader.registry.find(kind, &factory.spec));
        let Some(found) = found else { return Vec::new() };
        // Which pipeline is taken is not for an option alone to say.
        if let NodeKind::Composite { plan: Some(plan), .. } = &node.kind
            && let Flow::Pipeline { .. } = plan.flow()
        {
            return Vec::new();
        }
        let native = Dialect::new();
        let dialect = found.alias.map_or(&native, |alias| &alias.dialect);
        let options = found.definition.options.iter().filter_map(|option| {
            let name = dialect.theirs(option.name);
            if node.local.contains_key(name) || node.local.contains_key(option.name) {
                return None;
            }
            let global = || self.global_of(node, name).filter(|_| dialect.is_global(name));
            let settings = || Some(self.in_settings(name, node.settings.get(name)?));
            let default = || dialect.default_of(option.name).or(option.default);
            let default = || default().map(|text| Origin::default(name, text));
            let missing = || option.required.then(|| Origin::missing(name));
            global().or_else(settings).or_else(default).or_else(missing)
        });
        options.collect()
    }

    /// What settings files give for an option.
    fn in_settings(&self, name: &str, value: &Value) -> Origin {
        let (key, text): (Arc<str>, _) = (Arc::from(name), Arc::clone(&value.text));
        let raw = value.span.map(|span| Arc::from(self.loader.sources().text(span)));
        let unwritten = Step::unwritten(&key, raw.as_ref().unwrap_or(&text));
        let step = Step { how: How::Settings, span: value.span, ..unwritten };
        Origin { key, text, steps: vec![step] }
    }

    /// What an option of the main file comes from as it was parsed, given its section, none for
    /// `[DEFAULT]`, and what it sees.
    pub fn written(
        &self,
        header: Option<&Arc<str>>,
        setting: &Setting,
        scope: &Scope<'_>,
    ) -> Vec<Step> {
        let header = header.map_or_else(|| Arc::from(DEFAULT), Arc::clone);
        let mut steps = vec![Step::of(How::Given, &header, setting)];
        steps.extend(self.below(&header, setting));
        steps.extend(self.brought(scope, &setting.key, None, &[]));
        steps
    }

    /// The sections that led to a node, the one that was named first.
    fn passed(&self, node: &Node) -> Vec<Passed<'l>> {
        let passed = node.chain.iter().filter_map(|link| {
            let view = self.owners.view_named(&link.file)?;
            let number = view.number(&link.section)?;
            let (header, file) = (Arc::clone(&link.section), view.source());
            Some(Passed { header, file, scope: self.scope(view, Some(number)) })
        });
        passed.collect()
    }

    fn scope(&self, view: &'l View, section: Option<usize>) -> Rc<Scope<'l>> {
        let make = || Rc::new(view.scope(section, self.loader.sources()));
        let mut scopes = self.scopes.borrow_mut();
        Rc::clone(scopes.entry((view.source(), section)).or_insert_with(make))
    }
}
