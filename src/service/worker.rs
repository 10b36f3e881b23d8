//! The life of a worker: it serves what its supervisor tells it to, and ends with it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal as Deadly, set_parent_process_death_signal};
use rustix::stdio::dup2_stdin;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::engine::Engine;
use super::signals::{Signal, Signals};
use super::wire::{self, Command, Report, Start};
use super::{
    Error, Order, Outcome, Prepared, Refusal, counted, end_logs, prepare, privileges, runtime,
};
use crate::access_log;
use crate::admin::Asker;
use crate::app::App;
use crate::config::Config;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::server::{Place, Share};
use crate::source::{Snapshot, Sources, describe};

/// How often a worker says that it is well.
const PULSE: Duration = Duration::from_secs(2);

/// Serves as a worker, as the supervisor at the other end of standard input says, until that
/// tells it to end or is gone. Before all else something is begun that depends on the settings.
///
/// # Errors
///
/// This was not started by a supervisor, or the system has no room for a runtime.
pub(crate) fn work(registry: Registry, begin: impl FnOnce(&Config)) -> Result<Outcome, Error> {
    let (wire, start, descriptors) = meet().map_err(Error::Wire)?;
    die_with_supervisor();
    let mut sources = Sources::from_snapshot(Arc::new(start.snapshot.clone()));
    begin(&Config::read(&start.order.config, &mut sources).0);
    let runtime = runtime()?;
    let outcome = runtime.block_on(serve(wire, start, descriptors, registry));
    // Whatever still runs off the reactor is not worth waiting for.
    runtime.shutdown_background();
    end_logs();
    outcome
}

/// Where the supervisor is killed, so is this. Elsewhere its end of the wire tells.
fn die_with_supervisor() {
    let _ = set_parent_process_death_signal(Some(Deadly::KILL));
}

/// Takes the wire from standard input, which is empty from then on, and waits for the order.
fn meet() -> io::Result<(StdStream, Start, Vec<OwnedFd>)> {
    let mut wire = StdStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (start, descriptors) = wire::receive_start(&mut wire)?;
    dup2_stdin(File::open("/dev/null")?)?;
    wire.set_nonblocking(true)?;
    Ok((wire, start, descriptors))
}

async fn serve(
    wire: StdStream,
    start: Start,
    descriptors: Vec<OwnedFd>,
    registry: Registry,
) -> Result<Outcome, Error> {
    let mut signals = Signals::listen().map_err(Error::System)?;
    let (reader, writer) = UnixStream::from_std(wire).map_err(Error::Wire)?.into_split();
    let (reports, told) = unbounded_channel();
    let (heard, mut commands) = unbounded_channel();
    let speaking = tokio::spawn(speak(writer, told));
    tokio::spawn(listen(reader, heard));
    let Start { order, snapshot, places } = start;
    let mut asked = order.desk.open();
    let mut worker = Worker::new(order, registry, reports);
    worker.load(snapshot);
    let mut shares = Some(shares(places, descriptors).map_err(Error::Wire)?);
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                // The supervisor is gone, and with it whoever would end this.
                None => return Ok(Outcome::CutOff),
                Some(command) => worker.obey(command),
            },
            loaded = loaded(&mut worker.loading) => worker.has_loaded(loaded, &mut shares),
            // Of the others the supervisor hears too, and says what is to be done.
            signal = signals.next() => match signal {
                Signal::Terminate => worker.leave(),
                Signal::Reopen => access_log::reopen(),
                _ => {}
            },
            asker = asked.next() => worker.ask(asker),
            _ = pulse.tick() => worker.beat(),
            () = left(&mut worker.leaving) => break,
        }
    }
    // The last that it has counted.
    worker.beat();
    drop(worker);
    let _ = speaking.await;
    Ok(Outcome::Finished)
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

