//! Counts what filters and composites refuse.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The filters and composites that come with the program and have limits. They are told of from the
/// beginning, as Prometheus sees no increase in what only appears with its first refusal.
const BUILTIN: [&str; 7] =
    ["cascade", "concurrency", "decompress", "rate_limit", "ratelimit", "sizelimit", "timeout"];

/// How many requests each filter has refused as a limit of its own was reached, by its name. It is
/// locked where something is refused, and where somebody looks.
#[derive(Debug)]
pub(super) struct Filters(Mutex<BTreeMap<&'static str, u64>>);

impl Default for Filters {
    fn default() -> Self {
        Self(Mutex::new(BUILTIN.map(|filter| (filter, 0)).into()))
    }
}

impl Filters {
    /// Counts a request.
    pub(super) fn refuse(&self, filter: &'static str) {
        *self.counts().entry(filter).or_default() += 1;
    }

    /// Adds what has been counted so far, name by name.
    pub(super) fn add_to(&self, refusals: &mut BTreeMap<String, u64>) {
        for (filter, count) in &*self.counts() {
            *refusals.entry((*filter).to_owned()).or_default() += count;
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        // A panic between two changes of the map leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_counted_by_its_name() {
        let (filters, mut refusals) = (Filters::default(), BTreeMap::new());
        filters.add_to(&mut refusals);
        assert_eq!(refusals, BUILTIN.map(|filter| (filter.to_owned(), 0)).into());
        for filter in ["sizelimit", "own", "sizelimit"] {
            filters.refuse(filter);
        }
        filters.add_to(&mut refusals);
        let counted = ["sizelimit", "timeout", "own"].map(|filter| refusals[filter]);
        assert_eq!(counted, [2, 0, 1]);
    }
}
