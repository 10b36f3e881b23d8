//! The open end of a log: a file, a pipe or a terminal.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::destination::Destination;

/// What is written to a pipe at once: as much as the system writes as a whole however many
/// processes write (`PIPE_BUF`).
const PIECE: usize = 4096;

/// How long a reader that takes nothing is waited for before the caller may look at other things.
const PATIENCE: Duration = Duration::from_millis(50);

/// The open end of a log.
///
/// Other processes may write to the same end: every write is of whole lines, to the end of a file
/// as a whole, and in pieces that stay whole to what is no file, but for a line that is longer. A
/// line that the system has cut short is written anew in a line of its own in a file, as the disk
/// was full, and is gone on with elsewhere, as a reader has taken the rest by now.
#[derive(Debug)]
pub(super) struct Sink {
    destination: Destination,
    /// None until a destination that was gone is there again.
    file: Option<File>,
    is_regular: bool,
    /// Whether what was written last to a file is a part of a line.
    torn: bool,
    /// How much of the next line has been written already to what is no file.
    begun: usize,
}

impl Sink {
    /// Opens the destination. A named pipe that nobody reads is opened later.
    pub(super) fn open(destination: Destination) -> io::Result<Self> {
        let mut sink = Self { destination, file: None, is_regular: false, torn: false, begun: 0 };
        match sink.reopen() {
            Err(error) if !is_unread(&error) => Err(error),
            _ => Ok(sink),
        }
    }

    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Opens the destination anew, as after a rotation.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.file = None;
        let file = match &self.destination {
            Destination::File(path) => append_to(path)?,
            // Not by way of the library, whose lock would stop whoever else prints.
            Destination::Stderr => io::stderr().as_fd().try_clone_to_owned()?.into(),
            Destination::Stdout => io::stdout().as_fd().try_clone_to_owned()?.into(),
        };
        self.is_regular = file.metadata()?.is_file();
        (self.torn, self.begun) = (false, 0);
        self.file = Some(file);
        Ok(())
    }

    /// Writes lines, and removes them from what is to be written.
    ///
    /// # Errors
    ///
    /// What is left could not be written. [`ErrorKind::WouldBlock`] stands for a reader that takes
    /// nothing for a moment.
    pub(super) fn write(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        let mut written = 0;
        let result = self.write_from(lines, &mut written);
        lines.drain(..written);
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            self.file = None;
        }
        result
    }

    fn write_from(&mut self, lines: &[u8], written: &mut usize) -> io::Result<()> {
        if self.has_moved() {
            self.reopen()?;
        }
        while *written < lines.len() {
            let piece = self.piece(&lines[*written..]);
            match self.write_piece(piece) {
                Ok(count) => *written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What of lines is written at once: whole lines, at least one.
    fn piece<'a>(&self, lines: &'a [u8]) -> &'a [u8] {
        if self.is_regular || lines.len() <= PIECE {
            return lines;
        }
        let first = || lines.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
        &lines[..whole(&lines[..PIECE]).or_else(first).unwrap_or(lines.len())]
    }

    /// Writes some of a piece; gives the length of the whole lines of it that are written.
    fn write_piece(&mut self, piece: &[u8]) -> io::Result<usize> {
        // It was opened, or this would not be called.
        let Some(file) = &mut self.file else { return Err(ErrorKind::NotFound.into()) };
        if !self.is_regular {
            await_reader(file)?;
        }
        if self.torn {
            file.write_all(b"\n")?;
            self.torn = false;
        }
        let count = file.write(&piece[self.begun..])?;
        if count == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        let end = self.begun + count;
        let whole = whole(&piece[..end]).unwrap_or(0);
        if self.is_regular {
            self.torn = whole < end;
        } else {
            self.begun = end - whole;
        }
        Ok(whole)
    }

    /// Whether the file at the path is no longer the one that is open, as after a rotation.
    fn has_moved(&self) -> bool {
        let Some(file) = &self.file else { return true };
        let Destination::File(path) = &self.destination else { return false };
        let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
        path.metadata().map(identity).ok() != file.metadata().map(identity).ok()
    }
}

/// The length of the whole lines of some bytes, if there is one.
fn whole(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1)
}

fn append_to(path: &Path) -> io::Result<File> {
    // A named pipe that nobody reads would be waited for otherwise.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    OpenOptions::new().append(true).create(true).custom_flags(flags).open(path)
}

/// Whether a named pipe could not be opened because nobody reads it.
fn is_unread(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NXIO)
}

/// Waits a moment for a reader to take what it was given before.
fn await_reader(file: &File) -> io::Result<()> {
    let wait = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
    let mut ready = [PollFd::new(file, PollFlags::OUT)];
    match poll(&mut ready, Some(&wait))? {
        0 => Err(ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Command;

    use super::*;
    use crate::builtin::fixture::Directory;

    #[test]
    fn only_whole_lines_are_written_to_a_pipe_at_once() {
        let mut sink = Sink::open(Destination::File("/dev/null".into())).unwrap();
        let line = |length: usize| [vec![b'x'; length - 1], vec![b'\n']].concat();
        let lines = [line(3000), line(1000), line(200), line(9000)].concat();
        assert_eq!(sink.piece(&lines).len(), 4000);
        assert_eq!(sink.piece(&lines[4000..]).len(), 200);
        assert_eq!(sink.piece(&lines[4200..]).len(), 9000);
        sink.is_regular = true;
        assert_eq!(sink.piece(&lines).len(), lines.len());
    }

    #[test]
    fn a_long_line_arrives_whole_at_a_reader_that_takes_little_at_a_time() {
        let directory = Directory::new();
        let path = directory.path("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut options = OpenOptions::new();
        let mut reader = options.read(true).custom_flags(nonblocking).open(&path).unwrap();
        let mut sink = Sink::open(Destination::File(path)).unwrap();
        let line = |length: usize| [vec![b'x'; length - 1], vec![b'\n']].concat();
        let long = [line(9000), line(70_000), b"end\n".to_vec()].concat();
        let expected = [line(PIECE).repeat(20), long].concat();
        let (mut lines, mut read) = (expected.clone(), Vec::new());
        // More than it takes, a page at a time.
        for _ in 0..100 {
            match sink.write(&mut lines) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                Ok(()) => assert!(lines.is_empty()),
            }
            let mut page = [0; PIECE];
            let count = reader.read(&mut page).unwrap_or(0);
            read.extend_from_slice(&page[..count]);
        }
        assert!(read == expected, "{} bytes of {}", read.len(), expected.len());
    }

    #[test]
    fn a_line_that_was_cut_short_is_written_anew() {
        let directory = Directory::new();
        let mut sink = Sink::open(Destination::File(directory.path("log"))).unwrap();
        sink.torn = true;
        let mut lines = b"whole\n".to_vec();
        sink.write(&mut lines).unwrap();
        assert_eq!((directory.read("log").as_str(), lines.len()), ("\nwhole\n", 0));
    }
}
