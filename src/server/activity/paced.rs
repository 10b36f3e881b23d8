//! The paces of single requests, which the roster looks after.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::Activity;
use crate::server::pace::Paced;
use crate::server::taking::Taking;

impl Activity {
    /// Has the roster look after a pace.
    pub(in crate::server) fn watch(&self, paced: Arc<dyn Paced>) {
        self.paces().push(paced);
    }

    /// Has the roster forget a pace.
    pub(in crate::server) fn forget(&self, paced: &Arc<dyn Paced>) {
        self.paces().retain(|known| !Arc::ptr_eq(known, paced));
    }

    pub(super) fn paces(&self) -> MutexGuard<'_, Vec<Arc<dyn Paced>>> {
        self.paces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how the response to the request that has just begun is taken.
    pub(in crate::server) fn begin_taking(&self, taking: &Arc<Taking>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some(Arc::clone(taking));
    }

    /// How the response to the request is taken that has just begun.
    pub(in crate::server) fn newest(&self) -> Option<Arc<Taking>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
