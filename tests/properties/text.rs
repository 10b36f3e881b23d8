//! What holds for every text. The fuzz target `parse` calls these functions as well.

use std::ops::Range;

use pasteline::ini::{Defaults, Document, Scope, Setting, Value, parse};
use pasteline::source::{Sources, Span};
use pasteline::syntax::{self, Factory, Line, LineKind, PieceKind};

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
        let scope = defaults.scope(section, &sources);
        for value in fills_in(&scope) {
            each_letter_has_its_place(&value, &sources);
            // Lines that are no options stand inside the values that go on after them.
            if faults.is_empty() {
                all_letters_have_the_place_of_the_value(&value, &scope, &sources);
            }
        }
    }
}

/// Each letter stands where its place says, or came through a reference that stands there; and
/// places are in the order of the letters.
fn each_letter_has_its_place(value: &Value, sources: &Sources) {
    /// How many letters of a value are looked at.
    const LOOKED_AT: usize = 100;
    let Some(places) = value.places(sources) else { return };
    let mut last = 0;
    for (at, letter) in value.text.char_indices().take(LOOKED_AT) {
        let place = places.part(at..at + letter.len_utf8()).expect("a letter has a place");
        assert!(last <= place.start, "{value:?}");
        last = place.start;
        let written = sources.text(place);
        let is_there = match letter {
            '\n' => written.contains(['\n', '\r']),
            '%' => written == "%%",
            letter => written.chars().eq([letter]),
        };
        let is_reference = written.starts_with("%(") && written.ends_with(")s");
        assert!(is_there || is_reference, "{letter:?} in {value:?} stands as {written:?}");
    }
}

/// The place of all letters of a value is that of the value, but for references at its ends that
/// stand for nothing.
fn all_letters_have_the_place_of_the_value(value: &Value, scope: &Scope<'_>, sources: &Sources) {
    let part = value.part(0..value.text.len(), sources);
    let (Some(whole), Some(part)) = (value.span, part) else {
        return assert_eq!(value.span, part);
    };
    let before = Span { end: part.start, ..whole };
    let behind = Span { start: part.end, ..whole };
    for rest in [before, behind].map(|rest| sources.text(rest)) {
        for piece in syntax::interpolation(rest) {
            let PieceKind::Reference { name } = piece.kind else { panic!("{rest:?} in {value:?}") };
            let found = scope.value(&rest[name]).expect("its value is filled in");
            assert_eq!(found.as_ref().map(|found| &*found.text), Ok(""), "{rest:?} in {value:?}");
        }
    }
}

fn settings(document: &Document) -> impl Iterator<Item = &Setting> {
    let sections = document.sections.iter().flat_map(|section| &section.options);
    document.defaults.iter().chain(sections)
}

/// The values of a section, those that can be filled in.
fn fills_in(scope: &Scope<'_>) -> Vec<Value> {
    let mut values = Vec::new();
    for key in scope.keys() {
        match scope.value(key).expect("a key has a value") {
            Ok(value) => {
                Factory::parse(&value.text);
                syntax::mount(&value.text).for_each(drop);
                values.push(value);
            }
            Err(fault) => assert!(!fault.message.is_empty()),
        }
    }
    values
}
