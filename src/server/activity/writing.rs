//! How the client takes what is written.

use std::sync::atomic::Ordering;

use super::Activity;

impl Activity {
    /// Notes that the client is to take something, and has no room for it.
    pub(in crate::server) fn waits_to_write(&self) {
        self.unflushed.store(true, Ordering::Relaxed);
        self.held_up.store(true, Ordering::Relaxed);
        self.writing.wait(&self.clock);
    }

    /// Notes that so many bytes were written: a client that still takes its response is not idle.
    pub(in crate::server) fn has_written(&self, bytes: usize) {
        self.writing.moves(bytes, &self.clock);
        // Where requests share the connection, something else may be written all the time: answers
        // to pings.
        let still_takes = || {
            self.is_multiplexed()
                && !self.is_answering()
                && self.is_held_up()
                && !self.is_to_leave()
        };
        if self.outlasts_response() {
            self.rest_moves();
        } else if self.is_waiting() || still_takes() {
            self.due_in(self.clock.keep_alive);
        }
    }

    /// Notes that all that was written has left.
    pub(in crate::server) fn has_flushed(&self) {
        self.unflushed.store(false, Ordering::Relaxed);
        self.held_up.store(false, Ordering::Relaxed);
    }

    /// Whether there is something that the client has had no room for, and still has not.
    pub(in crate::server) fn is_held_up(&self) -> bool {
        self.held_up.load(Ordering::Relaxed)
    }

    /// Whether all that was written has left.
    pub(in crate::server) fn is_flushed(&self) -> bool {
        !self.unflushed.load(Ordering::Relaxed)
    }
}
