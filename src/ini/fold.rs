//! Folds physical lines into sections and options, as the loop of Python's `ConfigParser` does.

mod close;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use super::again::Again;
use super::block::{AgainSection, Block, Open, Place};
use super::fault::{
    self, DUPLICATE_OPTION, DUPLICATE_SECTION, Faults, MISSING_SECTION_HEADER, PARSING,
};
use super::{Document, Section};
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Sources, Span, line_end};
use crate::syntax::{self, Line, LineKind};

/// The section whose options stand in for those that other sections lack.
const DEFAULT: &str = "DEFAULT";

/// A byte order mark. Python reads it as a part of the first line.
const MARK: char = '\u{feff}';

/// Reads the text of a source.
///
/// All faults are returned, in the order of the lines; see [`raised`](super::raised) for the one
/// that Paste Deploy would stop at. What can be read in spite of them is in the document.
pub fn parse(source: SourceId, sources: &Sources) -> (Document, Vec<Diagnostic>) {
    let text: &str = sources.get(source).text();
    let mut faults = Faults::default();
    let unmarked = text.strip_prefix(MARK).unwrap_or(text);
    let offset = text.len() - unmarked.len();
    if offset > 0 {
        let mark = Span::new(source, 0, offset);
        faults.add(MISSING_SECTION_HEADER, || fault::byte_order_mark(mark));
    }
    let place = Place { source, text: unmarked, offset };
    let mut fold = Fold::new(place, faults);
    syntax::parse(unmarked).for_each(|line| fold.line(&line));
    fold.finish()
}

/// The loop's state.
#[derive(Debug)]
struct Fold<'text> {
    place: Place<'text>,
    faults: Faults,
    /// All `[DEFAULT]` sections are one.
    defaults: Block<'text>,
    sections: Vec<Section>,
    /// Where each section is first given.
    headers: HashMap<&'text str, Span>,
    current: Current<'text>,
    /// Whether lines stand before any header.
    is_headless: bool,
    /// The option that deeper lines go on with.
    open: Option<Open<'text>>,
    /// The indentation of the last line that did not go on with a value.
    indentation: usize,
}

/// The section that options go to.
#[derive(Debug)]
enum Current<'text> {
    /// No header has been read.
    None,
    Defaults,
    Section(Box<Block<'text>>),
}

impl<'text> Fold<'text> {
    fn new(place: Place<'text>, faults: Faults) -> Self {
        Self {
            place,
            faults,
            defaults: Block::new(DEFAULT, None),
            sections: Vec::new(),
            headers: HashMap::new(),
            current: Current::None,
            is_headless: false,
            open: None,
            indentation: 0,
        }
    }

    fn line(&mut self, line: &Line) {
        // A comment changes nothing, not even the indentation that later lines are held against.
        if line.kind == LineKind::Comment {
            return;
        }
        if let Some(open) = &mut self.open
            && (line.kind == LineKind::Blank || line.indentation > self.indentation)
        {
            open.lines.push(line.text.clone());
            return;
        }
        if line.kind == LineKind::Blank {
            return;
        }
        self.indentation = line.indentation;
        match &line.kind {
            LineKind::Header { name } => self.header(name),
            _ if matches!(self.current, Current::None) => self.missing_header(line),
            LineKind::Option { key, value } if key.is_empty() => self.empty_key(line, value),
            LineKind::Option { key, value } => {
                self.warn_of_open_header(line);
                self.option(key, value);
            }
            _ => self.add(PARSING, line, fault::no_option),
        }
    }

    /// Adds a fault that concerns a whole line.
    fn add(
        &mut self,
        class: &'static str,
        line: &Line,
        fault: impl FnOnce(&str, Span) -> Diagnostic,
    ) {
        let (place, range) = (self.place, &line.text);
        self.faults.add(class, || fault(place.text(range), place.span(range)));
    }

