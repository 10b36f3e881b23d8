//! The thread that writes the lines of a queue.

use std::io::ErrorKind;
use std::mem;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{BATCH, GATHERING, LOST, Queue, Shared, queues};
use crate::access_log::sink::Sink;
use crate::source::describe;

/// How long it takes until what could not be written is tried again. So it is logged no more
/// often either.
const PAUSE: Duration = Duration::from_secs(1);

/// How often the log tells how many lines are lost.
const TELLING: Duration = Duration::from_secs(1);

/// The thread that writes the lines of a queue.
pub(super) struct Worker<'a> {
    shared: &'a Arc<Shared>,
    sink: Sink,
    /// What was taken from the queue and is not written yet.
    batch: Vec<u8>,
    /// Whether the last lines could not be written, which is logged once.
    failing: bool,
    told: Option<Instant>,
}

/// What a thread has to do beside writing.
struct Turn {
    reopens: bool,
    ends: bool,
}

impl<'a> Worker<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>, sink: Sink) -> Self {
        Self { shared, sink, batch: Vec::new(), failing: false, told: None }
    }

    /// Writes until nobody logs any more, and then what is left.
    pub(super) fn run(mut self) {
        loop {
            let turn = self.wait();
            self.write(&turn);
            let mut queue = self.shared.lock();
            queue.taken = self.batch.len();
            queue.failing = self.failing;
            if queue.is_written() {
                self.shared.written.notify_all();
            }
            let is_last = turn.ends && (self.failing || queue.is_written());
            if is_last {
                let left = count(&self.batch) + count(&queue.lines);
                queue.lost += left;
                LOST.fetch_add(left, Ordering::Relaxed);
            }
            // A log may be told to itself, so nothing is locked meanwhile.
            let is_due = is_last || self.told.is_none_or(|told| told.elapsed() >= TELLING);
            let all = queue.lost;
            let before = if is_due { mem::replace(&mut queue.told, all) } else { all };
            let lost = all - before;
            drop(queue);
            self.tell_of_losses(lost);
            if is_last {
                break;
            }
        }
        // Nobody finds a queue that has no writer, so none has come since.
        queues().retain(|shared| !Arc::ptr_eq(shared, self.shared));
    }

    /// Waits until there is a batch or something else to do. What could not be written is tried
    /// again after a pause.
    fn wait(&mut self) -> Turn {
        let queue = self.shared.lock();
        let filled = &self.shared.filled;
        let mut queue = if self.failing {
            let idle = |queue: &mut Queue| !queue.is_urgent();
            filled.wait_timeout_while(queue, PAUSE, idle).unwrap_or_else(PoisonError::into_inner).0
        } else if self.batch.is_empty() {
            let idle = |queue: &mut Queue| queue.lines.is_empty() && !queue.is_urgent();
            let queue = filled.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
            let is_prompt = self.shared.is_prompt.load(Ordering::Relaxed);
            let filling =
                |queue: &mut Queue| queue.lines.len() < BATCH && !queue.is_urgent() && !is_prompt;
            let waited = filled.wait_timeout_while(queue, GATHERING, filling);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            queue
        };
        if self.batch.is_empty() {
            self.batch.shrink_to(2 * BATCH);
            mem::swap(&mut self.batch, &mut queue.lines);
            queue.taken = self.batch.len();
        }
        queue.hurries = false;
        Turn { reopens: mem::take(&mut queue.reopens), ends: queue.writers == 0 }
    }

    fn write(&mut self, turn: &Turn) {
        if turn.ends && self.batch.is_empty() {
            return;
        }
        let reopened = if turn.reopens { self.sink.reopen() } else { Ok(()) };
        match reopened.and_then(|()| self.sink.write(&mut self.batch)) {
            Ok(()) => {
                if mem::take(&mut self.failing) {
                    let destination = self.sink.destination();
                    tracing::info!("the log is written to {destination} again");
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                if !mem::replace(&mut self.failing, true) {
                    let (error, destination) = (describe(&error), self.sink.destination());
                    tracing::error!(error, "the log cannot be written to {destination}");
                }
            }
        }
    }

    fn tell_of_losses(&mut self, lost: u64) {
        if lost > 0 {
            self.told = Some(Instant::now());
            let destination = self.sink.destination();
            tracing::warn!(lost, "lines of the log are lost: {destination} is slow or full");
        }
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.split_inclusive(|byte| *byte == b'\n').count() as u64
}
