//! Texts as people may see them.

use std::io;
use std::ops::Range;
use std::path::Path;

/// A path in a message: in one line, and without what would upset a terminal.
pub fn shown(path: &Path) -> String {
    in_one_line(path.to_string_lossy().into_owned())
}

/// A text in one line, and without what would upset a terminal. A message may quote a file, and a
/// name in a file may go on over lines.
pub fn in_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let show = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(show).collect()
}

/// What an error of the operating system says, without Rust's `(os error 2)`.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// A text with asterisks over ranges of it, which may overlap. All places stay where they are.
pub(crate) fn cover(text: &str, ranges: &[Range<usize>]) -> String {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut covered = String::with_capacity(text.len());
    for Range { start, end } in ranges {
        let at = covered.len();
        if at < end {
            covered.push_str(&text[at..start.max(at)]);
            covered.extend(text[start.max(at)..end].chars().map(asterisk));
        }
    }
    let at = covered.len();
    covered + &text[at..]
}

/// What looks most like an asterisk among the characters that take as many bytes as this one. The
/// ends of lines stay what they are.
fn asterisk(character: char) -> char {
    match character {
        '\n' | '\r' => character,
        _ => ['*', '\u{d7}', '\u{2217}', '\u{1f7b0}'][character.len_utf8() - 1],
    }
}
