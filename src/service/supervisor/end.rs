//! How all comes to an end: because it is told to, or because something ended that was to last.

use std::{iter, mem};

use tokio::time::Instant;

use super::Supervisor;
use crate::program::{Draining, Event, Part, Stopped};
use crate::server::Sockets;
use crate::service::Outcome;
use crate::service::fleet::{Fleet, Id};
use crate::service::succession::Succession;

impl Supervisor {
    /// Has all processes end. The sockets close first, so that no connection waits in a queue that
    /// nobody takes it from.
    pub(super) fn stop(&mut self) {
        self.outside.notifier.stopping();
        self.succession.give_up();
        self.outside.give_up_reloads();
        if let Some(binding) = self.binding.take() {
            binding.abort();
            // It may also have been for one worker more.
            if self.outside.is_reloading() {
                self.settle(&Err("the server stops".to_owned()));
            }
        }
        mem::take(&mut self.plan.sockets).into_iter().for_each(Sockets::close);
        self.drain();
    }

    /// Has all processes finish what has begun.
    pub(super) fn drain(&mut self) {
        self.stopping = true;
        self.publish(&Draining { part: Part::Main });
        let now = Instant::now();
        self.fleet.stop(now);
        self.crews.iter_mut().for_each(|crew| crew.fleet.stop(now));
        if let Some(prepared) = self.put_off.take() {
            self.has_loaded(prepared);
        }
    }

    /// Has all end, as something in a process has ended that was to last.
    pub(super) fn fail(&mut self, name: &str, reason: &str) {
        reason.lines().for_each(|line| tracing::error!("{name}: {line}"));
        self.failed = true;
        if !self.stopping {
            tracing::error!("all is ended with it: finishing what has begun");
            self.stop();
            self.outside.notifier.status(reason);
        }
    }

    /// Has all end, as a process cannot start and the server has not been ready yet: it would
    /// keep its clients waiting for ever.
    pub(super) fn cannot_start(&mut self, name: &str, reason: &str) {
        reason.lines().for_each(|line| tracing::error!("{name}: {line}"));
        self.failed = true;
        if !self.stopping {
            tracing::error!("the server does not start");
            self.stop();
            self.outside.notifier.status(reason);
        }
    }

    /// In a worker something has ended that was to last. If that is one of a generation that is
    /// to come, it does not.
    pub(super) fn worker_failed(&mut self, id: Id, reason: &str) {
        let generation = self.fleet.generation();
        let comes = self
            .fleet
            .workers()
            .any(|(other, worker)| other == id && worker.post.generation > generation);
        let name = self.name(id);
        if comes {
            reason.lines().for_each(|line| tracing::error!("{name}: {line}"));
            self.fleet.cannot_start(id, reason, Instant::now());
        } else {
            self.fail(&name, reason);
        }
    }

    /// How all has ended, once no process is left.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        let mut is_finished = true;
        for fleet in self.fleets() {
            is_finished &= fleet.outcome()?;
        }
        Some(if is_finished { Outcome::Finished } else { Outcome::CutOff })
    }

    /// Tells that all has ended, and how, which this may change.
    pub(super) fn end(mut self, outcome: Outcome) -> Outcome {
        self.publish(&Stopped { part: Part::Main });
        mem::replace(&mut self.succession, Succession::new(None)).end();
        if self.fleets().any(Fleet::has_failed_to_start) {
            tracing::error!("the server has not been ready at any time");
            self.failed = true;
        }
        if self.failed {
            return Outcome::Failed;
        }
        if outcome == Outcome::Finished {
            tracing::info!("ended");
        }
        outcome
    }

    /// Calls the callbacks of this process; one that has failed and is essential ends all.
    pub(super) fn publish(&mut self, event: &impl Event) {
        if let Err(reason) = self.program.publish(event) {
            self.fail("main", &reason);
        }
    }

    /// That of the workers, and those of services.
    pub(super) fn fleets(&self) -> impl Iterator<Item = &Fleet> {
        iter::once(&self.fleet).chain(self.crews.iter().map(|crew| &crew.fleet))
    }
}
