//! Lays the sections of one file over those of another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Document, Section, Setting};
use crate::diagnostic::{Diagnostic, Excerpt};

/// Lays an overlay over a document; of several the last one wins.
///
/// Options override those of the section with the same header one by one, also in `[DEFAULT]`;
/// new sections come at the end. A section that gives a factory (`use`, `paste.app_factory` and
/// the like) says all of it: the options of the factory below it are dropped, which is noted.
/// What is not the factory's own stays: `filter-with`, since replacing an app must not open the
/// door before it, and the `next` of a `filter-app`.
pub fn overlay(document: &mut Document, overlay: Document) -> Vec<Diagnostic> {
    lay_over(&mut document.defaults, overlay.defaults);
    let names = document.sections.iter().map(|section| Arc::clone(&section.name));
    let places: HashMap<_, _> = names.zip(0..).collect::<HashMap<Arc<str>, usize>>();
    let mut notes = Vec::new();
    for section in overlay.sections {
        match places.get(&section.name) {
            None => document.sections.push(section),
            Some(&at) => {
                let below = &mut document.sections[at];
                notes.extend(drop_factory(below, &section));
                lay_over(&mut below.options, section.options);
            }
        }
    }
    notes
}

/// Puts each option in the place of the one with the same key, or at the end.
fn lay_over(below: &mut Vec<Setting>, above: Vec<Setting>) {
    let keys = below.iter().map(|setting| Arc::clone(&setting.key));
    let places: HashMap<_, _> = keys.zip(0..).collect::<HashMap<Arc<str>, usize>>();
    for setting in above {
        match places.get(&setting.key) {
            Some(&at) => below[at] = setting,
            None => below.push(setting),
        }
    }
}

/// Drops the factory of a section and its options if the section above gives another.
fn drop_factory(below: &mut Section, above: &Section) -> Option<Diagnostic> {
    let factory = above.options.iter().find(|setting| is_factory(&setting.key))?;
    let given: HashSet<_> = above.options.iter().map(|setting| &setting.key).collect();
    let is_filter_app = below.name.starts_with("filter-app:");
    let stays = |setting: &mut Setting| {
        let key = &setting.key;
        given.contains(key) || &**key == "filter-with" || (is_filter_app && &**key == "next")
    };
    let mut dropped: Vec<_> = below.options.extract_if(.., |setting| !stays(setting)).collect();
    dropped.retain(|setting| !is_factory(&setting.key));
    if dropped.is_empty() { None } else { Some(note(factory, below, &dropped)) }
}

fn is_factory(key: &str) -> bool {
    key == "use" || key.starts_with("paste.")
}

