//! The life of a process that a service has of its own: it runs the service as its supervisor
//! tells it to, and ends with it.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::company::{Company, News};
use super::link::{Link, die_with_supervisor};
use super::signals::{Signal, Signals};
use super::wire::{Command, Report, Start};
use super::worker::pulse;
use super::{Error, Order, Outcome, privileges, readings};
use crate::access_log;
use crate::config::Config;
use crate::log::Log;
use crate::metrics;
use crate::program::{Draining, Event, Part, Program, Readings, Stopped, WorkerStarted};
use crate::source::{Snapshot, Sources};

/// Runs a service until the supervisor tells it to end or is gone.
pub(super) async fn serve(
    wire: UnixStream,
    start: Start,
    program: Program,
) -> Result<Outcome, Error> {
    let mut signals = Signals::listen().map_err(Error::System)?;
    let link = Link::open(wire).map_err(Error::Wire)?;
    let Start { order, part, identity, snapshot, .. } = start;
    let (readings, _) = read(&order, &program, snapshot);
    privileges::drop(&identity).map_err(Error::Privileges)?;
    // To become another user takes it back.
    die_with_supervisor();
    let mut attendant = Attendant::start((order, program, part), link, &readings);
    let mut pulse = pulse();
    let patience = loop {
        tokio::select! {
            command = attendant.link.next() => match command {
                None => return Ok(Outcome::CutOff),
                Some(Command::Leave { patience, .. }) => break patience,
                Some(command) => attendant.obey(command),
            },
            news = attendant.company.next() => attendant.link.say(match news {
                News::Failed(reason) => Report::Failed(reason),
                News::Started => Report::Ready,
            }),
            signal = signals.next() => match signal {
                // It says by when the service is to end.
                Signal::Terminate => attendant.link.say(Report::Leaving),
                Signal::Reopen => access_log::reopen(),
                _ => {}
            },
            _ = pulse.tick() => attendant.beat(),
        }
    };
    attendant.leave(patience).await
}

/// The settings in a snapshot, in which the supervisor has found nothing wrong.
fn read(order: &Order, program: &Program, snapshot: Snapshot) -> (Readings, Config) {
    let mut sources = Sources::from_snapshot(Arc::new(snapshot));
    let (config, _) = Config::read(&order.config, &mut sources);
    (readings(&config, program.registry(), &sources).0, config)
}

struct Attendant {
    order: Order,
    program: Program,
    part: Part,
    link: Link,
    company: Company,
}

impl Attendant {
    fn start(
        (order, program, part): (Order, Program, Part),
        link: Link,
        readings: &Readings,
    ) -> Self {
        let company = Company::start(&program, &part, readings);
        let attendant = Self { order, program, part, link, company };
        attendant.publish(&WorkerStarted { part: attendant.part.clone() });
        attendant
    }

    fn obey(&self, command: Command) {
        match command {
            Command::Beat => self.beat(),
            Command::Reopen => access_log::reopen(),
            Command::Reset(snapshot) => {
                let (readings, config) = read(&self.order, &self.program, snapshot);
                match Log::open(&config) {
                    Ok(log) => log.put_in_force(),
                    Err(reason) => tracing::error!("{}: {reason}", self.part),
                }
                self.company.reset(&readings);
            }
            // What else there is, is for those who serve.
            _ => {}
        }
    }

    /// Has the service end.
    async fn leave(mut self, patience: Option<Duration>) -> Result<Outcome, Error> {
        self.publish(&Draining { part: self.part.clone() });
        let stopped = self.company.stop(patience.map(|patience| Instant::now() + patience));
        let (mut stopped, mut pulse) = (std::pin::pin!(stopped), pulse());
        loop {
            tokio::select! {
                () = &mut stopped => break,
                command = self.link.next() => match command {
                    Some(Command::Cut) | None => return Ok(Outcome::CutOff),
                    Some(_) => {}
                },
                _ = pulse.tick() => self.beat(),
            }
        }
        self.publish(&Stopped { part: self.part.clone() });
        self.link.close().await;
        Ok(Outcome::Finished)
    }

    fn publish(&self, event: &impl Event) {
        if let Err(reason) = self.program.publish(event) {
            self.link.say(Report::Failed(reason));
        }
    }

    fn beat(&self) {
        self.link.say(Report::Alive { connections: 0, counted: metrics::Snapshot::default() });
    }
}
