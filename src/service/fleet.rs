//! Which workers there are and what is to be done about them: decisions, without any process.

mod action;
mod change;
mod clock;
mod cover;
mod end;
mod slot;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use self::action::{Action, Word};
use self::change::Change;
use self::clock::SILENCE;
use self::slot::Slot;
pub(super) use self::worker::{Id, Post, State, Worker};

/// How many workers in a row may end in one place, before they serve or soon after, before all have
/// been ready for the first time.
pub(super) const ATTEMPTS: u32 = 5;

/// The workers of a server. It decides; who drives it performs its [`actions`](Self::actions).
#[derive(Debug)]
pub(super) struct Fleet {
    workers: BTreeMap<Id, Worker>,
    /// The places of the generation in force.
    slots: Vec<Slot>,
    generation: u32,
    /// The youngest generation that there ever was.
    youngest: u32,
    change: Change,
    /// The number of the last change in place, which what is said about it carries: what is late
    /// is not taken for an answer to the next one.
    changes: u64,
    /// How long workers may take to end; none for ever.
    patience: Option<Duration>,
    ready: bool,
    stopping: bool,
    /// Whether something was cut off when the server stopped.
    cut: bool,
    actions: Vec<Action>,
    next: u64,
}

impl Fleet {
    /// Starts so many workers, the first generation.
    pub(super) fn start(count: usize, patience: Option<Duration>, now: Instant) -> Self {
        let mut fleet = Self {
            workers: BTreeMap::new(),
            slots: Vec::new(),
            generation: 1,
            youngest: 1,
            change: Change::None,
            changes: 0,
            patience,
            ready: false,
            stopping: false,
            cut: false,
            actions: Vec::new(),
            next: 0,
        };
        (0..count).for_each(|_| fleet.grow(now));
        fleet
    }

    /// What is to be done since this was last asked, in this order.
    pub(super) fn actions(&mut self) -> Vec<Action> {
        mem::take(&mut self.actions)
    }

    /// One worker more.
    pub(super) fn grow(&mut self, now: Instant) {
        self.slots.push(Slot::default());
        self.spawn(self.slots.len() - 1, self.generation, now);
    }

    /// One worker less. The last one stays.
    pub(super) fn shrink(&mut self, now: Instant) {
        if self.slots.len() > 1 {
            let slot = self.slots.pop().unwrap_or_default();
            let uncover = |id| Action::Uncover(id, self.slots.len());
            self.actions.extend(slot.cover.map(uncover));
            let post = Post { slot: self.slots.len(), generation: self.generation };
            self.leave(now, |worker| worker.post == post);
            self.cover();
        }
    }

    /// The number of workers that there should be.
    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    /// The generation in force.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The workers, the oldest first.
    pub(super) fn workers(&self) -> impl Iterator<Item = (Id, &Worker)> {
        self.workers.iter().map(|(id, worker)| (*id, worker))
    }

    /// Whether every worker that there should be accepts connections.
    pub(super) fn is_whole(&self) -> bool {
        self.serving(self.generation) == self.slots.len()
    }

    /// Whether anything is done by a worker that has been heard of lately: connections are
    /// accepted, or what has begun is finished. One that hangs is replaced in any case; this is
    /// for who replaces the whole server.
    pub(super) fn answers(&self, now: Instant) -> bool {
        self.workers.values().any(|worker| {
            worker.state != State::Starting && now.duration_since(worker.heard) < SILENCE / 2
        })
    }

    /// Whether every worker that there should be has ever accepted connections at once.
    pub(super) fn has_been_ready(&self) -> bool {
        self.ready
    }

    /// Whether so many workers in a row have ended in one place that the start is to be given up,
    /// as not all have been ready at any time.
    pub(super) fn has_failed_to_start(&self) -> bool {
        !self.ready && self.slots.iter().any(|slot| slot.failures() >= ATTEMPTS)
    }

    /// Grants workers that are told to end from now on so long; for ever if it is none.
    pub(super) fn be_patient(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    fn serving(&self, generation: u32) -> usize {
        let serving = |worker: &&Worker| {
            worker.post.generation == generation && worker.state == State::Serving
        };
        self.workers.values().filter(serving).count()
    }

    /// A worker has been heard of.
    pub(super) fn heard(&mut self, id: Id, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.heard = now;
        }
    }

    /// A worker accepts connections.
    pub(super) fn is_ready(&mut self, id: Id, now: Instant) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.state == State::Starting
        {
            worker.state = State::Serving;
            worker.since = now;
            self.try_replace(now);
            self.try_commit();
            if !self.ready && self.is_whole() {
                self.ready = true;
                self.actions.push(Action::Ready);
            }
            self.cover();
        }
    }

    /// A worker has ended. One whose place is still wanted has a successor: at once, unless it is
    /// one of several that have not lived long. Tells whether it has one.
    pub(super) fn has_ended(&mut self, id: Id, now: Instant) -> bool {
        let Some(worker) = self.workers.remove(&id) else { return false };
        let is_followed =
            !matches!(worker.state, State::Leaving(_)) && self.is_missed(&worker, now);
        self.no_longer_awaits(id);
        self.cover();
        is_followed
    }

    /// A worker accepts no connections any more, as somebody has told it to end, and finishes
    /// what has begun. Tells whether another one takes its place for that: not if it leaves
    /// already, however often it is told.
    pub(super) fn leaves_early(&mut self, id: Id, now: Instant) -> bool {
        let until = self.patience.map(|patience| now + patience);
        let Some(worker) = self.workers.get_mut(&id) else { return false };
        if matches!(worker.state, State::Leaving(_)) {
            return false;
        }
        let before = mem::replace(&mut worker.state, State::Leaving(until));
        let missed = Worker { state: before, ..*worker };
        let is_followed = self.is_missed(&missed, now);
        self.no_longer_awaits(id);
        self.cover();
        is_followed
    }

    /// A worker is not there any more that was not told to leave by this. Tells whether another
    /// one is to take its place.
    fn is_missed(&mut self, worker: &Worker, now: Instant) -> bool {
        let Post { slot, generation } = worker.post;
        if self.stopping {
            return false;
        }
        if generation == self.generation && slot < self.slots.len() {
            let served = match worker.state {
                State::Serving => now.duration_since(worker.since),
                _ => Duration::ZERO,
            };
            self.slots[slot].worker_ended(served, now);
            self.fill(now);
            return true;
        }
        if generation > self.generation {
            self.give_up("a worker of the new generation has ended before all were ready", now);
        }
        false
    }

    fn spawn(&mut self, slot: usize, generation: u32, now: Instant) {
        let (id, post) = (Id(self.next), Post { slot, generation });
        self.next += 1;
        let worker = Worker { post, state: State::Starting, since: now, heard: now, is_cut: false };
        self.workers.insert(id, worker);
        self.actions.push(Action::Spawn(id, post));
        self.joins(id);
    }
}
