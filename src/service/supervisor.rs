//! The supervisor: starts workers, tells them what to do and looks after them. It serves nothing
//! itself.

mod change;
mod crew;
mod end;
mod hear;
mod perform;
mod upgrade;

use std::collections::BTreeMap;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use self::change::{Binding, Coming, bound};
use self::crew::Crew;
use super::census::Census;
use super::fleet::{Fleet, Id, Post};
use super::outside::{Asked, Outside};
use super::plan::{Names, Plan, before_spawn, take_place, write_pid_file};
use super::process::{Heard, Process};
use super::signals::Signals;
use super::succession::Succession;
use super::tickets::Rotation;
use super::upgrade::{Estate, Predecessor};
use super::wire::{self, Command};
use super::{Error, Member, Order, Outcome, Prepared, Status, workers};
use crate::metrics::Metrics;
use crate::program::{Part, Program};

/// Has workers serve what has been prepared, until it is told to stop.
pub(super) async fn serve(
    (order, program): (Arc<Order>, Program),
    prepared: Prepared,
    (outside, estate): (Outside, Estate),
) -> Result<Outcome, Error> {
    // Before anyone can know that the server listens, as a signal would kill it until then.
    let mut signals = Signals::listen().map_err(Error::System)?;
    let count = usize::from(workers(&prepared.sites));
    let Prepared { sites, snapshot, basis, .. } = prepared;
    let names = Names::of(&sites);
    let settings: Vec<_> = sites.into_iter().map(|site| site.settings).collect();
    let Estate { sockets, inherited, predecessor, tickets } = estate;
    let place = take_place(&settings, count, (sockets, inherited), &mut signals).await?;
    let Some(sockets) = place else { return Ok(Outcome::Finished) };
    let title = basis.config.main.setproctitle;
    let plan = Plan { settings, snapshot, sockets, names, title };
    // Who takes over says so once it has.
    let is_first = predecessor.is_none();
    let pid_file = if is_first { write_pid_file(&plan.settings[0])? } else { None };
    plan.names.announce(&plan.settings, &plan.sockets);
    let succession = Succession::new(pid_file);
    if let Err(reason) = program.publish(&before_spawn(&plan.sockets, count)) {
        succession.end();
        return Err(Error::Callback(reason));
    }
    let (heard, mut events) = unbounded_channel();
    let mut supervisor = Supervisor::start((order, program), plan, count, (outside, heard));
    (supervisor.predecessor, supervisor.succession) = (predecessor, succession);
    supervisor.tickets = tickets;
    loop {
        supervisor.perform();
        if let Some(outcome) = supervisor.outcome() {
            return Ok(supervisor.end(outcome));
        }
        supervisor.next(&mut signals, &mut events).await;
    }
}

struct Supervisor {
    order: Arc<Order>,
    program: Program,
    outside: Outside,
    plan: Plan,
    coming: Option<Coming>,
    binding: Option<Binding>,
    fleet: Fleet,
    processes: BTreeMap<Id, Process>,
    /// Those of services.
    crews: Vec<Crew>,
    /// How many of the fleets, that of the workers among them, have yet to be ready for the first
    /// time.
    awaited: usize,
    census: Census,
    /// What is counted here and not by workers.
    metrics: Metrics,
    heard: UnboundedSender<Event>,
    tickets: Rotation,
    stopping: bool,
    /// Whether a signal has told it to end.
    is_told: bool,
    /// Whether something has ended that was to last, or an essential callback has failed.
    failed: bool,
    /// Who waits to be relieved by this process.
    predecessor: Option<Predecessor>,
    succession: Succession,
}

/// What is heard, and of whom.
#[derive(Debug)]
enum Event {
    Service(usize, Id, Heard),
    Successor(Heard),
    Worker(Id, Heard),
}