fn note(factory: &Setting, section: &Section, dropped: &[Setting]) -> Diagnostic {
    /// How many options are named.
    const NAMED: usize = 8;
    let names = dropped.iter().map(|setting| format!("`{}`", Excerpt(&setting.key)));
    let names = names.take(NAMED).collect::<Vec<_>>().join(", ");
    let more = match dropped.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let header = Excerpt(&section.name);
    let message =
        format!("the factory of `[{header}]` is replaced, which drops its options {names}{more}");
    let note = Diagnostic::note("dropped-options", message)
        .at(factory.key_span)
        .label("another factory is given here")
        .help("state the options again in the overlay where the new factory needs them");
    dropped.iter().take(NAMED).fold(note, |note, setting| note.related(setting.key_span, "dropped"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::{Defaults, parse};
    use crate::source::Sources;

    /// Lays each text over those before it, in directories `/0`, `/1` ….
    fn laid(texts: &[&str]) -> (Document, Vec<String>, Sources) {
        let mut sources = Sources::default();
        let mut documents = texts.iter().zip(0..).map(|(text, number)| {
            let source = sources.add(format!("/{number}/paste.ini"), *text);
            let (document, faults) = parse(source, &sources);
            assert_eq!(faults, []);
            document
        });
        let mut document = documents.next().unwrap();
        let notes = documents.flat_map(|above| overlay(&mut document, above));
        let notes = notes.map(|note| note.message).collect();
        (document, notes, sources)
    }

    /// The options of the first section, as `key=value`.
    fn options(texts: &[&str]) -> Vec<String> {
        let (document, ..) = laid(texts);
        let options = document.sections[0].options.iter();
        options.map(|setting| format!("{}={}", setting.key, setting.raw)).collect()
    }

    #[test]
    fn overrides_option_by_option() {
        let below = "[s]\na = 1\nb = 2\nc = 3";
        assert_eq!(options(&[below, "[s]\nb = 4\nd = 5"]), ["a=1", "b=4", "c=3", "d=5"]);
        assert_eq!(options(&[below, "[s]\nb = 4", "[s]\nb = 5"]), ["a=1", "b=5", "c=3"]);
        assert_eq!(options(&[below, "[ s]\nb = 4"]), ["a=1", "b=2", "c=3"]);
    }

    #[test]
    fn overrides_defaults_and_adds_sections_at_the_end() {
        let (document, ..) = laid(&["[DEFAULT]\na = 1\n[s]\n[t]", "[u]\n[DEFAULT]\na = 2\nb = 3"]);
        let names: Vec<_> = document.sections.iter().map(|section| &*section.name).collect();
        assert_eq!(names, ["s", "t", "u"]);
        let raw: Vec<_> = document.defaults.iter().map(|setting| &*setting.raw).collect();
        assert_eq!(raw, ["2", "3"]);
    }

    #[test]
    fn a_factory_drops_the_options_of_the_one_below() {
        let below = "[s]\nuse = x\na = 1\nset b = 2\nfilter-with = auth\nc = 3";
        let above = "[s]\npaste.app_factory = m:f\nc = 4";
        let expected = ["filter-with=auth", "c=4", "paste.app_factory=m:f"];
        assert_eq!(options(&[below, above]), expected);
        let (_, notes, _) = laid(&[below, above]);
        let message = "the factory of `[s]` is replaced, which drops its options `a`, `set b`";
        assert_eq!(notes, [message]);
    }

    #[test]
    fn a_filter_app_keeps_what_comes_next() {
        let below = "[filter-app:s]\nuse = x\nnext = app\na = 1";
        let above = "[filter-app:s]\nuse = y";
        assert_eq!(options(&[below, above]), ["use=y", "next=app"]);
        let other = "[app:s]\nuse = x\nnext = app";
        assert_eq!(options(&[other, "[app:s]\nuse = y"]), ["use=y"]);
    }

    #[test]
    fn drops_nothing_in_silence_where_there_is_nothing_to_drop() {
        let (_, notes, _) = laid(&["[s]\nuse = x\na = 1", "[s]\nuse = y\na = 2"]);
        assert!(notes.is_empty());
    }

    #[test]
    fn here_is_the_directory_of_the_file_that_says_it() {
        let below = "[DEFAULT]\nx = %(here)s\n[s]\na = %(here)s\nb = %(a)s %(c)s %(x)s";
        let (document, _, sources) = laid(&[below, "[s]\nc = %(here)s"]);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        assert_eq!(&*scope.value("b").unwrap().unwrap().text, "/0 /1 /0");
        assert_eq!(&*scope.value("here").unwrap().unwrap().text, "/0");
    }

    #[test]
    fn defaults_hide_options_of_the_main_file_only() {
        let below = "[DEFAULT]\na = 1\nb = 2\n[s]\na = 3\nb = 4\nc = 5";
        let (document, _, sources) = laid(&[below, "[s]\nb = 6"]);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let hidden = ["a", "b", "c", "here"].map(|key| scope.is_hidden(key));
        assert_eq!(hidden, [true, false, false, true]);
    }

    #[test]
    fn knows_the_file_that_each_option_comes_from() {
        let (document, _, sources) = laid(&["[s]\na = 1\nb = 2", "[s]\nb = 3"]);
        let files = document.sections[0].options.iter().map(|setting| {
            let location = sources.location(setting.value_span);
            location.to_string()
        });
        assert_eq!(files.collect::<Vec<_>>(), ["/0/paste.ini:2:5", "/1/paste.ini:2:5"]);
    }
}
