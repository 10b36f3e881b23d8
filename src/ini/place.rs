//! Finds the place in a file for a part of a value.

use std::ops::Range;

use super::{Setting, Value};
use crate::source::{Sources, Span, line_start};
use crate::syntax::{self, LineKind, Piece, PieceKind};

impl Setting {
    /// The place of a part of the raw value, by byte offsets.
    pub fn part(&self, range: Range<usize>) -> Span {
        part(&starts(&self.lines).collect::<Vec<_>>(), range).unwrap_or(self.value_span)
    }
}

impl Value {
    /// The place of a part of the text, by byte offsets: the very letters, or the reference that
    /// they came through; none if no file gives the value.
    pub fn part(&self, range: Range<usize>, sources: &Sources) -> Option<Span> {
        self.places(sources)?.part(range)
    }

    /// The places of all parts, for who asks for many; none if no file gives the value.
    pub fn places(&self, sources: &Sources) -> Option<Places> {
        let span = self.span?;
        let lines = lines(span, sources);
        let text: Vec<_> = lines.iter().map(|line| sources.text(*line)).collect();
        let raw = text.join("\n");
        // One that cannot be interpolated is read on as it stands.
        let is_raw = *raw == *self.text;
        let segments = if is_raw { as_is(raw.len()) } else { segments(&raw, self.text.len()) };
        Some(Places { span, lines: starts(&lines).collect(), segments })
    }
}

/// Where the parts of a value stand in its file.
#[derive(Debug)]
pub struct Places {
    span: Span,
    /// The lines of the raw value, each with its start in it.
    lines: Vec<(usize, Span)>,
    segments: Vec<Segment>,
}

impl Places {
    /// The place of a part of the text, by byte offsets: the very letters, or the reference that
    /// they came through.
    pub fn part(&self, range: Range<usize>) -> Option<Span> {
        part(&self.lines, before_interpolation(&self.segments, range)).or(Some(self.span))
    }
}

/// The place of a part of lines that are joined by line ends; each has its start with it.
fn part(lines: &[(usize, Span)], range: Range<usize>) -> Option<Span> {
    let place = |at: usize| {
        let line = lines.partition_point(|(start, line)| start + line.range().len() < at);
        let (start, line) = lines.get(line)?;
        let at = at.saturating_sub(*start);
        Some(line.part(at, at))
    };
    Some(place(range.start)?.to(place(range.end)?))
}

/// Lines that are joined by line ends, each with its start.
fn starts(lines: &[Span]) -> impl Iterator<Item = (usize, Span)> {
    let mut next = 0;
    lines.iter().map(move |line| {
        let start = next;
        next += line.range().len() + 1;
        (start, *line)
    })
}

/// The lines of the value at a place, as they are folded.
fn lines(span: Span, sources: &Sources) -> Vec<Span> {
    let text = sources.get(span.source).text();
    let Range { start: value, end } = span.range();
    if !text[value..end].contains(['\n', '\r']) {
        return vec![span];
    }
    let start = line_start(text, value);
    let place = |from: usize, to: usize| Span::new(span.source, from, to.max(from));
    let mut parsed = syntax::parse(&text[start..end]);
    let Some(first) = parsed.next() else { return vec![span] };
    let mut lines = vec![place(value, start + first.text.end)];
    let mut indentation = first.indentation;
    for line in parsed.filter(|line| line.kind != LineKind::Comment) {
        if line.kind == LineKind::Blank || line.indentation > indentation {
            lines.push(place(start + line.text.start, start + line.text.end));
        } else {
            // A line that is no option stands in between, and changes what counts as deeper.
            indentation = line.indentation;
        }
    }
    lines
}

/// The part of a raw value that a part of the interpolated value came from. Text before the first
/// reference and after the last is known to the letter; what lies between came from these
/// references.
fn before_interpolation(pieces: &[Segment], range: Range<usize>) -> Range<usize> {
    let start = pieces.partition_point(|piece| piece.text.start <= range.start);
    let start = pieces[..start].last().map_or(0, |piece| piece.raw_start(range.start));
    if range.is_empty() {
        return start..start;
    }
    let end = pieces.partition_point(|piece| piece.text.end < range.end);
    let end = pieces.get(end).or(pieces.last()).map_or(0, |piece| piece.raw_end(range.end));
    start..end.max(start)
}

/// A piece of a value before and after interpolation.
#[derive(Debug)]
struct Segment {
    text: Range<usize>,
    raw: Range<usize>,
    /// Whether each letter stands for itself.
    is_plain: bool,
}

impl Segment {
    fn raw_start(&self, at: usize) -> usize {
        if self.is_plain { self.raw.start + at - self.text.start } else { self.raw.start }
    }

    fn raw_end(&self, at: usize) -> usize {
        if self.is_plain { self.raw.start + at - self.text.start } else { self.raw.end }
    }
}

