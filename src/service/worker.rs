//! The life of a worker: it serves what its supervisor tells it to, and ends with it.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::attendant;
use super::company::{Company, News};
use super::engine::Engine;
use super::link::{Link, die_with_supervisor, meet};
use super::privileges::{self, Identity};
use super::signals::{Signal, Signals};
use super::wire::{Command, Report, Start};
use super::{Error, Order, Outcome, Prepared, Refusal, Site, counted, end_logs, prepare, runtime};
use crate::access_log;
use crate::admin::Asker;
use crate::config::Config;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::program::{Draining, Event, Part, Program, Stopped, WorkerStarted};
use crate::server::{Place, Share, Tickets};
use crate::source::{Snapshot, Sources, describe};

/// How often a worker says that it is well.
const PULSE: Duration = Duration::from_secs(2);

/// Serves as a worker or runs a service, as the supervisor at the other end of standard input
/// says, until that tells it to end or is gone. Before all else something is begun that depends on
/// the settings.
///
/// # Errors
///
/// This was not started by a supervisor, or the system has no room for a runtime.
pub(crate) fn work(program: Program, begin: impl FnOnce(&Config)) -> Result<Outcome, Error> {
    let (wire, start, descriptors) = meet().map_err(Error::Wire)?;
    die_with_supervisor();
    let mut sources = Sources::from_snapshot(Arc::new(start.snapshot.clone()));
    begin(&Config::read(&start.order.config, &mut sources).0);
    let runtime = runtime()?;
    let outcome = match start.part {
        Part::Service { .. } => runtime.block_on(attendant::serve(wire, start, program)),
        _ => runtime.block_on(serve(wire, (start, descriptors), program)),
    };
    // Whatever still runs off the reactor is not worth waiting for.
    runtime.shutdown_background();
    end_logs();
    outcome
}

async fn serve(
    wire: StdStream,
    (start, descriptors): (Start, Vec<OwnedFd>),
    program: Program,
) -> Result<Outcome, Error> {
    let mut signals = Signals::listen().map_err(Error::System)?;
    let link = Link::open(wire).map_err(Error::Wire)?;
    let Start { order, snapshot, places, part, tickets, .. } = start;
    if let Some(keys) = tickets {
        Tickets::of_this_process().replace(&keys);
    }
    let mut asked = order.desk.open();
    let shares = shares(places, descriptors).map_err(Error::Wire)?;
    let mut worker = Worker::new((order, program, part), link, shares);
    worker.load(None, snapshot);
    let mut pulse = pulse();
    loop {
        tokio::select! {
            command = worker.link.next() => match command {
                None => return Ok(Outcome::CutOff),
                Some(command) => worker.obey(command),
            },
            loaded = loaded(&mut worker.loading) => worker.has_loaded(loaded),
            news = next(&mut worker.company) => match news {
                News::Failed(reason) => worker.link.say(Report::Failed(reason)),
                News::Started => worker.begin(),
            },
            // Of the others the supervisor hears too, and says what is to be done.
            signal = signals.next() => match signal {
                Signal::Terminate => worker.leave_early(),
                Signal::Reopen => access_log::reopen(),
                _ => {}
            },
            asker = asked.next() => worker.ask(asker),
            _ = pulse.tick() => worker.beat(),
            () = left(&mut worker.leaving) => break,
        }
    }
    worker.publish(&Stopped { part: worker.part.clone() });
    // The last that it has counted.
    worker.beat();
    worker.link.close().await;
    Ok(Outcome::Finished)
}

/// When a process says that it is well.
pub(super) fn pulse() -> Interval {
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pulse
}

/// What is heard of services, for as long as there are none.
async fn next(company: &mut Option<Company>) -> News {
    match company {
        Some(company) => company.next().await,
        None => std::future::pending().await,
    }
}

/// Deals the descriptors out to the servers they are for.
fn shares(places: Vec<Vec<Place>>, descriptors: Vec<OwnedFd>) -> io::Result<Vec<Share>> {
    let mut descriptors = descriptors.into_iter();
    let deal = |places: Vec<Place>| {
        let own = descriptors.by_ref().take(places.len()).collect();
        Share::from_parts(places, own).ok_or_else(|| io::Error::other("sockets are missing"))
    };
    places.into_iter().map(deal).collect()
}

