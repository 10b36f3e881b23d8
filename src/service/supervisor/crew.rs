//! The processes that services have of their own.

use std::collections::BTreeMap;
use std::io;

use tokio::time::Instant;

use super::{Event, Supervisor};
use crate::program::{Background, Part};
use crate::service::Attendant;
use crate::service::fleet::{Action, Fleet, Id, Post, Word};
use crate::service::privileges::Identity;
use crate::service::process::{Heard, Process};
use crate::service::wire::{self, Command, Report, Start};

/// The processes of one service. They are looked after as workers are, but serve nothing and
/// take no part in a change.
#[derive(Debug)]
pub(super) struct Crew {
    name: String,
    pub(super) fleet: Fleet,
    processes: BTreeMap<Id, Process>,
}

impl Crew {
    /// The crew of a service, its processes about to start; none if it runs in workers.
    pub(super) fn start(service: &Background, plan: &super::Plan, now: Instant) -> Option<Self> {
        let fleet = Fleet::start(service.count().into(), plan.patience(), now);
        let name = service.name().to_owned();
        (service.count() > 0).then(|| Self { name, fleet, processes: BTreeMap::new() })
    }

    fn part(&self, post: Post) -> Part {
        Part::Service { name: self.name.clone(), number: post.slot + 1 }
    }

    /// A process as the log names it.
    fn name(&self, id: Id) -> String {
        let worker = self.fleet.workers().find(|(other, _)| *other == id);
        let part = worker.map(|(_, worker)| self.part(worker.post).to_string());
        part.unwrap_or_else(|| format!("service {}", self.name))
    }

    /// Tells a process something.
    fn tell(&self, id: Id, command: &Command) {
        // It is a text, which can always be made.
        if let (Some(process), Ok(message)) = (self.processes.get(&id), wire::encode(command)) {
            process.tell(message);
        }
    }
}

impl Supervisor {
    /// Performs all that has been decided about services.
    pub(super) fn perform_for_services(&mut self) {
        for crew in 0..self.crews.len() {
            loop {
                let actions = self.crews[crew].fleet.actions();
                if actions.is_empty() {
                    break;
                }
                for action in &actions {
                    self.act_for_service(crew, action);
                }
            }
        }
    }

    fn act_for_service(&mut self, index: usize, action: &Action) {
        let crew = &mut self.crews[index];
        match *action {
            Action::Kill(id, reason) => {
                tracing::warn!("{} is killed: {reason}", crew.name(id));
                crew.processes.remove(&id);
            }
            Action::Ready => self.are_ready(),
            Action::Spawn(id, post) => match self.spawn_for_service(index, (id, post)) {
                Ok(process) => {
                    let crew = &mut self.crews[index];
                    tracing::debug!("{} starts as process {}", crew.part(post), process.id());
                    crew.processes.insert(id, process);
                }
                Err(error) => {
                    let crew = &mut self.crews[index];
                    let name = crew.part(post).to_string();
                    tracing::error!(%error, "{name} cannot be started");
                    crew.fleet.has_ended(id, Instant::now());
                    self.give_up_start(&name, &error.to_string());
                }
            },
            Action::Tell(id, Word::Leave) => {
                let patience = self.plan.patience();
                crew.tell(id, &Command::Leave { patience, is_relieved: true });
            }
            Action::Tell(id, Word::Cut(reason)) => {
                tracing::warn!("{} is to end at once: {reason}", crew.name(id));
                crew.tell(id, &Command::Cut);
            }
            // Nothing of it is ever changed.
            Action::Commit
            | Action::Cover(..)
            | Action::Settle(_)
            | Action::Tell(..)
            | Action::Uncover(..) => {}
        }
    }

    fn spawn_for_service(&self, index: usize, (id, post): (Id, Post)) -> io::Result<Process> {
        let part = self.crews[index].part(post);
        let start = Start {
            order: (*self.order).clone(),
            snapshot: (*self.plan.snapshot).clone(),
            places: Vec::new(),
            identity: Identity::of(&self.plan.settings[0]),
            part,
            tickets: None,
        };
        let heard = self.heard.clone();
        self.start_process(&start, &[], move |what| {
            // Nobody listens only where this process is about to end.
            let _ = heard.send(Event::Service(index, id, what));
        })
    }

    pub(super) fn hear_service(&mut self, index: usize, id: Id, heard: Heard) {
        let (crew, now) = (&mut self.crews[index], Instant::now());
        crew.fleet.heard(id, now);
        match heard {
            Heard::Said(Report::Ready) => crew.fleet.is_ready(id, now),
            Heard::Said(Report::Failed(reason)) => {
                let name = crew.name(id);
                self.service_failed(&name, &reason);
            }
            Heard::Said(Report::Leaving) => {
                if crew.fleet.leaves_early(id, now) {
                    let name = crew.name(id);
                    tracing::info!("{name} has been told to end: another takes its place");
                    self.metrics.count_respawn();
                    let patience = self.plan.patience();
                    crew.tell(id, &Command::Leave { patience, is_relieved: true });
                }
            }
            Heard::Said(_) => {}
            Heard::Ended(status) => {
                let (name, last) = (crew.name(id), super::describe_end(&status));
                super::log_end(&name, status);
                crew.processes.remove(&id);
                if crew.fleet.has_ended(id, now) {
                    self.metrics.count_respawn();
                }
                self.give_up_start(&name, &last);
            }
        }
    }

    /// Tells the processes of all services something.
    pub(super) fn tell_services(&self, command: &Command) {
        // It is a text, which can always be made.
        let Ok(message) = wire::encode(command) else { return };
        for process in self.crews.iter().flat_map(|crew| crew.processes.values()) {
            process.tell(message.clone());
        }
    }

    /// How the processes of services are.
    pub(super) fn attendants(&self) -> Vec<Attendant> {
        let of = |crew: &Crew| {
            let attendants = crew.fleet.workers().filter_map(|(id, worker)| {
                Some(Attendant {
                    service: crew.name.clone(),
                    number: worker.post.slot + 1,
                    process: crew.processes.get(&id)?.id(),
                    state: worker.state.name().replace("serving", "running"),
                })
            });
            attendants.collect::<Vec<_>>()
        };
        self.crews.iter().flat_map(of).collect()
    }
}
