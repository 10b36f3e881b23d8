//! How a client takes the response to a request that shares its connection.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::activity::Activity;
use super::clock::Clock;
use super::pace::{Pace, Paced};

/// How much of a response a client must take within the time for it.
const LEAST: usize = 4096;

/// How a client takes the response to a request that shares its connection with others: whether
/// it opens the window of its stream. What it takes of the connection as a whole, the stream of
/// bytes notes.
#[derive(Debug)]
pub(super) struct Taking {
    pace: Pace,
    /// Whether the app has given something that the client is to take.
    is_owed: AtomicBool,
    /// How much that is.
    given: AtomicUsize,
}

impl Taking {
    pub(super) fn new(activity: &Activity) -> Self {
        let pace = Pace::new(LEAST, activity.clock().write);
        Self { pace, is_owed: AtomicBool::new(false), given: AtomicUsize::new(0) }
    }

    /// Notes that the app is asked for more, as the client has taken what it gave before.
    pub(super) fn is_taken(&self, clock: &Clock) {
        self.pace.moves(self.given.swap(0, Ordering::Relaxed), clock);
        self.is_owed.store(false, Ordering::Relaxed);
    }

    /// Notes that the app has given so many bytes.
    pub(super) fn is_given(&self, bytes: usize) {
        self.given.store(bytes, Ordering::Relaxed);
        self.is_owed.store(true, Ordering::Relaxed);
    }

    /// Whether it is the client that is waited for.
    pub(super) fn is_owed(&self) -> bool {
        self.is_owed.load(Ordering::Relaxed)
    }
}

impl Paced for Taking {
    fn pace(&self) -> &Pace {
        &self.pace
    }
}
