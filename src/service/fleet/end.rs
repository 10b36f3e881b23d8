//! How all workers end.

use tokio::time::Instant;

use super::{Fleet, State, Word, Worker};
use crate::service::fleet::Action;

impl Fleet {
    /// Has all workers end when what has begun is finished.
    pub(in crate::service) fn stop(&mut self, now: Instant) {
        self.give_up("the server stops", now);
        self.stopping = true;
        self.leave(now, |_| true);
    }

    /// Has all workers end at once; those that have been told so already are killed.
    pub(in crate::service) fn stop_at_once(&mut self, now: Instant) {
        self.stop(now);
        self.cut |= !self.workers.is_empty();
        let cut = self.workers.iter_mut().map(|(id, it)| it.cut(*id, "the server stops", now));
        self.actions.extend(cut);
    }

    /// Whether it was stopped and no process is left; then whether all that had begun was
    /// finished.
    pub(in crate::service) fn outcome(&self) -> Option<bool> {
        (self.stopping && self.workers.is_empty()).then_some(!self.cut)
    }

    /// Has workers end when what has begun is finished.
    pub(super) fn leave(&mut self, now: Instant, which: impl Fn(&Worker) -> bool) {
        let until = self.patience.map(|patience| now + patience);
        for (id, worker) in self.workers.iter_mut().filter(|(_, worker)| which(worker)) {
            if !matches!(worker.state, State::Leaving(_)) {
                worker.state = State::Leaving(until);
                self.actions.push(Action::Tell(*id, Word::Leave));
            }
        }
    }
}
