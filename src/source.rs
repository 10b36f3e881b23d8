//! Texts of configuration files and the places in them; the only reader of such files.

mod file;
#[cfg(test)]
pub(crate) mod fixture;
mod line;
mod snapshot;

pub use self::file::{LARGEST_FILE, ReadError, Unreadable};
pub use self::line::{line_end, line_start, whole_lines};
pub use self::snapshot::Snapshot;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::Metadata;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use self::file::{list, read_all, read_regular};

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// The text that the range lies in.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; equal to `start` for a place between two characters.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of a source.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let offset = |at: usize| u32::try_from(at).expect("a source is at most 64 MiB long");
        Self { source, start: offset(start), end: offset(end) }
    }

    /// A part of this range, by byte offsets counted from its start, cut off at its end.
    #[must_use]
    pub fn part(self, start: usize, end: usize) -> Self {
        let length = (self.end - self.start) as usize;
        let base = self.start as usize;
        Self::new(self.source, base + start.min(length), base + end.min(length))
    }

    /// The smallest range that holds this one and `other`, which lies in the same source.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        debug_assert_eq!(self.source, other.source);
        Self {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The byte offsets as a range, for slicing the source's text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The handle of a text in [`Sources`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SourceId(u32);

/// All texts of one load, in the order in which they were read. Texts are added, never changed.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
    /// What is read in the place of files, by their absolute paths.
    substitutes: HashMap<PathBuf, Arc<str>>,
    /// Where all else is read from; none for the disk.
    origin: Option<Arc<Snapshot>>,
    /// What has been read of it.
    read: Snapshot,
    /// What has been read for single values, which is no text of its own and is shown to nobody.
    secrets: Arc<Mutex<Snapshot>>,
}

impl Sources {
    /// Sources that are read from a snapshot and never from the disk.
    pub fn from_snapshot(snapshot: Arc<Snapshot>) -> Self {
        Self { origin: Some(snapshot), ..Self::default() }
    }

    /// Gives a text in the place of a file: whoever reads the file from now on reads the text, as
    /// if it stood there already.
    pub fn substitute(&mut self, path: &Path, text: impl Into<Arc<str>>) {
        self.substitutes.insert(absolute(path), text.into());
    }

    /// Sources with the same texts in the place of files, from which nothing has been read yet.
    #[must_use]
    pub fn afresh(&self) -> Self {
        let (substitutes, origin) = (self.substitutes.clone(), self.origin.clone());
        Self { substitutes, origin, ..Self::default() }
    }

    /// Reads a file.
    ///
    /// The path is kept as given for messages; [`Source::path`] is absolute. Only regular files
    /// of at most [`LARGEST_FILE`] bytes are read.
    ///
    /// # Errors
    ///
    /// See [`ReadError`]. A file that is not UTF-8 stands in the sources all the same, its bad
    /// bytes replaced, so that the place can be shown.
    pub fn read(&mut self, path: &Path) -> Result<SourceId, ReadError> {
        if !self.substitutes.is_empty()
            && let Some(text) = self.substitutes.get(&absolute(path))
        {
            return Ok(self.add(path, Arc::clone(text)));
        }
        let id = match &self.origin {
            None => {
                let bytes = read_regular(path).map_err(|cause| ReadError::new(path, cause))?;
                self.decode(path, bytes)?
            }
            Some(snapshot) => {
                let text = snapshot.text(path).ok_or_else(|| {
                    ReadError::new(path, Unreadable::Io(io::ErrorKind::NotFound.into()))
                })?;
                self.add(path, text)
            }
        };
        self.read.add_text(path, Arc::clone(self.get(id).text()));
        Ok(id)
    }

    /// The paths in a directory that have an extension, in the order of their names; none if there is
    /// no such directory.
    ///
    /// # Errors
    ///
    /// What keeps it from being listed.
    pub fn list(&mut self, directory: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
        let mut paths = match &self.origin {
            None => list(directory)?,
            Some(snapshot) => snapshot.listing(directory),
        };
        // All of them are kept, as the same directory may be listed for several kinds.
        self.read.add_listing(directory, paths.clone());
        paths.retain(|path| path.extension() == Some(OsStr::new(extension)));
        Ok(paths)
    }

    /// Whether a file is there, and is a file.
    pub fn has(&self, path: &Path) -> bool {
        match &self.origin {
            None => path.is_file(),
            Some(snapshot) => snapshot.text(path).is_some(),
        }
    }

