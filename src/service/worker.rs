//! The life of a worker: it serves what its supervisor tells it to, and ends with it.

mod obey;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::attendant;
use super::company::{Company, News};
use super::engine::Engine;
use super::link::{Link, die_with_supervisor, meet};
use super::signals::{Signal, Signals};
use super::wire::{Report, Start};
use super::{Error, Order, Outcome, Prepared, Refusal, Site, end_logs, process, runtime};
use crate::access_log;
use crate::admin::Asker;
use crate::config::Config;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::program::{Part, Program, Readings, Stopped};
use crate::server::{Place, Share, Tickets};
use crate::source::Sources;

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
    process::take_name();
    let mut sources = Sources::from_snapshot(Arc::new(start.snapshot.clone()));
    begin(&Config::read(&start.order.config, &mut sources).0);
    let runtime = runtime().map_err(Error::System)?;
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
    readings: Readings,
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
    /// How long what has begun may take when it leaves; none for as long as it does.
    patience: Option<Duration>,
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
            patience: None,
            leaving: None,
        }
    }
}
