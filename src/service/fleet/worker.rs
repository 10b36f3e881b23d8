//! A process of a fleet, and what it is at.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::{Action, Word};

/// The number of a process, never used again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::service) struct Id(pub(in crate::service) u64);

/// Which place a worker takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::service) struct Post {
    /// The number of the worker, from 0, which its successor has too.
    pub(in crate::service) slot: usize,
    /// The settings of which generation it serves by.
    pub(in crate::service) generation: u32,
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::service) enum State {
    /// It ends, and has until then if that is limited.
    Leaving(Option<Instant>),
    /// It accepts connections.
    Serving,
    /// It loads, checks and builds.
    Starting,
}

impl State {
    /// What it is called.
    pub(in crate::service) fn name(self) -> &'static str {
        match self {
            Self::Leaving(_) => "leaving",
            Self::Serving => "serving",
            Self::Starting => "starting",
        }
    }
}

/// A process.
#[derive(Debug)]
pub(in crate::service) struct Worker {
    pub(in crate::service) post: Post,
    pub(in crate::service) state: State,
    /// When it was started, or has begun to serve.
    pub(super) since: Instant,
    pub(super) heard: Instant,
    /// Whether it has been told to end at once.
    pub(super) is_cut: bool,
}

/// How long one that is told to end at once has for its last words: lines of logs, and what it has
/// counted.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

impl Worker {
    /// Has it end at once: it is told to, and is killed when it is heard of no end by the next
    /// time.
    pub(super) fn cut(&mut self, id: Id, reason: &'static str, now: Instant) -> Action {
        if mem::replace(&mut self.is_cut, true) {
            self.state = State::Leaving(None);
            return Action::Kill(id, "it does not end at once");
        }
        self.state = State::Leaving(Some(now + LAST_WORDS));
        Action::Tell(id, Word::Cut(reason))
    }
}
