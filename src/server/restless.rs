//! Connections that may rest when they have had nothing to do for a moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::activity::Activity;

/// How often is looked who has had nothing to do. A connection rests after up to twice as long.
const MOMENT: Duration = Duration::from_millis(100);

/// Connections that have answered a request and wait for another one.
///
/// hyper holds 8 KiB to read into for each connection, and gives them back only with all else that
/// it knows of it. To have it begin anew for each request would cost a tenth of what a request
/// does; after a moment without one it does not count. What is in this list is looked at ten
/// times a second, so a connection that rests is not in it.
#[derive(Debug, Default)]
pub(super) struct Restless {
    /// With how many requests had begun when they were looked at.
    connections: Mutex<Vec<(Arc<Activity>, u64)>>,
    added: Notify,
    given_up: AtomicBool,
}

impl Restless {
    /// Takes in a connection, unless it is in the list.
    pub(super) fn add(&self, activity: &Arc<Activity>) {
        if activity.grow_restless() {
            self.connections().push((Arc::clone(activity), activity.begun()));
            self.added.notify_one();
        }
    }

    /// Has those rest that have had nothing to do, until the list is given up.
    pub(super) async fn look(&self) {
        while !self.given_up.load(Ordering::Relaxed) {
            self.added.notified().await;
            while !self.connections().is_empty() {
                sleep(MOMENT).await;
                self.settle();
            }
        }
    }

    /// Has nobody look any more.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.added.notify_one();
    }

    fn settle(&self) {
        self.connections().retain_mut(|(activity, seen)| {
            let begun = activity.begun();
            let is_quiet = begun == std::mem::replace(seen, begun);
            // One that is at a long request comes back when it has ended.
            if is_quiet {
                activity.settle();
            }
            !is_quiet
        });
    }

    fn connections(&self) -> MutexGuard<'_, Vec<(Arc<Activity>, u64)>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
