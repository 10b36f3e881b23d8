//! The supervisor: starts workers, tells them what to do and looks after them. It serves nothing
//! itself.

mod change;
mod perform;

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::mem;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use self::change::{Binding, Coming, Purpose, bound};
use super::fleet::{Fleet, Id, Post};
use super::plan::{Plan, take_place};
use super::process::{Heard, Process};
use super::reload::Reloads;
use super::signals::{Signal, Signals};
use super::wire::Report;
use super::{Error, Order, Outcome, Prepared, workers};
use crate::server::{Inherited, Sockets};

/// Has workers serve what has been prepared, until it is told to stop.
pub(super) async fn serve(
    order: Arc<Order>,
    prepared: Prepared,
    (reloads, inherited): (Reloads, Inherited),
) -> Result<Outcome, Error> {
    // Before anyone can know that the server listens, as a signal would kill it until then.
    let mut signals = Signals::listen().map_err(Error::System)?;
    let count = usize::from(workers(&prepared.sites));
    let Prepared { sites, snapshot, .. } = prepared;
    let settings: Vec<_> = sites.into_iter().map(|site| site.settings).collect();
    let place = take_place(&settings, count, (Vec::new(), inherited), &mut signals).await?;
    let Some((sockets, pid_file)) = place else { return Ok(Outcome::Finished) };
    let plan = Plan { settings, snapshot, sockets };
    let (heard, mut events) = unbounded_channel();
    let mut supervisor = Supervisor::start(order, plan, count, (reloads, heard));
    loop {
        supervisor.perform();
        if let Some(outcome) = supervisor.outcome() {
            if let Some(pid_file) = pid_file {
                pid_file.remove();
            }
            return Ok(outcome);
        }
        supervisor.next(&mut signals, &mut events).await;
    }
}

struct Supervisor {
    /// The name of the program, for the titles of its workers.
    program: String,
    order: Arc<Order>,
    reloads: Reloads,
    plan: Plan,
    coming: Option<Coming>,
    binding: Option<Binding>,
    fleet: Fleet,
    processes: BTreeMap<Id, Process>,
    heard: UnboundedSender<(Id, Heard)>,
    stopping: bool,
}

impl Supervisor {
    fn start(
        order: Arc<Order>,
        plan: Plan,
        count: usize,
        (reloads, heard): (Reloads, UnboundedSender<(Id, Heard)>),
    ) -> Self {
        let fleet = Fleet::start(count, plan.patience(), Instant::now());
        let processes = BTreeMap::new();
        let (coming, binding, stopping) = (None, None, false);
        let program = program();
        Self { program, order, reloads, plan, coming, binding, fleet, processes, heard, stopping }
    }

    /// Waits for whatever comes next, and decides what follows from it.
    async fn next(&mut self, signals: &mut Signals, events: &mut UnboundedReceiver<(Id, Heard)>) {
        let due = self.fleet.due();
        let clock = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = signals.next() => self.signal(signal),
            Some((id, heard)) = events.recv() => self.hear(id, heard),
            prepared = self.reloads.loaded() => self.has_loaded(prepared),
            (bound, purpose) = bound(&mut self.binding) => self.has_bound(bound, purpose),
            () = clock => self.fleet.tick(Instant::now()),
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        let is_finished = self.fleet.outcome()?;
        if is_finished {
            tracing::info!("ended");
        }
        Some(if is_finished { Outcome::Finished } else { Outcome::CutOff })
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Fewer => self.resize(Purpose::Less),
            Signal::More => self.resize(Purpose::More),
            Signal::Hangup if self.stopping => {}
            Signal::Hangup => self.reloads.ask(None),
            Signal::Interrupt | Signal::Terminate if self.stopping => {
                tracing::warn!("{signal}: ended at once");
                self.fleet.stop_at_once(Instant::now());
            }
            Signal::Interrupt | Signal::Terminate => {
                tracing::info!("{signal}: finishing what has begun; a second one ends it at once");
                self.stop();
            }
        }
    }

    /// Has all workers end. The sockets close first, so that no connection waits in a queue that
    /// nobody takes it from.
    fn stop(&mut self) {
        self.stopping = true;
        self.binding = None;
        mem::take(&mut self.plan.sockets).into_iter().for_each(Sockets::close);
        self.fleet.stop(Instant::now());
    }

    fn hear(&mut self, id: Id, heard: Heard) {
        let now = Instant::now();
        self.fleet.heard(id, now);
        match heard {
            Heard::Said(Report::Alive { .. }) => {}
            Heard::Said(Report::Committed) => self.fleet.has_committed(id),
            Heard::Said(Report::Prepared) => self.fleet.has_prepared(id),
            Heard::Said(Report::Ready) => self.fleet.is_ready(id, now),
            Heard::Said(Report::Refused(reason)) => {
                reason.lines().for_each(|line| tracing::error!("{}: {line}", self.name(id)));
                self.fleet.has_refused(id, &reason, now);
            }
            Heard::Ended(status) => {
                self.log_end(id, status);
                self.processes.remove(&id);
                self.fleet.has_ended(id, now);
            }
        }
    }

    fn log_end(&self, id: Id, status: io::Result<ExitStatus>) {
        let name = self.name(id);
        match status {
            Ok(status) if status.success() => tracing::debug!("{name} has ended"),
            Ok(status) => tracing::warn!("{name} has ended: {status}"),
            Err(error) => tracing::error!(%error, "{name} cannot be waited for"),
        }
    }

    /// A worker as the log names it.
    fn name(&self, id: Id) -> String {
        let post = self.fleet.workers().find(|(other, _)| *other == id);
        let post = post.map(|(_, worker)| worker.post);
        post.map_or_else(|| "a worker".to_owned(), name)
    }
}

/// The name of the program.
fn program() -> String {
    let path = env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_name);
    name.map_or_else(|| "pasteline".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A worker as people see it.
fn name(Post { slot, generation }: Post) -> String {
    format!("worker {} (generation {generation})", slot + 1)
}
