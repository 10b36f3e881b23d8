//! The place of a worker, and how soon it is taken again.

use std::time::Duration;

use tokio::time::Instant;

use super::Id;

/// A worker that has not served for this long has failed to.
const LIFE: Duration = Duration::from_secs(1);

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The place of a worker.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// How many workers in a row have ended soon.
    failures: u32,
    /// When the next one starts; none if there is one.
    pub(super) due: Option<Instant>,
    /// Which worker accepts the connections of this place, too, while there is none in it.
    pub(super) cover: Option<Id>,
}

impl Slot {
    /// How many workers in a row have ended soon.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Notes that the worker has ended, after it has served for so long.
    pub(super) fn worker_ended(&mut self, served: Duration, now: Instant) {
        self.failures = if served < LIFE { self.failures + 1 } else { 0 };
        self.due = Some(now + pause(self.failures));
    }
}

/// None after the first failure, then a tenth of a second, which doubles with each failure.
fn pause(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        _ => {
            let doublings = (failures - 2).min(16);
            LONGEST_PAUSE.min(SHORTEST_PAUSE * (1 << doublings))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_and_has_an_end() {
        let pauses: Vec<_> = (1..=10).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn a_worker_that_has_served_makes_good_for_those_before() {
        let (mut slot, now) = (Slot::default(), Instant::now());
        slot.worker_ended(Duration::ZERO, now);
        slot.worker_ended(Duration::ZERO, now);
        assert_eq!(slot.due, Some(now + SHORTEST_PAUSE));
        slot.worker_ended(LIFE, now);
        assert_eq!(slot.due, Some(now));
    }
}
