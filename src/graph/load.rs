//! Loads a file with what lies over it, and resolves what is asked of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Files, ViewId, as_raised};
use super::header::Loadable;
use super::layers::Layers;
use super::resolve::{Limits, Resolver};
use super::view::File;
use super::{DropIns, Input, Loaded, Object};
use crate::config::Groups;
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
    pub(super) faults: Vec<Diagnostic>,
    pub(super) caller: Option<Arc<Conf>>,
    /// The files that make the main one.
    pub(super) layers: Layers,
    strategy: Option<String>,
    groups: Groups,
    pub(super) limits: Limits,
}

impl<'r> Loader<'r> {
    /// Reads a file and what lies over it. What is wrong with their lines is told by
    /// [`faults`](Self::faults), and by everything that is loaded.
    pub fn open(input: &Input, registry: &'r Registry) -> Self {
        Self::open_with(input, registry, Sources::default())
    }

    /// As [`open`](Self::open), with the texts that sources have in the place of files; see
    /// [`Sources::substitute`]. What they have read before is no part of the file.
    pub fn open_with(input: &Input, registry: &'r Registry, sources: Sources) -> Self {
        let before = sources.iter().count();
        let mut files = Files::with(sources);
        let (document, faults) = ini::read(&input.file, &mut files.sources);
        let mut faults = as_raised(faults);
        if document.is_none() {
            faults = faults.into_iter().map(|fault| input.search.explain(fault)).collect();
        }
        let value = |text: &String| Value { text: Arc::from(&**text), key_span: None, span: None };
        let globals = input.globals.iter().map(|(key, text)| (Arc::from(&**key), value(text)));
        let caller = Some(Arc::new(globals.collect::<Conf>())).filter(|conf| !conf.is_empty());
        let main = document.and_then(|mut document| {
            lay_over(&mut document, input, &mut files.sources, &mut faults);
            let place = files.insert(File::new(document, Vec::new()));
            files.open(place, caller.clone()).ok()
        });
        let layers = Layers::of(&files.sources, before);
        let (strategy, limits) = (input.strategy.clone(), Limits::default());
        let groups = Groups::default();
        Self { registry, files, main, faults, caller, layers, strategy, groups, limits }
    }

    /// The same, with settings files, whose groups some factories read.
    #[must_use]
    pub fn with_settings(mut self, groups: &Groups) -> Self {
        self.groups = groups.clone();
        self.faults.extend(groups.unknown(&self.registry.groups()));
        self
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
    pub fn loadable(&self) -> Vec<Loadable> {
        let sections = self.document().into_iter().flat_map(|document| &document.sections);
        sections.filter_map(Loadable::of).collect()
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
        let outside = (strategy, &self.groups);
        let mut resolver = Resolver::new(&mut self.files, self.registry, outside, self.limits);
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
        DropIns::Read => drop_ins(&input.file, sources),
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

/// The files in the directory of drop-ins, in the order of their names. Usually there is none.
fn drop_ins(file: &Path, sources: &mut Sources) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut directory = file.as_os_str().to_owned();
    directory.push(".d");
    let directory = PathBuf::from(directory);
    sources.list(&directory, "ini").map_err(|error| {
        let error = source::describe(&error);
        let message = format!("cannot read `{}`: {error}", source::shown(&directory));
        Box::new(Diagnostic::error("unreadable-file", message))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::graph::fixture::{draw, registry};

    /// Files in a directory of their own, removed at the end.
    struct Directory(PathBuf);

    impl Directory {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let unique = format!("pasteline-{}-{name}", std::process::id());
            let directory = Self(std::env::temp_dir().join(unique));
            for (path, text) in files {
                let path = directory.0.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            directory
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn drop_ins_lie_over_the_file_and_overlays_over_them() {
        let directory = Directory::with(
            "layers",
            &[
                ("a.ini", "[DEFAULT]\nb = 0\n[app:main]\nuse = egg:pasteline#page\na = 1\n"),
                ("a.ini.d/2.ini", "[app:main]\na = 3\nc = 3\n"),
                ("a.ini.d/1.ini", "[app:main]\na = 2\nb = 2\n"),
                ("a.ini.d/3.txt", "[app:main]\na = 4\n"),
                ("over.ini", "[app:main]\nc = 5\n"),
            ],
        );
        let mut input = Input::new(directory.0.join("a.ini"));
        let registry = registry();
        let outline =
            |input: &Input| draw(&Loader::open(input, &registry).load(Object::App, Some("main")));
        assert_eq!(outline(&input), "page{a=3, b=2, c=3}");
        input.overlays.push(directory.0.join("over.ini"));
        assert_eq!(outline(&input), "page{a=3, b=2, c=5}");
        input.drop_ins = DropIns::Ignored;
        assert_eq!(outline(&input), "page{a=1, c=5}");
    }

    #[test]
    fn overlays_do_not_reach_into_other_files() {
        let directory = Directory::with(
            "include",
            &[
                ("a.ini", "[app:main]\nuse = config:b.ini#x\n[app:x]\nuse = egg:pasteline#page\n"),
                ("b.ini", "[app:x]\nuse = egg:pasteline#page\na = 1\n"),
                ("over.ini", "[app:x]\na = 2\n"),
            ],
        );
        let mut input = Input::new(directory.0.join("a.ini"));
        input.overlays.push(directory.0.join("over.ini"));
        let registry = registry();
        let mut loader = Loader::open(&input, &registry);
        assert_eq!(draw(&loader.load(Object::App, Some("main"))), "page{a=1}");
        assert_eq!(draw(&loader.load(Object::App, Some("x"))), "page{a=2}");
    }

    #[test]
    fn what_is_wrong_with_any_of_the_files_is_told_with_everything() {
        let files = [("a.ini", "[app:main]\nuse = egg:A\n"), ("a.ini.d/1.ini", "nonsense\n")];
        let directory = Directory::with("faults", &files);
        let registry = registry();
        let mut input = Input::new(directory.0.join("a.ini"));
        input.overlays.push(directory.0.join("missing.ini"));
        let mut loader = Loader::open(&input, &registry);
        let loaded = loader.load(Object::App, Some("main"));
        let slugs: Vec<_> = loaded.diagnostics.iter().map(|found| found.slug).collect();
        assert_eq!(slugs, ["missing-section-header", "unreadable-file"]);
        assert_eq!(loaded.root, None);
    }

    #[test]
    fn without_a_file_there_is_nothing_but_the_reason() {
        let registry = registry();
        let mut loader = Loader::open(&Input::new("no/such.ini"), &registry);
        let loaded = loader.load(Object::App, Some("main"));
        assert_eq!(
            draw(&loaded),
            "FileNotFoundError: cannot read `no/such.ini`: no such file or directory"
        );
        assert_eq!(loader.validate(), loaded.diagnostics);
        assert_eq!(loader.loadable(), []);
    }
}
