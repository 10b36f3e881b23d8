//! Counts the characters or code units of a line.

use std::sync::OnceLock;

/// Counts what columns count. Long lines are not counted through for each of their places.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// How many begin in some bytes.
    count: fn(&[u8]) -> usize,
    /// How many lie before each [`Columns::PIECE`] bytes of the text.
    before: OnceLock<Vec<usize>>,
}

impl Columns {
    const PIECE: usize = 4096;

    /// Columns of characters.
    pub(super) fn of_characters() -> Self {
        Self { count: characters, before: OnceLock::new() }
    }

    /// Columns of UTF-16 code units.
    pub(super) fn of_units() -> Self {
        Self { count: units, before: OnceLock::new() }
    }

    /// How many lie between two offsets of the text that it is for; a second one past the end
    /// stands for the end.
    pub(super) fn between(&self, text: &str, start: usize, end: usize) -> usize {
        let end = end.min(text.len());
        if end - start <= Self::PIECE {
            return (self.count)(&text.as_bytes()[start..end]);
        }
        self.before(text, end) - self.before(text, start)
    }

    fn before(&self, text: &str, offset: usize) -> usize {
        let before = self.before.get_or_init(|| {
            let sum = |sum: &mut usize, piece| {
                *sum += (self.count)(piece);
                Some(*sum)
            };
            let pieces = text.as_bytes().chunks(Self::PIECE);
            std::iter::once(0).chain(pieces.scan(0, sum)).collect()
        });
        let piece = offset / Self::PIECE;
        before[piece] + (self.count)(&text.as_bytes()[piece * Self::PIECE..offset])
    }
}

/// The number of characters that begin in a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count()
}

/// The number of UTF-16 code units of the characters that begin in a text.
fn units(bytes: &[u8]) -> usize {
    const FOUR_BYTES: u8 = 0b1111_0000;
    characters(bytes) + bytes.iter().filter(|&&byte| byte >= FOUR_BYTES).count()
}
