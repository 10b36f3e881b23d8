//! Has lines written to where they go, off the threads that serve.

mod worker;

use std::fmt::{self, Write as _};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::worker::Worker;
use super::destination::Destination;
use super::sink::Sink;

/// Lines past this many bytes that wait for a slow disk are dropped and counted.
const LONGEST_QUEUE: usize = 4 << 20;

/// Lines are gathered until there are this many bytes or this time has passed.
const BATCH: usize = 64 << 10;
const GATHERING: Duration = Duration::from_millis(100);

/// All queues of this process whose threads run.
///
/// What is a destination to the process, its standard output say, is one to all pipelines in it,
/// the one that replaces another included. So this is known to the process as a whole.
static QUEUES: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

/// How many lines this process has lost.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines this process has lost, because a destination was slow, full or gone.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Has the files of all logs opened anew, as is to be done after they were moved away. It waits
/// for nothing.
pub fn reopen() {
    for shared in &*queues() {
        shared.reopen();
    }
}

/// Waits until all that was logged is written, at most for so long.
pub fn flush(limit: Duration) {
    let end = Instant::now() + limit;
    let all = queues().clone();
    for shared in &all {
        shared.lock().hurries = true;
        shared.filled.notify_one();
    }
    for shared in all {
        let left = end.saturating_duration_since(Instant::now());
        let waiting = |queue: &mut Queue| !queue.is_written();
        let waited = shared.written.wait_timeout_while(shared.lock(), left, waiting);
        let (queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(queue);
        if timeout.timed_out() {
            let destination = &shared.destination;
            tracing::warn!("the last lines of the log are lost: {destination} is slow");
        }
    }
}

fn queues() -> MutexGuard<'static, Vec<Arc<Shared>>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes lines without waiting, and has a thread write them, one for all that write to the same
/// destination.
#[derive(Debug)]
pub(crate) struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    destination: Destination,
    queue: Mutex<Queue>,
    /// Told when there is something to do for the thread.
    filled: Condvar,
    /// Told when all lines are written.
    written: Condvar,
    /// Whether lines are written as they come, for somebody who looks on.
    is_prompt: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    lines: Vec<u8>,
    /// How many bytes the thread has taken and not written yet.
    taken: usize,
    /// How many lines were lost.
    lost: u64,
    /// How many of them were told of.
    told: u64,
    /// Whether the last lines could not be written.
    failing: bool,
    /// How many writers there are; with the last one the thread ends.
    writers: usize,
    /// Whether the destination is to be opened anew.
    reopens: bool,
    /// Whether someone waits for the last line.
    hurries: bool,
}

impl Queue {
    fn is_written(&self) -> bool {
        self.lines.is_empty() && self.taken == 0
    }

    fn is_urgent(&self) -> bool {
        self.hurries || self.reopens || self.writers == 0
    }
}

impl Writer {
    /// Opens the destination, unless another has done so.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or there can be no further thread.
    pub(crate) fn open(destination: Destination) -> io::Result<Self> {
        let mut queues = queues();
        for shared in queues.iter().filter(|shared| shared.destination == destination) {
            let mut queue = shared.lock();
            // One that nobody writes to any more is about to end.
            if queue.writers > 0 {
                queue.writers += 1;
                return Ok(Self(Arc::clone(shared)));
            }
        }
        let sink = Sink::open(destination.clone())?;
        let shared = Arc::new(Shared::new(destination));
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || Worker::new(&theirs, sink).run())?;
        queues.push(Arc::clone(&shared));
        Ok(Self(shared))
    }

    /// As [`open`](Self::open), for lines that are not gathered first.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub(crate) fn open_promptly(destination: Destination) -> io::Result<Self> {
        let writer = Self::open(destination)?;
        writer.0.is_prompt.store(true, Ordering::Relaxed);
        Ok(writer)
    }

    /// Takes a line, which ends itself. It is dropped and counted if too much is waiting.
    pub(crate) fn append(&self, line: impl fmt::Display) {
        let mut queue = self.0.lock();
        if queue.lines.len() + queue.taken >= LONGEST_QUEUE {
            queue.lost += 1;
            LOST.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let before = queue.lines.len();
        write(&mut queue.lines, line);
        let is_first = before == 0;
        let is_batch = before < BATCH && queue.lines.len() >= BATCH;
        drop(queue);
        if is_first || is_batch {
            self.0.filled.notify_one();
        }
    }
}

fn write(lines: &mut Vec<u8>, line: impl fmt::Display) {
    /// Bytes that texts can be written to, which never fails.
    struct Bytes<'a>(&'a mut Vec<u8>);

    impl fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }

    let _ = write!(Bytes(lines), "{line}");
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().writers -= 1;
        self.0.filled.notify_one();
    }
}

impl Shared {
    /// A queue with its first writer.
    fn new(destination: Destination) -> Self {
        let queue = Mutex::new(Queue { writers: 1, ..Queue::default() });
        let (filled, written) = (Condvar::new(), Condvar::new());
        Self { destination, queue, filled, written, is_prompt: AtomicBool::new(false) }
    }

