//! All that is open: who is told that the server ends, who is waited for, and who is late.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant, MissedTickBehavior};

use super::activity::Activity;
use super::clock::Clock;
use super::ledger::Ledger;
use super::limits::Limits;
use super::load::Held;
use super::restless::Restless;
use crate::metrics::Refusal;

/// The connections that are open.
///
/// It holds their deadlines too: once a second it walks over all of them and ends those whose
/// clients are late. So a deadline is kept within a second, and costs nothing per request.
#[derive(Debug)]
pub(super) struct Roster {
    clock: Arc<Clock>,
    ledger: Arc<Ledger>,
    limits: Arc<Limits>,
    /// By address in memory, which is one of a kind as long as a connection lives.
    open: Mutex<HashMap<usize, Arc<Activity>>>,
    restless: Arc<Restless>,
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
    /// Each ends at once, whatever it is at.
    Closing,
}

impl Roster {
    /// An empty roster, and a task that looks for late clients for as long as it lives.
    pub(super) fn start(clock: Clock, ledger: Ledger, limits: Arc<Limits>) -> Arc<Self> {
        let roster = Arc::new(Self {
            clock: Arc::new(clock),
            ledger: Arc::new(ledger),
            limits,
            open: Mutex::default(),
            restless: Arc::default(),
            phase: watch::Sender::new(Phase::Serving),
        });
        tokio::spawn(look_for_late(Arc::downgrade(&roster)));
        let restless = Arc::clone(&roster.restless);
        tokio::spawn(async move { restless.look().await });
        roster
    }

    /// Takes in a connection, from an address if it has one. It is waited for until the entry is
    /// dropped.
    ///
    /// # Errors
    ///
    /// There are as many as there may be.
    pub(super) fn enter(self: &Arc<Self>, peer: Option<IpAddr>) -> Result<Entry, Refusal> {
        let held = self.ledger.load.admit(peer, &self.limits);
        let held = held.inspect_err(|refusal| self.ledger.count(*refusal))?;
        let activity = Arc::new(Activity::new(Arc::clone(&self.clock), Arc::clone(&self.ledger)));
        self.open().insert(key(&activity), Arc::clone(&activity));
        self.ledger.meter.connect();
        let watch = self.watch();
        let entry = Entry { activity, roster: Arc::clone(self), held, _watch: watch };
        // One that is accepted while the server ends is told so at once.
        let phase = *self.phase.borrow();
        if phase >= Phase::Leaving {
            entry.activity.leave();
        }
        if phase >= Phase::Ending {
            entry.activity.finish();
        }
        if phase >= Phase::Closing {
            entry.activity.close();
        }
        Ok(entry)
    }

    /// Someone who is told of the end and waited for, but has no deadline: a listener.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.phase.subscribe())
    }

    /// Tells all that the server is about to end: it accepts no connection, and those that are
    /// open end with their next response.
    pub(super) fn leave(&self) {
        self.advance(Phase::Leaving);
        self.open().values().for_each(|activity| activity.leave());
    }

    /// Tells all that the server ends.
    pub(super) fn finish(&self) {
        self.advance(Phase::Ending);
        self.open().values().for_each(|activity| activity.finish());
    }

    /// Ends all connections at once, whatever they are at.
    pub(super) fn close(&self) {
        self.advance(Phase::Closing);
        self.open().values().for_each(|activity| activity.close());
    }

    fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
    }

    /// Where it is noted what becomes of connections and requests.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many connections are open.
    pub(super) fn len(&self) -> usize {
        self.open().len()
    }

    /// Waits until nothing is open any more.
    pub(super) async fn emptied(&self) {
        self.phase.closed().await;
    }

    fn open(&self) -> MutexGuard<'_, HashMap<usize, Arc<Activity>>> {
        // A panic between two changes of the map leaves it whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        self.restless.give_up();
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
        roster.clock.tick();
        roster.open().values().for_each(|activity| activity.check());
    }
}

fn key(activity: &Arc<Activity>) -> usize {
    Arc::as_ptr(activity).addr()
}

/// The place of a connection in the roster.
#[derive(Debug)]
pub(super) struct Entry {
    activity: Arc<Activity>,
    roster: Arc<Roster>,
    /// What it has of all that is borne.
    held: Held,
    /// By which the roster knows that the connection is still open.
    _watch: Watch,
}

impl Entry {
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Has the connection count for the address of a client of whom a load balancer tells.
    ///
    /// # Errors
    ///
    /// That has as many as it may.
    pub(super) fn count_for(&mut self, client: IpAddr) -> Result<(), Refusal> {
        self.held.count_for(client, &self.roster.limits)
    }

    /// Has the connection told to rest when it has had nothing to do for a moment.
    pub(super) fn grow_restless(&self) {
        self.roster.restless.add(&self.activity);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.roster.open().remove(&key(&self.activity));
        let meter = &self.roster.ledger.meter;
        if self.activity.is_upgraded() {
            meter.disconnect_upgraded();
        }
        meter.disconnect();
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
