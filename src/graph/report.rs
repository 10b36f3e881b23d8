//! What `show --format json` prints: trees, the parsed file, errors.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json, json};

use super::header::Loadable;
use super::{Loaded, Loader, Node, Object, Origins};
use crate::diagnostic::Diagnostic;
use crate::ini::{Defaults, Document, Scope, Setting};
use crate::source::Sources;

/// How much is said of what is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Detail {
    /// Where each option comes from too, as `origin` beside the others.
    Origins,
    /// What Paste Deploy would make of it, to the letter.
    Plain,
}

impl Detail {
    fn origins<'l>(self, loader: &'l Loader<'_>) -> Option<Origins<'l>> {
        match self {
            Self::Origins => Some(Origins::new(loader)),
            Self::Plain => None,
        }
    }
}

impl<'r> Loader<'r> {
    /// What is asked for as a tree, or `{"error": …}`; see [`load`](Self::load).
    pub fn show(&mut self, object: Object, name: Option<&str>, detail: Detail) -> Json {
        let loaded = self.load(object, name);
        let (key, shown) = self.shown(&loaded, detail);
        if key == "error" { json!({ key: shown }) } else { shown }
    }

    /// Each section that can be asked for, in the order of the file, with its tree or its error.
    ///
    /// # Errors
    ///
    /// The error of the file itself, as `{"error": …}`.
    pub fn show_all(
        &mut self,
        detail: Detail,
    ) -> Result<impl Iterator<Item = Json> + use<'_, 'r>, Json> {
        self.show_faults()?;
        Ok(self.loadable().into_iter().map(move |loadable| self.show_one(loadable, detail)))
    }

    /// The file as it was parsed, what lies over it included: raw values, and what they come to.
    /// It is written out section by section, as all of them as JSON would take many times the
    /// memory of the file.
    ///
    /// # Errors
    ///
    /// The error of the file itself, as `{"error": …}`.
    pub fn show_sections(&self, detail: Detail) -> Result<impl Serialize + use<'_, 'r>, Json> {
        self.show_faults()?;
        let document = self.document().ok_or(Json::Null)?;
        let origins = detail.origins(self);
        Ok(Parsed { document, sources: self.sources(), origins })
    }

    fn show_one(&mut self, loadable: Loadable, detail: Detail) -> Json {
        let Loadable { section, object, name } = loadable;
        let loaded = self.load(object, name.as_deref());
        let (key, shown) = self.shown(&loaded, detail);
        let entry = [
            ("section", json!(&*section)),
            ("name", json!(name.as_deref())),
            ("type", json!(object.name())),
            // Moved, as `json!` would copy the tree.
            (key, shown),
        ];
        entry.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The tree of what was asked for, or the first error.
    fn shown(&self, loaded: &Loaded, detail: Detail) -> (&'static str, Json) {
        let Some(root) = loaded.root else {
            return ("error", error(&loaded.diagnostics, self.sources()).into());
        };
        let origins = detail.origins(self);
        let origin = |node: &Node| Some(("origin".to_owned(), origins.as_ref()?.json(node)));
        ("result", loaded.graph.show_with(root, origin))
    }

    fn show_faults(&self) -> Result<(), Json> {
        match error(self.faults(), self.sources()) {
            Some(error) => Err(json!({ "error": error })),
            None => Ok(()),
        }
    }
}

/// A file as it was parsed.
#[derive(Debug)]
struct Parsed<'a> {
    document: &'a Document,
    sources: &'a Sources,
    origins: Option<Origins<'a>>,
}

impl Serialize for Parsed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let defaults = Defaults::new(self.document, self.sources);
        let scope = defaults.scope(None, self.sources);
        let raw = |key: &str| defaults.raw(key).map_or("", |raw| &**raw);
        let shown: Json =
            defaults.keys().map(|key| self.option(None, &scope, (key, raw(key)))).collect();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("defaults", &shown)?;
        map.serialize_entry("sections", &Sections { parsed: self, defaults: &defaults })?;
        map.end()
    }
}

impl Parsed<'_> {
    /// An option of a section, or of the defaults.
    fn option(&self, header: Option<&Arc<str>>, scope: &Scope<'_>, option: (&str, &str)) -> Json {
        let (key, raw) = option;
        let mut shown = Map::new();
        shown.insert("key".to_owned(), json!(key));
        shown.insert("raw".to_owned(), json!(raw));
        match scope.value(key) {
            Some(Ok(value)) => {
                shown.insert("value".to_owned(), json!(&*value.text));
            }
            Some(Err(fault)) => {
                shown.insert("error".to_owned(), error(&[*fault], self.sources).into());
            }
            None => {}
        }
        if let Some(origins) = &self.origins
            && let Some(setting) = scope.setting(key)
        {
            let steps = origins.written(header, setting, scope);
            let steps = steps.iter().map(|step| step.json(self.sources)).collect();
            shown.insert("origin".to_owned(), steps);
        }
        Json::Object(shown)
    }
}

