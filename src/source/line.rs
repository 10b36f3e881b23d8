//! Where the lines of a text begin and how they end.

use std::ops::Range;

/// Where the line begins that an offset of a text lies in; at the end of a line it lies in that.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// The whole lines that a range of a text lies in, with the end of the last.
pub fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let rest = &text[range.end..];
    let end = rest.find(['\n', '\r']).map_or(text.len(), |at| {
        range.end + at + if rest[at..].starts_with("\r\n") { 2 } else { 1 }
    });
    line_start(text, range.start)..end
}

/// How the line ends that an offset of a text lies in: `\n`, `\r` or `\r\n`. A last line without an
/// end is taken to end as the one before, and an only one in `\n`.
pub fn line_end(text: &str, at: usize) -> &'static str {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let bytes = text.as_bytes();
    let next = bytes[at..].iter().position(is_end).map(|end| at + end);
    let Some(end) = next.or_else(|| bytes[..at].iter().rposition(is_end)) else { return "\n" };
    match (end.checked_sub(1).map(|before| bytes[before]), bytes[end], bytes.get(end + 1)) {
        (Some(b'\r'), b'\n', _) | (_, b'\r', Some(b'\n')) => "\r\n",
        (_, b'\r', _) => "\r",
        _ => "\n",
    }
}

/// Where each line begins, the first one included.
pub(super) fn starts(text: &str) -> Vec<u32> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|&(at, &byte)| {
        byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
    });
    let start = |at: usize| u32::try_from(at).expect("a source is at most 64 MiB long");
    std::iter::once(0).chain(ends.map(|(at, _)| start(at + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_lines_of_a_range() {
        let text = "a\r\nb\rc\n\nd";
        for (range, expected) in
            [(0..0, 0..3), (1..3, 0..5), (3..4, 3..5), (6..6, 5..7), (7..7, 7..8), (8..9, 8..9)]
        {
            assert_eq!(whole_lines(text, &range), expected, "{range:?}");
        }
    }

    #[test]
    fn knows_how_a_line_ends() {
        for (text, at, expected) in [
            ("a\r\nb\n", 0, "\r\n"),
            ("a\r\nb\n", 1, "\r\n"),
            ("a\r\nb\n", 3, "\n"),
            ("a\rb", 0, "\r"),
            ("a\r\nb", 3, "\r\n"),
            ("a\rb", 2, "\r"),
            ("a", 1, "\n"),
        ] {
            assert_eq!(line_end(text, at), expected, "{text:?} at {at}");
        }
    }
}
