//! What a name has been found to stand for, before anything is made of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::files::{Identity, ViewId};
use super::{Link, Object};
use crate::ini::{Conf, Value};
use crate::source::Span;

/// The number of a context.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct ContextId(usize);

/// The number of a conf. Contexts share confs as they share Python's `dict`s in Paste Deploy: what
/// a section that uses another adds to one, all see that have the same.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct ConfId(usize);

/// The number of a frame; see the module `frame`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct FrameId(pub(super) usize);

/// What a name stands for.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) shape: Shape,
    pub(super) object: Object,
    /// Where it is asked for; none if no file does so.
    pub(super) named: Option<Span>,
    /// The sections that led here, the one that was named last.
    pub(super) chain: Vec<Link>,
    pub(super) local: ConfId,
    pub(super) global: ConfId,
    /// Who finds what a composite names.
    pub(super) home: Home,
    /// The innermost section that led here.
    pub(super) frame: Option<FrameId>,
}

/// What a context is made of; none for parts that are at fault.
#[derive(Debug)]
pub(super) enum Shape {
    Factory(Named),
    FilterApp { filter: Option<ContextId>, next: Option<ContextId> },
    FilteredWith { filter: Option<ContextId>, next: Option<ContextId> },
    Pipeline { filters: Vec<Option<ContextId>>, app: Option<ContextId> },
}

/// A factory that is named.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) spec: Arc<str>,
    pub(super) span: Option<Span>,
    /// None for `call:`, where the section that uses it decides.
    pub(super) protocol: Option<&'static str>,
}

/// Where names are looked up.
#[derive(Clone, Debug)]
pub(super) enum Home {
    /// Among the entry points of a distribution.
    Egg(Arc<str>),
    /// In a file.
    File(ViewId),
    /// Nowhere: only URIs can be found.
    Nowhere,
}

/// All contexts and confs of a load.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    found: Vec<Context>,
    confs: Vec<Arc<Conf>>,
    /// What merging was found to give.
    merged: HashMap<(Identity, Identity), Arc<Conf>>,
    /// How many options were copied.
    copied: usize,
}

impl Contexts {
    pub(super) fn add(&mut self, context: Context) -> ContextId {
        self.found.push(context);
        ContextId(self.found.len() - 1)
    }

    pub(super) fn get(&self, id: ContextId) -> &Context {
        &self.found[id.0]
    }

    pub(super) fn get_mut(&mut self, id: ContextId) -> &mut Context {
        &mut self.found[id.0]
    }

    pub(super) fn add_conf(&mut self, conf: Arc<Conf>) -> ConfId {
        self.confs.push(conf);
        ConfId(self.confs.len() - 1)
    }

    pub(super) fn conf(&self, id: ConfId) -> &Arc<Conf> {
        &self.confs[id.0]
    }

    /// How many options were copied, which is what takes time and memory.
    pub(super) fn copied(&self) -> usize {
        self.copied
    }

    /// Sets an option, unless it has the value already.
    pub(super) fn set(&mut self, id: ConfId, key: &Arc<str>, value: &Value) {
        if self.confs[id.0].get(key) != Some(value) {
            self.change(id).insert(Arc::clone(key), value.clone());
        }
    }

    /// Takes an option out.
    pub(super) fn take(&mut self, id: ConfId, key: &str) -> Option<Value> {
        if self.confs[id.0].contains_key(key) { self.change(id).shift_remove(key) } else { None }
    }

    fn change(&mut self, id: ConfId) -> &mut Conf {
        let conf = &mut self.confs[id.0];
        if Arc::strong_count(conf) > 1 {
            self.copied += conf.len();
        }
        Arc::make_mut(conf)
    }

    /// The defaults with the passed options over them: those of the defaults first.
    pub(super) fn merge(&mut self, defaults: &Arc<Conf>, passed: Option<&Arc<Conf>>) -> Arc<Conf> {
        let Some(passed) = passed else { return Arc::clone(defaults) };
        let key = (Identity(Arc::clone(defaults)), Identity(Arc::clone(passed)));
        let merged = self.merged.entry(key).or_insert_with(|| {
            self.copied += defaults.len() + passed.len();
            merge(defaults, passed)
        });
        Arc::clone(merged)
    }
}

fn merge(defaults: &Arc<Conf>, passed: &Arc<Conf>) -> Arc<Conf> {
    let is_covered = defaults.len() <= passed.len()
        && defaults.keys().zip(passed.keys()).all(|(default, passed)| default == passed);
    // Most sections are passed what came from the same defaults.
    if is_covered {
        return Arc::clone(passed);
    }
    let mut merged = Conf::clone(defaults);
    merged.extend(passed.iter().map(|(key, value)| (Arc::clone(key), value.clone())));
    Arc::new(merged)
}
