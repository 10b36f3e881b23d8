//! Who accepts connections for a place that is empty for a while.

use std::collections::BTreeMap;

use super::Fleet;
use super::action::Action;
use super::worker::{State, Worker};

impl Fleet {
    /// Has others accept the connections of places that are empty for a while, as the system goes
    /// on to put some into their queues, until somebody is in them again.
    pub(super) fn cover(&mut self) {
        let in_force = |worker: &Worker| {
            worker.post.generation == self.generation && worker.state == State::Serving
        };
        let serving: BTreeMap<_, _> = self
            .workers
            .iter()
            .filter(|(_, worker)| !self.stopping && in_force(worker))
            .map(|(id, worker)| (*id, worker.post.slot))
            .collect();
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let cover = slot.cover.filter(|id| serving.contains_key(id));
            let is_taken = serving.values().any(|taken| *taken == number);
            if is_taken {
                slot.cover = None;
                self.actions.extend(cover.map(|id| Action::Uncover(id, number)));
            } else if cover.is_none() && (slot.due.is_some() || slot.cover.is_some()) {
                slot.cover = serving.keys().next().copied();
                self.actions.extend(slot.cover.map(|id| Action::Cover(id, number)));
            }
        }
    }
}
