//! Changes of one text.

use std::ops::Range;

/// Changes of one text: what is put in the place of ranges that do not overlap, in their order.
#[derive(Clone, Debug)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Changes of which the caller knows that they do not overlap, in any order.
    pub(super) fn new(mut edits: Vec<(Range<usize>, String)>) -> Self {
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        Self(edits)
    }

    /// The text with all changes; what lies outside of them is the same to the byte.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut end = 0;
        for (range, new) in &self.0 {
            changed.push_str(&text[end..range.start]);
            changed.push_str(new);
            end = range.end;
        }
        changed.push_str(&text[end..]);
        changed
    }

    /// Where an offset of the changed text was before; what has been put there was where the
    /// change begins.
    pub(super) fn origin(&self, at: usize) -> usize {
        let (mut old, mut new) = (0, 0);
        for (range, text) in &self.0 {
            let start = new + (range.start - old);
            if at < start {
                break;
            }
            (old, new) = (range.end, start + text.len());
            if at < new {
                return range.start;
            }
        }
        old + (at - new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(edits: &[(Range<usize>, &str)]) -> Edits {
        let owned = edits.iter().map(|(range, text)| (range.clone(), (*text).to_owned()));
        Edits::new(owned.collect())
    }

    #[test]
    fn changes_nothing_but_the_ranges() {
        let text = "a\r\né = 1\n\0";
        for (changes, expected) in [
            (&[][..], "a\r\né = 1\n\0"),
            (&[(8..9, "2"), (0..1, "")], "\r\né = 2\n\0"),
            (&[(3..3, "c"), (3..5, "e")], "a\r\nce = 1\n\0"),
            (&[(11..11, "end")], "a\r\né = 1\n\0end"),
        ] {
            assert_eq!(edits(changes).apply(text), expected);
        }
    }

    #[test]
    fn knows_where_a_place_was_before() {
        let edits = edits(&[(1..3, ""), (5..5, "xy"), (6..8, "z")]);
        assert_eq!(edits.apply("abcdefghi"), "adexyfzi");
        let origins: Vec<_> = (0..8).map(|at| edits.origin(at)).collect();
        assert_eq!(origins, [0, 3, 4, 5, 5, 5, 6, 8]);
    }
}
