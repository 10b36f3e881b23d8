//! What options can refer to: the options of their section, `[DEFAULT]`, `here`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;

use super::scope::{Found, Scope};
use super::{Document, Section, Setting};
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
        Scope::new(self, section, sources)
    }

    /// The file whose options these are.
    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    /// What a reference to a key that no section gives stands for in a value of `from`. An overlay
    /// has a directory of its own.
    pub(super) fn find(
        &self,
        key: &str,
        from: Option<&Setting>,
        sources: &Sources,
    ) -> Option<Found<'_>> {
        let given = self.values.get(key)?;
        let source = from.map_or(self.source, |setting| setting.key_span.source);
        let raw = match given {
            Given::Value(_) if source != self.source => of_source(key, source, sources),
            _ => None,
        };
        let raw = raw.unwrap_or_else(|| Arc::clone(given.raw()));
        Some(Found { raw, setting: given.setting() })
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
    fn raw(&self) -> &Arc<str> {
        match self {
            Self::Option(setting) => &setting.raw,
            Self::Value(value) => value,
        }
    }

    fn setting(&self) -> Option<&Setting> {
        match self {
            Self::Option(setting) => Some(setting),
            Self::Value(_) => None,
        }
    }
}
