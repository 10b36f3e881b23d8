//! What becomes due with time: the end of patience, and of pauses.

use std::time::Duration;

use tokio::time::Instant;

use super::Fleet;
use super::action::Action;
use super::worker::State;

/// How long a worker may be silent before it counts as hung.
pub(super) const SILENCE: Duration = Duration::from_secs(10);

/// How late a look at the clock shows that this process itself was stopped, as a virtual machine
/// is now and then: nobody is blamed for the silence of that time.
const STOPPED: Duration = Duration::from_secs(3);

impl Fleet {
    /// When there is something to be done next, if nothing happens before.
    pub(in crate::service) fn due(&self) -> Option<Instant> {
        let silent = self.workers.values().map(|worker| worker.heard + SILENCE);
        let leaving = self.workers.values().filter_map(|worker| match worker.state {
            State::Leaving(until) => until,
            _ => None,
        });
        let slots = self.slots.iter().filter_map(|slot| slot.due).filter(|_| !self.stopping);
        silent.chain(leaving).chain(slots).chain(self.change.due()).min()
    }

    /// Does what is due.
    pub(in crate::service) fn tick(&mut self, now: Instant) {
        if self.due().is_some_and(|due| now.duration_since(due) > STOPPED) {
            self.workers.values_mut().for_each(|worker| worker.heard = now);
        }
        for (id, worker) in &mut self.workers {
            let is_late = matches!(worker.state, State::Leaving(Some(until)) if until <= now);
            if is_late {
                self.cut |= self.stopping;
                self.actions.push(worker.cut(*id, "it has not finished in time", now));
            } else if worker.heard + SILENCE <= now {
                // It is heard of once more: when it has ended.
                worker.heard = now;
                self.actions.push(Action::Kill(*id, "it does not answer"));
            }
        }
        if self.change.due().is_some_and(|due| due <= now) {
            let reason =
                if self.serves() { "it takes the workers too long" } else { "no worker serves" };
            self.give_up(reason, now);
        }
        self.fill(now);
    }

    /// Starts a worker for each place whose time has come.
    pub(super) fn fill(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        for slot in 0..self.slots.len() {
            if self.slots[slot].due.is_some_and(|due| due <= now) {
                self.slots[slot].due = None;
                self.spawn(slot, self.generation, now);
            }
        }
    }
}
