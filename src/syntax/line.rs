//! Physical lines.

use std::ops::Range;

use pest::iterators::Pair;

use super::grammar::{self, Rule};
use super::space::strip_end;

/// A physical line. All ranges are byte offsets in the whole text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// The whole line with its end. Lines follow one another without a gap.
    pub range: Range<usize>,
    /// How many characters of whitespace it begins with; a tab is one.
    pub indentation: usize,
    /// The line without the whitespace around it, which is what goes on with a value.
    pub text: Range<usize>,
    /// What it is, if it does not go on with a value.
    pub kind: LineKind,
}

/// What a physical line is, taken by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LineKind {
    /// Nothing but whitespace.
    Blank,
    /// `# like this` or `; like this`, however deep it is indented.
    Comment,
    /// `[name]`, with anything after it.
    Header {
        /// What stands between `[` and the last `]` of the line; never empty.
        name: Range<usize>,
    },
    /// None of the others.
    Junk,
    /// `key = value` or `key: value`.
    Option {
        /// The key; empty, at the delimiter, if it is missing.
        key: Range<usize>,
        /// The value; empty, after the delimiter, if there is none.
        value: Range<usize>,
    },
}

/// Splits a text into its physical lines.
///
/// ```
/// use pasteline::syntax::{LineKind, parse};
///
/// let kinds: Vec<_> = parse("# demo\n[app:main]\n").map(|line| line.kind).collect();
/// assert_eq!(kinds, [LineKind::Comment, LineKind::Header { name: 8..16 }]);
/// ```
pub fn parse(text: &str) -> Lines<'_> {
    Lines { rest: text, offset: 0, parsed: Vec::new().into_iter() }
}

/// The lines of a text; what [`parse`] returns.
#[derive(Clone, Debug)]
pub struct Lines<'text> {
    /// What has not been parsed yet.
    rest: &'text str,
    /// Where `rest` begins in the whole text.
    offset: usize,
    /// The lines that have been parsed and not been taken yet.
    parsed: std::vec::IntoIter<Line>,
}

impl Lines<'_> {
    /// About how many bytes are parsed at a time. pest keeps a hundred bytes and more for each
    /// line, so a file of ten million empty lines must not be one piece.
    const PIECE: usize = 16 << 10;

    fn parse_next_piece(&mut self) {
        let (piece, rest) = self.rest.split_at(line_border(self.rest, Self::PIECE));
        let pairs = grammar::parse(Rule::lines, piece);
        let lines = pairs.filter(|pair| pair.as_rule() == Rule::line);
        self.parsed = lines.map(|line| read(line, self.offset)).collect::<Vec<_>>().into_iter();
        self.offset += piece.len();
        self.rest = rest;
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.parsed.len() == 0 && !self.rest.is_empty() {
            self.parse_next_piece();
        }
        self.parsed.next()
    }
}

/// The end of the line that the byte at `least` lies in.
fn line_border(text: &str, least: usize) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: &usize| match bytes[*at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    (least..bytes.len()).find(ends).map_or(bytes.len(), |at| at + 1)
}

/// Takes a line out of pest's hands, and the blanks at its end off what it says.
fn read(line: Pair<'_, Rule>, offset: usize) -> Line {
    let place = |pair: &Pair<'_, Rule>| {
        let start = offset + pair.as_span().start();
        start..start + strip_end(pair.as_str()).len()
    };
    let start = offset + line.as_span().start();
    let range = start..start + line.as_str().len();
    let mut indentation = 0;
    for part in line.into_inner() {
        let text = place(&part);
        let kind = match part.as_rule() {
            Rule::indentation => {
                indentation = part.as_str().chars().count();
                continue;
            }
            Rule::comment => LineKind::Comment,
            Rule::header => header(part, place),
            Rule::option => option(part, place),
            _ => LineKind::Junk,
        };
        return Line { range, indentation, text, kind };
    }
    Line { range, indentation, text: start..start, kind: LineKind::Blank }
}

fn header(header: Pair<'_, Rule>, place: impl Fn(&Pair<'_, Rule>) -> Range<usize>) -> LineKind {
    let bracketed = header.into_inner().next().expect("a header has brackets");
    let Range { start, end } = place(&bracketed);
    LineKind::Header { name: start + 1..end - 1 }
}