    fn reopen(&self) {
        self.lock().reopens = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that holds the lock leaves the queue half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::Command;

    use super::*;
    use crate::builtin::fixture::Directory;

    fn open(directory: &Directory) -> Writer {
        Writer::open(Destination::File(directory.path("log"))).unwrap()
    }

    /// Waits until the thread has nothing left to write.
    fn settle(writer: &Writer) {
        writer.0.lock().hurries = true;
        writer.0.filled.notify_one();
        let waiting = |queue: &mut Queue| !queue.is_written();
        drop(writer.0.written.wait_while(writer.0.lock(), waiting).unwrap());
    }

    fn log(writer: &Writer, line: &str) {
        writer.append(format_args!("{line}\n"));
        settle(writer);
    }

    /// Waits until a writer has tried to write and failed.
    fn await_failure(writer: &Writer) {
        while !writer.0.lock().failing {
            thread::yield_now();
        }
    }

    /// Waits until the thread of a queue has ended.
    fn await_end(shared: &Arc<Shared>) {
        while queues().iter().any(|other| Arc::ptr_eq(other, shared)) {
            thread::yield_now();
        }
    }

    #[test]
    fn adds_to_what_is_there_and_writes_the_last_line() {
        let directory = Directory::new();
        for _ in 0..2 {
            let writer = open(&directory);
            (0..1000).for_each(|number| writer.append(format_args!("{number}\n")));
            settle(&writer);
        }
        let written = directory.read("log");
        let lines: Vec<_> = written.lines().collect();
        assert_eq!((lines.len(), lines[999], lines[1000]), (2000, "999", "0"));
    }

    #[test]
    fn one_thread_serves_all_that_write_to_the_same_file() {
        let directory = Directory::new();
        let (first, second) = (open(&directory), open(&directory));
        assert!(Arc::ptr_eq(&first.0, &second.0));
        drop(first);
        log(&second, "still here");
        assert_eq!(directory.read("log"), "still here\n");
        let shared = Arc::clone(&second.0);
        drop(second);
        await_end(&shared);
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let directory = Directory::new();
        let writer = open(&directory);
        log(&writer, "first");
        fs::rename(directory.path("log"), directory.path("log.1")).unwrap();
        log(&writer, "second");
        let written = (directory.read("log.1"), directory.read("log"));
        assert_eq!(written, ("first\n".to_owned(), "second\n".to_owned()));
    }

    #[test]
    fn a_file_is_there_again_as_soon_as_it_is_told_to_reopen() {
        let directory = Directory::new();
        let writer = open(&directory);
        fs::rename(directory.path("log"), directory.path("log.1")).unwrap();
        writer.0.reopen();
        while !directory.path("log").exists() {
            thread::yield_now();
        }
        drop(writer);
    }

    #[test]
    fn lines_wait_for_a_directory_that_is_gone() {
        let directory = Directory::new();
        let inner = directory.path("inner");
        fs::create_dir(&inner).unwrap();
        let writer = Writer::open(Destination::File(inner.join("log"))).unwrap();
        fs::remove_dir_all(&inner).unwrap();
        writer.append("late\n");
        await_failure(&writer);
        fs::create_dir(&inner).unwrap();
        settle(&writer);
        assert_eq!(fs::read(inner.join("log")).unwrap(), b"late\n");
    }

    #[test]
    fn what_cannot_be_written_is_counted_when_the_log_ends() {
        let writer = Writer::open(Destination::File("/dev/full".into())).unwrap();
        let (shared, before) = (Arc::clone(&writer.0), lost());
        (0..3).for_each(|_| writer.append("lost\n"));
        drop(writer);
        await_end(&shared);
        assert_eq!(shared.lock().lost, 3);
        assert!(lost() >= before + 3);
    }

    #[test]
    fn a_reader_that_has_stopped_stops_nobody() {
        let directory = Directory::new();
        let path = directory.path("log");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let mut options = OpenOptions::new();
        let mut reader = options.read(true).custom_flags(nonblocking).open(&path).unwrap();
        let writer = open(&directory);
        let line = "x".repeat(1023) + "\n";
        (0..6000).for_each(|_| writer.append(&line));
        assert!(writer.0.lock().lost > 0, "4 MiB and a pipe hold fewer");
        let mut read = vec![0; 1 << 20];
        let mut taken = 0;
        while !writer.0.lock().is_written() || taken == 0 {
            taken += reader.read(&mut read).unwrap_or(0);
        }
        assert!(taken > LONGEST_QUEUE / 2, "{taken}");
    }

    #[test]
    fn several_processes_do_not_mix_their_lines() {
        let directory = Directory::new();
        // Two queues of one file are to each other as those of two processes.
        let path = directory.path("log");
        let one = Writer::open(Destination::File(path.clone())).unwrap();
        std::os::unix::fs::symlink(&path, directory.path("link")).unwrap();
        let two = Writer::open(Destination::File(directory.path("link"))).unwrap();
        assert!(!Arc::ptr_eq(&one.0, &two.0));
        thread::scope(|scope| {
            for (writer, letter) in [(&one, "a"), (&two, "b")] {
                scope.spawn(move || {
                    for length in 1..1000 {
                        log(writer, &letter.repeat(length));
                    }
                });
            }
        });
        let written = directory.read("log");
        assert_eq!(written.lines().count(), 2 * 999);
        let is_whole = |line: &str| line.bytes().all(|byte| byte == line.as_bytes()[0]);
        assert!(written.lines().all(is_whole));
    }
}
