//! What Python calls whitespace, and words with it between them.

use super::grammar::{self, Rule};

/// Whether Python counts a character as whitespace: Unicode's `White_Space` and, unlike
/// [`char::is_whitespace`], U+001C to U+001F.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// The text without the whitespace around it, as Python's `str.strip` leaves it.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The text without the whitespace at its end.
pub(super) fn strip_end(text: &str) -> &str {
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
    let mut start = 0;
    std::iter::from_fn(move || {
        let word = grammar::parse(Rule::next_word, &text[start..]).next()?;
        let (at, word) = (start + word.as_span().start(), word.as_str());
        start = at + word.len();
        Some((at, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_grammar_on_every_character() {
        let every: String = ('\0'..=char::MAX).collect();
        let visible: String = words(&every).map(|(_, word)| word).collect();
        assert_eq!(visible, every.replace(is_space, ""));
    }

    #[test]
    fn splits_at_what_python_calls_space() {
        let found: Vec<_> = words(" a\u{1c}b\r\n\u{200b}c\u{3000}").collect();
        assert_eq!(found, [(1, "a"), (3, "b"), (6, "\u{200b}c")]);
        assert_eq!(words(" \n").count(), 0);
    }

    #[test]
    fn strips_what_python_calls_space() {
        assert_eq!(strip("\u{1f}\n a b\u{85} "), "a b");
        assert_eq!(strip("\u{feff}a"), "\u{feff}a");
    }
}
