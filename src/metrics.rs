//! What a process counts, and the text that tells it to Prometheus.

mod filters;
mod meter;
mod snapshot;
mod text;
mod totals;

pub use self::meter::{Meter, Refusal};
pub use self::snapshot::{Served, Snapshot};
pub use self::text::CONTENT_TYPE;
pub use self::totals::Totals;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one process counts. A clone counts with it.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    meters: Mutex<Meters>,
    reloads: AtomicU64,
    reloads_failed: AtomicU64,
    respawns: AtomicU64,
}

#[derive(Debug, Default)]
struct Meters {
    /// By the app that they are for.
    used: Vec<(Box<str>, Arc<Meter>)>,
    /// What was counted by those that nobody uses any more.
    retired: Snapshot,
}

impl Metrics {
    /// A meter for a server of an app: each server of each thread has its own, so that no two
    /// count in the same place.
    pub fn meter(&self, app: &str) -> Arc<Meter> {
        let mut meters = self.meters();
        meters.retire_unused();
        let meter = Arc::new(Meter::default());
        meters.used.push((app.into(), Arc::clone(&meter)));
        meter
    }

    /// Counts an attempt to load the configuration anew.
    pub fn count_reload<T, E>(&self, result: &Result<T, E>) {
        let Shared { reloads, reloads_failed, .. } = &*self.0;
        let counter = if result.is_ok() { reloads } else { reloads_failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a process that takes the place of one that has died or was told to end.
    pub fn count_respawn(&self) {
        self.0.respawns.fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub fn snapshot(&self) -> Snapshot {
        let meters = self.meters();
        let mut snapshot = meters.retired.clone();
        for (app, meter) in &meters.used {
            snapshot.add_app(app, &meter.served());
        }
        snapshot.reloads += self.0.reloads.load(Ordering::Relaxed);
        snapshot.reloads_failed += self.0.reloads_failed.load(Ordering::Relaxed);
        snapshot.respawns += self.0.respawns.load(Ordering::Relaxed);
        snapshot
    }

    fn meters(&self) -> MutexGuard<'_, Meters> {
        self.0.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meters {
    fn retire_unused(&mut self) {
        let Self { used, retired } = self;
        used.retain(|(app, meter)| {
            let is_used = Arc::strong_count(meter) > 1;
            if !is_used {
                retired.add_app(app, &meter.served());
            }
            is_used
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_counted_outlives_it() {
        let metrics = Metrics::default();
        let count = || {
            let meter = metrics.meter("main");
            meter.end(meter.begin(), 200);
            meter
        };
        drop(count());
        let _current = count();
        let snapshot = metrics.snapshot();
        assert_eq!(snapshot.apps["main"].statuses, [(200, 2)].into());
    }

    #[test]
    fn reloads_are_counted_by_their_result() {
        let metrics = Metrics::default();
        metrics.count_reload(&Ok::<_, ()>(()));
        metrics.count_reload(&Err::<(), _>(()));
        metrics.count_reload(&Err::<(), _>(()));
        metrics.count_respawn();
        let Snapshot { reloads, reloads_failed, respawns, .. } = metrics.snapshot();
        assert_eq!((reloads, reloads_failed, respawns), (1, 2, 1));
    }
}
