//! Settings of services: those that were read, and those that are in force.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::registry::Reading;

/// The settings of a service that are in force now. A clone tells the same.
///
/// A reload that changes them has them in force before [`Service::reset`](super::Service::reset)
/// is called. Who needs several options to belong together asks once.
///
/// ```
/// use pasteline::program::InForce;
///
/// pasteline::settings! {
///     /// Works off letters.
///     struct Letters {
///         /// How many at a time.
///         batch: u32 = "10",
///     }
/// }
///
/// fn batch(settings: &InForce<Letters>) -> u32 {
///     settings.now().batch
/// }
/// ```
#[derive(Debug)]
pub struct InForce<S>(Arc<Mutex<Arc<S>>>);

impl<S> InForce<S> {
    pub(super) fn new(settings: Arc<S>) -> Self {
        Self(Arc::new(Mutex::new(settings)))
    }

    /// Those that count at this moment.
    pub fn now(&self) -> Arc<S> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, settings: Arc<S>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }
}

impl<S> Clone for InForce<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// The settings of all services that have some, as they were read.
#[derive(Clone, Debug, Default)]
pub struct Readings(BTreeMap<&'static str, Reading>);

impl Readings {
    /// Adds those of a service.
    pub(crate) fn add(&mut self, name: &'static str, reading: Reading) {
        self.0.insert(name, reading);
    }

    /// Those of a service.
    pub(super) fn of<S: Send + Sync + 'static>(&self, name: &str) -> Option<Arc<S>> {
        Arc::clone(self.0.get(name)?).downcast().ok()
    }
}
