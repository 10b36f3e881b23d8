//! Counts what filters refuse.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many requests each filter has refused as a limit of its own was reached, by its name. It is
/// locked where something is refused, and where somebody looks.
#[derive(Debug, Default)]
pub(super) struct Filters(Mutex<BTreeMap<&'static str, u64>>);

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
        for filter in ["sizelimit", "own", "sizelimit"] {
            filters.refuse(filter);
        }
        filters.add_to(&mut refusals);
        assert_eq!(refusals, [("own".to_owned(), 1), ("sizelimit".to_owned(), 2)].into());
    }
}
