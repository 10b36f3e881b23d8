//! A program whose processes are difficult, as settings have it: a service in each worker, `nurse`,
//! and one in a process of its own, `keeper`. Tests of the command line run it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{self, ExitCode};

use pasteline::app::BoxError;
use pasteline::program::{
    Background, Callback, Draining, InForce, Instance, Part, Program, Service,
};
use pasteline::registry::Registry;
use tokio::sync::Notify;
use tokio::time::Instant;

fn main() -> ExitCode {
    let difficult = |instance: &Instance, settings| Difficult {
        instance: instance.clone(),
        settings,
        stop: Notify::new(),
    };
    let complain = |event: &Draining| match event.part {
        Part::Main => Ok(()),
        _ if !fs::exists("complaints")? => Ok(()),
        _ => Err("it complains of the end".into()),
    };
    Program::new(Registry::builtin())
        .service(Background::configured("nurse", difficult).processes(0))
        .service(Background::configured("keeper", difficult).processes(1))
        .on(Callback::new(complain).essential())
        .run()
}

pasteline::settings! {
    /// How a process starts and ends.
    struct Options {
        /// How many of the first starts end the process.
        deaths: u64 = "0",
        /// Whether a start takes for ever.
        hangs: bool = "false",
        /// Whether an end takes for ever.
        lingers: bool = "false",
    }
}

/// A service that starts and ends as its settings have it, and does nothing between.
struct Difficult {
    instance: Instance,
    settings: InForce<Options>,
    stop: Notify,
}

impl Difficult {
    /// Which start this is, of all processes of one number.
    fn count(&self) -> Result<u64, BoxError> {
        let path = format!("{} {}", self.instance.name, self.instance.number);
        let mut starts = OpenOptions::new().append(true).create(true).open(path)?;
        starts.write_all(b"+")?;
        Ok(starts.metadata()?.len())
    }
}

impl Service for Difficult {
    async fn start(&self) -> Result<(), BoxError> {
        let (settings, count) = (self.settings.now(), self.count()?);
        tracing::info!("start {count} of {} {}", self.instance.name, self.instance.number);
        if count <= settings.deaths {
            #[expect(clippy::disallowed_methods, reason = "it ends without a word")]
            process::exit(3);
        }
        if settings.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn wait(&self) -> Result<(), BoxError> {
        self.stop.notified().await;
        Ok(())
    }

    async fn stop(&self, deadline: Option<Instant>) {
        let is_limited = if deadline.is_some() { "in time" } else { "at any time" };
        tracing::info!("{} {} is to end {is_limited}", self.instance.name, self.instance.number);
        if !self.settings.now().lingers {
            self.stop.notify_one();
        }
    }
}
