//! How all workers come to serve something else: all of them, or none.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::{Action, Fleet, Id, Slot, State, Word, Worker};

/// How long workers may take to be ready for what is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is being changed.
#[derive(Debug)]
pub(super) enum Change {
    /// These have yet to say that they serve by what they have prepared.
    Committing(BTreeSet<Id>),
    /// Nothing.
    None,
    /// These have yet to prepare what is to come, and have until then.
    Preparing(BTreeSet<Id>, Instant),
    /// So many workers of a new generation are to take the places of those in force, and have
    /// until then to be ready.
    Replacing { generation: u32, count: usize, until: Instant },
}

impl Change {
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Preparing(_, until) | Self::Replacing { until, .. } => Some(*until),
            Self::Committing(_) | Self::None => None,
        }
    }
}

impl Fleet {
    /// Has all workers prepare what is to come, and serve by it once all have: at least one that
    /// accepts connections, which is waited for. Nothing else may be changed meanwhile.
    pub(in crate::service) fn change_in_place(&mut self, now: Instant) {
        let stays = |id: &Id| !matches!(self.workers[id].state, State::Leaving(_));
        let all: BTreeSet<_> = self.workers.keys().copied().filter(stays).collect();
        self.changes += 1;
        let prepare = Word::Prepare(self.changes);
        self.actions.extend(all.iter().map(|id| Action::Tell(*id, prepare)));
        self.change = Change::Preparing(all, now + PATIENCE);
        self.try_commit();
    }

    /// Starts so many workers of a new generation, and has those in force end once all of the
    /// new ones accept connections. Nothing else may be changed meanwhile.
    pub(in crate::service) fn replace(&mut self, count: usize, now: Instant) {
        self.youngest += 1;
        let generation = self.youngest;
        self.change = Change::Replacing { generation, count, until: now + PATIENCE };
        (0..count).for_each(|slot| self.spawn(slot, generation, now));
    }

    /// A worker has prepared what is to come by a change.
    pub(in crate::service) fn has_prepared(&mut self, id: Id, change: u64) {
        if let Change::Preparing(waiting, _) = &mut self.change
            && change == self.changes
        {
            waiting.remove(&id);
            self.try_commit();
        }
    }

    /// A worker serves by what it has prepared for a change.
    pub(in crate::service) fn has_committed(&mut self, id: Id, change: u64) {
        if let Change::Committing(waiting) = &mut self.change
            && change == self.changes
        {
            waiting.remove(&id);
            self.try_settle();
        }
    }

    /// A worker cannot prepare what is to come by a change.
    pub(in crate::service) fn has_refused(
        &mut self,
        id: Id,
        change: u64,
        (reason, now): (&str, Instant),
    ) {
        let concerns = |waiting: &BTreeSet<Id>| waiting.contains(&id) && change == self.changes;
        if matches!(&self.change, Change::Preparing(waiting, _) if concerns(waiting)) {
            self.give_up(reason, now);
        }
    }

    /// A worker cannot start, which none does that is to prepare a change either.
    pub(in crate::service) fn cannot_start(&mut self, id: Id, reason: &str, now: Instant) {
        let Some(Worker { post, state, .. }) = self.workers.get(&id) else { return };
        let is_starting = *state == State::Starting;
        let concerns_change = match &self.change {
            // Where none serves, one that cannot start is no less than one that refuses.
            Change::Preparing(waiting, _) => waiting.contains(&id) || !self.serves(),
            Change::Replacing { generation, .. } => post.generation == *generation,
            Change::Committing(_) | Change::None => false,
        };
        if concerns_change {
            self.give_up(reason, now);
        }
        // One of a generation that is given up has been killed with it.
        if is_starting && self.workers.get(&id).is_some_and(|it| it.state == State::Starting) {
            self.actions.push(Action::Kill(id, "it cannot start"));
        }
    }

    /// Leaves all as it is, if something is being changed that can still be taken back.
    pub(super) fn give_up(&mut self, reason: &str, now: Instant) {
        match mem::replace(&mut self.change, Change::None) {
            Change::None => return,
            // All are ready for it: those who have not said yet that they serve by it will.
            Change::Committing(_) => return self.actions.push(Action::Settle(Ok(()))),
            Change::Preparing(..) => {
                let stays = |id: &&Id| !matches!(self.workers[id].state, State::Leaving(_));
                let abort = Word::Abort(self.changes);
                let tell = |id: &Id| Action::Tell(*id, abort);
                self.actions.extend(self.workers.keys().filter(stays).map(tell));
            }
            Change::Replacing { generation, .. } => {
                // Who serves already has clients, whose requests are finished.
                let serves = |worker: &Worker| worker.state == State::Serving;
                self.leave(now, |it| it.post.generation == generation && serves(it));
                for (id, worker) in &mut self.workers {
                    if worker.post.generation == generation && worker.state == State::Starting {
                        worker.state = State::Leaving(None);
                        self.actions.push(Action::Kill(*id, "its generation is given up"));
                    }
                }
                self.fill(now);
            }
        }
        self.actions.push(Action::Settle(Err(reason.to_owned())));
    }

    /// A worker that starts has what is in force, and has to prepare what is to come.
    pub(super) fn joins(&mut self, id: Id) {
        if let Change::Preparing(waiting, _) = &mut self.change {
            waiting.insert(id);
            self.actions.push(Action::Tell(id, Word::Prepare(self.changes)));
        }
    }

    /// A worker that has ended will not say anything any more; its successor has what is in
    /// force, and prepares what is to come.
    pub(super) fn no_longer_awaits(&mut self, id: Id) {
        match &mut self.change {
            Change::Committing(waiting) => {
                waiting.remove(&id);
                self.try_settle();
            }
            Change::Preparing(waiting, _) => {
                waiting.remove(&id);
                self.try_commit();
            }
            Change::None | Change::Replacing { .. } => {}
        }
    }

    /// Whether any worker of the generation in force accepts connections.
    pub(super) fn serves(&self) -> bool {
        self.serving(self.generation) > 0
    }

    pub(super) fn try_commit(&mut self) {
        let are_prepared =
            matches!(&self.change, Change::Preparing(waiting, _) if waiting.is_empty());
        if !are_prepared || !self.serves() {
            return;
        }
        let stays = |id: &Id| !matches!(self.workers[id].state, State::Leaving(_));
        let all: BTreeSet<_> = self.workers.keys().copied().filter(stays).collect();
        self.actions.push(Action::Commit);
        let commit = Word::Commit(self.changes);
        self.actions.extend(all.iter().map(|id| Action::Tell(*id, commit)));
        self.change = Change::Committing(all);
        self.try_settle();
    }

    fn try_settle(&mut self) {
        if matches!(&self.change, Change::Committing(waiting) if waiting.is_empty()) {
            self.change = Change::None;
            self.actions.push(Action::Settle(Ok(())));
        }
    }

    /// Has the generation in force end, if all workers of the new one accept connections.
    pub(super) fn try_replace(&mut self, now: Instant) {
        let Change::Replacing { generation, count, .. } = self.change else { return };
        if self.serving(generation) < count {
            return;
        }
        self.change = Change::None;
        self.generation = generation;
        self.slots = vec![Slot::default(); count];
        self.actions.push(Action::Commit);
        self.leave(now, |worker| worker.post.generation != generation);
        self.actions.push(Action::Settle(Ok(())));
    }
}
