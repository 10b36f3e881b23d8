//! What the main file and each file over it say by themselves, for who asks what lies below.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::ini::{self, Document, Setting};
use crate::source::{SourceId, Sources};

/// The header of the options that stand in for those that sections lack.
pub(super) const DEFAULT: &str = "DEFAULT";

/// The main file and what lies over it, the lowest first.
#[derive(Debug, Default)]
pub(super) struct Layers {
    sources: Vec<SourceId>,
    /// Read again when somebody asks, as hardly anybody does.
    layers: OnceLock<Vec<Layer>>,
}

/// A file by itself.
#[derive(Debug)]
struct Layer {
    document: Document,
    places: HashMap<Key, Place>,
}

/// An option by the header of its section and its own key.
type Key = (Arc<str>, Arc<str>);

/// The number of a section, none for the defaults, and of an option in it.
type Place = (Option<usize>, usize);

impl Layers {
    /// The files that have been read so far, but for those that had been read before.
    pub(super) fn of(sources: &Sources, before: usize) -> Self {
        let sources = sources.iter().map(|(id, _)| id).skip(before).collect();
        Self { sources, layers: OnceLock::new() }
    }

    /// Whether a file is one of them.
    pub(super) fn contains(&self, source: SourceId) -> bool {
        self.sources.contains(&source)
    }

    /// What a file says by itself, if it is one of several.
    pub(super) fn document(&self, source: SourceId, sources: &Sources) -> Option<&Document> {
        let at = self.at(source)?;
        Some(&self.read(sources)[at].document)
    }

    /// What the files below one say of an option, the uppermost first.
    pub(super) fn below<'a>(
        &'a self,
        source: SourceId,
        (header, key): (&Arc<str>, &Arc<str>),
        sources: &Sources,
    ) -> impl Iterator<Item = &'a Setting> {
        let below = self.at(source).map_or(&[][..], |at| &self.read(sources)[..at]);
        let key = (Arc::clone(header), Arc::clone(key));
        below.iter().rev().filter_map(move |layer| layer.setting(&key))
    }

    /// The number of a file among several.
    fn at(&self, source: SourceId) -> Option<usize> {
        let found = self.sources.iter().position(|known| *known == source);
        found.filter(|_| self.sources.len() > 1)
    }

    fn read(&self, sources: &Sources) -> &[Layer] {
        let layer = |source: &SourceId| Layer::new(ini::parse(*source, sources).0);
        self.layers.get_or_init(|| self.sources.iter().map(layer).collect())
    }
}

impl Layer {
    fn new(document: Document) -> Self {
        let mut places = HashMap::new();
        let default = Arc::from(DEFAULT);
        let defaults = [(None, &default, &document.defaults)].into_iter();
        let sections = document.sections.iter().enumerate();
        let sections = sections.map(|(number, part)| (Some(number), &part.name, &part.options));
        for (number, header, options) in defaults.chain(sections) {
            for (at, setting) in options.iter().enumerate() {
                places.insert((Arc::clone(header), Arc::clone(&setting.key)), (number, at));
            }
        }
        Self { document, places }
    }

    fn setting(&self, key: &Key) -> Option<&Setting> {
        let &(section, at) = self.places.get(key)?;
        let options = match section {
            Some(number) => &self.document.sections[number].options,
            None => &self.document.defaults,
        };
        options.get(at)
    }
}
