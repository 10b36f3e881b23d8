//! Where a service runs, and how it is made there.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::{InForce, Readings, Running, Service};
use crate::app::BoxError;
use crate::registry::Section;
use crate::settings::Settings;

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
    make: Arc<Make>,
    section: Option<Section>,
}

type Make = dyn Fn(&Instance, &Readings) -> Running + Send + Sync;

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
        let make = move |instance: &Instance, _: &Readings| Running::new(make(instance));
        Self { name: name.into(), count: 1, make: Arc::new(make), section: None }
    }

    /// As [`new`](Self::new), for a service with settings of its own: the group of settings files
    /// (`--config-file`) that has its name, and variables of the environment such as
    /// `OS_MAILER__BATCH`. They are checked with all others: a value that is none keeps the server
    /// from starting, or a reload from coming into force, and a name that is none is warned of.
    /// `show --settings`, `sample-config` and the log know them.
    ///
    /// The name is made of letters, digits, `_` and `-`, and capitals in it make no difference,
    /// as in settings files. It is none of the groups that somebody reads already: the server
    /// (`DEFAULT`, `ssl`, `pasteline`, `wsgi`), filters and apps (such as `cors`), or another
    /// service. A program in which it is tells so when it starts, and does nothing.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use pasteline::program::{Background, InForce, Periodic};
    ///
    /// pasteline::settings! {
    ///     /// Sends what waits to be sent.
    ///     struct Mailer {
    ///         /// How many seconds lie between two looks.
    ///         pause: u64 = "60",
    ///     }
    /// }
    ///
    /// let mailer = Background::configured("mailer", |_, settings: InForce<Mailer>| {
    ///     Periodic::every(Duration::from_secs(settings.now().pause), async || Ok(()))
    /// });
    /// # let _ = mailer;
    /// ```
    pub fn configured<C: Settings + Send + Sync, S: Service>(
        name: &'static str,
        make: impl Fn(&Instance, InForce<C>) -> S + Send + Sync + 'static,
    ) -> Self {
        let make = move |instance: &Instance, readings: &Readings| {
            let Some(settings) = readings.of::<C>(name) else { return Running::new(Unread) };
            let in_force = InForce::new(settings);
            Running::new(make(instance, in_force.clone())).renewed(move |readings| {
                if let Some(settings) = readings.of(name) {
                    in_force.replace(settings);
                }
            })
        };
        let section = Some(Section::of::<C>(name));
        Self { name: name.to_owned(), count: 1, make: Arc::new(make), section }
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

    /// The group of settings files that it reads.
    pub(crate) fn section(&self) -> Option<Section> {
        self.section
    }

    /// Makes one of it.
    pub(crate) fn make(&self, number: usize, readings: &Readings) -> (Instance, Running) {
        let instance = Instance { name: self.name.clone(), number };
        let running = (self.make)(&instance, readings);
        (instance, running)
    }
}

/// Stands for a service whose settings nobody has read: it cannot start.
struct Unread;

impl Service for Unread {
    async fn start(&self) -> Result<(), BoxError> {
        Err("its settings were not read; please report this".into())
    }

    async fn wait(&self) -> Result<(), BoxError> {
        Ok(())
    }

    async fn stop(&self, _: Option<Instant>) {}
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, .. } = self;
        f.debug_struct("Background").field("name", name).field("count", count).finish()
    }
}