    fn header(&mut self, range: &Range<usize>) {
        self.close_section();
        let (name, span) = (self.place.text(range), self.place.span(range));
        self.current = if name == DEFAULT {
            Current::Defaults
        } else {
            Current::Section(Box::new(match self.headers.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(span);
                    Block::new(name, Some(span))
                }
                Entry::Occupied(first) => {
                    let first = *first.get();
                    let fault = || fault::duplicate_section(name, span, first);
                    let fault = self.faults.add(DUPLICATE_SECTION, fault);
                    let again = AgainSection {
                        again: Again { first, fault },
                        header: range.clone(),
                        indentation: self.indentation,
                        faults: self.faults.count(),
                    };
                    Block { again: Some(again), ..Block::new(name, Some(span)) }
                }
            }))
        };
    }

    /// Only the first line without a section is a fault: the lines after it are of a piece with
    /// it.
    fn missing_header(&mut self, line: &Line) {
        if !std::mem::replace(&mut self.is_headless, true) {
            let end = line_end(self.place.text, line.text.start);
            self.add(MISSING_SECTION_HEADER, line, |text, span| {
                fault::missing_header(text, span, end)
            });
        }
    }

    /// Nothing goes on with an option without a key. Python takes the first in a section for an
    /// option and complains at the end; the second it takes for a duplicate.
    fn empty_key(&mut self, line: &Line, value: &Range<usize>) {
        self.close_option();
        let delimiter = self.place.span(&(line.text.start..line.text.start + 1));
        let value = self.place.text(value);
        if let Some(block) = self.current.block(&mut self.defaults) {
            let first = block.keys.get("").copied();
            block.keys.entry("").or_insert(delimiter);
            let class = if first.is_some() { DUPLICATE_OPTION } else { PARSING };
            self.faults.add(class, || fault::empty_key(value, delimiter, first));
        }
    }

    fn option(&mut self, key: &Range<usize>, value: &Range<usize>) {
        self.close_option();
        let (key, key_span) = (self.place.text(key), self.place.span(key));
        let Some(block) = self.current.block(&mut self.defaults) else { return };
        let again = match block.keys.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(key_span);
                None
            }
            Entry::Occupied(first) => {
                let (section, first) = (block.name, *first.get());
                let fault = || fault::duplicate_option(key, section, key_span, first);
                let fault = self.faults.add(DUPLICATE_OPTION, fault);
                Some(Again { first, fault })
            }
        };
        self.open = Some(Open { key, key_span, lines: vec![value.clone()], again });
    }

    /// `[app:main` is an option with the key `[app`, which is hardly ever meant.
    fn warn_of_open_header(&mut self, line: &Line) {
        let text = self.place.text(&line.text);
        if text.starts_with('[') && !text.contains(['=', ']']) {
            self.add("", line, fault::open_header);
        }
    }

    fn finish(mut self) -> (Document, Vec<Diagnostic>) {
        // Nothing comes that could go on with anything.
        self.indentation = 0;
        self.close_section();
        let Self { place, defaults, sections, mut faults, .. } = self;
        faults.leave(defaults.undecided());
        let document = Document { source: place.source, defaults: defaults.options, sections };
        (document, faults.finish())
    }
}

