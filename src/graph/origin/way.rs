//! Follows a value from where it stands to the node that has it.

use std::sync::Arc;

use super::owner::Owner;
use super::{How, Origin, Origins, Passed, Step};
use crate::graph::Node;
use crate::graph::layers::DEFAULT;
use crate::graph::options::Role;
use crate::ini::{Brought, Scope, Setting, Value};
use crate::source::{SourceId, Span};

impl<'l> Origins<'l> {
    pub(super) fn origin(
        &self,
        node: &Node,
        key: &Arc<str>,
        value: &Value,
        passed: &[Passed<'_>],
    ) -> Origin {
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
    pub(super) fn below(&self, header: &Arc<str>, setting: &Setting) -> impl Iterator<Item = Step> {
        let place = (header, &setting.key);
        let source = setting.key_span.source;
        let below = self.loader.layers.below(source, place, self.loader.sources());
        below.map(|below| Step::of(How::Over, header, below))
    }

    /// What the references in the value of a key bring in.
    pub(super) fn brought(
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
