//! Where a service runs, and how it is made there.

use std::fmt;
use std::sync::Arc;

use super::{Running, Service};

/// A service, how it is made, and how many processes it has of its own.
///
/// ```
/// use std::time::Duration;
///
/// use pasteline::program::{Background, Periodic};
///
/// let sweep = || Periodic::every(Duration::from_secs(40), async || Ok(()));
/// // One in a process of its own, and one in each worker.
/// let once = Background::new("sweep", move |_| sweep());
/// let everywhere = Background::new("sweep", move |_| sweep()).processes(0);
/// # let _ = (once, everywhere);
/// ```
#[derive(Clone)]
pub struct Background {
    name: String,
    count: u16,
    make: Arc<dyn Fn(&Instance) -> Running + Send + Sync>,
}

/// Which one of its name a service is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The name of the service.
    pub name: String,
    /// Its number, from 1, which its successor has too: of its processes, or of the worker that it
    /// runs in.
    pub number: usize,
}

impl Background {
    /// A service that is made so in each of its processes; of which it has one, unless
    /// [`processes`](Self::processes) says how many. The name is what the log, `ps` and
    /// `pasteline status` call it.
    pub fn new<S: Service>(
        name: impl Into<String>,
        make: impl Fn(&Instance) -> S + Send + Sync + 'static,
    ) -> Self {
        let make = move |instance: &Instance| Running::new(make(instance));
        Self { name: name.into(), count: 1, make: Arc::new(make) }
    }

    /// Gives the service so many processes of its own (`worker_process_count`); with 0 it runs in
    /// each worker instead, beside its connections. A server that has no workers (`workers = 0`)
    /// runs as many of it in its one process, and one for 0.
    #[must_use]
    pub fn processes(mut self, count: u16) -> Self {
        self.count = count;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many processes it has of its own.
    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    /// Makes one of it.
    pub(crate) fn make(&self, number: usize) -> (Instance, Running) {
        let instance = Instance { name: self.name.clone(), number };
        let running = (self.make)(&instance);
        (instance, running)
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, .. } = self;
        f.debug_struct("Background").field("name", name).field("count", count).finish()
    }
}
