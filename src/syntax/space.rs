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
    gulps(text).flat_map(|(offset, gulp)| {
        let pairs = grammar::parse(Rule::words, gulp);
        let words = pairs.map(|word| (offset + word.as_span().start(), word.as_str()));
        words.collect::<Vec<_>>()
    })
}

/// Pieces of a text that end at blanks, and where each begins. pest keeps a hundred bytes and
/// more for each word of what it parses.
fn gulps(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    const GULP: usize = 16 << 10;
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let border = rest.bytes().skip(GULP).position(|byte| is_blank(&byte));
        let end = border.map_or(text.len(), |at| start + GULP + at);
        let gulp = (start, &text[start..end]);
        start = end;
        Some(gulp)
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

    #[test]
    fn splits_long_texts_like_short_ones() {
        for unit in ["a \u{e9}b\t", " ", "a", "\u{3000}a"] {
            let text = unit.repeat(40_000);
            let expected = text.split(is_space).filter(|word| !word.is_empty());
            assert!(words(&text).map(|(_, word)| word).eq(expected), "{unit:?}");
            assert!(words(&text).all(|(at, word)| text[at..].starts_with(word)));
        }
    }
}
