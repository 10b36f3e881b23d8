//! Loads a file with what lies over it, and resolves what is asked of it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Files, ViewId, as_raised};
use super::header::Loadable;
use super::resolve::Resolver;
use super::view::File;
use super::{DropIns, Input, Loaded, Object};
use crate::diagnostic::Diagnostic;
use crate::ini::{self, Conf, Document, Value};
use crate::registry::Registry;
use crate::source::{self, Sources};

/// A file that has been read with what lies over it, ready to be asked for apps, filters and
/// servers.
///
/// The files that it includes are read when somebody comes upon them, each once.
#[derive(Debug)]
pub struct Loader<'r> {
    pub(super) registry: &'r Registry,
    pub(super) files: Files,
    /// None if it could not be read.
    pub(super) main: Option<ViewId>,
    /// What is wrong with the lines of the file and of what lies over it.
    faults: Vec<Diagnostic>,
    caller: Option<Arc<Conf>>,
    strategy: Option<String>,
}

impl<'r> Loader<'r> {
    /// Reads a file and what lies over it. What is wrong with their lines is told by
    /// [`faults`](Self::faults), and by everything that is loaded.
    pub fn open(input: &Input, registry: &'r Registry) -> Self {
        let mut files = Files::default();
        let (document, faults) = ini::read(&input.file, &mut files.sources);
        let mut faults = as_raised(faults);
        let value = |text: &String| Value { text: Arc::from(&**text), key_span: None, span: None };
        let globals = input.globals.iter().map(|(key, text)| (Arc::from(&**key), value(text)));
        let caller = Some(Arc::new(globals.collect::<Conf>())).filter(|conf| !conf.is_empty());
        let main = document.and_then(|mut document| {
            lay_over(&mut document, input, &mut files.sources, &mut faults);
            let place = files.insert(File::new(document, Vec::new()));
            files.open(place, caller.clone()).ok()
        });
        Self { registry, files, main, faults, caller, strategy: input.strategy.clone() }
    }

    /// What is wrong with the lines of the file and of what lies over it; that first which Paste
    /// Deploy would raise.
    pub fn faults(&self) -> &[Diagnostic] {
        &self.faults
    }

    /// All texts that have been read.
    pub fn sources(&self) -> &Sources {
        &self.files.sources
    }

    /// The file as it was parsed, with what lies over it; none if it could not be read.
    pub fn document(&self) -> Option<&Document> {
        self.main.map(|main| &self.files.view_of(main).file.document)
    }

    /// The sections that can be asked for, in the order of the file.
    pub fn loadable(&mut self) -> Vec<Loadable> {
        let Some(main) = self.main else { return Vec::new() };
        let (view, _) = self.files.view(main);
        view.file.document.sections.iter().filter_map(Loadable::of).collect()
    }

    /// Resolves an app, a filter or a server by its name, or by a URI. Paste Deploy takes `main`
    /// if it is told none; no name at all stands for that or for a section such as `[app]`.
    pub fn load(&mut self, object: Object, name: Option<&str>) -> Loaded {
        let mut loaded = self.resolve(object, name, |_| ());
        loaded.diagnostics.splice(0..0, self.faults.iter().cloned());
        if self.faults.iter().any(Diagnostic::is_error) {
            loaded.root = None;
        }
        loaded
    }

    /// Resolves what is asked for, without the faults of the file, and lets see what was visited.
    pub(super) fn resolve(
        &mut self,
        object: Object,
        name: Option<&str>,
        see: impl FnOnce(&Resolver<'_>),
    ) -> Loaded {
        let Some(main) = self.main else { return Loaded::default() };
        self.files.tidy();
        let strategy = self.strategy.as_deref();
        let mut resolver = Resolver::new(&mut self.files, self.registry, strategy);
        let loaded = resolver.run(object, name, (main, self.caller.clone()));
        see(&resolver);
        loaded
    }
}

/// Lays the drop-ins and then the overlays over a document.
fn lay_over(
    document: &mut Document,
    input: &Input,
    sources: &mut Sources,
    faults: &mut Vec<Diagnostic>,
) {
    let drop_ins = match input.drop_ins {
        DropIns::Ignored => Ok(Vec::new()),
        DropIns::Read => drop_ins(&input.file),
    };
    let drop_ins = drop_ins.unwrap_or_else(|fault| {
        faults.push(*fault);
        Vec::new()
    });
    for path in drop_ins.iter().chain(&input.overlays) {
        let (above, found) = ini::read(path, sources);
        faults.extend(as_raised(found));
        if let Some(above) = above {
            faults.extend(ini::overlay(document, above));
        }
    }
}

/// The files in the directory of drop-ins, in the order of their names.
fn drop_ins(file: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut directory = file.as_os_str().to_owned();
    directory.push(".d");
    let directory = PathBuf::from(directory);
    let fault = |error: io::Error| {
        let error = source::describe(&error);
        let message = format!("cannot read `{}`: {error}", directory.display());
        Box::new(Diagnostic::error("unreadable-file", message))
    };
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) => match error.kind() {
            // Usually there is none.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => return Ok(Vec::new()),
            _ => return Err(fault(error)),
        },
    };
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(fault)?;
    paths.retain(|path| path.extension() == Some(OsStr::new("ini")));
    paths.sort();
    Ok(paths)
}
