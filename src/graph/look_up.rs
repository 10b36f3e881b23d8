//! Finds what a name stands for: a section, a file, an entry point, an object.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::context::{Context, Home, Named, Shape};
use super::egg::{ENTRY_POINT, EntryPoint, entry_points, protocols};
use super::fault;
use super::files::{Place, ViewId};
use super::header::MAIN;
use super::name::Name;
use super::resolve::Resolver;
use super::task::{Task, Wish};
use crate::ini::Conf;
use crate::syntax::{self, Factory};

impl Resolver<'_> {
    /// Finds what a wish names; a context or none is found.
    pub(super) fn look_up(&mut self, wish: Wish) {
        let Some(name) = wish.name.clone() else {
            return self.at_home(wish);
        };
        match Factory::parse(&name.text) {
            Factory::Section(_) => self.at_home(wish),
            Factory::Call { module, attribute, surplus } => {
                self.call(&wish, &name, (module, attribute, surplus));
            }
            Factory::Config { path, name: fragment } => self.config(wish, &name, (path, fragment)),
            Factory::Egg { distribution, entry } => self.egg(wish, &name, (distribution, entry)),
            Factory::Unknown { scheme } => {
                let place = name.part(scheme).place(self.sources());
                self.fail(wish.parent, fault::unknown_scheme(scheme, place, self.sources()));
            }
        }
    }

    /// A name that is no URI.
    fn at_home(&mut self, wish: Wish) {
        match wish.home.clone() {
            Home::File(view) => self.section(&wish, view),
            Home::Egg(distribution) => {
                let entry = wish.name.clone().unwrap_or_else(|| Name::given(MAIN));
                self.entry_point(&wish, &distribution, &entry);
            }
            Home::Nowhere => {
                let place = self.place(&wish);
                let name = wish.name.map_or_else(|| Arc::from(MAIN), |name| name.text);
                self.fail(wish.parent, fault::no_scheme(&name, place));
            }
        }
    }

    fn call(&mut self, wish: &Wish, name: &Name, parts: (&str, Option<&str>, Option<&str>)) {
        let (module, Some(attribute), None) = parts else {
            let surplus = parts.2.map(|surplus| name.part(surplus));
            let place = surplus.as_ref().unwrap_or(name).place(self.sources());
            return self.fail(wish.parent, fault::bad_call(parts.2.is_some(), place));
        };
        if module.is_empty() {
            let place = name.place(self.sources());
            return self.fail(wish.parent, fault::missing_module(place));
        }
        let spec = format!("call:{module}:{attribute}");
        self.add_named(wish, name, (&spec, None), Home::Nowhere);
    }

    fn egg(&mut self, mut wish: Wish, name: &Name, parts: (&str, Option<&str>)) {
        let (distribution, entry) = parts;
        let entry = entry.map_or_else(|| name.implied(MAIN), |entry| name.part(entry));
        // An entry that is a URI itself is loaded as one.
        if !matches!(Factory::parse(&entry.text), Factory::Section(_)) {
            wish = Wish { name: Some(entry), home: Home::Nowhere, level: wish.level + 1, ..wish };
            return self.tasks.push(Task::Find(wish));
        }
        if distribution.is_empty() {
            let place = name.place(self.sources());
            return self.fail(wish.parent, fault::missing_distribution(place));
        }
        self.entry_point(&wish, distribution, &entry);
    }

    /// An entry point of a distribution, as far as it is known without Python.
    fn entry_point(&mut self, wish: &Wish, distribution: &str, entry: &Name) {
        let groups = protocols(wish.object);
        let protocol = match entry_points(distribution) {
            None => Some(ENTRY_POINT),
            Some(points) => {
                let named = |point: &EntryPoint| *point.name == *entry.text;
                let named: Vec<_> = points.filter(named).map(|point| point.protocol).collect();
                let mut wanted = groups.iter().copied().flatten().copied();
                wanted.find(|protocol| named.contains(protocol))
            }
        };
        let Some(protocol) = protocol else {
            let place = entry.place(self.sources());
            let names = (distribution, &*entry.text);
            let fault = fault::unknown_entry_point(wish.object, names, place, self.sources());
            return self.fail(wish.parent, fault);
        };
        let spec = format!("egg:{distribution}#{}", entry.text);
        let home = Home::Egg(Arc::from(distribution));
        let name = wish.name.clone().unwrap_or_else(|| entry.clone());
        self.add_named(wish, &name, (&spec, Some(protocol)), home);
    }

    /// A factory that is named by a URI, with no options of its own.
    fn add_named(
        &mut self,
        wish: &Wish,
        name: &Name,
        (spec, protocol): (&str, Option<&'static str>),
        home: Home,
    ) {
        let span = name.place(self.sources());
        let empty = Arc::new(Conf::new());
        let local = self.contexts.add_conf(Arc::clone(&empty));
        let global = wish.passed.unwrap_or_else(|| self.contexts.add_conf(empty));
        let context = Context {
            shape: Shape::Factory(Named { spec: Arc::from(spec), span, protocol }),
            object: wish.object,
            named: span,
            chain: Vec::new(),
            local,
            global,
            home,
            frame: wish.parent,
        };
        let id = self.contexts.add(context);
        self.found.push(Some(id));
    }

    /// A name in another file.
    fn config(&mut self, mut wish: Wish, name: &Name, parts: (&str, Option<&str>)) {
        let (path, fragment) = parts;
        let Some(place) = self.place_of(path, &wish.home) else {
            let place = name.part(path).place(self.sources());
            return self.fail(wish.parent, fault::relative_path(path, place));
        };
        let passed = wish.passed.map(|id| Arc::clone(self.contexts.conf(id)));
        let view = match self.files.open(place, passed) {
            Ok(view) => view,
            Err(fault) => {
                let place = name.part(path).place(self.sources());
                let fault = fault.at(place).label("named here");
                return self.fail(wish.parent, fault::unread(fault, path));
            }
        };
        self.note_faults(view, name);
        let fragment = fragment.map_or_else(|| name.implied(MAIN), |part| name.part(part));
        let level = wish.level + 1;
        wish = Wish { name: Some(fragment), home: Home::File(view), level, ..wish };
        self.tasks.push(Task::Find(wish));
    }

    /// What is wrong with the lines of a file, when it is come upon for the first time.
    fn note_faults(&mut self, view: ViewId, name: &Name) {
        let file = Arc::clone(&self.files.view_of(view).file);
        if !self.opened.insert(file.document.source) {
            return;
        }
        let place = name.place(self.sources());
        for (number, fault) in file.faults.iter().enumerate() {
            let included = place.filter(|_| number == 0);
            self.notes.add_cause(fault.clone().related(included, "included from here"));
        }
    }

    /// Where a file is that a `config:` names; none if only a file could tell.
    fn place_of(&self, path: &str, home: &Home) -> Option<Place> {
        // A backslash that is written as `%5C` stays one.
        let slashed = path.replace('\\', "/");
        let decoded = |path: &str| percent_decode_str(path).decode_utf8_lossy().into_owned();
        if path.starts_with('/') {
            // `config:///etc/api.ini` is how some write an absolute path.
            let rest = slashed.strip_prefix("//").filter(|rest| rest.starts_with('/'));
            let filename = syntax::strip(&decoded(rest.unwrap_or(&slashed))).to_owned();
            return Some(Place { path: PathBuf::from(&filename), shown: filename.into() });
        }
        let decoded = decoded(&slashed);
        let Home::File(view) = home else { return None };
        let view = self.files.view_of(*view);
        Some(Place { path: beside(&view.path, &decoded), shown: beside(&view.shown, &decoded) })
    }
}

