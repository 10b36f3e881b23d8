//! Reads what a path names, which may be anything.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Span, describe, shown};

/// The largest configuration file that is read, in bytes: 64 MiB.
pub const LARGEST_FILE: u64 = 64 << 20;

/// A configuration file that could not be read, and why.
#[derive(Debug)]
pub struct ReadError {
    /// The path as it was given.
    pub path: PathBuf,
    /// What stood in the way.
    pub cause: Unreadable,
}

impl ReadError {
    pub(super) fn new(path: &Path, cause: Unreadable) -> Self {
        Self { path: path.to_owned(), cause }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shown(&self.path);
        match &self.cause {
            Unreadable::Io(error) => write!(f, "cannot read `{path}`: {}", describe(error)),
            Unreadable::NotAFile(kind) => write!(f, "cannot read `{path}`: it is {kind}"),
            Unreadable::NotUtf8 { byte, offset, .. } => {
                write!(f, "`{path}` is not UTF-8: byte 0x{byte:02x} at offset {offset}")
            }
            Unreadable::TooLarge => {
                write!(f, "cannot read `{path}`: it is larger than {} MiB", LARGEST_FILE >> 20)
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Why a configuration file could not be read.
#[derive(Debug)]
pub enum Unreadable {
    /// The operating system refused.
    Io(io::Error),
    /// It is a directory, a pipe, a device or the like, as the words say.
    NotAFile(&'static str),
    /// It holds a byte that is not UTF-8, at this offset.
    NotUtf8 {
        /// The first bad byte.
        byte: u8,
        /// Its offset from the start of the file.
        offset: usize,
        /// How many bytes are bad; none if the file ends within a character.
        length: Option<usize>,
        /// Its place in the text that stands for the file.
        span: Span,
    },
    /// It is larger than [`LARGEST_FILE`].
    TooLarge,
}

/// The bytes of a regular file. What else a path may name could block for ever or never end, so
/// it is looked at before it is opened, and the file that was opened is looked at again.
pub(super) fn read_regular(path: &Path) -> Result<Vec<u8>, Unreadable> {
    refuse_special(&path.metadata().map_err(Unreadable::Io)?)?;
    // Should a pipe have taken its place by now, opening it must not wait for a writer.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(Unreadable::Io)?;
    let metadata = file.metadata().map_err(Unreadable::Io)?;
    refuse_special(&metadata)?;
    read_all(file)
}

pub(super) fn read_all(reader: impl Read) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    reader.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Unreadable::TooLarge);
    }
    Ok(bytes)
}

/// The absolute path of a file with all links followed, or at least those before its name; none
/// if there is no such directory, or if the path is no text.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    let in_directory = || {
        let path = std::path::absolute(path).ok()?;
        Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
    };
    let real = path.canonicalize().ok().or_else(in_directory)?;
    real.to_str().is_some().then_some(real)
}

/// The paths in a directory, in order; none if there is no such directory.
pub(super) fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => return Ok(Vec::new()),
            _ => return Err(error),
        },
    };
    let paths: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths?;
    paths.sort();
    Ok(paths)
}

fn refuse_special(metadata: &std::fs::Metadata) -> Result<(), Unreadable> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = if metadata.is_dir() { "a directory" } else { "not a regular file" };
    Err(Unreadable::NotAFile(kind))
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