    /// The text of a file that holds a secret, for a value that names it.
    ///
    /// # Errors
    ///
    /// See [`ReadError`]; of bytes that are not UTF-8 it tells nothing more.
    pub fn secret(&self, path: &Path) -> Result<Arc<str>, ReadError> {
        let refused = |cause| ReadError::new(path, Unreadable::Io(cause));
        let text = match &self.origin {
            None => {
                let bytes = read_regular(path).map_err(|cause| ReadError::new(path, cause))?;
                let text = String::from_utf8(bytes);
                text.map_err(|_| refused(io::Error::other("it is not UTF-8")))?.into()
            }
            Some(snapshot) => {
                snapshot.text(path).ok_or_else(|| refused(io::ErrorKind::NotFound.into()))?
            }
        };
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.add_text(path, Arc::clone(&text));
        Ok(text)
    }

    /// The bytes of a file that is no text, for a value that names it.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub fn bytes(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let Some(snapshot) = &self.origin else {
            let bytes = read_regular(path).map_err(|cause| ReadError::new(path, cause))?;
            let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            secrets.add_text(path, BASE64_STANDARD.encode(&bytes).into());
            return Ok(bytes);
        };
        let text = snapshot.text(path).and_then(|text| BASE64_STANDARD.decode(&*text).ok());
        text.ok_or_else(|| ReadError::new(path, Unreadable::Io(io::ErrorKind::NotFound.into())))
    }

    /// Whether everybody on the machine may read a file, as far as that is known: what is read from
    /// a snapshot was looked at before.
    pub fn is_open_to_others(&self, path: &Path) -> bool {
        const OTHERS: u32 = 0o004;
        let mode = |metadata: Metadata| metadata.permissions().mode();
        self.origin.is_none() && path.metadata().is_ok_and(|it| mode(it) & OTHERS != 0)
    }

    /// All that was read so far, by which the same can be loaded again whatever has become of the
    /// files.
    pub fn snapshot(&self) -> Snapshot {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        self.read.with(&secrets)
    }

    /// Reads what is no file, such as standard input, under a name for messages; at most
    /// [`LARGEST_FILE`] bytes.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn read_from(&mut self, reader: impl Read, name: &Path) -> Result<SourceId, ReadError> {
        let bytes = read_all(reader).map_err(|cause| ReadError::new(name, cause))?;
        self.decode(name, bytes)
    }

    fn decode(&mut self, path: &Path, bytes: Vec<u8>) -> Result<SourceId, ReadError> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(self.add(path, text)),
            Err(error) => {
                let (valid, length) =
                    (error.utf8_error().valid_up_to(), error.utf8_error().error_len());
                let byte = error.as_bytes()[valid];
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let source = self.add(path, text);
                self.texts[source.0 as usize].is_exact = false;
                let width = char::REPLACEMENT_CHARACTER.len_utf8();
                let span = Span::new(source, valid, valid + width);
                let cause = Unreadable::NotUtf8 { byte, offset: valid, length, span };
                Err(ReadError::new(path, cause))
            }
        }
    }

    /// Adds a text that does not come from a file, such as a test's, under the name of one.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> SourceId {
        let id = u32::try_from(self.texts.len()).expect("there are fewer than 2^32 sources");
        self.texts.push(Source::new(path.into(), text.into()));
        SourceId(id)
    }

    /// The source of a handle.
    ///
    /// # Panics
    ///
    /// If the handle was made by other `Sources`.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.texts[id.0 as usize]
    }

    /// The text of a range.
    pub fn text(&self, span: Span) -> &str {
        &self.get(span.source).text[span.range()]
    }

    /// Where a range begins, for people.
    pub fn location(&self, span: Span) -> Location<'_> {
        let source = self.get(span.source);
        let (line, column) = source.line_and_column(span.start as usize);
        Location { path: &source.name, line, column }
    }

    /// The same texts with asterisks over what `ranges` finds in each. All places stay where they
    /// are, by bytes, characters and UTF-16 code units alike.
    #[must_use]
    pub fn covered(&self, ranges: impl Fn(&str) -> Vec<Range<usize>>) -> Self {
        let covered = self.texts.iter().map(|source| match &ranges(&source.text)[..] {
            [] => source.clone(),
            ranges => Source { text: cover(&source.text, ranges).into(), ..source.clone() },
        });
        Self { texts: covered.collect(), ..self.afresh() }
    }

    /// All sources, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.texts)
    }
}

