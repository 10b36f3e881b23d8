//! What was counted up to a moment, as data that can be sent and added up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// The longest time of each bucket of the histogram, in nanoseconds: from half a millisecond to a
/// minute.
pub(super) const BOUNDS: [u64; 16] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
];

/// What one process has counted up to a moment, or several have together.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Snapshot {
    /// By the app that was served.
    pub apps: BTreeMap<String, Served>,
    /// How many processes accept connections.
    pub accepting: u64,
    /// How many times the configuration was loaded anew.
    pub reloads: u64,
    /// How many times it was to be loaded anew and had a fault.
    pub reloads_failed: u64,
    /// How many processes took the place of one that had died or was told to end.
    pub respawns: u64,
    /// How many lines of access logs were lost, because a destination was slow, full or gone.
    pub log_lines_lost: u64,
}

/// What servers of one app have counted.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Served {
    /// How many requests have ended, by the status of their responses.
    pub statuses: BTreeMap<u16, u64>,
    /// How many requests took how long: one number for each bucket of the histogram and one for
    /// what took longer.
    pub buckets: Vec<u64>,
    /// How long the requests that have ended took together.
    pub nanoseconds: u64,
    /// How many requests have begun and not ended.
    pub in_flight: u64,
    /// How many connections were accepted.
    pub connections: u64,
    /// How many of them are open.
    pub connections_open: u64,
    /// How many of those go on in another protocol.
    pub connections_upgraded: u64,
    /// How many requests and connections were refused or ended by the server or by a filter that has
    /// a limit, by the reason or the name of the filter.
    pub refusals: BTreeMap<String, u64>,
}

impl Snapshot {
    /// Adds what servers of an app have counted.
    pub fn add_app(&mut self, app: &str, served: &Served) {
        *self.apps.entry(app.to_owned()).or_default() += served;
    }

    /// How many requests have begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.apps.values().map(|served| served.in_flight).sum()
    }

    /// What is left of it when its process is gone: what has happened, and nothing that is.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.accepting = 0;
        for served in self.apps.values_mut() {
            (served.in_flight, served.connections_open) = (0, 0);
            served.connections_upgraded = 0;
        }
        self
    }
}

impl AddAssign<&Self> for Snapshot {
    fn add_assign(&mut self, other: &Self) {
        other.apps.iter().for_each(|(app, served)| self.add_app(app, served));
        self.accepting += other.accepting;
        self.reloads += other.reloads;
        self.reloads_failed += other.reloads_failed;
        self.respawns += other.respawns;
        self.log_lines_lost += other.log_lines_lost;
    }
}

impl AddAssign<&Self> for Served {
    fn add_assign(&mut self, other: &Self) {
        add_each(&mut self.statuses, &other.statuses);
        add_each(&mut self.refusals, &other.refusals);
        self.buckets.resize(self.buckets.len().max(other.buckets.len()), 0);
        for (sum, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += count;
        }
        self.nanoseconds += other.nanoseconds;
        self.in_flight += other.in_flight;
        self.connections += other.connections;
        self.connections_open += other.connections_open;
        self.connections_upgraded += other.connections_upgraded;
    }
}

fn add_each<K: Clone + Ord>(sums: &mut BTreeMap<K, u64>, counts: &BTreeMap<K, u64>) {
    for (key, count) in counts {
        *sums.entry(key.clone()).or_default() += count;
    }
}
