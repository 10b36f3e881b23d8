//! All that is open: who is told that the server ends, who is waited for, and who is late.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::activity::{Activity, Clock};
use super::ledger::Ledger;

/// The connections that are open.
///
/// It holds their deadlines too: once a second it walks over all of them and ends those whose
/// clients are late. So a deadline is kept within a second, and costs nothing per request.
#[derive(Debug)]
pub(super) struct Roster {
    clock: Arc<Clock>,
    ledger: Arc<Ledger>,
    /// By address in memory, which is one of a kind as long as a connection lives.
    connections: Mutex<HashMap<usize, Arc<Activity>>>,
    phase: watch::Sender<Phase>,
}

/// Where a server is in its life. A phase only ever gives way to a later one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Phase {
    /// Connections are accepted and live on after a response.
    Serving,
    /// No connection is accepted, and each ends with its next response.
    Leaving,
    /// Each ends with the request that it is at, and those that wait for one at once.
    Ending,
}

impl Roster {
    /// An empty roster, and a task that looks for late clients for as long as it lives.
    pub(super) fn start(clock: Clock, ledger: Ledger) -> Arc<Self> {
        let roster = Arc::new(Self {
            clock: Arc::new(clock),
            ledger: Arc::new(ledger),
            connections: Mutex::default(),
            phase: watch::Sender::new(Phase::Serving),
        });
        tokio::spawn(look_for_late(Arc::downgrade(&roster)));
        roster
    }

    /// Takes in a connection. It is waited for until the entry is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Entry {
        let activity = Arc::new(Activity::new(Arc::clone(&self.clock), Arc::clone(&self.ledger)));
        let watch = self.watch();
        let entry =
            Entry { activity: Arc::clone(&activity), roster: Arc::clone(self), _watch: watch };
        self.ledger.meter.connect();
        self.connections().insert(entry.key(), activity);
        // One that is accepted while the server ends is told so at once.
        let phase = *self.phase.borrow();
        if phase >= Phase::Leaving {
            entry.activity.leave();
        }
        if phase >= Phase::Ending {
            entry.activity.finish();
        }
        entry
    }

    /// Someone who is told of the end and waited for, but has no deadline: a listener.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.phase.subscribe())
    }

    /// Tells all that the server is about to end: it accepts no connection, and those that are
    /// open end with their next response.
    pub(super) fn leave(&self) {
        self.advance(Phase::Leaving);
        self.connections().values().for_each(|activity| activity.leave());
    }

    /// Tells all that the server ends.
    pub(super) fn finish(&self) {
        self.advance(Phase::Ending);
        self.connections().values().for_each(|activity| activity.finish());
    }

    /// Ends all connections at once, whatever they are at.
    pub(super) fn close(&self) {
        self.advance(Phase::Ending);
        self.connections().values().for_each(|activity| activity.close());
    }

    fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
    }

    /// How many connections are open.
    pub(super) fn len(&self) -> usize {
        self.connections().len()
    }

    /// Waits until nothing is open any more.
    pub(super) async fn emptied(&self) {
        self.phase.closed().await;
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<usize, Arc<Activity>>> {
        // A panic between two changes of the map leaves it whole.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_for_late(roster: Weak<Roster>) {
    const SECOND: Duration = Duration::from_secs(1);
    let mut ticks = time::interval_at(Instant::now() + SECOND, SECOND);
    // After a stall, clients are not blamed for the time that the server was away.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(roster) = roster.upgrade() else { return };
        let now = roster.clock.tick();
        for activity in roster.connections().values().filter(|activity| activity.is_late(now)) {
            activity.close();
        }
    }
}

/// The place of a connection in the roster.
#[derive(Debug)]
pub(super) struct Entry {
    activity: Arc<Activity>,
    roster: Arc<Roster>,
    /// By which the roster knows that the connection is still open.
    _watch: Watch,
}

impl Entry {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    fn key(&self) -> usize {
        Arc::as_ptr(&self.activity).addr()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.roster.connections().remove(&self.key());
        self.roster.ledger.meter.disconnect();
    }
}

/// One who is told that the server ends, and who is waited for.
#[derive(Debug)]
pub(super) struct Watch(watch::Receiver<Phase>);

impl Watch {
    /// Waits until the server is about to end.
    pub(super) async fn leaving(&mut self) {
        // The roster holds the sender and lives as long as a listener does.
        let _ = self.0.wait_for(|phase| *phase >= Phase::Leaving).await;
    }
}
