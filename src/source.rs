//! Texts of configuration files and the places in them; the only reader of such files.

mod columns;
mod file;
#[cfg(test)]
pub(crate) mod fixture;
mod line;
mod read;
mod shown;
mod snapshot;
mod span;
mod text;

pub use self::file::{LARGEST_FILE, ReadError, Unreadable, absolute};
pub use self::line::{line_end, line_start, whole_lines};
pub(crate) use self::shown::cover;
pub use self::shown::{describe, in_one_line, shown};
pub use self::snapshot::Snapshot;
pub use self::span::{SourceId, Span};
pub use self::text::{Location, Source};

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::file::{list, read_all};

/// All texts of one load, in the order in which they were read. Texts are added, never changed.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
    /// What is read in the place of files, by what these are known by; see [`Sources::identity`].
    substitutes: HashMap<PathBuf, Substitute>,
    /// Where all else is read from; none for the disk.
    origin: Option<Arc<Snapshot>>,
    /// What has been read of it.
    read: Snapshot,
    /// What has been read for single values, which is no text of its own and is shown to nobody.
    secrets: Arc<Mutex<Snapshot>>,
}

/// What is read in the place of a file.
#[derive(Clone, Debug)]
enum Substitute {
    /// As they came, text or not.
    Bytes(Arc<[u8]>),
    Text(Arc<str>),
}

impl Sources {
    /// Sources that are read from a snapshot and never from the disk.
    pub fn from_snapshot(snapshot: Arc<Snapshot>) -> Self {
        Self { origin: Some(snapshot), ..Self::default() }
    }

    /// Gives a text in the place of a file: whoever reads the file from now on reads the text, as
    /// if it stood there already.
    pub fn substitute(&mut self, path: &Path, text: impl Into<Arc<str>>) {
        self.substitutes.insert(self.identity(path), Substitute::Text(text.into()));
    }

    /// Reads what is no file, such as standard input, and gives it in the place of a file: whoever
    /// reads that from now on reads this, as if it stood there. At most [`LARGEST_FILE`] bytes.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read), but for what is not UTF-8: whoever reads the file is told so.
    pub fn stand_in(&mut self, path: &Path, reader: impl Read) -> Result<(), ReadError> {
        let bytes = read_all(reader).map_err(|cause| ReadError::new(path, cause))?;
        self.substitutes.insert(self.identity(path), Substitute::Bytes(bytes.into()));
        Ok(())
    }

    /// Sources with the same texts in the place of files, from which nothing has been read yet.
    #[must_use]
    pub fn afresh(&self) -> Self {
        let (substitutes, origin) = (self.substitutes.clone(), self.origin.clone());
        Self { substitutes, origin, ..Self::default() }
    }

    /// What a file is known by, whatever it is called: its absolute path, links followed as the
    /// system follows them. Of a file that is not there it is the path with `.` and `..` resolved
    /// by name.
    ///
    /// It is a part of the snapshot, so that a load from that takes the same paths for one file.
    pub fn identify(&mut self, path: &Path) -> PathBuf {
        let identity = self.identity(path);
        self.read.add_identity(path, &identity);
        identity
    }

    fn identity(&self, path: &Path) -> PathBuf {
        let real = match &self.origin {
            None => file::real(path),
            Some(snapshot) => snapshot.identity(path),
        };
        real.unwrap_or_else(|| absolute(path))
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

    /// Adds a text that does not come from a file, such as a test's, under the name of one.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> SourceId {
        let path = path.into();
        self.add_as((&path, &path), text)
    }

    fn add_as(&mut self, (path, name): (&Path, &Path), text: impl Into<Arc<str>>) -> SourceId {
        let id = u32::try_from(self.texts.len()).expect("there are fewer than 2^32 sources");
        let identity = self.identify(path);
        self.texts.push(Source::new(name.to_owned(), (absolute(path), identity), text.into()));
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
        &self.get(span.source).text()[span.range()]
    }

    /// Where a range begins, for people.
    pub fn location(&self, span: Span) -> Location<'_> {
        let source = self.get(span.source);
        let (line, column) = source.line_and_column(span.start as usize);
        Location { path: source.name(), line, column }
    }

    /// The same texts with asterisks over what `ranges` finds in each. All places stay where they
    /// are, by bytes, characters and UTF-16 code units alike.
    #[must_use]
    pub fn covered(&self, ranges: impl Fn(&str) -> Vec<Range<usize>>) -> Self {
        let covered = self.texts.iter().map(|source| match &ranges(source.text())[..] {
            [] => source.clone(),
            ranges => source.covered(ranges),
        });
        Self { texts: covered.collect(), ..self.afresh() }
    }

    /// All sources, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.texts)
    }
}

#[cfg(test)]
mod tests;
