//! References to other options in values: `%(here)s`.

use std::ops::Range;

use pest::iterators::Pair;

use super::grammar::{self, Rule};

/// A piece of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Piece {
    /// Its bytes in the value. Pieces follow one another without a gap.
    pub range: Range<usize>,
    /// What it is.
    pub kind: PieceKind,
}

/// What a piece of a value is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PieceKind {
    /// `%%`, which stands for `%`.
    Escape,
    /// Text that stands for itself.
    Plain,
    /// `%(name)s`, which stands for the value of another option.
    Reference {
        /// The bytes of the key; never empty. It may hold blanks, `(`, `%` and line ends.
        name: Range<usize>,
    },
    /// A `%` that begins nothing. It is a fault.
    Stray,
    /// A `%(` that does not go on as a reference, and all that follows it. It is a fault.
    Unfinished,
}

/// Splits a value into text and references.
///
/// ```
/// use pasteline::syntax::{PieceKind, interpolation};
///
/// let last = interpolation("100%% of %(here)s").last().expect("a value that is not empty");
/// assert_eq!(last.range, 9..17);
/// assert_eq!(last.kind, PieceKind::Reference { name: 11..15 });
/// ```
pub fn interpolation(text: &str) -> Pieces<'_> {
    Pieces { rest: text, offset: 0, parsed: Vec::new().into_iter() }
}

/// The pieces of a value; what [`interpolation`] returns.
#[derive(Clone, Debug)]
pub struct Pieces<'text> {
    /// What has not been parsed yet.
    rest: &'text str,
    /// Where `rest` begins in the value.
    offset: usize,
    /// The pieces that have been parsed and not been taken yet.
    parsed: std::vec::IntoIter<Piece>,
}

impl Pieces<'_> {
    /// Longer values are parsed a piece at a time, as they cannot be cut anywhere and pest keeps
    /// a hundred bytes and more for each piece.
    const GULP: usize = 16 << 10;

    fn parse_more(&mut self) {
        // Most values refer to nothing.
        if !self.rest.contains('%') {
            let range = self.offset..self.offset + self.rest.len();
            self.offset = range.end;
            self.rest = "";
            self.parsed = vec![Piece { range, kind: PieceKind::Plain }].into_iter();
            return;
        }
        let rule = if self.rest.len() > Self::GULP { Rule::piece } else { Rule::pieces };
        let offset = self.offset;
        let pairs = grammar::parse(rule, self.rest);
        let pieces: Vec<_> = pairs.map(|pair| read(&pair, offset)).collect();
        let end = pieces.last().map_or(offset, |piece| piece.range.end);
        self.rest = &self.rest[end - offset..];
        self.offset = end;
        self.parsed = pieces.into_iter();
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.parsed.len() == 0 && !self.rest.is_empty() {
            self.parse_more();
        }
        self.parsed.next()
    }
}

/// Takes a piece out of pest's hands.
fn read(pair: &Pair<'_, Rule>, offset: usize) -> Piece {
    let start = offset + pair.as_span().start();
    let end = start + pair.as_str().len();
    let kind = match pair.as_rule() {
        Rule::escape => PieceKind::Escape,
        Rule::plain => PieceKind::Plain,
        Rule::reference => PieceKind::Reference { name: start + 2..end - 2 },
        Rule::stray => PieceKind::Stray,
        _ => PieceKind::Unfinished,
    };
    Piece { range: start..end, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a text, each in the brackets of its kind.
    fn pieces(text: &str) -> String {
        let piece = |piece: Piece| {
            let found = &text[piece.range];
            match piece.kind {
                PieceKind::Escape => "%%".to_owned(),
                PieceKind::Plain => found.to_owned(),
                PieceKind::Reference { name } => format!("<{}>", &text[name]),
                PieceKind::Stray => "!".to_owned(),
                PieceKind::Unfinished => format!("!{found}!"),
            }
        };
        interpolation(text).map(piece).collect()
    }

    #[test]
    fn finds_references_and_escapes() {
        for (text, expected) in [
            ("", ""),
            ("$a ${b}", "$a ${b}"),
            ("a%(b)sc%%d", "a<b>c%%d"),
            ("%(a b)s%(c)ss", "<a b><c>s"),
            ("%((%(a\n)s", "<(%(a\n>"),
            ("%%(a)s%%%(b)s", "%%(a)s%%<b>"),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    #[test]
    fn finds_percent_signs_that_begin_nothing() {
        for (text, expected) in [
            ("50% of %(a)s", "50! of <a>"),
            ("%", "!"),
            ("%%%", "%%!"),
            ("%S%%", "!S%%"),
            ("%()s", "!%()s!"),
            ("a%(b %(", "a!%(b %(!"),
            ("%(a)d %(b)s", "!%(a)d %(b)s!"),
        ] {
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_long_values_like_short_ones() {
        let unit = "a%(b)s%%% ";
        let text = unit.repeat(2 * Pieces::GULP / unit.len() + 1);
        let expected = pieces(unit).repeat(text.len() / unit.len());
        assert_eq!(pieces(&text), expected);
    }
}
