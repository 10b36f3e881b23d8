//! What all processes of a server have counted together.

use std::collections::BTreeMap;

use super::snapshot::Snapshot;

/// What all processes of a server have counted together, those that are gone included: what is
/// counted never becomes less.
#[derive(Debug)]
pub struct Totals<Id> {
    living: BTreeMap<Id, Snapshot>,
    gone: Snapshot,
}

impl<Id> Default for Totals<Id> {
    fn default() -> Self {
        Self { living: BTreeMap::new(), gone: Snapshot::default() }
    }
}

impl<Id: Copy + Ord> Totals<Id> {
    /// Takes in what a process has counted so far.
    pub fn update(&mut self, process: Id, snapshot: Snapshot) {
        self.living.insert(process, snapshot);
    }

    /// Notes that a process is gone. What it had counted since it was last heard of is lost.
    pub fn end(&mut self, process: Id) {
        if let Some(snapshot) = self.living.remove(&process) {
            self.gone += &snapshot.ended();
        }
    }

    /// The sum of all.
    pub fn sum(&self) -> Snapshot {
        let mut sum = self.gone.clone();
        self.living.values().for_each(|snapshot| sum += snapshot);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Served;

    fn counted(requests: u64, in_flight: u64) -> Snapshot {
        let served = Served {
            statuses: [(200, requests)].into(),
            buckets: vec![requests, 0],
            in_flight,
            ..Served::default()
        };
        Snapshot { apps: [("main".to_owned(), served)].into(), accepting: 1, ..Snapshot::default() }
    }

    #[test]
    fn what_only_some_processes_know_to_count_is_added_up_too() {
        let refused = |refusals: &[(&str, u64)]| {
            let refusals = refusals.iter().map(|(limit, count)| ((*limit).to_owned(), *count));
            let served = Served { refusals: refusals.collect(), ..Served::default() };
            Snapshot { apps: [("main".to_owned(), served)].into(), ..Snapshot::default() }
        };
        let mut totals = Totals::default();
        totals.update(1, refused(&[("path", 1), ("own", 2)]));
        totals.update(2, refused(&[("path", 1), ("other", 4)]));
        totals.end(1);
        totals.update(3, refused(&[("own", 8)]));
        assert_eq!(totals.sum(), refused(&[("other", 4), ("own", 10), ("path", 2)]));
    }

    #[test]
    fn processes_are_added_up_and_leave_what_they_have_counted() {
        let mut totals = Totals::default();
        totals.update(1, counted(1, 1));
        totals.update(1, counted(10, 2));
        totals.update(2, counted(5, 1));
        assert_eq!(totals.sum(), Snapshot { accepting: 2, ..counted(15, 3) });
        totals.end(1);
        totals.update(3, counted(1, 0));
        assert_eq!(totals.sum(), Snapshot { accepting: 2, ..counted(16, 1) });
        totals.end(1);
        assert_eq!(totals.sum().apps["main"].statuses[&200], 16, "it ends once");
    }
}