impl<'text> Current<'text> {
    fn block<'block>(
        &'block mut self,
        defaults: &'block mut Block<'text>,
    ) -> Option<&'block mut Block<'text>> {
        match self {
            Self::None => None,
            Self::Defaults => Some(defaults),
            Self::Section(block) => Some(block),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::Setting;

    fn parse_text(text: &str) -> (Document, Vec<Diagnostic>, Sources) {
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", text);
        let (document, diagnostics) = parse(source, &sources);
        (document, diagnostics, sources)
    }

    /// The raw values of a text without faults, as `section/key=value`.
    fn values(text: &str) -> Vec<String> {
        let (document, diagnostics, _) = parse_text(text);
        assert_eq!(diagnostics, [], "{text:?}");
        let list = |name: &str, options: &[Setting]| -> Vec<String> {
            options.iter().map(|option| format!("{name}/{}={}", option.key, option.raw)).collect()
        };
        let mut values = list("DEFAULT", &document.defaults);
        values.extend(document.sections.iter().flat_map(|part| list(&part.name, &part.options)));
        values
    }

    /// The faults of a text, as `line:column slug class`.
    fn faults(text: &str) -> Vec<String> {
        let (_, diagnostics, sources) = parse_text(text);
        let place = |diagnostic: &Diagnostic| {
            let location = sources.location(diagnostic.span.unwrap());
            format!("{}:{} {}", location.line, location.column, diagnostic.slug)
        };
        let fault = |fault: &Diagnostic| format!("{} {}", place(fault), fault.class);
        diagnostics.iter().map(fault).collect()
    }

    #[test]
    fn folds_deeper_lines_into_values() {
        for (lines, expected) in [
            ("a = 1\n  2\n 3", "a=1\n2\n3"),
            ("a =\n  [x]\n  b = 2", "a=\n[x]\nb = 2"),
            ("  a = 1\n   2", "a=1\n2"),
            ("a = 1\n\n \n  2\n\n", "a=1\n\n\n2"),
            ("a = 1\n# x\n  # y\n  2 # z", "a=1\n2 # z"),
            ("a =\n\n", "a="),
            ("a = 1\n\u{c}2", "a=1\n2"),
            ("a = 1\r  2\r\n\t3", "a=1\n2\n3"),
        ] {
            assert_eq!(values(&format!("[s]\n{lines}")), [format!("s/{expected}")], "{lines:?}");
        }
    }

    #[test]
    fn measures_depth_against_the_last_line_that_stood_for_itself() {
        assert_eq!(values("[s]\n  a = 1\n b = 2\n  c"), ["s/a=1", "s/b=2\nc"]);
        assert_eq!(values("[s]\n    a = 1\n  [t]\n    b = 2"), ["s/a=1", "t/b=2"]);
    }

    #[test]
    fn joins_default_sections_wherever_they_stand() {
        let text = "[s]\na = 1\n[DEFAULT]\nb = 2\n[t]\n[DEFAULT]\nc = 3\n[default]\nb = 4";
        assert_eq!(values(text), ["DEFAULT/b=2", "DEFAULT/c=3", "s/a=1", "default/b=4"]);
    }

    #[test]
    fn reports_every_fault_at_its_place() {
        for (text, expected) in [
            ("\n a = 1\nb\n", vec!["2:2 missing-section-header MissingSectionHeaderError"]),
            ("[]", vec!["1:1 not-an-option MissingSectionHeaderError"]),
            (
                "[s]\nb c\n  d",
                vec!["2:1 not-an-option ParsingError", "3:3 not-an-option ParsingError"],
            ),
            ("[s]\na=1\nb c\n  d", vec!["3:1 not-an-option ParsingError"]),
            ("[s]\na=1\na=2\n  a=3", vec!["3:1 duplicate-option DuplicateOptionError"]),
            (
                "[s]\n= 1\n  : 2",
                vec!["2:1 empty-key ParsingError", "3:3 empty-key DuplicateOptionError"],
            ),
            (
                "[s]\na=1\n[s]\na=1\nb",
                vec![
                    "3:2 duplicate-section DuplicateSectionError",
                    "5:1 not-an-option ParsingError",
                ],
            ),
            ("[DEFAULT]\na=1\n[DEFAULT]\na=1", vec!["4:1 duplicate-option DuplicateOptionError"]),
            ("[s]\n[t:a\n", vec!["2:1 unclosed-header "]),
            ("[s]\n[t\n", vec!["2:1 unclosed-header ParsingError"]),
            (
                "\u{feff}a=1\n",
                vec![
                    "1:1 byte-order-mark MissingSectionHeaderError",
                    "1:2 missing-section-header MissingSectionHeaderError",
                ],
            ),
        ] {
            assert_eq!(faults(text), expected, "{text:?}");
        }
    }

    #[test]
    fn keeps_what_is_given_first() {
        let (document, ..) = parse_text("[s]\na=1\n[t]\nb=1\nb=2\nc=3\n[s]\na=4\nd=5");
        let found: Vec<_> = document.sections.iter().map(|section| &*section.name).collect();
        assert_eq!(found, ["s", "t"]);
        let options = document.sections.iter().flat_map(|section| &section.options);
        let found: Vec<_> = options.map(|option| (&*option.key, &*option.raw)).collect();
        assert_eq!(found, [("a", "1"), ("b", "1"), ("c", "3")]);
    }

    #[test]
    fn reads_on_after_a_byte_order_mark() {
        let (document, faults, sources) = parse_text("\u{feff}[s]\na = 1");
        assert_eq!(faults.len(), 1);
        assert_eq!(sources.text(document.sections[0].options[0].value_span), "1");
    }

    #[test]
    fn knows_the_place_of_every_line() {
        let text = "[s]\na = 1\n\n # c\n  2 \nb =  \n";
        let (document, _, sources) = parse_text(text);
        let [a, b] = &document.sections[0].options[..] else { panic!("two options") };
        let lines: Vec<_> = a.lines.iter().map(|line| sources.text(*line)).collect();
        assert_eq!(lines, ["1", "", "2"]);
        assert_eq!(sources.text(a.value_span), "1\n\n # c\n  2");
        assert_eq!(b.value_span.range(), text.len() - 3..text.len() - 3);
        assert_eq!(sources.text(document.sections[0].span), "s");
    }
}
