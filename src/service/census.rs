//! Asks all workers what they have counted, and adds it up.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::fleet::Id;
use crate::metrics::{Snapshot, Totals};

/// How long a worker may take to answer. Then what it said before counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks all workers what they have counted, and adds it up: decisions, without any process.
#[derive(Debug, Default)]
pub(super) struct Census {
    totals: Totals<Id>,
    /// The workers in which somebody asked.
    askers: Vec<Id>,
    /// Who has not answered yet, and how long that may take; none if nobody asks.
    awaited: Option<(BTreeSet<Id>, Instant)>,
}

impl Census {
    /// Somebody asks in a worker; gives those that are to be asked in turn, none if they have been
    /// already.
    pub(super) fn ask(&mut self, asker: Id, workers: Vec<Id>, now: Instant) -> Vec<Id> {
        self.askers.push(asker);
        if self.awaited.is_some() {
            return Vec::new();
        }
        self.awaited = Some((workers.iter().copied().collect(), now + PATIENCE));
        workers
    }

    /// A worker says what it has counted.
    pub(super) fn hear(&mut self, worker: Id, counted: Snapshot) {
        self.totals.update(worker, counted);
        self.no_longer_awaits(worker);
    }

    /// A worker has ended.
    pub(super) fn end(&mut self, worker: Id) {
        self.totals.end(worker);
        self.no_longer_awaits(worker);
    }

    fn no_longer_awaits(&mut self, worker: Id) {
        if let Some((awaited, _)) = &mut self.awaited {
            awaited.remove(&worker);
        }
    }

    /// When the patience with those that have not answered ends.
    pub(super) fn due(&self) -> Option<Instant> {
        self.awaited.as_ref().map(|(_, due)| *due)
    }

    /// The sum, and the workers to be told it, once all have answered or are late.
    pub(super) fn result(&mut self, now: Instant) -> Option<(Vec<Id>, Snapshot)> {
        let (awaited, due) = self.awaited.as_ref()?;
        if !awaited.is_empty() && now < *due {
            return None;
        }
        self.awaited = None;
        Some((mem::take(&mut self.askers), self.totals.sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(respawns: u64) -> Snapshot {
        Snapshot { respawns, ..Snapshot::default() }
    }

    #[tokio::test]
    async fn everyone_is_asked_once_and_the_sum_told_to_all_who_asked() {
        let (mut census, now) = (Census::default(), Instant::now());
        let [one, two] = [1, 2].map(Id);
        assert_eq!(census.ask(one, vec![one, two], now), [one, two]);
        assert_eq!(census.ask(two, vec![one, two], now), []);
        census.hear(one, counted(1));
        assert!(census.result(now).is_none());
        census.hear(two, counted(10));
        assert_eq!(census.result(now), Some((vec![one, two], counted(11))));
        assert!(census.result(now).is_none(), "nobody asks any more");
    }

    #[tokio::test]
    async fn who_is_late_or_gone_is_not_waited_for() {
        let (mut census, now) = (Census::default(), Instant::now());
        let [one, two] = [1, 2].map(Id);
        census.hear(two, counted(10));
        census.ask(one, vec![one, two], now);
        census.hear(one, counted(1));
        assert_eq!(census.due(), Some(now + PATIENCE));
        assert_eq!(census.result(now + PATIENCE), Some((vec![one], counted(11))));
        census.ask(one, vec![one, two], now);
        census.hear(one, counted(2));
        census.end(two);
        assert_eq!(census.result(now), Some((vec![one], counted(12))));
    }
}
