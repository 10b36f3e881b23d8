//! Where the options of nodes come from, found out when somebody asks.

mod owner;
mod step;
#[cfg(test)]
mod tests;

pub use self::step::{How, Origin, Step};

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use self::owner::{Owner, Owners};
use super::layers::DEFAULT;
use super::view::{Role, View};
use super::{Loader, Node, NodeKind};
use crate::ini::{Brought, Scope, Setting, Value};
use crate::registry::Flow;
use crate::settings::Dialect;
use crate::source::{SourceId, Span};

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

    fn origin(&self, node: &Node, key: &Arc<str>, value: &Value, passed: &[Passed<'_>]) -> Origin {
        let steps = self.way(node, (key, value), passed, &[]);
        Origin { key: Arc::clone(key), text: Arc::clone(&value.text), steps }
    }

    /// The steps of a value that is needed for those that stand at some places.
    fn way(
        &self,
        node: &Node,
        (key, value): (&Arc<str>, &Value),
        passed: &[Passed<'_>],
        needed_for: &[Span],
    ) -> Vec<Step> {
        let Some(owner) = value.key_span.and_then(|span| self.owners.of(span)) else {
            return vec![Step::unwritten(key, &value.text)];
        };
        let place = owner.setting.key_span;
        // `set x = %(x)s` has replaced the value that it is made of.
        if needed_for.contains(&place) {
            return vec![Step::unknown()];
        }
        self.steps((node, value), &owner, passed, &[needed_for, &[place]].concat())
    }

    /// The way of a value from where it stands to a node.
    fn steps(
        &self,
        (node, value): (&Node, &Value),
        owner: &Owner<'l>,
        passed: &[Passed<'_>],
        needed_for: &[Span],
    ) -> Vec<Step> {
        let Owner { view, header, setting } = owner;
        let scope = self.scope(view, view.number(header));
        let (mut steps, name) = match Role::of(&setting.key) {
            Role::Get(name) => {
                let mut steps = self.got((node, value), owner, needed_for);
                steps.push(Step::of(How::Get, header, setting));
                (steps, name)
            }
            Role::Plain => (vec![Step::of(How::Given, header, setting)], &*setting.key),
            Role::Set(name) => (vec![Step::of(How::Set, header, setting)], name),
        };
        steps.extend(self.below(header, setting));
        if let Role::Set(name) = Role::of(&setting.key) {
            let under = self.scope(view, None).setting(name);
            steps.extend(under.map(|under| Step::of(How::Over, &Arc::from(DEFAULT), under)));
        }
        steps.extend(passed_by(passed, (view.source(), header), name));
        steps.extend(self.brought(&scope, &setting.key, Some(node), needed_for));
        steps
    }

    /// How a global option came about that a section gets by `get`.
    fn got(
        &self,
        (node, value): (&Node, &Value),
        Owner { view, header, setting }: &Owner<'l>,
        needed_for: &[Span],
    ) -> Vec<Step> {
        let scope = self.scope(view, view.number(header));
        let Some(Ok(name)) = scope.value(&setting.key) else { return vec![Step::unknown()] };
        let global = node.global.get(&*name.text);
        if let Some(global) = global.filter(|global| global.text == value.text) {
            return self.way(node, (&name.text, global), &[], needed_for);
        }
        // It has been set to something else since, and may come from `[DEFAULT]`.
        let scope = self.scope(view, None);
        let is_value = |found: &Value| found.text == value.text;
        let given = scope.setting(&name.text).filter(|_| {
            scope.value(&name.text).and_then(Result::ok).as_ref().is_some_and(is_value)
        });
        let Some(given) = given else {
            return vec![Step::unwritten(&name.text, &value.text), Step::unknown()];
        };
        let mut steps = vec![Step::of(How::Given, &Arc::from(DEFAULT), given)];
        steps.extend(self.brought(&scope, &name.text, Some(node), needed_for));
        steps
    }

    /// What the files below say of an option.
    fn below(&self, header: &Arc<str>, setting: &Setting) -> impl Iterator<Item = Step> {
        let place = (header, &setting.key);
        let source = setting.key_span.source;
        let below = self.loader.layers.below(source, place, self.loader.sources());
        below.map(|below| Step::of(How::Over, header, below))
    }

    /// What the references in the value of a key bring in.
    fn brought(
        &self,
        scope: &Scope<'_>,
        key: &str,
        node: Option<&Node>,
        needed_for: &[Span],
    ) -> Vec<Step> {
        let Some(brought) = scope.references(key) else { return vec![Step::unknown()] };
        brought.into_iter().flat_map(|brought| self.reference(brought, node, needed_for)).collect()
    }

    /// A value that a reference brings in, and what that is made of. What the file's caller gives
    /// is among the globals of the node, unless it has been set to something else since.
    fn reference(
        &self,
        brought: Brought<'_>,
        node: Option<&Node>,
        needed_for: &[Span],
    ) -> Vec<Step> {
        let Brought { key, depth, raw, setting } = brought;
        let how = How::Reference(depth);
        if let Some(owner) = setting.and_then(|setting| self.owners.of(setting.key_span)) {
            return vec![Step { text: raw, ..Step::of(how, &owner.header, owner.setting) }];
        }
        let key: Arc<str> = Arc::from(key);
        let unwritten = Step { how, ..Step::unwritten(&key, &raw) };
        // Where a file lies, nobody gives.
        let Some(node) = node.filter(|_| !matches!(&*key, "here" | "__file__")) else {
            return vec![unwritten];
        };
        let Some(value) = node.global.get(&key).filter(|value| value.text == raw) else {
            return vec![unwritten, Step::unknown()];
        };
        let mut steps = self.way(node, (&key, value), &[], needed_for);
        for (number, step) in steps.iter_mut().enumerate() {
            match step.how {
                How::Reference(further) => step.how = How::Reference(depth + further),
                How::Get | How::Unknown => {}
                _ if number == 0 => step.how = how,
                _ => {}
            }
        }
        steps
    }
}

/// The sections that a value passed by `use` on its way from the one that says it, and those
/// behind it that say something else.
fn passed_by(passed: &[Passed<'_>], (file, header): (SourceId, &Arc<str>), key: &str) -> Vec<Step> {
    let is_own = |passed: &Passed<'_>| passed.file == file && passed.header == *header;
    let Some(at) = passed.iter().position(is_own) else { return Vec::new() };
    let step = |how, passed: &Passed<'_>, key: &str| {
        Some(Step::of(how, &passed.header, passed.scope.setting(key)?))
    };
    let before = passed[..at].iter().filter_map(|before| step(How::Use, before, "use"));
    let is_own = |behind: &&Passed<'_>| !behind.scope.is_hidden(key);
    let behind = passed[at + 1..].iter().filter(is_own);
    before.chain(behind.filter_map(|behind| step(How::Over, behind, key))).collect()
}