/// Waits for what was asked for first, for as long as nothing was.
async fn loaded(loading: &mut VecDeque<Loading>) -> (Option<u64>, Result<Prepared, String>) {
    let Some(first) = loading.front_mut() else { return std::future::pending().await };
    let (change, loaded) = (first.change, (&mut first.task).await);
    loading.pop_front();
    let loaded = match loaded {
        Ok(loaded) => loaded.map_err(|refusal| refusal.lines().join("\n")),
        Err(panic) => Err(format!("loading has failed: {panic}")),
    };
    (change, loaded)
}

/// Waits until the last connection has closed, once the worker leaves.
async fn left(leaving: &mut Option<JoinHandle<()>>) {
    match leaving {
        // It does not panic, and nobody aborts it.
        Some(leaving) => drop(leaving.await),
        None => std::future::pending().await,
    }
}

/// What is being loaded.
#[derive(Debug)]
struct Loading {
    /// By which change it is to come; none if it is what the worker starts with.
    change: Option<u64>,
    task: JoinHandle<Result<Prepared, Box<Refusal>>>,
}

/// What is prepared and not yet in force.
#[derive(Debug)]
struct Coming {
    change: u64,
    sites: Vec<Site>,
    log: Log,
}

struct Worker {
    order: Arc<Order>,
    program: Arc<Program>,
    part: Part,
    link: Link,
    /// What is being loaded, in the order in which it was asked for.
    loading: VecDeque<Loading>,
    coming: Option<Coming>,
    /// What it serves at once when it can; none once it does.
    shares: Option<Vec<Share>>,
    /// What it serves once its services have started.
    waiting: Option<(Vec<Site>, Vec<Share>)>,
    /// None until it has loaded what it serves.
    company: Option<Company>,
    /// None until it serves.
    engine: Option<Engine>,
    metrics: Metrics,
    /// Who is to be told how all processes together are.
    askers: Vec<Asker>,
    linger: Duration,
    leaving: Option<JoinHandle<()>>,
}

impl Worker {
    fn new((order, program, part): (Order, Program, Part), link: Link, shares: Vec<Share>) -> Self {
        Self {
            order: Arc::new(order),
            program: Arc::new(program),
            part,
            link,
            loading: VecDeque::new(),
            coming: None,
            shares: Some(shares),
            waiting: None,
            company: None,
            engine: None,
            metrics: Metrics::default(),
            askers: Vec::new(),
            linger: Duration::ZERO,
            leaving: None,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Abort(change) => {
                self.loading.retain(|loading| loading.change != Some(change));
                self.coming.take_if(|coming| coming.change == change);
            }
            Command::Beat => self.beat(),
            Command::Commit(change) => {
                if let Some(coming) = self.coming.take_if(|coming| coming.change == change) {
                    self.commit(coming);
                }
                self.link.say(Report::Committed(change));
            }
            Command::Cover(slot, places) => self.cover(slot, places),
            Command::Health(health) => {
                for asker in self.askers.drain(..) {
                    // Who does not wait any more need not be told.
                    let _ = asker.send(health.clone());
                }
            }
            Command::Leave(patience) => self.leave(patience),
            Command::Prepare(change, snapshot) => self.load(Some(change), snapshot),
            Command::Reopen => access_log::reopen(),
            // Who serves has prepared it, and is told to serve by it.
            Command::Reset(_) => {}
            Command::Tickets(keys) => Tickets::of_this_process().replace(&keys),
            Command::Uncover(slot) => {
                if let Some(engine) = &mut self.engine {
                    engine.uncover(slot, self.linger);
                }
            }
        }
    }

    /// Accepts the connections of another worker too, unless this one is about to end itself.
    fn cover(&mut self, slot: usize, places: Vec<Vec<Place>>) {
        let descriptors = self.link.take_descriptors();
        let Some(engine) = self.engine.as_mut().filter(|_| self.leaving.is_none()) else { return };
        let covered = shares(places, descriptors)
            .and_then(|shares| engine.cover(slot, shares, &self.metrics));
        if let Err(error) = covered {
            tracing::error!(%error, "connections wait for worker {}", slot + 1);
        }
    }

