//! Writes lines to where they go, off the threads that serve.

use std::fmt::{self, Write as _};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::settings::{Rejected, Setting};

/// Lines past this many bytes that wait for a slow disk are dropped and counted.
const LONGEST_QUEUE: usize = 4 << 20;

/// Lines are gathered until there are this many bytes or this time has passed.
const BATCH: usize = 64 << 10;
const GATHERING: Duration = Duration::from_millis(100);

/// How long the end of a log waits for its last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Destination {
    File(PathBuf),
    Stderr,
    Stdout,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Stderr => f.write_str("stderr"),
            Self::Stdout => f.write_str("stdout"),
        }
    }
}

impl Setting for Destination {
    const EXPECTED: &'static str = "`stdout`, `stderr` or the path of a file";

    fn parse(text: &str) -> Result<Self, Rejected> {
        Self::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        match text {
            "stderr" => Ok(Self::Stderr),
            "stdout" => Ok(Self::Stdout),
            path => PathBuf::parse_in(path, directory).map(Self::File),
        }
    }
}

/// Takes lines without waiting, and has a thread of its own write them. Dropping it writes what
/// is left, unless that takes longer than a second.
pub(super) struct Writer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told when there is something to write, and when the log ends.
    filled: Condvar,
    /// Told when the last line is written.
    ended: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: String,
    dropped: u64,
    closed: bool,
    written: bool,
}

impl Writer {
    /// Opens the destination.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or there can be no further thread.
    pub(super) fn open(destination: Destination) -> io::Result<Self> {
        let mut sink = Sink::open(destination)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || theirs.write_to(&mut sink))?;
        Ok(Self(shared))
    }

    /// Takes a line, which ends itself. It is dropped and counted if too much is waiting.
    pub(super) fn append(&self, line: impl fmt::Display) {
        let mut queue = self.0.lock();
        if queue.lines.len() >= LONGEST_QUEUE {
            queue.dropped += 1;
            return;
        }
        let before = queue.lines.len();
        // A text in memory can always be written to.
        let _ = write!(queue.lines, "{line}");
        let is_first = before == 0;
        let is_batch = before < BATCH && queue.lines.len() >= BATCH;
        drop(queue);
        if is_first || is_batch {
            self.0.filled.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.closed = true;
        self.0.filled.notify_one();
        let wait = self.0.ended.wait_timeout_while(queue, LAST_LINES, |queue| !queue.written);
        drop(wait);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that holds the lock leaves the queue half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does until the log ends.
    fn write_to(&self, sink: &mut Sink) {
        let mut lines = String::new();
        loop {
            let mut queue = self.batch();
            mem::swap(&mut lines, &mut queue.lines);
            let dropped = mem::take(&mut queue.dropped);
            if lines.is_empty() {
                queue.written = true;
                self.ended.notify_all();
                return;
            }
            drop(queue);
            sink.write(&lines);
            if dropped > 0 {
                let destination = &sink.destination;
                tracing::warn!(dropped, "lines of the access log are lost: {destination} is slow");
            }
            lines.clear();
            lines.shrink_to(2 * BATCH);
        }
    }

    /// Waits until there is a batch, or the log ends.
    fn batch(&self) -> MutexGuard<'_, Queue> {
        let idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.closed;
        let queue = self.filled.wait_while(self.lock(), idle);
        let queue = queue.unwrap_or_else(PoisonError::into_inner);
        let filling = |queue: &mut Queue| queue.lines.len() < BATCH && !queue.closed;
        let waited = self.filled.wait_timeout_while(queue, GATHERING, filling);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// An open destination.
struct Sink {
    destination: Destination,
    /// Open if the destination is one.
    file: Option<File>,
    /// Whether the last lines could not be written, which is logged once.
    failing: bool,
}

impl Sink {
    fn open(destination: Destination) -> io::Result<Self> {
        let file = match &destination {
            Destination::File(path) => Some(append_to(path)?),
            Destination::Stderr | Destination::Stdout => None,
        };
        Ok(Self { destination, file, failing: false })
    }

    fn write(&mut self, lines: &str) {
        match self.try_write(lines.as_bytes()) {
            Ok(()) => self.failing = false,
            Err(error) => {
                if !mem::replace(&mut self.failing, true) {
                    let destination = &self.destination;
                    tracing::error!(%error, "the access log cannot be written to {destination}");
                }
            }
        }
    }

    fn try_write(&mut self, lines: &[u8]) -> io::Result<()> {
        match (&self.destination, &mut self.file) {
            (Destination::File(path), Some(file)) => {
                if has_moved(path, file) {
                    *file = append_to(path)?;
                }
                file.write_all(lines)
            }
            (Destination::Stderr, _) => io::stderr().write_all(lines),
            _ => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Whether the file at a path is no longer the one that is open, as after a rotation.
fn has_moved(path: &Path, file: &File) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    path.metadata().map(identity).ok() != file.metadata().map(identity).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::builtin::fixture::Directory;

    fn open(directory: &Directory) -> Writer {
        Writer::open(Destination::File(directory.path("log"))).unwrap()
    }

    #[test]
    fn adds_to_what_is_there_and_writes_the_last_line() {
        let directory = Directory::new();
        for _ in 0..2 {
            let writer = open(&directory);
            (0..1000).for_each(|number| writer.append(format_args!("{number}\n")));
        }
        let written = directory.read("log");
        let lines: Vec<_> = written.lines().collect();
        assert_eq!((lines.len(), lines[999], lines[1000]), (2000, "999", "0"));
    }

    #[test]
    fn opens_a_file_that_was_moved_away_anew() {
        let directory = Directory::new();
        let writer = open(&directory);
        writer.append("first\n");
        while directory.read("log").is_empty() {
            thread::yield_now();
        }
        fs::rename(directory.path("log"), directory.path("log.1")).unwrap();
        writer.append("second\n");
        drop(writer);
        assert_eq!(
            (directory.read("log.1"), directory.read("log")),
            ("first\n".to_owned(), "second\n".to_owned())
        );
    }

    #[test]
    fn what_waits_is_bounded() {
        // A queue whose thread does not run is one whose disk takes nothing.
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { written: true, ..Queue::default() }),
            ..Shared::default()
        });
        let writer = Writer(Arc::clone(&shared));
        let line = "x".repeat(1 << 10);
        (0..5000).for_each(|_| writer.append(&line));
        let queue = shared.lock();
        assert_eq!((queue.lines.len(), queue.dropped), (LONGEST_QUEUE, 5000 - 4096));
    }

    #[test]
    fn a_full_disk_is_no_panic() {
        let full = Writer::open(Destination::File("/dev/full".into())).unwrap();
        full.append("lost\n");
        drop(full);
    }

    #[test]
    fn a_relative_path_counts_from_the_file() {
        let parsed = Destination::parse_in("access.log", Path::new("/etc/api"));
        assert_eq!(parsed, Ok(Destination::File("/etc/api/access.log".into())));
    }
}
