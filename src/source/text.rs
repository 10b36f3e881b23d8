//! One text, and how places in it are told to people.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::file::absolute;
use super::line;
use super::shown::{cover, shown};

/// One text with its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: PathBuf,
    path: PathBuf,
    text: Arc<str>,
    pub(super) is_exact: bool,
    line_starts: OnceLock<Vec<u32>>,
    /// How many characters lie before each [`Source::PIECE`] bytes.
    characters: OnceLock<Vec<usize>>,
}

impl Source {
    pub(super) fn new(name: PathBuf, text: Arc<str>) -> Self {
        let path = absolute(&name);
        let (line_starts, characters) = (OnceLock::new(), OnceLock::new());
        Self { name, path, text, is_exact: true, line_starts, characters }
    }

    /// The same with asterisks over ranges of it.
    pub(super) fn covered(&self, ranges: &[Range<usize>]) -> Self {
        Self { text: cover(&self.text, ranges).into(), ..self.clone() }
    }

    /// The path as it was given, for messages.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The absolute path, `.` and `..` resolved by name: Paste Deploy's `__file__`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The absolute path of the directory that the file lies in: Paste Deploy's `here`.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The whole text, as it stands in the file.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether the text is the file to the byte; if not, some of its bytes are not UTF-8 and
    /// replaced.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The line and the column, both from 1, of a byte offset. Columns count characters.
    ///
    /// `\n`, `\r` and `\r\n` end lines, as in Python.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let (line, before) = self.line_before(offset);
        if before.len() <= Self::PIECE {
            return (line, before.chars().count() + 1);
        }
        let start = offset.saturating_sub(before.len());
        (line, self.characters_before(offset) - self.characters_before(start) + 1)
    }

    /// As [`line_and_column`](Self::line_and_column), with a column that counts UTF-16 code units,
    /// as SARIF and editors do.
    pub fn line_and_unit(&self, offset: usize) -> (usize, usize) {
        let (line, before) = self.line_before(offset);
        (line, before.encode_utf16().count() + 1)
    }

    /// The line of a byte offset, from 1, and what stands before the offset in it.
    fn line_before(&self, offset: usize) -> (usize, &str) {
        let starts = self.line_starts.get_or_init(|| line::starts(&self.text));
        let line = starts.partition_point(|&start| start as usize <= offset);
        let start = starts[line - 1] as usize;
        (line, self.text.get(start..offset).unwrap_or(&self.text[start..]))
    }

    /// Lines longer than this are not counted through for each of their places.
    const PIECE: usize = 4096;

    /// How many characters lie before an offset.
    fn characters_before(&self, offset: usize) -> usize {
        let counts = self.characters.get_or_init(|| {
            let pieces = self.text.as_bytes().chunks(Self::PIECE);
            let sum = |sum: &mut usize, piece| {
                *sum += characters(piece);
                Some(*sum)
            };
            std::iter::once(0).chain(pieces.scan(0, sum)).collect()
        });
        let piece = offset / Self::PIECE;
        counts[piece] + characters(&self.text.as_bytes()[piece * Self::PIECE..offset])
    }
}

/// A place in a file, written `path:line:column`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Location<'a> {
    /// The path as it was given.
    pub path: &'a Path,
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", shown(self.path), self.line, self.column)
    }
}

/// The number of characters that begin in a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count()
}
