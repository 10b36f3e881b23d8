//! One text, and how places in it are told to people.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::columns::Columns;
use super::line;
use super::shown::{cover, shown};

/// One text with its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: PathBuf,
    path: PathBuf,
    identity: PathBuf,
    text: Arc<str>,
    pub(super) is_exact: bool,
    line_starts: OnceLock<Vec<u32>>,
    characters: Columns,
    units: Columns,
}

impl Source {
    pub(super) fn new(name: PathBuf, (path, identity): (PathBuf, PathBuf), text: Arc<str>) -> Self {
        let (characters, units) = (Columns::of_characters(), Columns::of_units());
        let line_starts = OnceLock::new();
        Self { name, path, identity, text, is_exact: true, line_starts, characters, units }
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

    /// What the file is known by, whatever it is called; see
    /// [`Sources::identify`](super::Sources::identify).
    pub fn identity(&self) -> &Path {
        &self.identity
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
        let (line, start) = self.line_of(offset);
        (line, self.characters.between(&self.text, start, offset) + 1)
    }

    /// As [`line_and_column`](Self::line_and_column), with a column that counts UTF-16 code units,
    /// as SARIF and editors do.
    pub fn line_and_unit(&self, offset: usize) -> (usize, usize) {
        let (line, start) = self.line_of(offset);
        (line, self.units.between(&self.text, start, offset) + 1)
    }

    /// The line of a byte offset, from 1, and where it begins.
    fn line_of(&self, offset: usize) -> (usize, usize) {
        let starts = self.line_starts.get_or_init(|| line::starts(&self.text));
        let line = starts.partition_point(|&start| start as usize <= offset);
        (line, starts[line - 1] as usize)
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
