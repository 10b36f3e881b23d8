//! A file as one of those sees it who load it: with their globals among its defaults.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::header::Headers;
use super::options::{Faults, Options, Reading, Role};
use crate::diagnostic::Diagnostic;
use crate::ini::{Conf, Defaults, Document, Scope, Section};
use crate::source::{SourceId, Sources};

/// A file that has been read.
#[derive(Debug)]
pub(super) struct File {
    /// What could be read of it.
    pub(super) document: Document,
    /// What is wrong with its lines, in the order in which Paste Deploy would say it.
    pub(super) faults: Vec<Diagnostic>,
    headers: Headers,
}

impl File {
    pub(super) fn new(document: Document, faults: Vec<Diagnostic>) -> Self {
        let headers = Headers::new(&document.sections);
        Self { document, faults, headers }
    }

    pub(super) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(super) fn section(&self, number: usize) -> &Section {
        &self.document.sections[number]
    }
}

/// A file with the globals of those who load it.
#[derive(Debug)]
pub(super) struct View {
    /// The path as Paste Deploy has it: absolute, but `..` is not resolved.
    pub(super) path: PathBuf,
    /// The path as text.
    pub(super) filename: Arc<str>,
    /// The path for messages.
    pub(super) shown: PathBuf,
    pub(super) file: Arc<File>,
    defaults: Defaults,
    /// The keys of the defaults that act in every section: `set x`, `get y`.
    acting: Vec<Arc<str>>,
    globals: Option<Arc<Globals>>,
    options: HashMap<usize, Arc<Options>>,
}

impl View {
    /// A file with the options of its caller, which count where `[DEFAULT]` has none of the name.
    pub(super) fn new(
        (path, shown): (PathBuf, PathBuf),
        file: Arc<File>,
        caller: Option<&Conf>,
        sources: &Sources,
    ) -> Self {
        let mut defaults = Defaults::new(&file.document, sources);
        for (key, value) in caller.into_iter().flatten() {
            defaults.add_missing(key, &value.text);
        }
        let acts = |key: &&Arc<str>| !matches!(Role::of(key), Role::Plain);
        let acting = defaults.keys().filter(acts).cloned().collect();
        let options = HashMap::new();
        let filename = Arc::from(path.to_string_lossy());
        Self { path, filename, shown, file, defaults, acting, globals: None, options }
    }

    /// The text of the file, without what lies over it.
    pub(super) fn source(&self) -> SourceId {
        self.file.document.source
    }

    /// The number of the section with a header, to the letter.
    pub(super) fn number(&self, header: &str) -> Option<usize> {
        self.file.headers.exact(header, &self.file.document.sections)
    }

    /// What the options of a section see, or those of `[DEFAULT]`.
    pub(super) fn scope<'a>(&'a self, section: Option<usize>, sources: &'a Sources) -> Scope<'a> {
        self.defaults.scope(section.map(|number| self.file.section(number)), sources)
    }

    /// Forgets what is known of sections if there are many.
    pub(super) fn tidy(&mut self) {
        /// How many sections are kept from one load to the next.
        const KEPT: usize = 4096;
        if self.options.len() > KEPT {
            self.options.clear();
        }
    }

    /// The defaults with their references filled in.
    pub(super) fn globals(&mut self, sources: &Sources) -> Arc<Globals> {
        let Self { file, defaults, globals, .. } = self;
        Arc::clone(globals.get_or_insert_with(|| Arc::new(Globals::of(file, defaults, sources))))
    }

    /// The options of a section, with their references filled in and sorted by their role.
    pub(super) fn options(&mut self, number: usize, sources: &Sources) -> Arc<Options> {
        let Self { file, defaults, acting, options, .. } = self;
        let read = || {
            let source = file.document.source;
            let mut reading = Reading::of(defaults.scope(Some(file.section(number)), sources));
            reading.section(file.section(number), defaults, source);
            reading.inherited(acting, file.section(number));
            Arc::new(reading.options)
        };
        Arc::clone(options.entry(number).or_insert_with(read))
    }
}

/// The defaults of a file, with their references filled in.
#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) conf: Arc<Conf>,
    pub(super) faults: Faults,
}

impl Globals {
    fn of(file: &File, defaults: &Defaults, sources: &Sources) -> Self {
        let given = file.document.defaults.iter().map(|setting| (&*setting.key, setting));
        let given: HashMap<_, _> = given.collect();
        let scope = defaults.scope(None, sources);
        let mut faults = Faults::default();
        let mut conf = Conf::new();
        for key in defaults.keys() {
            let setting = given.get(&**key).copied();
            let Some(mut value) = faults.value(&scope, key, setting) else { continue };
            // What comes to nothing Paste Deploy takes as it stands.
            if let Some(raw) = defaults.raw(key).filter(|_| value.text.is_empty()) {
                value.text = Arc::clone(raw);
            }
            conf.insert(Arc::clone(key), value);
        }
        Self { conf: Arc::new(conf), faults }
    }
}
