//! The files of a load: each is read and parsed once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use super::view::{File, View};
use crate::diagnostic::Diagnostic;
use crate::ini::{self, Conf};
use crate::source::{self, Sources};

/// A conf, compared by which it is and not by what is in it.
#[derive(Clone, Debug)]
pub(super) struct Identity(pub(super) Arc<Conf>);

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// The number of a view.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct ViewId(usize);

/// Where a file is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The path as Paste Deploy has it: absolute, but `..` is not resolved.
    pub(super) path: PathBuf,
    /// The path for messages.
    pub(super) shown: PathBuf,
}

/// The files of a load.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) sources: Sources,
    /// By what Paste Deploy has for `__file__` and what the file is known by.
    read: HashMap<(PathBuf, PathBuf), Result<Arc<File>, Box<Diagnostic>>>,
    views: Vec<View>,
    /// By path as Paste Deploy has it, and the globals of who loads it.
    known: HashMap<(OsString, Option<Identity>), ViewId>,
    /// How many faults came with a suggestion.
    suggested: usize,
}

impl Files {
    /// How many views are kept from one load to the next.
    const KEPT: usize = 64;

    /// How many faults come with a suggestion, which means to compare many names.
    const SUGGESTED: usize = 500;

    /// No files yet, to be read from these sources.
    pub(super) fn with(sources: Sources) -> Self {
        Self { sources, ..Self::default() }
    }

    /// Whether one more fault may come with a suggestion, which is then counted.
    pub(super) fn take_suggestion(&mut self) -> bool {
        self.suggested += 1;
        self.suggested <= Self::SUGGESTED
    }

    /// A file as its caller sees it.
    ///
    /// # Errors
    ///
    /// Why it could not be read.
    pub(super) fn open(
        &mut self,
        place: Place,
        caller: Option<Arc<Conf>>,
    ) -> Result<ViewId, Box<Diagnostic>> {
        let caller = caller.filter(|conf| !conf.is_empty());
        let key = (place.path.clone().into_os_string(), caller.clone().map(Identity));
        if let Some(view) = self.known.get(&key) {
            return Ok(*view);
        }
        let file = self.file(&place)?;
        let view = View::new((place.path, place.shown), file, caller.as_deref(), &self.sources);
        self.views.push(view);
        let id = ViewId(self.views.len() - 1);
        self.known.insert(key, id);
        Ok(id)
    }

    fn file(&mut self, place: &Place) -> Result<Arc<File>, Box<Diagnostic>> {
        let Self { sources, read, .. } = self;
        match read.entry((source::absolute(&place.path), sources.identify(&place.path))) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(read_file(place, sources)).clone(),
        }
    }

    /// Takes a file as read, such as the main file with what lies over it.
    pub(super) fn insert(&mut self, file: File) -> Place {
        let source = self.sources.get(file.document.source);
        let place = Place { path: source.path().to_owned(), shown: source.name().to_owned() };
        let key = (source.path().to_owned(), source.identity().to_owned());
        self.read.insert(key, Ok(Arc::new(file)));
        place
    }

    /// A view, and what it needs to fill in references.
    pub(super) fn view(&mut self, id: ViewId) -> (&mut View, &Sources) {
        (&mut self.views[id.0], &self.sources)
    }

    pub(super) fn view_of(&self, id: ViewId) -> &View {
        &self.views[id.0]
    }

    /// All views.
    pub(super) fn views(&self) -> &[View] {
        &self.views
    }

    /// Forgets what there is much of; the first view stays.
    pub(super) fn tidy(&mut self) {
        self.views.iter_mut().for_each(View::tidy);
        if self.views.len() > Self::KEPT {
            self.views.truncate(1);
            self.known.retain(|_, view| view.0 == 0);
        }
    }
}

fn read_file(place: &Place, sources: &mut Sources) -> Result<Arc<File>, Box<Diagnostic>> {
    let Place { path, shown } = place;
    let (document, mut faults) = ini::read_as(path, shown, sources);
    match document {
        Some(document) => Ok(Arc::new(File::new(document, as_raised(faults)))),
        None => Err(Box::new(faults.pop().unwrap_or_else(|| {
            Diagnostic::error("unreadable-file", format!("cannot read `{}`", source::shown(shown)))
        }))),
    }
}

/// The faults of a file, those first that Paste Deploy would raise.
pub(super) fn as_raised(faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let raised: HashSet<_> = ini::raised(&faults).into_iter().map(ptr::from_ref).collect();
    let is_later = |fault: &Diagnostic| !raised.contains(&ptr::from_ref(fault));
    let ranks: Vec<_> = faults.iter().map(is_later).collect();
    let mut ranked: Vec<_> = ranks.into_iter().zip(faults).collect();
    ranked.sort_by_key(|(is_later, _)| *is_later);
    ranked.into_iter().map(|(_, fault)| fault).collect()
}