/// One text with its name.
#[derive(Clone, Debug)]
pub struct Source {
    name: PathBuf,
    path: PathBuf,
    text: Arc<str>,
    is_exact: bool,
    line_starts: OnceLock<Vec<u32>>,
    /// How many characters lie before each [`Source::PIECE`] bytes.
    characters: OnceLock<Vec<usize>>,
}

impl Source {
    fn new(name: PathBuf, text: Arc<str>) -> Self {
        let path = absolute(&name);
        let (line_starts, characters) = (OnceLock::new(), OnceLock::new());
        Self { name, path, text, is_exact: true, line_starts, characters }
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

/// The absolute path, `.` and `..` resolved by name, as Python's `os.path.abspath` has it.
pub fn absolute(path: &Path) -> PathBuf {
    use std::path::Component;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
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

/// The number of characters that begin in a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0b1100_0000 != 0b1000_0000).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_as_python_does() {
        let mut sources = Sources::default();
        let id = sources.add("a.ini", "é=1\rb\r\nc\n\u{2028}d");
        let place = |offset| sources.get(id).line_and_column(offset);
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (1, 2));
        assert_eq!(place(5), (2, 1));
        assert_eq!(place(8), (3, 1));
        assert_eq!(place(10), (4, 1));
        assert_eq!(place(13), (4, 2));
    }

    #[test]
    fn what_is_covered_moves_no_place() {
        let mut sources = Sources::default();
        let text = "a = \u{e9}\u{20ac}\u{1f600}x\nb\n";
        let id = sources.add("a.ini", text);
        let covered = sources.covered(|_| vec![6..14, 4..9, 5..5]);
        let shown = covered.get(id).text();
        assert_eq!(&**shown, "a = \u{d7}\u{2217}\u{1f7b0}*\nb\n");
        assert_eq!(shown.len(), text.len());
        assert_eq!(shown.encode_utf16().count(), text.encode_utf16().count());
        assert_eq!(covered.get(id).line_and_column(17), (3, 1));
    }

    #[test]
    fn counts_the_columns_of_a_long_line_by_pieces() {
        let mut sources = Sources::default();
        let id = sources.add("a.ini", format!("x\n{}", "\u{e9}a\u{1f600}".repeat(5000)));
        for (words, offset) in [(0, 2), (1, 9), (585, 2 + 585 * 7), (586, 4104), (5000, 35_002)] {
            assert_eq!(sources.get(id).line_and_column(offset), (2, 3 * words + 1), "{offset}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_regular_file() {
        let mut sources = Sources::default();
        let error = sources.read(Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/`: it is a directory");
        let error = sources.read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `/dev/zero`: it is not a regular file");
    }

    #[test]
    fn reads_what_is_no_file_under_a_name() {
        let mut sources = Sources::default();
        let id = sources.read_from(&b"[s]\n"[..], Path::new("<stdin>")).unwrap();
        assert_eq!(&**sources.get(id).text(), "[s]\n");
        let error = sources.read_from(&b"\xff"[..], Path::new("<stdin>")).unwrap_err();
        assert_eq!(error.to_string(), "`<stdin>` is not UTF-8: byte 0xff at offset 0");
        let error = sources.read_from(io::repeat(b' '), Path::new("<stdin>")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `<stdin>`: it is larger than 64 MiB");
    }

    #[test]
    fn a_text_may_take_the_place_of_a_file() {
        let mut sources = Sources::default();
        sources.substitute(Path::new("no/such.ini"), "[s]\n");
        let id = sources.read(Path::new("no/../no/such.ini")).unwrap();
        let source = sources.get(id);
        assert_eq!((&**source.text(), source.is_exact()), ("[s]\n", true));
        assert_eq!(source.name(), Path::new("no/../no/such.ini"));
    }

    #[test]
    fn a_path_is_shown_in_one_line() {
        let error = Sources::default().read(Path::new("a\nb.ini")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `a\\nb.ini`: no such file or directory");
    }

    #[test]
    fn says_why_a_file_cannot_be_read() {
        let error = Sources::default().read(Path::new("no/such.ini")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `no/such.ini`: no such file or directory");
    }

    #[test]
    fn resolves_dots_by_name() {
        assert_eq!(absolute(Path::new("/a/./b/../c.ini")), Path::new("/a/c.ini"));
        assert_eq!(absolute(Path::new("/../c.ini")), Path::new("/c.ini"));
    }
}