async fn speak(mut writer: OwnedWriteHalf, mut reports: UnboundedReceiver<Report>) {
    while let Some(report) = reports.recv().await {
        // Without a supervisor the worker ends anyway.
        let Ok(bytes) = wire::encode(&report) else { return };
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Passes commands on; the channel closes where the supervisor is gone.
async fn listen(mut reader: OwnedReadHalf, heard: UnboundedSender<Command>) {
    while let Ok(Some(command)) = wire::receive(&mut reader).await {
        if heard.send(command).is_err() {
            return;
        }
    }
}

/// Waits for what was asked for first, for as long as nothing was.
async fn loaded(loading: &mut VecDeque<Loading>) -> Result<Prepared, String> {
    let Some(first) = loading.front_mut() else { return std::future::pending().await };
    let loaded = first.await;
    loading.pop_front();
    let loaded = loaded.map_err(|panic| format!("loading has failed: {panic}"))?;
    loaded.map_err(|refusal| refusal.lines().join("\n"))
}

/// Waits until the last connection has closed, once the worker leaves.
async fn left(leaving: &mut Option<JoinHandle<()>>) {
    match leaving {
        // It does not panic, and nobody aborts it.
        Some(leaving) => drop(leaving.await),
        None => std::future::pending().await,
    }
}

type Loading = JoinHandle<Result<Prepared, Box<Refusal>>>;

struct Worker {
    order: Arc<Order>,
    registry: Arc<Registry>,
    reports: UnboundedSender<Report>,
    /// What is being loaded, in the order in which it was asked for.
    loading: VecDeque<Loading>,
    /// What is prepared and not yet in force.
    coming: Option<(Vec<App>, Log)>,
    /// None until it serves.
    engine: Option<Engine>,
    metrics: Metrics,
    /// Who is to be told how all processes together are.
    askers: Vec<Asker>,
    linger: Duration,
    leaving: Option<JoinHandle<()>>,
}

impl Worker {
    fn new(order: Order, registry: Registry, reports: UnboundedSender<Report>) -> Self {
        Self {
            order: Arc::new(order),
            registry: Arc::new(registry),
            reports,
            loading: VecDeque::new(),
            coming: None,
            engine: None,
            metrics: Metrics::default(),
            askers: Vec::new(),
            linger: Duration::ZERO,
            leaving: None,
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Abort => {
                // What it starts with is not what is given up.
                self.loading.truncate(usize::from(self.engine.is_none()));
                self.coming = None;
            }
            Command::Beat => self.beat(),
            Command::Commit => {
                if let (Some(engine), Some((apps, log))) = (&self.engine, self.coming.take()) {
                    engine.replace(&apps);
                    log.put_in_force();
                }
                self.say(Report::Committed);
            }
            Command::Health(health) => {
                for asker in self.askers.drain(..) {
                    // Who does not wait any more need not be told.
                    let _ = asker.send(health.clone());
                }
            }
            Command::Leave => self.leave(),
            Command::Prepare(snapshot) => self.load(snapshot),
            Command::Reopen => access_log::reopen(),
        }
    }

    /// Loads, checks and builds off the reactor, which has requests to answer.
    fn load(&mut self, snapshot: Snapshot) {
        let (order, registry) = (Arc::clone(&self.order), Arc::clone(&self.registry));
        let load = move || prepare(&order, &registry, Some(Arc::new(snapshot)));
        self.loading.push_back(spawn_blocking(load));
    }

    /// Serves what was loaded first, and keeps what is loaded later until it is told to.
    fn has_loaded(&mut self, loaded: Result<Prepared, String>, shares: &mut Option<Vec<Share>>) {
        let Prepared { sites, basis, .. } = match loaded {
            Ok(prepared) => prepared,
            Err(reason) => return self.say(Report::Refused(reason)),
        };
        let Some(shares) = shares.take() else {
            let log = match Log::open(&basis.config) {
                Ok(log) => log,
                Err(reason) => return self.say(Report::Refused(reason)),
            };
            self.coming = Some((sites.into_iter().map(|site| site.app).collect(), log));
            return self.say(Report::Prepared);
        };
        if let Some(Err(error)) = sites.first().map(|site| privileges::drop(&site.settings)) {
            let reason = describe(&error);
            return self.say(Report::Refused(format!("cannot drop privileges: {reason}")));
        }
        // To become another user takes it back.
        die_with_supervisor();
        self.linger = sites.first().map_or(Duration::ZERO, |site| site.settings.drain_linger.0);
        match Engine::start(sites, shares, &self.metrics) {
            Ok(engine) => {
                self.engine = Some(engine);
                self.say(Report::Ready);
            }
            Err(error) => self.say(Report::Refused(format!("cannot serve: {error}"))),
        }
    }

    fn leave(&mut self) {
        if self.leaving.is_none() {
            let drained = self.engine.as_ref().map(|engine| engine.drain(self.linger));
            self.leaving = Some(tokio::spawn(async {
                if let Some(drained) = drained {
                    drained.await;
                }
            }));
        }
    }

    fn beat(&self) {
        let connections = self.engine.as_ref().map_or(0, Engine::connections);
        let accepts = self.engine.is_some() && self.leaving.is_none();
        self.say(Report::Alive { connections, counted: counted(&self.metrics, accepts) });
    }

    /// Has the supervisor say how all processes together are, to whoever asks here.
    fn ask(&mut self, asker: Asker) {
        self.askers.push(asker);
        self.say(Report::Asked);
    }

    fn say(&self, report: Report) {
        // Without a supervisor the worker is about to end.
        let _ = self.reports.send(report);
    }
}
