//! What is heard, by signals and of workers, and what follows from it.

use tokio::time::Instant;

use super::{Supervisor, describe_end, log_end};
use crate::admin::Health;
use crate::service::fleet::{Id, State};
use crate::service::process::Heard;
use crate::service::signals::{Signal, reopen_logs};
use crate::service::wire::{Command, Report};

impl Supervisor {
    /// Does what a signal says.
    pub(super) fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Fewer => self.shrink(),
            Signal::More => self.grow(),
            Signal::Reopen => {
                reopen_logs(signal);
                let all: Vec<_> = self.processes.keys().copied().collect();
                self.tell_all(&all, &Command::Reopen);
                self.tell_services(&Command::Reopen);
            }
            Signal::Upgrade => self.upgrade(),
            Signal::Hangup if self.stopping => {}
            Signal::Hangup => self.outside.reload(None),
            Signal::Interrupt | Signal::Terminate if self.is_told => {
                tracing::warn!("{signal}: ended at once");
                let now = Instant::now();
                self.fleet.stop_at_once(now);
                self.crews.iter_mut().for_each(|crew| crew.fleet.stop_at_once(now));
            }
            Signal::Interrupt | Signal::Terminate => {
                tracing::info!("{signal}: finishing what has begun; a second one ends it at once");
                self.is_told = true;
                // It may be about that already, for another reason.
                if !self.stopping {
                    self.stop();
                }
            }
        }
    }

    /// Takes what is heard of a worker.
    pub(super) fn hear(&mut self, id: Id, heard: Heard) {
        let now = Instant::now();
        self.fleet.heard(id, now);
        match heard {
            Heard::Said(Report::Asked) => self.ask_all(id, now),
            Heard::Said(Report::Alive { connections, counted }) => {
                self.census.hear(id, counted);
                if let Some(process) = self.processes.get_mut(&id) {
                    process.connections = connections;
                }
            }
            Heard::Said(Report::Failed(reason)) => self.worker_failed(id, &reason),
            Heard::Said(Report::Committed(change)) => self.fleet.has_committed(id, change),
            Heard::Said(Report::Leaving) => {
                if self.fleet.leaves_early(id, now) {
                    let name = self.name(id);
                    tracing::info!("{name} has been told to end: another takes its place");
                    self.metrics.count_respawn();
                }
            }
            Heard::Said(Report::Prepared(change)) => self.fleet.has_prepared(id, change),
            Heard::Said(Report::Ready) => self.fleet.is_ready(id, now),
            Heard::Said(Report::Refused(None, reason)) if !self.fleet.has_been_ready() => {
                self.cannot_start(&self.name(id), &reason);
            }
            Heard::Said(Report::Refused(change, reason)) => {
                reason.lines().for_each(|line| tracing::error!("{}: {line}", self.name(id)));
                match change {
                    Some(change) => self.fleet.has_refused(id, change, (&reason, now)),
                    None => self.fleet.cannot_start(id, &reason, now),
                }
            }
            Heard::Ended(status) => {
                let (name, last) = (self.name(id), describe_end(&status));
                log_end(&name, status);
                self.processes.remove(&id);
                self.census.end(id);
                if self.fleet.has_ended(id, now) {
                    self.metrics.count_respawn();
                }
                self.give_up_start(&name, &last);
            }
        }
    }

    /// Asks all workers what they have counted, for one of them.
    fn ask_all(&mut self, asker: Id, now: Instant) {
        let starting = |id: &Id| {
            self.fleet
                .workers()
                .any(|(other, worker)| other == *id && worker.state == State::Starting)
        };
        let all = self.processes.keys().copied().filter(|id| !starting(id)).collect();
        let asked = self.census.ask(asker, all, now);
        self.tell_all(&asked, &Command::Beat);
    }

    /// Tells workers that asked how all are, once all have said so or are late.
    pub(super) fn tell_health(&mut self, now: Instant) {
        let Some((askers, mut counted)) = self.census.result(now) else { return };
        counted += &self.metrics.snapshot();
        // Who asks here while another process takes over asks about what is served here.
        let ready = self.succession.is_done() || (!self.stopping && self.fleet.is_whole());
        self.tell_all(&askers, &Command::Health(Health { counted, ready }));
    }
}