/// The sections of a file.
#[derive(Debug)]
struct Sections<'s, 'a> {
    parsed: &'s Parsed<'a>,
    defaults: &'s Defaults,
}

impl Serialize for Sections<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parsed { document, sources, .. } = self.parsed;
        serializer.collect_seq(document.sections.iter().map(|section| {
            let (name, scope) = (&section.name, self.defaults.scope(Some(section), sources));
            let show = |Setting { key, raw, .. }: &Setting| {
                self.parsed.option(Some(name), &scope, (key, raw))
            };
            let options: Json = section.options.iter().map(show).collect();
            json!({ "name": &**name, "options": options })
        }))
    }
}

/// The first error by the name that Paste Deploy has for it, with its line; all lines of those
/// that it would tell as one.
fn error(diagnostics: &[Diagnostic], sources: &Sources) -> Option<Json> {
    let errors = || diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let first = errors().next()?;
    let mut shown = Map::new();
    shown.insert("class".to_owned(), json!(first.class));
    shown.insert("message".to_owned(), json!(first.message));
    shown.insert("slug".to_owned(), json!(first.slug));
    let line = |diagnostic: &Diagnostic| diagnostic.span.map(|span| sources.location(span).line);
    if let Some(span) = first.span {
        shown.insert("file".to_owned(), json!(sources.get(span.source).path()));
        shown.insert("line".to_owned(), json!(line(first)));
    }
    if first.class == "ParsingError" {
        let file = |error: &Diagnostic| error.span.map(|span| span.source);
        let is_alike =
            |error: &&Diagnostic| error.class == first.class && file(error) == file(first);
        let alike = errors().take_while(is_alike);
        shown.insert("lines".to_owned(), alike.filter_map(line).collect());
    }
    Some(Json::Object(shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Detail;
    use crate::graph::Object;
    use crate::graph::fixture::{loader, registry};

    #[test]
    fn an_error_has_its_class_and_line() {
        let registry = registry();
        let text = "[pipeline:main]\npipeline =\n  missing\n";
        let shown =
            loader(text, &[], &[], &registry).show(Object::App, Some("main"), Detail::Plain);
        let expected = json!({ "error": {
            "class": "LookupError",
            "message": "no app is called `missing`",
            "slug": "unknown-section",
            "file": "/dir/paste.ini",
            "line": 3,
        }});
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_error_has_the_lines_of_one_file() {
        let registry = registry();
        let text = "[app:main]\nuse = config:a.ini\n";
        let faulty = "[app:main]\nuse = config:b.ini\nnonsense\nand more\n";
        let others = [("a.ini", faulty), ("b.ini", "[app:main]\nnonsense\n")];
        let shown =
            loader(text, &others, &[], &registry).show(Object::App, Some("main"), Detail::Plain);
        assert_eq!(shown["error"]["lines"], json!([3, 4]));
    }

    #[test]
    fn shows_every_section_that_can_be_asked_for() {
        let registry = registry();
        let text = "[app: a ]\nuse = egg:A\n[loggers]\n[filter:f]\n[server]\nuse = egg:S\n";
        let mut loader = loader(text, &[], &[], &registry);
        let shown = loader.show_all(Detail::Plain).unwrap();
        let entries: Vec<_> = shown
            .map(|entry| {
                let outcome =
                    entry["result"]["factory"].as_str().or(entry["error"]["class"].as_str());
                json!([entry["section"], entry["name"], entry["type"], outcome])
            })
            .collect();
        let expected = json!([
            ["app: a ", "a", "app", "egg:A#main"],
            ["filter:f", "f", "filter", "LookupError"],
            ["server", null, "server", "egg:S#main"],
        ]);
        assert_eq!(json!(entries), expected);
    }

    #[test]
    fn shows_the_file_as_it_was_parsed() {
        let registry = registry();
        let text = "[DEFAULT]\na = %(here)s\n[s]\nb = %(a)s\nc = %\n";
        let loader = loader(text, &[], &[("x", "y")], &registry);
        let mut shown = serde_json::to_value(loader.show_sections(Detail::Plain).unwrap()).unwrap();
        shown["sections"][0]["options"][1]["error"] =
            shown["sections"][0]["options"][1]["error"]["class"].take();
        let expected = json!({
            "defaults": [
                { "key": "here", "raw": "/dir", "value": "/dir" },
                { "key": "__file__", "raw": "/dir/paste.ini", "value": "/dir/paste.ini" },
                { "key": "a", "raw": "%(here)s", "value": "/dir" },
            ],
            "sections": [{ "name": "s", "options": [
                { "key": "b", "raw": "%(a)s", "value": "/dir" },
                { "key": "c", "raw": "%", "error": "InterpolationSyntaxError" },
            ]}],
        });
        assert_eq!(shown, expected);
    }
}
