//! Which sections a name can stand for.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Object;
use crate::ini::Section;
use crate::syntax;

/// The name that an app has if nobody gives it one.
pub(super) const MAIN: &str = "main";

/// The kinds of section that make an object, in groups: of a group, the first kind that has the
/// name is taken; two groups that have it make it ambiguous.
const KINDS: [(Object, &[&[&str]]); 3] = [
    (
        Object::App,
        &[&["app", "application"], &["composite", "composit"], &["pipeline"], &["filter-app"]],
    ),
    (Object::Filter, &[&["filter"]]),
    (Object::Server, &[&["server"]]),
];

fn groups(object: Object) -> &'static [&'static [&'static str]] {
    KINDS.iter().find(|(made, _)| *made == object).map_or(&[], |(_, groups)| *groups)
}

/// The kind of a section, such as `app`, and the name after it without the space around it; no
/// name for a header such as `[app]`.
pub(crate) fn split(header: &str) -> (&str, Option<&str>) {
    match header.split_once(':') {
        Some((kind, name)) => (kind, Some(syntax::strip(name))),
        None => (header, None),
    }
}

/// What a section makes by its kind; none for a section that is not Paste Deploy's.
pub(super) fn object(header: &str) -> Option<Object> {
    let (kind, _) = split(header);
    let makes = |groups: &[&[&str]]| groups.iter().any(|group| group.contains(&kind));
    KINDS.iter().find(|(_, groups)| makes(groups)).map(|(object, _)| *object)
}

/// The sections of a file by kind and name.
#[derive(Debug, Default)]
pub(super) struct Headers {
    named: HashMap<&'static str, IndexMap<Box<str>, Vec<usize>>>,
    /// Sections such as `[app]`.
    bare: HashMap<&'static str, usize>,
}

impl Headers {
    pub(super) fn new(sections: &[Section]) -> Self {
        let mut headers = Self::default();
        for (number, section) in sections.iter().enumerate() {
            let (kind, name) = split(&section.name);
            let Some(kind) = known(kind) else { continue };
            if let Some(name) = name {
                let named = headers.named.entry(kind).or_default();
                named.entry(name.into()).or_default().push(number);
            } else {
                headers.bare.insert(kind, number);
            }
        }
        headers
    }

    /// The sections that a name can stand for: none, one, or several between which it does not
    /// decide. Without a name those called `main`, and a section such as `[app]`.
    pub(super) fn find(&self, object: Object, name: Option<&str>) -> Vec<usize> {
        let mut found = Vec::new();
        for group in groups(object) {
            let mut hits = group.iter().map(|kind| self.hits(kind, name));
            found.extend(hits.find(|hits| !hits.is_empty()).unwrap_or_default());
        }
        found
    }

    /// The section with a header, to the letter.
    pub(super) fn exact(&self, header: &str, sections: &[Section]) -> Option<usize> {
        let (kind, name) = split(header);
        let mut hits = self.hits(kind, name).into_iter();
        hits.find(|number| &*sections[*number].name == header)
    }

    fn hits(&self, kind: &str, name: Option<&str>) -> Vec<usize> {
        let bare = self.bare.get(kind).filter(|_| name.is_none());
        let names = self.named.get(kind);
        let named = names.and_then(|names| names.get(name.unwrap_or(MAIN)));
        bare.into_iter().chain(named.into_iter().flatten()).copied().collect()
    }

    /// The names of all sections that make an object, in the order of the file a kind.
    pub(super) fn names(&self, object: Object) -> impl Iterator<Item = &str> {
        let kinds = groups(object).iter().copied().flatten();
        kinds.filter_map(|kind| self.named.get(kind)).flat_map(IndexMap::keys).map(|name| &**name)
    }
}

/// A kind that is Paste Deploy's.
fn known(kind: &str) -> Option<&'static str> {
    Loadable::kinds().find(|known| *known == kind)
}

/// A section that can be asked for by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loadable {
    /// The header, such as `filter:cors`.
    pub section: Arc<str>,
    /// What it makes.
    pub object: Object,
    /// The name that it is asked for by; none for a header such as `[app]`.
    pub name: Option<Arc<str>>,
}

impl Loadable {
    /// The section, if it is of a kind that is Paste Deploy's.
    pub fn of(section: &Section) -> Option<Self> {
        let object = object(&section.name)?;
        let name = split(&section.name).1.map(Arc::from);
        Some(Self { section: Arc::clone(&section.name), object, name })
    }

    /// The kinds that are Paste Deploy's: `app`, `application` …
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        KINDS.iter().flat_map(|(_, groups)| groups.iter().copied().flatten().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini;
    use crate::source::Sources;

    /// The headers of the sections that an object's name can stand for.
    fn find(headers: &[&str], object: Object, name: Option<&str>) -> Vec<String> {
        let text: Vec<_> = headers.iter().map(|header| format!("[{header}]\n")).collect();
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", text.concat());
        let sections = ini::parse(source, &sources).0.sections;
        let found = Headers::new(&sections).find(object, name);
        found.into_iter().map(|number| sections[number].name.to_string()).collect()
    }

    #[test]
    fn the_first_kind_of_a_group_hides_the_others() {
        let headers = ["application:a", "app:a", "composit:a", "composite:a", "filter:a"];
        let found = find(&headers, Object::App, Some("a"));
        assert_eq!(found, ["app:a", "composite:a"]);
        assert_eq!(find(&headers[..1], Object::App, Some("a")), ["application:a"]);
        assert_eq!(find(&headers, Object::Filter, Some("a")), ["filter:a"]);
    }

    #[test]
    fn blanks_around_a_name_do_not_count_but_case_does() {
        let headers = ["app: a b\t", "app:A b", "app :a b", "app:a b"];
        assert_eq!(find(&headers, Object::App, Some("a b")), ["app: a b\t", "app:a b"]);
        assert_eq!(find(&headers, Object::App, Some(" a b")), [""; 0]);
    }

    #[test]
    fn without_a_name_main_and_the_bare_header_count() {
        let headers = ["app:main", "app", "pipeline", "server"];
        assert_eq!(find(&headers, Object::App, None), ["app", "app:main", "pipeline"]);
        assert_eq!(find(&headers, Object::Server, None), ["server"]);
        assert_eq!(find(&headers, Object::App, Some("main")), ["app:main"]);
    }
}