impl Supervisor {
    fn start(
        (order, program): (Arc<Order>, Program),
        plan: Plan,
        count: usize,
        (outside, heard): (Outside, UnboundedSender<Event>),
    ) -> Self {
        let now = Instant::now();
        let fleet = Fleet::start(count, plan.patience(), now);
        let start = |service| Crew::start(service, &plan, now);
        let crews: Vec<_> = program.services().iter().filter_map(start).collect();
        Self {
            order,
            program,
            outside,
            plan,
            coming: None,
            binding: None,
            fleet,
            processes: BTreeMap::new(),
            awaited: 1 + crews.len(),
            crews,
            census: Census::default(),
            metrics: Metrics::default(),
            heard,
            tickets: Rotation::start(),
            stopping: false,
            is_told: false,
            failed: false,
            predecessor: None,
            succession: Succession::new(None),
        }
    }

    /// Waits for whatever comes next, and decides what follows from it.
    async fn next(&mut self, signals: &mut Signals, events: &mut UnboundedReceiver<Event>) {
        let fleets = self.fleets().filter_map(Fleet::due);
        let others = [self.succession.due(), self.census.due()];
        let due = fleets.chain(others.into_iter().flatten()).min();
        let clock = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = signals.next() => self.signal(signal),
            Some(event) = events.recv() => match event {
                Event::Service(crew, id, heard) => self.hear_service(crew, id, heard),
                Event::Successor(heard) => self.hear_successor(heard),
                Event::Worker(id, heard) => self.hear(id, heard),
            },
            asked = self.outside.next() => self.asked(asked),
            (bound, purpose) = bound(&mut self.binding) => self.has_bound(bound, purpose),
            keys = self.tickets.next() => {
                let all: Vec<_> = self.processes.keys().copied().collect();
                self.tell_all(&all, &Command::Tickets(keys));
            }
            () = clock => {
                let now = Instant::now();
                self.fleet.tick(now);
                self.crews.iter_mut().for_each(|crew| crew.fleet.tick(now));
                self.succession.look(now, &mut self.outside);
            }
        }
        self.tell_health(Instant::now());
    }

    fn asked(&mut self, asked: Asked) {
        match asked {
            Asked::Change(prepared) => self.has_loaded(prepared.map(|prepared| *prepared)),
            // Who does not wait any more need not be told.
            Asked::Status(asker) => drop(asker.send(self.status())),
            Asked::Watchdog if self.fleet.answers(Instant::now()) => {
                self.outside.notifier.watchdog();
            }
            Asked::Watchdog => tracing::warn!("no worker answers: the watchdog is told nothing"),
        }
    }

    fn status(&self) -> Status {
        let members = self.fleet.workers().filter_map(|(id, worker)| {
            let process = self.processes.get(&id)?;
            Some(Member {
                worker: worker.post.slot + 1,
                generation: worker.post.generation,
                process: process.id(),
                state: worker.state.name().to_owned(),
                connections: process.connections,
            })
        });
        let members = members.collect();
        let status = self.outside.status(&self.plan.sockets, members);
        Status { services: self.attendants(), ..status }
    }

    fn tell_all(&self, workers: &[Id], command: &Command) {
        // It is a text, which can always be made.
        let Ok(message) = wire::encode(command) else { return };
        for process in workers.iter().filter_map(|id| self.processes.get(id)) {
            process.tell(message.clone());
        }
    }

    /// A worker as the log names it.
    fn name(&self, id: Id) -> String {
        let post = self.fleet.workers().find(|(other, _)| *other == id);
        let post = post.map(|(_, worker)| worker.post);
        post.map_or_else(|| "a worker".to_owned(), name)
    }
}

/// A worker as people see it.
fn name(post: Post) -> String {
    part(post).to_string()
}

fn part(Post { slot, generation }: Post) -> Part {
    Part::Worker { number: slot + 1, generation }
}

/// How a process has ended.
fn describe_end(status: &io::Result<ExitStatus>) -> String {
    status.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}

fn log_end(name: &str, status: io::Result<ExitStatus>) {
    match status {
        Ok(status) if status.success() => tracing::debug!("{name} has ended"),
        Ok(status) => tracing::warn!("{name} has ended: {status}"),
        Err(error) => tracing::error!(%error, "{name} cannot be waited for"),
    }
}