    /// Loads, checks and builds off the reactor, which has requests to answer.
    fn load(&mut self, change: Option<u64>, snapshot: Snapshot) {
        let (order, program) = (Arc::clone(&self.order), Arc::clone(&self.program));
        let load = move || prepare(&order, program.registry(), Some(Arc::new(snapshot)));
        self.loading.push_back(Loading { change, task: spawn_blocking(load) });
    }

    /// Serves what was loaded first, and keeps what is loaded later until it is told to.
    fn has_loaded(&mut self, (change, loaded): (Option<u64>, Result<Prepared, String>)) {
        let Prepared { sites, basis, .. } = match loaded {
            Ok(prepared) => prepared,
            Err(reason) => return self.link.say(Report::Refused(change, reason)),
        };
        if let Some(change) = change {
            let log = match Log::open(&basis.config) {
                Ok(log) => log,
                Err(reason) => return self.link.say(Report::Refused(Some(change), reason)),
            };
            self.coming = Some(Coming { change, sites, log });
            return self.link.say(Report::Prepared(change));
        }
        let Some(shares) = self.shares.take() else { return };
        let account = sites.first().map(|site| Identity::of(&site.settings));
        if let Some(Err(error)) = account.map(|account| privileges::drop(&account)) {
            let reason = describe(&error);
            let reason = format!("cannot drop privileges: {reason}");
            return self.link.say(Report::Refused(None, reason));
        }
        // To become another user takes it back.
        die_with_supervisor();
        self.linger = sites.first().map_or(Duration::ZERO, |site| site.settings.drain_linger.0);
        self.waiting = Some((sites, shares));
        self.publish(&WorkerStarted { part: self.part.clone() });
        self.company = Some(Company::start(&self.program, &self.part));
    }

    /// Serves by what was prepared: at once, or as soon as the services have started.
    fn commit(&mut self, Coming { sites, log, .. }: Coming) {
        match (&mut self.engine, &mut self.waiting) {
            (Some(engine), _) => engine.replace(&sites),
            (None, Some((waiting, _))) => *waiting = sites,
            // It cannot serve, or is to end.
            (None, None) => {}
        }
        log.put_in_force();
        self.reset();
    }

    /// Serves, as the services have started.
    fn begin(&mut self) {
        let Some((sites, shares)) = self.waiting.take() else { return };
        // It is to end, and would leave what it accepts.
        if self.leaving.is_some() {
            return;
        }
        match Engine::start(sites, shares, &self.metrics) {
            Ok(engine) => {
                self.engine = Some(engine);
                self.link.say(Report::Ready);
            }
            Err(error) => {
                self.link.say(Report::Refused(None, format!("cannot serve: {error}")));
            }
        }
    }

    /// Finishes the requests that have begun, then has the services end.
    fn leave(&mut self, patience: Option<Duration>) {
        if self.leaving.is_some() {
            return;
        }
        self.publish(&Draining { part: self.part.clone() });
        let deadline = patience.map(|patience| Instant::now() + patience);
        let drained = self.engine.as_ref().map(|engine| engine.drain(self.linger));
        let stopped = self.company.as_ref().map(|company| company.stop(deadline));
        self.leaving = Some(tokio::spawn(async {
            if let Some(drained) = drained {
                drained.await;
            }
            if let Some(stopped) = stopped {
                stopped.await;
            }
        }));
    }

    /// Leaves without having been told to by the supervisor, which looks for another.
    fn leave_early(&mut self) {
        self.leave(None);
        self.link.say(Report::Leaving);
    }

    fn reset(&self) {
        if let Some(company) = &self.company {
            company.reset();
        }
    }

    fn publish(&self, event: &impl Event) {
        if let Err(reason) = self.program.publish(event) {
            self.link.say(Report::Failed(reason));
        }
    }

    fn beat(&self) {
        let connections = self.engine.as_ref().map_or(0, Engine::connections);
        let accepts = self.engine.is_some() && self.leaving.is_none();
        self.link.say(Report::Alive { connections, counted: counted(&self.metrics, accepts) });
    }

    /// Has the supervisor say how all processes together are, to whoever asks here.
    fn ask(&mut self, asker: Asker) {
        self.askers.push(asker);
        self.link.say(Report::Asked);
    }
}