/// The path of a file beside another one, whose directory need not have a name that is text.
fn beside(base: &Path, name: &str) -> PathBuf {
    let base = base.as_os_str().as_bytes();
    let directory = base.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let path = OsString::from_vec([&base[..directory], name.as_bytes()].concat());
    path.to_str().map_or_else(|| PathBuf::from(&path), |text| syntax::strip(text).into())
}

#[cfg(test)]
mod tests {
    use crate::graph::Object;
    use crate::graph::fixture::{assert_validated, draw, loader, outline, outline_with, registry};

    #[test]
    fn a_uri_stands_wherever_a_name_does() {
        let text =
            "[pipeline:main]\npipeline = egg:pasteline#tint egg:Paste#gzip EGG:pasteline#page\n";
        assert_eq!(outline(text), "pipeline(tint egg:Paste#gzip page)");
        let text = "[app:main]\nuse = egg:X#config:/dir/inc.ini#a\n";
        let others = [("inc.ini", "[app:a]\nuse = egg:Y\n")];
        assert_eq!(outline_with(text, &others, &[]), "egg:Y#main");
    }

    #[test]
    fn another_file_has_its_own_directory_and_defaults() {
        let main = "[DEFAULT]\nA = outer\nB = outer\n[app:main]\nuse = config:sub/inc%%2Eini#a\n\
                    b = mine\n";
        let inner = "[DEFAULT]\nA = inner\n[app:a]\nuse = egg:pasteline#page\nb = 1\n\
                     c = %(here)s %(A)s %(B)s\nget d = here\nB = hidden\n";
        let others = [("sub/inc.ini", inner)];
        let expected = "page{b=mine, c=/dir/sub inner hidden, d=/dir, A=outer, B=outer}";
        assert_eq!(outline_with(main, &others, &[]), expected);
    }

