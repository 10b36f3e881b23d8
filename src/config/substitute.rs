//! `$name` in values: what oslo.config puts in its place.

use std::borrow::Cow;
use std::ops::Range;

/// A piece of a value.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Piece<'a> {
    /// What stands for another option: its name, which may have its group before a dot.
    Name(&'a str, Range<usize>),
    /// What stands for itself.
    Text(Cow<'a, str>),
}

/// The pieces of a value, as Python's `string.Template` finds them: `$name`, `${name}`, and `$$` or
/// `\$` for a dollar. A dollar with anything else behind it is one too.
pub(super) fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(found) = value[at..].find('$') {
        let dollar = at + found;
        // A backslash before it makes the dollar one of two.
        let is_escaped = value[at..dollar].ends_with('\\');
        let before = &value[at..dollar - usize::from(is_escaped)];
        pieces.extend((!before.is_empty()).then_some(Piece::Text(before.into())));
        let after = &value[dollar + 1..];
        let (piece, length) = match name(after) {
            _ if is_escaped => (Piece::Text("$".into()), 0),
            _ if after.starts_with('$') => (Piece::Text("$".into()), 1),
            Some((name, length)) => (Piece::Name(name, dollar..dollar + 1 + length), length),
            None => (Piece::Text("$".into()), 0),
        };
        pieces.push(piece);
        at = dollar + 1 + length;
    }
    pieces.extend((at < value.len()).then_some(Piece::Text(value[at..].into())));
    pieces
}

/// The name at the start of a text, in braces or not, and how many bytes it takes.
fn name(text: &str) -> Option<(&str, usize)> {
    if let Some(braced) = text.strip_prefix('{') {
        let length = identifier(braced);
        let is_closed = length > 0 && braced[length..].starts_with('}');
        return is_closed.then(|| (&braced[..length], length + 2));
    }
    let length = identifier(text);
    (length > 0).then(|| (&text[..length], length))
}

/// How long the identifier at the start of a text is.
fn identifier(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return 0;
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    text.find(|character| !is_part(character)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value with what stands for other options in angle brackets.
    fn seen(value: &str) -> String {
        let piece = |piece| match piece {
            Piece::Name(name, range) => {
                assert!(value[range].contains(name));
                format!("<{name}>")
            }
            Piece::Text(text) => text.into_owned(),
        };
        pieces(value).into_iter().map(piece).collect()
    }

    #[test]
    fn finds_names_as_python_does() {
        for (value, expected) in [
            ("$state_path/log", "<state_path>/log"),
            ("a${ssl.key_file}b", "a<ssl.key_file>b"),
            ("$a$B", "<a><B>"),
            ("$a.b.", "<a.b.>"),
            ("\\$a $$a", "$a $a"),
            ("$$$a", "$<a>"),
            ("100% $ $1 ${a ${} $", "100% $ $1 ${a ${} $"),
            ("", ""),
            ("\\", "\\"),
        ] {
            assert_eq!(seen(value), expected, "{value}");
        }
    }
}
