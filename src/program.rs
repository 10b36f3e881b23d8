//! What a program of someone's own brings: factories, services that run beside its servers, and
//! callbacks that hear how these live.

mod background;
mod callback;
mod clash;
mod event;
mod in_force;
mod periodic;
mod service;

pub use self::background::{Background, Instance};
pub use self::callback::Callback;
pub use self::event::{
    AfterSpawn, BeforeSpawn, Draining, Event, Part, Reload, Stopped, WorkerStarted,
};
pub use self::in_force::{InForce, Readings};
pub use self::periodic::Periodic;
pub(crate) use self::service::Running;
pub use self::service::Service;

use self::callback::Callbacks;
use crate::registry::Registry;

/// A program of someone's own: factories that its files may name, services that run together with
/// its servers and end with them, and callbacks that are called at the turns of their life.
///
/// `run`, as the last word of `main`, gives it the whole command line of pasteline. `serve` starts
/// the servers and the services; no other command does. The program is started anew for each of
/// its processes, so that `main` runs in each of them, and should do nothing else.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::time::Duration;
///
/// use pasteline::program::{Background, BeforeSpawn, Callback, Periodic, Program};
/// use pasteline::registry::Registry;
///
/// fn main() -> ExitCode {
///     let hourly = || Periodic::every(Duration::from_secs(3600), async || Ok(()));
///     let begins = |start: &BeforeSpawn| {
///         println!("{} workers for {:?}", start.workers, start.addresses);
///         Ok(())
///     };
///     Program::new(Registry::builtin())
///         .service(Background::new("hourly", move |_| hourly()))
///         .on(Callback::new(begins))
///         .run()
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Program {
    registry: Registry,
    services: Vec<Background>,
    callbacks: Callbacks,
}

impl Program {
    /// A program whose files may name these factories, without services.
    pub fn new(registry: Registry) -> Self {
        Self { registry, services: Vec::new(), callbacks: Callbacks::default() }
    }

    /// Adds a service that runs as long as the servers do. Where two services have one name, or
    /// one has that of a group which somebody else reads settings from
    /// ([`Background::configured`]), `run` says so and does nothing.
    #[must_use]
    pub fn service(mut self, service: Background) -> Self {
        self.registry.add_section(service.section());
        self.services.push(service);
        self
    }

    /// Adds a callback. Those for one event are called by their priority, and those of one
    /// priority in the order in which they were added.
    #[must_use]
    pub fn on(mut self, callback: Callback) -> Self {
        self.callbacks.add(callback);
        self
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The services, in the order in which they were added.
    pub(crate) fn services(&self) -> &[Background] {
        &self.services
    }

    /// What is wrong with the program itself, each in a line that stands alone.
    pub(crate) fn faults(&self) -> Vec<String> {
        clash::faults(&self.services, &self.registry)
    }

    /// Calls all callbacks for an event.
    ///
    /// # Errors
    ///
    /// What those have failed with that are essential. The others' failures are only logged.
    pub(crate) fn publish<E: Event>(&self, event: &E) -> Result<(), String> {
        self.callbacks.publish(event)
    }
}

impl From<Registry> for Program {
    fn from(registry: Registry) -> Self {
        Self::new(registry)
    }
}