    #[test]
    fn what_stands_for_signs_in_a_path_is_filled_in_last() {
        for (path, name) in [
            ("a\\b.ini", "a/b.ini"),
            ("a%%5Cb.ini", "a\\b.ini"),
            ("%%20inc.ini", " inc.ini"),
            ("/dir%%5Cx/inc.ini", "../dir\\x/inc.ini"),
        ] {
            let text = format!("[app:main]\nuse = config:{path}#x\n");
            let others = [(name, "[app:x]\nuse = egg:X\n"), ("inc.ini", "[app:x]\nuse = egg:Y\n")];
            assert_eq!(outline_with(&text, &others, &[]), "egg:X#main", "{path}");
        }
    }

    #[test]
    fn a_composite_of_another_file_is_made_of_sections_of_the_one_that_uses_it() {
        let inner =
            ("inc.ini", "[composite:a]\nuse = egg:pasteline#pick\nx = x\n[app:x]\nuse = egg:I\n");
        let used = "[composite:main]\nuse = config:inc.ini#a\n[app:x]\nuse = egg:O\n";
        assert_eq!(outline_with(used, &[inner], &[]), "pick(egg:O#main)");
        let named = "[pipeline:main]\npipeline = config:inc.ini#a\n[app:x]\nuse = egg:O\n";
        assert_eq!(outline_with(named, &[inner], &[]), "pipeline(pick(egg:I#main))");
    }

    #[test]
    fn without_a_name_the_bare_section_counts_too() {
        let registry = registry();
        let mut loader = loader("[app]\nuse = egg:A\n", &[], &[], &registry);
        assert_eq!(draw(&loader.load(Object::App, None)), "egg:A#main");
        let missing = draw(&loader.load(Object::App, Some("main")));
        assert_eq!(missing, "LookupError: no app is called `main`");
    }

    #[test]
    fn says_what_is_wrong_with_a_uri() {
        assert_validated(
            "\
[app:a]
use = python:thing
#     ^^^^^^ unknown-scheme: `python:` is no scheme of Paste Deploy
[app:b]
use = call:a
#     ^^^^^^ bad-factory: `call:` names no attribute of a module
[app:c]
use = call:a:b:c
#             ^^ bad-factory: `call:` names more than a module and an attribute
[app:d]
use = call::b
#     ^^^^^^^ bad-factory: `call:` names no module
[app:e]
use = egg:#x
#     ^^^^^^ bad-factory: `egg:` names no distribution
[app:f]
use = egg:Paste#gzip
#               ^^^^ unknown-entry-point: `egg:Paste#gzip` is a filter, but an app is needed here
[filter:g]
use = egg:Paste#gzipp
#               ^^^^^ unknown-entry-point: `Paste` offers no filter called `gzipp`
[app:h]
use = egg:X#config:inc.ini
#                  ^^^^^^^ relative-path: `inc.ini` is relative, and here is no file that it counts from
[app:i]
use = config:/no/such.ini#a
#            ^^^^^^^^^^^^ unreadable-file: cannot read `/no/such.ini`: no such file or directory
",
        );
    }

    #[test]
    fn tells_of_the_faults_of_another_file_once() {
        let registry = registry();
        let text = "[app:a]\nuse = config:inc.ini#x\n[app:b]\nuse = config:inc.ini#y\n";
        let mut loader = loader(text, &[("inc.ini", "[app:x]\nnonsense\n")], &[], &registry);
        let found = loader.validate();
        let slugs: Vec<_> = found.iter().map(|found| found.slug).collect();
        assert_eq!(slugs, ["unknown-section", "missing-factory", "not-an-option"]);
        assert_eq!(found[0].message, "no app is called `y` in `/dir/inc.ini`");
        assert_eq!(found[2].related[0].1, "included from here");
    }

    #[test]
    fn tells_from_where_the_file_of_a_fault_was_included() {
        let registry = registry();
        let inner = "[app:x]\nuse = y\n[app:y]\n";
        let text = "[app:main]\nuse = config:inc.ini#x\n";
        let mut loader = loader(text, &[("inc.ini", inner)], &[], &registry);
        let found = loader.validate();
        let related = found[0].related.iter();
        let related: Vec<_> = related
            .map(|(span, part)| format!("{} {part}", loader.sources().location(*span)))
            .collect();
        let expected = ["/dir/inc.ini:2:7 named here", "/dir/paste.ini:2:22 included from here"];
        assert_eq!(related, expected);
    }
}
