//! What options can refer to: the options of their section, `[DEFAULT]`, `here`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;

use super::{Document, Section, Setting, Value, expand};
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Sources};

/// The values that stand in for those that a section lacks, before interpolation: `here` and
/// `__file__`, the options of `[DEFAULT]`, and what the caller adds.
#[derive(Debug)]
pub struct Defaults {
    values: IndexMap<Arc<str>, Given>,
    source: SourceId,
    /// How much more interpolation may do; see [`Defaults::MOST`].
    left: AtomicUsize,
    /// How many more names may be compared with all keys.
    suggestions: AtomicUsize,
    /// How many more values may be followed to tell where references that are at fault lead.
    steps: AtomicUsize,
    /// How many more references may be told of.
    told: AtomicUsize,
}

/// A value before interpolation.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// An option of a file.
    Option(Setting),
    /// What no file says.
    Value(Arc<str>),
}

impl Defaults {
    /// How many bytes all values of a file together may make with their references filled in,
    /// beside [`Defaults::TIMES`] the length of the file: 64 MiB.
    pub const MOST: usize = 64 << 20;

    /// See [`Defaults::MOST`].
    pub const TIMES: usize = 16;

    /// How many misspelt names are compared with all keys, which takes time.
    const SUGGESTIONS: usize = 100;

    /// How many values are followed to tell where references that are at fault lead.
    const STEPS: usize = 100_000;

    /// How many references are told of by [`Scope::references`], in all values together: 100,000.
    pub const TOLD: usize = 100_000;

    /// The defaults of a file. `[DEFAULT]` may redefine `here` and `__file__`.
    pub fn new(document: &Document, sources: &Sources) -> Self {
        let own = ["here", "__file__"].into_iter().filter_map(|key| {
            let value = of_source(key, document.source, sources)?;
            Some((Arc::from(key), Given::Value(value)))
        });
        let mut values: IndexMap<_, _> = own.collect();
        for setting in &document.defaults {
            values.insert(Arc::clone(&setting.key), Given::Option(setting.clone()));
        }
        let most = Self::MOST + Self::TIMES * sources.get(document.source).text().len();
        Self {
            values,
            source: document.source,
            left: AtomicUsize::new(most),
            suggestions: AtomicUsize::new(Self::SUGGESTIONS),
            steps: AtomicUsize::new(Self::STEPS),
            told: AtomicUsize::new(Self::TOLD),
        }
    }

    /// Adds a value that the caller gives, unless the key has one already.
    pub fn add_missing(&mut self, key: &Arc<str>, value: &Arc<str>) {
        if !self.values.contains_key(key) {
            self.values.insert(Arc::clone(key), Given::Value(Arc::clone(value)));
        }
    }

    /// Whether there is a value for a key.
    pub fn contains(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The keys: `here`, `__file__`, those of `[DEFAULT]` in the order of the file, those of the
    /// caller.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.values.keys()
    }

    /// The value of a key before interpolation.
    pub fn raw(&self, key: &str) -> Option<&Arc<str>> {
        self.values.get(key).map(Given::raw)
    }

    /// What the options of a section see; without a section, what those of `[DEFAULT]` see.
    pub fn scope<'a>(&'a self, section: Option<&'a Section>, sources: &'a Sources) -> Scope<'a> {
        let options = section.map_or(&[][..], |section| &section.options);
        let own = options.iter().map(|setting| (&*setting.key, setting)).collect();
        Scope { defaults: self, section, own, sources, deep: RefCell::default() }
    }

    /// Takes from what interpolation may still do, if there is enough.
    pub(super) fn spend(&self, bytes: usize) -> bool {
        take(&self.left, bytes)
    }

    /// Whether another name may be compared with all keys.
    pub(super) fn may_suggest(&self) -> bool {
        take(&self.suggestions, 1)
    }

    /// Whether another value may be followed.
    pub(super) fn may_follow(&self) -> bool {
        take(&self.steps, 1)
    }

    /// Whether another reference may be told of.
    pub(super) fn may_tell(&self) -> bool {
        take(&self.told, 1)
    }
}

fn take(left: &AtomicUsize, amount: usize) -> bool {
    let less = |left: usize| left.checked_sub(amount);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
}

/// The directory or the path of a source as text.
fn of_source(key: &str, source: SourceId, sources: &Sources) -> Option<Arc<str>> {
    let text = |path: &Path| Some(Arc::from(path.to_string_lossy()));
    match key {
        "here" => text(sources.get(source).directory()),
        "__file__" => text(sources.get(source).path()),
        _ => None,
    }
}

impl Given {
    pub(super) fn raw(&self) -> &Arc<str> {
        match self {
            Self::Option(setting) => &setting.raw,
            Self::Value(value) => value,
        }
    }

    pub(super) fn setting(&self) -> Option<&Setting> {
        match self {
            Self::Option(setting) => Some(setting),
            Self::Value(_) => None,
        }
    }
}

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
        let is_overlaid = own.is_some_and(|own| own.key_span.source != self.defaults.source);
        !is_overlaid && self.defaults.contains(key)
    }

    /// What a reference to a key stands for in a value of `from`. An overlay has a directory of
    /// its own.
    pub(super) fn find(&self, key: &str, from: Option<&Setting>) -> Option<Found<'a>> {
        if let Some(setting) = self.own.get(key) {
            return Some(Found { raw: Arc::clone(&setting.raw), setting: Some(setting) });
        }
        let given = self.defaults.values.get(key)?;
        let source = from.map_or(self.defaults.source, |setting| setting.key_span.source);
        let raw = match given {
            Given::Value(_) if source != self.defaults.source => {
                of_source(key, source, self.sources)
            }
            _ => None,
        };
        let raw = raw.unwrap_or_else(|| Arc::clone(given.raw()));
        Some(Found { raw, setting: given.setting() })
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
