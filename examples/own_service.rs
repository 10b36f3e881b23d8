//! A program that does more than answer requests: a service in a process of its own works off
//! files in the directory `spool`, a periodic task runs in each worker, and callbacks hear how the
//! server lives. All of it starts, reloads and ends with the server.
//!
//! Where the service looks and how often, and what workers say of themselves, is a matter of
//! settings, which a reload may change: the groups `[spool]` and `[pulse]` of a file that is named
//! by `--config-file`.
//!
//! ```console
//! mkdir spool
//! cargo run --example own_service -- serve examples/own_service.ini &
//! touch spool/letter
//! kill -HUP %1
//! rmdir spool
//! ```

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use pasteline::app::BoxError;
use pasteline::program::{
    AfterSpawn, Background, BeforeSpawn, Callback, Draining, Event, InForce, Instance, Periodic,
    Program, Reload, Service, Stopped, WorkerStarted,
};
use pasteline::registry::Registry;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

fn main() -> ExitCode {
    // Without the directory there is nothing to start for.
    let spool_is_there = |_: &BeforeSpawn| {
        fs::read_dir("spool")?;
        Ok(())
    };
    Program::new(Registry::builtin())
        // In a process of its own.
        .service(Background::configured("spool", |instance, settings| {
            Spool::new(instance.clone(), settings)
        }))
        // In each worker.
        .service(Background::configured("pulse", pulse).processes(0))
        .on(Callback::new(spool_is_there).priority(-1))
        .on(told::<BeforeSpawn>())
        .on(told::<WorkerStarted>())
        .on(told::<AfterSpawn>())
        .on(told::<Reload>())
        .on(told::<Draining>())
        .on(told::<Stopped>())
        .run()
}

/// Logs an event.
fn told<E: Event>() -> Callback {
    Callback::new(|event: &E| {
        tracing::info!("event: {event:?}");
        Ok(())
    })
}

pasteline::settings! {
    /// Says now and then how a worker is.
    struct Pulse {
        /// How it is.
        word: String = "well",
        /// How many thousandths of a second lie between two words, from the start of a worker on.
        pause: u64 = "40000",
    }
}

/// Says now and then how a worker is, by the settings that are in force then.
fn pulse(instance: &Instance, settings: InForce<Pulse>) -> Periodic {
    let (number, pause) = (instance.number, settings.now().pause);
    let say = move || {
        let settings = settings.now();
        async move {
            tracing::info!("pulse of worker {number}: {}", settings.word);
            Ok(())
        }
    };
    // The first ones of several workers do not come at one time.
    Periodic::every(Duration::from_millis(pause), say).spread(Duration::from_millis(100))
}

pasteline::settings! {
    /// Works off the files of a directory.
    struct Options {
        /// The directory.
        directory: PathBuf = "spool",
        /// After how many thousandths of a second it is looked at again.
        pause: u64 = "20",
    }
}

/// Works off the files of a directory. If the directory goes away, it fails, and all ends.
struct Spool {
    instance: Instance,
    settings: InForce<Options>,
    stop: watch::Sender<bool>,
}

impl Spool {
    fn new(instance: Instance, settings: InForce<Options>) -> Self {
        Self { instance, settings, stop: watch::Sender::new(false) }
    }

    fn work_off(&self) -> Result<(), BoxError> {
        for entry in fs::read_dir(&self.settings.now().directory)? {
            let path = entry?.path();
            fs::remove_file(&path)?;
            tracing::info!("spool {}: done with {}", self.instance.number, path.display());
        }
        Ok(())
    }
}

impl Service for Spool {
    async fn start(&self) -> Result<(), BoxError> {
        fs::read_dir(&self.settings.now().directory)?;
        Ok(())
    }

    async fn wait(&self) -> Result<(), BoxError> {
        let mut stop = self.stop.subscribe();
        while !*stop.borrow() {
            self.work_off()?;
            let pause = Duration::from_millis(self.settings.now().pause);
            tokio::select! {
                _ = stop.changed() => {}
                () = sleep(pause) => {}
            }
        }
        // The last files, before the deadline that `stop` was told of.
        self.work_off()
    }

    async fn stop(&self, _: Option<Instant>) {
        self.stop.send_replace(true);
    }

    async fn reset(&self) -> Result<(), BoxError> {
        let pause = self.settings.now().pause;
        tracing::info!("spool {}: reset, looks each {pause} ms", self.instance.number);
        Ok(())
    }
}
