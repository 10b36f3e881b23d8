//! The file that tells others the id of this process.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use crate::source::describe;

/// The file that tells others the id of this process.
///
/// It keeps nobody from starting twice: the sockets do. So whatever is there gives way, be it left
/// over or that of the process that this one succeeds.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file, as a whole at once.
    ///
    /// # Errors
    ///
    /// It cannot be written; the message names it.
    pub(super) fn write(path: &Path) -> io::Result<Self> {
        replace(path).map_err(|error| {
            let (path, reason) = (path.display(), describe(&error));
            io::Error::new(error.kind(), format!("cannot write the pid file `{path}`: {reason}"))
        })?;
        Ok(Self(path.to_owned()))
    }

    /// Writes the file anew, if it tells of another process by now.
    pub(super) fn reclaim(&self) {
        if fs::read(&self.0).ok() != Some(content())
            && let Err(error) = Self::write(&self.0)
        {
            tracing::error!("{error}");
        }
    }

    /// Whether another one is the same file, perhaps by another path.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        let place = |path: &Path| fs::canonicalize(path).ok();
        self.0 == other.0 || place(&self.0).is_some_and(|at| place(&other.0) == Some(at))
    }

    /// Removes the file, unless it tells of another process by now.
    pub(super) fn remove(self) {
        let path = self.0;
        if fs::read(&path).ok() != Some(content()) {
            return;
        }
        if let Err(error) = fs::remove_file(&path) {
            let (path, error) = (path.display(), describe(&error));
            tracing::info!("cannot remove the pid file `{path}`: {error}");
        }
    }
}

fn content() -> Vec<u8> {
    format!("{}\n", process::id()).into_bytes()
}

/// Writes beside the file and renames, so that nobody reads half of it, and a link at its place
/// does not send elsewhere what is written.
fn replace(path: &Path) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", process::id()));
    let beside = PathBuf::from(beside);
    // What an earlier process of this id may have left behind.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&beside)?;
    let written = file.write_all(&content()).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // That it could not be written is what counts.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::source::fixture::Directory;

    #[test]
    fn what_is_left_over_gives_way() {
        let directory = Directory::new();
        let (path, elsewhere) = (directory.join("pid"), directory.join("elsewhere"));
        fs::write(&path, "1\n").unwrap();
        PidFile::write(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content());

        fs::write(&elsewhere, "precious").unwrap();
        fs::remove_file(&path).unwrap();
        symlink(&elsewhere, &path).unwrap();
        PidFile::write(&path).unwrap().remove();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
        assert_eq!(fs::read_dir(&*directory).unwrap().count(), 1, "nothing stays behind");
    }

    #[test]
    fn the_file_of_a_successor_stays() {
        let directory = Directory::new();
        let path = directory.join("pid");
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.remove();
        assert!(path.exists());
    }

    #[test]
    fn a_file_is_reclaimed_from_a_successor_that_failed() {
        let directory = Directory::new();
        let path = directory.join("pid");
        let file = PidFile::write(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.reclaim();
        assert_eq!(fs::read(&path).unwrap(), content());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let directory = Directory::new();
        let path = directory.join("no-such-directory/pid");
        let error = PidFile::write(&path).unwrap_err().to_string();
        let expected =
            format!("cannot write the pid file `{}`: no such file or directory", path.display());
        assert_eq!(error, expected);
        PidFile::write(&directory).unwrap_err();
        assert_eq!(fs::read_dir(&*directory).unwrap().count(), 0, "nothing stays behind");
    }
}
