//! Performs what the fleet has decided.

use std::io;

use tokio::time::Instant;

use super::{Event, Supervisor, name};
use crate::server::Share;
use crate::service::fleet::{Action, Id, Post, Word};
use crate::service::plan::Plan;
use crate::service::process::{Process, worker};
use crate::service::wire::{self, Command, Start};

impl Supervisor {
    /// Performs all that has been decided, and what follows from it.
    pub(super) fn perform(&mut self) {
        loop {
            let actions = self.fleet.actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.act(action);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Commit => self.commit(),
            Action::Kill(id, reason) => {
                tracing::warn!("{} is killed: {reason}", self.name(id));
                self.processes.remove(&id);
            }
            Action::Ready => {
                let count = self.fleet.size();
                let ready = format!("ready: {count} worker{}", if count == 1 { "" } else { "s" });
                tracing::info!("{ready}");
                self.outside.is_ready(&ready);
                if let Some(predecessor) = self.predecessor.take() {
                    // If it has ended meanwhile, all the better.
                    let _ = predecessor.relieve();
                }
            }
            Action::Settle(result) => self.has_settled(result),
            Action::Spawn(id, post) => match self.spawn(id, post) {
                Ok(process) => {
                    tracing::debug!("{} starts as process {}", name(post), process.id());
                    self.processes.insert(id, process);
                }
                Err(error) => {
                    tracing::error!(%error, "{} cannot be started", name(post));
                    self.fleet.has_ended(id, Instant::now());
                }
            },
            Action::Tell(id, word) => {
                if let Err(error) = self.tell(id, word) {
                    tracing::error!(%error, "{} cannot be told anything", self.name(id));
                }
            }
        }
    }

    fn spawn(&self, id: Id, post: Post) -> io::Result<Process> {
        let plan = self.plan_for(post);
        let (places, sockets): (Vec<_>, Vec<_>) =
            plan.shares(post.slot)?.into_iter().map(Share::into_parts).unzip();
        let start =
            Start { order: (*self.order).clone(), snapshot: (*plan.snapshot).clone(), places };
        let sockets: Vec<_> = sockets.into_iter().flatten().collect();
        let heard = self.heard.clone();
        let program = self.program.file_name().unwrap_or_default().to_string_lossy();
        let title = format!("{program}: {}", name(post));
        Process::start(worker(&title), (wire::encode(&start)?, &sockets), move |what| {
            // Nobody listens only where this process is about to end.
            let _ = heard.send(Event::Worker(id, what));
        })
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
            Word::Abort => Command::Abort,
            Word::Commit => Command::Commit,
            Word::Leave => Command::Leave,
            Word::Prepare => match &self.coming {
                Some(coming) => Command::Prepare((*coming.plan.snapshot).clone()),
                None => return Ok(()),
            },
        };
        if let Some(process) = self.processes.get(&id) {
            process.tell(wire::encode(&command)?);
        }
        Ok(())
    }
}