fn option(option: Pair<'_, Rule>, place: impl Fn(&Pair<'_, Rule>) -> Range<usize>) -> LineKind {
    let mut parts = option.into_inner().map(|part| place(&part));
    let mut part = || parts.next().expect("an option has a key, a delimiter and a value");
    let (key, delimiter, value) = (part(), part(), part());
    let value = if value.is_empty() { delimiter.end..delimiter.end } else { value };
    LineKind::Option { key, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the only line of a text is, its parts in `<>`.
    fn kind(text: &str) -> String {
        let lines: Vec<_> = parse(text).collect();
        assert_eq!(lines.len(), 1, "{text:?}");
        match lines[0].kind.clone() {
            LineKind::Blank => "blank".to_owned(),
            LineKind::Comment => "comment".to_owned(),
            LineKind::Header { name } => format!("header <{}>", &text[name]),
            LineKind::Junk => "junk".to_owned(),
            LineKind::Option { key, value } => {
                format!("option <{}> <{}>", &text[key], &text[value])
            }
        }
    }

    #[test]
    fn tells_lines_apart() {
        for (text, expected) in [
            ("\n", "blank"),
            (" \t\r\n", "blank"),
            ("  # a = b", "comment"),
            (";[a]", "comment"),
            ("[app:main]", "header <app:main>"),
            ("  [ a ]  ", "header < a >"),
            ("a", "junk"),
            ("\u{feff}# a", "junk"),
            ("a = b", "option <a> <b>"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }

    #[test]
    fn ends_a_header_at_the_last_bracket() {
        for (text, expected) in [
            ("[a] = [b] # c", "header <a] = [b>"),
            ("[[a]]", "header <[a]>"),
            ("[]]", "header <]>"),
            ("[]a]", "header <]a>"),
            ("[ ]", "header < >"),
            ("[]", "junk"),
            ("[a", "junk"),
            ("[a = b", "option <[a> <b>"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }

    #[test]
    fn splits_an_option_at_the_first_delimiter() {
        for (text, expected) in [
            ("a=b=c:d", "option <a> <b=c:d>"),
            ("http://h = a", "option <http> <//h = a>"),
            (" set  x \t=  y z \u{a0}\n", "option <set  x> <y z>"),
            ("a =", "option <a> <>"),
            ("a := b", "option <a> <= b>"),
            ("= b", "option <> <b>"),
            (":", "option <> <>"),
            ("/\u{e9} : \u{1f600}", "option </\u{e9}> <\u{1f600}>"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }

    #[test]
    fn counts_indentation_in_characters() {
        let indentation = |text| parse(text).next().map(|line| line.indentation);
        assert_eq!(indentation("\t\u{c}\u{1f}\u{3000}a"), Some(4));
        assert_eq!(indentation("  \n"), Some(2));
        assert_eq!(indentation("\u{200b}a"), Some(0));
    }

    #[test]
    fn keeps_the_text_without_the_space_around_it() {
        for (line, expected) in [
            (" \u{2003}[a] b \t\r\n", "[a] b"),
            ("\ta = b \u{85}", "a = b"),
            (" a = \t\n", "a ="),
            (" a b \n", "a b"),
        ] {
            let text = format!("\n{line}");
            let found = parse(&text).nth(1).unwrap();
            assert_eq!(&text[found.text], expected, "{line:?}");
            assert_eq!(&text[found.range], line);
        }
    }

    #[test]
    fn ends_lines_as_python_does() {
        let text = "a\nb\rc\r\nd\u{b}\u{c}\u{1c}\u{85}\u{2028}e";
        let lines: Vec<_> = parse(text).map(|line| &text[line.range]).collect();
        assert_eq!(lines, ["a\n", "b\r", "c\r\n", "d\u{b}\u{c}\u{1c}\u{85}\u{2028}e"]);
    }

    #[test]
    fn cuts_large_texts_at_line_borders() {
        for line in ["a = b\r\n", "\n", "\r", " \u{e9}\n"] {
            let text = line.repeat(3 * Lines::PIECE / line.len());
            assert!(parse(&text).all(|found| text[found.range] == *line), "{line:?}");
            assert_eq!(parse(&text).count(), text.len() / line.len());
        }
    }
}
