//! What holds for every text. The fuzz target `parse` calls these functions as well.

use std::ops::Range;

use pasteline::ini::{Defaults, Document, Scope, Setting, parse};
use pasteline::source::{Sources, Span};
use pasteline::syntax::{self, Factory, Line, LineKind};

/// The lines of a text join to the text, and so do their parts to the lines and the pieces of
/// values to the values.
pub(crate) fn is_lossless(text: &str) {
    let mut end = 0;
    for line in syntax::parse(text) {
        assert_eq!(line.range.start, end);
        assert!(!line.range.is_empty());
        end = line.range.end;
        check_parts(text, &line);
    }
    assert_eq!(end, text.len());

    let joined: String =
        syntax::interpolation(text).map(|piece| text[piece.range].to_owned()).collect();
    assert_eq!(joined, text);
    let words: Vec<_> = syntax::words(text).map(|(at, word)| &text[at..at + word.len()]).collect();
    let expected = text.split(syntax::is_space).filter(|word| !word.is_empty());
    assert_eq!(words, expected.collect::<Vec<_>>());
}

/// Nothing but blanks and delimiters lies between the parts of a line.
fn check_parts(text: &str, line: &Line) {
    let space = |range: Range<usize>| assert_eq!(syntax::strip(&text[range]), "");
    assert_eq!(syntax::strip(&text[line.range.clone()]), &text[line.text.clone()]);
    if line.kind == LineKind::Blank {
        return space(line.range.clone());
    }
    space(line.range.start..line.text.start);
    space(line.text.end..line.range.end);
    assert_eq!(text[line.range.start..line.text.start].chars().count(), line.indentation);
    match &line.kind {
        LineKind::Header { name } => {
            assert_eq!(name.start, line.text.start + 1);
            assert!(!name.is_empty() && !text[name.end + 1..line.text.end].contains(']'));
        }
        LineKind::Option { key, value } => {
            let between = &text[key.end..value.start];
            assert!(["=", ":"].contains(&syntax::strip(between)), "{between:?}");
            assert_eq!(key.start, line.text.start);
            assert!(value.end == line.text.end);
        }
        LineKind::Blank | LineKind::Comment | LineKind::Junk => {}
    }
}

/// A text can be read: every place lies in it, values are what stands there, and references are
/// filled in or refused.
pub(crate) fn is_read(text: &str) {
    let mut sources = Sources::default();
    let source = sources.add("/dir/paste.ini", text);
    let (document, faults) = parse(source, &sources);
    let places: Vec<_> = faults.iter().filter_map(|fault| fault.span).collect();
    assert!(places.is_sorted_by_key(|place| place.start), "faults are in the order of the lines");
    for place in places {
        assert!(text.get(place.range()).is_some());
    }
    for setting in settings(&document) {
        let lines: Vec<_> = setting.lines.iter().map(|line| sources.text(*line)).collect();
        assert_eq!(lines.join("\n"), *setting.raw);
        assert_eq!(sources.text(setting.key_span), &*setting.key);
        assert_eq!(
            sources.text(setting.part(0..setting.raw.len())),
            sources.text(setting.value_span)
        );
    }
    let defaults = Defaults::new(&document, &sources);
    let sections = document.sections.iter().map(Some);
    for section in std::iter::once(None).chain(sections) {
        let places = fills_in(&defaults.scope(section, &sources), &sources);
        // Lines that are no options stand inside the values that go on after them.
        if faults.is_empty() {
            assert!(places.iter().all(|places| is_all_letters(*places, &sources)), "{places:?}");
        }
    }
}

/// Whether the place of all letters of a value is that of the value, but for references at its
/// ends, which may stand for nothing.
fn is_all_letters((whole, part): (Option<Span>, Option<Span>), sources: &Sources) -> bool {
    let (Some(whole), Some(part)) = (whole, part) else { return whole == part };
    let text = sources.text(whole);
    (whole.start == part.start || text.starts_with("%(") && whole.start < part.start)
        && (whole.end == part.end || text.ends_with(")s") && part.end < whole.end)
}

fn settings(document: &Document) -> impl Iterator<Item = &Setting> {
    let sections = document.sections.iter().flat_map(|section| &section.options);
    document.defaults.iter().chain(sections)
}

/// Fills in all values, and returns the place of each with that of all its letters.
fn fills_in(scope: &Scope<'_>, sources: &Sources) -> Vec<(Option<Span>, Option<Span>)> {
    let mut places = Vec::new();
    for key in scope.keys() {
        match scope.value(key).expect("a key has a value") {
            Ok(value) => {
                Factory::parse(&value.text);
                syntax::mount(&value.text).for_each(drop);
                places.push((value.span, value.part(0..value.text.len(), sources)));
            }
            Err(fault) => assert!(!fault.message.is_empty()),
        }
    }
    places
}
