//! How all comes to an end: because it is told to, or because something ended that was to last.

use std::{iter, mem};

use tokio::time::Instant;

use super::Supervisor;
use crate::program::{Draining, Event, Part, Stopped};
use crate::server::Sockets;
use crate::service::Outcome;
use crate::service::fleet::{ATTEMPTS, Fleet, Id};
use crate::service::succession::Succession;

impl Supervisor {
    /// Has all processes end. The sockets close first, so that no connection waits in a queue that
    /// nobody takes it from.
    pub(super) fn stop(&mut self) {
        self.outside.notifier.stopping();
        self.succession.give_up();
        self.outside.end_reloads();
        if let Some(binding) = self.binding.take() {
            binding.abort();
            self.settle(&Err("the server stops".to_owned()));
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
    }

    /// Has all end, as something in a process has ended that was to last.
    pub(super) fn fail(&mut self, name: &str, reason: &str) {
        self.end_for((name, reason), "all is ended with it: finishing what has begun");
    }

    /// Has all end, as a process cannot start and the server has not been ready yet: it would
    /// keep its clients waiting for ever.
    pub(super) fn cannot_start(&mut self, name: &str, reason: &str) {
        if self.is_called_off() {
            return called_off(name, reason);
        }
        self.end_for((name, reason), "the server does not start");
    }

    fn end_for(&mut self, (name, reason): (&str, &str), what: &str) {
        reason.lines().for_each(|line| tracing::error!("{name}: {line}"));
        self.failed = true;
        if !self.stopping {
            tracing::error!("{what}");
            self.stop();
            self.outside.notifier.status(reason);
        }
    }

    /// Whether all ends before it was ready for the first time. What a process says of its start
    /// then changes nothing about how it ends.
    fn is_called_off(&self) -> bool {
        self.stopping && self.awaited > 0
    }

    /// In the process of a service something has ended that was to last.
    pub(super) fn service_failed(&mut self, name: &str, reason: &str) {
        if self.is_called_off() {
            return called_off(name, reason);
        }
        self.fail(name, reason);
    }

    /// Has all end where processes that died have used up the attempts of a start, the last one
    /// in this way.
    pub(super) fn give_up_start(&mut self, name: &str, last: &str) {
        if !self.stopping && self.fleets().any(Fleet::has_failed_to_start) {
            let reason =
                format!("has ended {ATTEMPTS} times before all were ready, at last with {last}");
            self.cannot_start(name, &reason);
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
        if self.is_called_off() {
            called_off(&name, reason);
        } else if comes {
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

/// Logs what a process says of a start that is of no account any more.
fn called_off(name: &str, reason: &str) {
    reason.lines().for_each(|line| tracing::warn!("{name}: {line}"));
}
