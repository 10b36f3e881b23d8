//! What references in the options of a section lead to.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{Defaults, Section, Setting, Value, expand};
use crate::diagnostic::Diagnostic;
use crate::source::Sources;

/// What the options of a section see: one another, and the defaults for what is not among them.
#[derive(Debug)]
pub struct Scope<'a> {
    defaults: &'a Defaults,
    section: Option<&'a Section>,
    own: HashMap<&'a str, &'a Setting>,
    sources: &'a Sources,
    /// The keys whose values are known to lead too deep, and the fault that they share.
    deep: RefCell<HashMap<String, Rc<Diagnostic>>>,
}

impl<'a> Scope<'a> {
    /// How many bytes references may bring into one value: 1 MiB.
    pub const MOST: usize = 1 << 20;

    /// What the options of a section see; without a section, what those of `[DEFAULT]` see.
    pub(super) fn new(
        defaults: &'a Defaults,
        section: Option<&'a Section>,
        sources: &'a Sources,
    ) -> Self {
        let options = section.map_or(&[][..], |section| &section.options);
        let own = options.iter().map(|setting| (&*setting.key, setting)).collect();
        Self { defaults, section, own, sources, deep: RefCell::default() }
    }

    /// The keys of the section in its order, then those that only the defaults have.
    pub fn keys(&self) -> impl Iterator<Item = &'a Arc<str>> + '_ {
        let own = self.section.into_iter().flat_map(|section| &section.options);
        let inherited = self.defaults.keys().filter(|key| !self.own.contains_key(&***key));
        own.map(|setting| &setting.key).chain(inherited)
    }

    /// The value of a key with its references filled in; none if there is no such key.
    ///
    /// # Errors
    ///
    /// A reference that names no option, is not complete, leads to itself or deeper than ten
    /// values, or brings in more than [`Scope::MOST`].
    pub fn value(&self, key: &str) -> Option<Result<Value, Box<Diagnostic>>> {
        if let Some(fault) = self.deep.borrow().get(key) {
            return Some(Err(Box::new(Diagnostic::clone(fault))));
        }
        let found = self.find(key, None)?;
        let key_span = found.setting.map(|setting| setting.key_span);
        let span = found.setting.map(|setting| setting.value_span);
        Some(expand::expand(self, key, &found).map(|text| Value { text, key_span, span }))
    }

    /// Whether `[DEFAULT]`, `here`, `__file__` or the caller has the key, so that Paste Deploy
    /// does not take it for an option of the section, even if the section has it too. What an
    /// overlay says in a section always counts.
    pub fn is_hidden(&self, key: &str) -> bool {
        let own = self.own.get(key);
        let is_overlaid = own.is_some_and(|own| own.key_span.source != self.defaults.source());
        !is_overlaid && self.defaults.contains(key)
    }

    /// What a reference to a key stands for in a value of `from`. An overlay has a directory of
    /// its own.
    pub(super) fn find(&self, key: &str, from: Option<&Setting>) -> Option<Found<'a>> {
        if let Some(setting) = self.own.get(key) {
            return Some(Found { raw: Arc::clone(&setting.raw), setting: Some(setting) });
        }
        self.defaults.find(key, from, self.sources)
    }

    pub(super) fn sources(&self) -> &'a Sources {
        self.sources
    }

    /// Remembers that the values of some keys share a fault.
    pub(super) fn remember<'k>(&self, keys: impl Iterator<Item = &'k str>, fault: &Diagnostic) {
        let fault = Rc::new(fault.clone());
        self.deep.borrow_mut().extend(keys.map(|key| (key.to_owned(), Rc::clone(&fault))));
    }

    pub(super) fn defaults(&self) -> &'a Defaults {
        self.defaults
    }

    /// The header of the section; none for `[DEFAULT]`.
    pub(super) fn section_name(&self) -> Option<&'a str> {
        self.section.map(|section| &*section.name)
    }
}

/// A value before interpolation, and where it stands if a file says it.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub(super) raw: Arc<str>,
    pub(super) setting: Option<&'a Setting>,
}