/// The pieces of a value, all from the first reference to the last in one.
fn segments(raw: &str, length: usize) -> Vec<Segment> {
    let pieces: Vec<_> = syntax::interpolation(raw).collect();
    let is_own = |piece: &&Piece| !matches!(piece.kind, PieceKind::Reference { .. });
    let head = pieces.iter().take_while(is_own).count();
    if head == pieces.len() {
        return own(&pieces, 0);
    }
    let tail = pieces.len() - pieces.iter().rev().take_while(is_own).count();
    let tail_start = length.saturating_sub(pieces[tail..].iter().map(width).sum());
    let references = Segment {
        text: pieces[..head].iter().map(width).sum()..tail_start,
        raw: pieces[head].range.start..pieces[tail - 1].range.end,
        is_plain: false,
    };
    let mut segments = own(&pieces[..head], 0);
    segments.push(references);
    segments.extend(own(&pieces[tail..], tail_start));
    segments
}

/// All of a value that has not been interpolated.
fn as_is(length: usize) -> Vec<Segment> {
    vec![Segment { text: 0..length, raw: 0..length, is_plain: true }]
}

/// Pieces without references.
fn own(pieces: &[Piece], mut start: usize) -> Vec<Segment> {
    let segment = |piece: &Piece| {
        let text = start..start + width(piece);
        start = text.end;
        let is_plain = piece.kind == PieceKind::Plain;
        Segment { text, raw: piece.range.clone(), is_plain }
    };
    pieces.iter().map(segment).collect()
}

/// The length of a piece after interpolation.
fn width(piece: &Piece) -> usize {
    if piece.kind == PieceKind::Escape { 1 } else { piece.range.len() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ini::{Defaults, parse};

    /// The letters in the file of the first `word` in the value of `a`.
    fn letters(text: &str, word: &str) -> String {
        let mut sources = Sources::default();
        let source = sources.add("/dir/paste.ini", text);
        let (document, faults) = parse(source, &sources);
        assert_eq!(faults, []);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let value = scope.value("a").unwrap().unwrap();
        let start = value.text.find(word).unwrap();
        let span = value.part(start..start + word.len(), &sources).unwrap();
        format!("{}:{}", sources.location(span).line, sources.text(span))
    }

    #[test]
    fn finds_the_letters_of_a_value() {
        for (value, word, expected) in [
            ("cors auth", "auth", "2:auth"),
            ("\n  # auth\n  cors\n\n  auth", "auth", "6:auth"),
            ("# auth\n  cors", "auth", "2:auth"),
            ("x \t\r\n  auth", "auth", "3:auth"),
            ("100%% auth", "auth", "2:auth"),
            ("100%%", "0%", "2:0%%"),
            ("cors %(here)s auth", "cors", "2:cors"),
            ("cors %(here)s auth", "auth", "2:auth"),
            ("cors %(here)s auth", "dir", "2:%(here)s"),
            ("cors %(here)s%%/auth", "dir%/auth", "2:%(here)s%%/auth"),
            ("%(here)s-%(here)s auth", "-", "2:%(here)s-%(here)s"),
        ] {
            assert_eq!(letters(&format!("[s]\na = {value}\n"), word), expected, "{value:?}");
        }
    }

    #[test]
    fn finds_the_letters_of_a_value_that_cannot_be_interpolated() {
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", "[s]\na =\n 100%%\n é %\n auth\n");
        let (document, _) = parse(source, &sources);
        let [a] = &document.sections[0].options[..] else { panic!("one option") };
        let (text, span) = (Arc::clone(&a.raw), Some(a.value_span));
        let value = Value { text, key_span: None, span };
        let start = value.text.find("auth").unwrap();
        assert_eq!(sources.text(value.part(start..start + 4, &sources).unwrap()), "auth");
    }

    #[test]
    fn finds_the_letters_beyond_a_line_that_is_no_option() {
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", "[s]\n  a = x\njunk and more\n auth\n");
        let (document, _) = parse(source, &sources);
        let defaults = Defaults::new(&document, &sources);
        let scope = defaults.scope(document.sections.first(), &sources);
        let value = scope.value("a").unwrap().unwrap();
        assert_eq!(&*value.text, "x\nauth");
        assert_eq!(sources.text(value.part(2..6, &sources).unwrap()), "auth");
    }

    #[test]
    fn maps_a_place_between_letters() {
        let mut sources = Sources::default();
        let source = sources.add("paste.ini", "[s]\na =\nb = x\n  y");
        let (document, _) = parse(source, &sources);
        let [a, b] = &document.sections[0].options[..] else { panic!("two options") };
        assert_eq!(a.part(0..0), a.value_span);
        assert_eq!(sources.text(b.part(0..3)), "x\n  y");
        assert_eq!(sources.location(b.part(2..2)).column, 3);
    }
}
