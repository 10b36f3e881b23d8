//! Performs what the fleet has decided.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::os::fd::OwnedFd;

use tokio::time::Instant;

use super::{Event, Supervisor, name, part};
use crate::config::Title;
use crate::server::Share;
use crate::service::fleet::{Action, Id, Post, Word};
use crate::service::plan::{Plan, after_spawn};
use crate::service::privileges::Identity;
use crate::service::process::{Heard, Process, worker};
use crate::service::wire::{self, Command, Start};

impl Supervisor {
    /// Performs all that has been decided, and what follows from it.
    pub(super) fn perform(&mut self) {
        loop {
            self.perform_for_services();
            let actions = self.fleet.actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.act(action);
            }
        }
    }

    /// The workers are ready for the first time, or the processes of a service are.
    pub(super) fn are_ready(&mut self) {
        self.awaited -= 1;
        if self.awaited > 0 || self.stopping {
            return;
        }
        let count = self.fleet.size();
        let mut ready = format!("ready: {count} worker{}", if count == 1 { "" } else { "s" });
        let services: usize = self.crews.iter().map(|crew| crew.fleet.size()).sum();
        if services > 0 {
            let _ = write!(ready, ", {services} of services");
        }
        self.publish(&after_spawn(&self.plan.sockets, count));
        // A callback may have had the last word.
        if self.stopping {
            return;
        }
        tracing::info!("{ready}");
        self.outside.is_ready(&ready);
        self.relieve_predecessor(ready);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Commit => self.commit(),
            Action::Cover(id, slot) => {
                if let Err(error) = self.cover(id, slot) {
                    tracing::error!(%error, "connections wait for worker {}", slot + 1);
                }
            }
            Action::Kill(id, reason) => {
                tracing::warn!("{} is killed: {reason}", self.name(id));
                self.processes.remove(&id);
            }
            Action::Ready => self.are_ready(),
            Action::Settle(result) => self.has_settled(result),
            Action::Spawn(id, post) => match self.spawn(id, post) {
                Ok(process) => {
                    tracing::debug!("{} starts as process {}", name(post), process.id());
                    self.processes.insert(id, process);
                }
                Err(error) => {
                    if self.fleet.has_been_ready() {
                        tracing::error!(%error, "{} cannot be started", name(post));
                    } else {
                        self.cannot_start(&name(post), &format!("cannot be started: {error}"));
                    }
                    self.fleet.has_ended(id, Instant::now());
                }
            },
            Action::Tell(id, word) => {
                if let Err(error) = self.tell(id, word) {
                    tracing::error!(%error, "{} cannot be told anything", self.name(id));
                }
            }
            Action::Uncover(id, slot) => self.tell_all(&[id], &Command::Uncover(slot)),
        }
    }

    /// Has a worker accept the connections of another one that is not there.
    fn cover(&self, id: Id, slot: usize) -> io::Result<()> {
        let (places, sockets): (Vec<_>, Vec<_>) =
            self.plan.shares(slot)?.into_iter().map(Share::into_parts).unzip();
        if let Some(process) = self.processes.get(&id) {
            let name = self.name(id);
            tracing::info!("{name} accepts the connections of worker {} meanwhile", slot + 1);
            let command = wire::encode(&Command::Cover(slot, places))?;
            process.hand(command, sockets.into_iter().flatten().collect());
        }
        Ok(())
    }

    fn spawn(&self, id: Id, post: Post) -> io::Result<Process> {
        let plan = self.plan_for(post);
        let (places, sockets): (Vec<_>, Vec<_>) =
            plan.shares(post.slot)?.into_iter().map(Share::into_parts).unzip();
        let start = Start {
            order: (*self.order).clone(),
            snapshot: (*plan.snapshot).clone(),
            places,
            identity: Identity::of(&plan.settings[0]),
            part: part(post),
            tickets: Some(self.tickets.keys().clone()),
        };
        let sockets: Vec<_> = sockets.into_iter().flatten().collect();
        let heard = self.heard.clone();
        self.start_process(&start, &sockets, move |what| {
            // Nobody listens only where this process is about to end.
            let _ = heard.send(Event::Worker(id, what));
        })
    }

    /// Starts this program anew, as a part of the server.
    pub(super) fn start_process(
        &self,
        start: &Start,
        sockets: &[OwnedFd],
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) -> io::Result<Process> {
        let program = self.succession.program().to_string_lossy();
        let title = match self.plan.title {
            Title::Brief => format!("{program}: {}", start.part),
            Title::Off => program.into_owned(),
            Title::On => {
                let words: Vec<_> = env::args_os().collect();
                let line = words.join(OsStr::new(" "));
                format!("{program}: {} ({})", start.part, line.to_string_lossy())
            }
        };
        Process::start(worker(&title), (wire::encode(start)?, sockets), heard)
    }

    /// What a worker of a generation serves.
    fn plan_for(&self, post: Post) -> &Plan {
        match &self.coming {
            Some(coming) if post.generation > self.fleet.generation() => &coming.plan,
            _ => &self.plan,
        }
    }

    fn tell(&self, id: Id, word: Word) -> io::Result<()> {
        let command = match word {
            Word::Abort(change) => Command::Abort(change),
            Word::Commit(change) => Command::Commit(change),
            Word::Cut(reason) => {
                tracing::warn!("{} is to end at once: {reason}", self.name(id));
                Command::Cut
            }
            Word::Leave => Command::Leave {
                patience: self.plan.patience(),
                is_relieved: !self.stopping || self.succession.is_done(),
            },
            Word::Prepare(change) => match &self.coming {
                Some(coming) => Command::Prepare(change, (*coming.plan.snapshot).clone()),
                None => return Ok(()),
            },
        };
        if let Some(process) = self.processes.get(&id) {
            process.tell(wire::encode(&command)?);
        }
        Ok(())
    }
}
