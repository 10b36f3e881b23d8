//! What Python calls whitespace, and words with it between them.

/// Whether Python counts a character as whitespace: Unicode's `White_Space` and, unlike
/// [`char::is_whitespace`], U+001C to U+001F.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The text without the whitespace around it, as Python's `str.strip` leaves it.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The text without the whitespace at its end, as Python's `str.rstrip` leaves it.
pub fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// The words of a text and where each begins, as Python's `str.split` finds them.
///
/// ```
/// use pasteline::syntax::words;
///
/// let found: Vec<_> = words("cors\n  auth app").collect();
/// assert_eq!(found, [(0, "cors"), (7, "auth"), (12, "app")]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    let pieces = text.split_inclusive(is_space).scan(0, |end, piece| {
        let start = *end;
        *end += piece.len();
        Some((start, strip_end(piece)))
    });
    pieces.filter(|(_, word)| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_grammar_on_every_character() {
        let every = || ('\0'..=char::MAX).filter(|character| !matches!(character, '\n' | '\r'));
        let text: String = every().flat_map(|character| [character, 'a', '\n']).collect();
        for (character, line) in every().zip(crate::syntax::parse(&text)) {
            assert_eq!(line.indentation == 1, is_space(character), "{character:?}");
        }
    }

    #[test]
    fn splits_at_what_python_calls_space() {
        let found: Vec<_> = words(" a\u{1c}b\r\n\u{200b}c\u{3000}").collect();
        assert_eq!(found, [(1, "a"), (3, "b"), (6, "\u{200b}c")]);
        assert_eq!(words(" \n").count(), 0);
        assert_eq!(words("\u{3000}\u{e9}").collect::<Vec<_>>(), [(3, "\u{e9}")]);
    }

    #[test]
    fn strips_what_python_calls_space() {
        assert_eq!(strip("\u{1f}\n a b\u{85} "), "a b");
        assert_eq!(strip("\u{feff}a"), "\u{feff}a");
    }
}
