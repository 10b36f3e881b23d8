//! A server in one process: `workers = 0`.

use std::mem;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::company::{Company, News};
use super::engine::Engine;
use super::notify::Notifier;
use super::outside::{Asked, Outside};
use super::plan::{Names, after_spawn, before_spawn, bind, patience, take_place, write_pid_file};
use super::privileges::{self, Identity};
use super::process::Heard;
use super::reload;
use super::signals::{Signal, Signals, reopen_logs};
use super::succession::Succession;
use super::tickets::Rotation;
use super::upgrade::{Estate, Legacy};
use super::{Error, Outcome, Prepared, Site, counted, workers};
use crate::admin::{Asked as Inquiries, Asker, Health};
use crate::log::Log;
use crate::metrics::Metrics;
use crate::program::{Draining, Event, Part, Program, Reload, Stopped, WorkerStarted};
use crate::server::{Inherited, Settings, Sockets, Tickets};

/// Serves in this process until a signal. Where nobody outside is listened to, what is served
/// stays as it is.
pub(super) async fn serve(
    sites: Vec<Site>,
    (mut outside, program): (Option<Outside>, Program),
    (estate, mut inquiries): (Estate, Inquiries),
) -> Result<Outcome, Error> {
    // Before anyone can know that the server listens, as a signal would kill it until then.
    let mut signals = Signals::listen().map_err(Error::System)?;
    let settings: Vec<_> = sites.iter().map(|site| site.settings.clone()).collect();
    let Estate { sockets, inherited, predecessor, tickets } = estate;
    Tickets::of_this_process().replace(tickets.keys());
    let place = take_place(&settings, 0, (sockets, inherited), &mut signals).await?;
    let Some(sockets) = place else { return Ok(Outcome::Finished) };
    // Who takes over says so once it has.
    let is_first = predecessor.is_none();
    let pid_file = if is_first { write_pid_file(&settings[0])? } else { None };
    let names = Names::of(&sites);
    names.announce(&settings, &sockets);
    let mut succession = Succession::new(pid_file);
    let start =
        Single::start((sites, settings, sockets, names), (program, tickets), &mut signals).await;
    let outcome = match start {
        Ok(mut server) => {
            // Before the predecessor ends: this process is to be asked where that one was.
            if let Some(outside) = outside.as_mut().filter(|_| !server.is_ended()) {
                outside.is_ready("serving");
            }
            if let Some(predecessor) = predecessor.filter(|_| !server.is_ended()) {
                match write_pid_file(&server.settings[0]) {
                    Ok(pid_file) => succession.has_file(pid_file),
                    Err(error) => tracing::error!("{error}"),
                }
                server.sockets.iter().for_each(Sockets::take_charge);
                // If it has ended meanwhile, all the better.
                let _ = predecessor.relieve();
            }
            let end =
                server.live(&mut outside, (&mut signals, &mut inquiries), &mut succession).await;
            let mut nobody = Notifier::default();
            match (end, &mut outside) {
                // The service goes on, and so do its sockets.
                (End::Relieved, _) => {
                    mem::take(&mut server.sockets).into_iter().for_each(Sockets::hand_over);
                }
                (End::Told, Some(outside)) => outside.notifier.stopping(),
                (End::Told, None) => {}
            }
            succession.give_up();
            let notifier = outside.as_mut().map(|outside| &mut outside.notifier);
            Ok(server.stop(&mut signals, inquiries, notifier.unwrap_or(&mut nobody)).await)
        }
        Err(error) => Err(error),
    };
    succession.end();
    outcome
}

/// Why a server stops to serve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Another process serves in its place.
    Relieved,
    /// It was told to, or something has ended that was to last.
    Told,
}

/// What is asked for from outside, and who asks, for as long as nobody is.
async fn asked(outside: &mut Option<Outside>) -> (Asked, &mut Outside) {
    match outside {
        Some(outside) => (outside.next().await, outside),
        None => std::future::pending().await,
    }
}

/// What is to be served where its addresses can be taken.
struct Coming {
    sites: Vec<Site>,
    settings: Vec<Settings>,
    log: Log,
}

/// What has been bound, and for what, for as long as nothing is being bound.
async fn bound(binding: &mut Binding) -> (Result<Vec<Sockets>, Error>, Coming) {
    loop {
        match binding.join_next().await {
            Some(Ok(bound)) => return bound,
            // It does not panic, and nobody aborts it.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// Addresses that are being taken, one set at most. It ends with this.
type Binding = JoinSet<(Result<Vec<Sockets>, Error>, Coming)>;

/// A server in one process.
struct Single {
    settings: Vec<Settings>,
    sockets: Vec<Sockets>,
    names: Names,
    tickets: Rotation,
    program: Program,
    company: Company,
    binding: Binding,
    /// None if it ended before it could serve.
    engine: Option<Engine>,
    metrics: Metrics,
    /// Those that were replaced, until the last of their connections has closed.
    leaving: JoinSet<()>,
    /// Whether something has ended that was to last, or an essential callback has failed.
    failed: bool,
}

impl Single {
    /// Starts the services, and then to serve; not even that if a service cannot start, or a
    /// signal comes before.
    async fn start(
        (sites, settings, sockets, names): (Vec<Site>, Vec<Settings>, Vec<Sockets>, Names),
        (program, tickets): (Program, Rotation),
        signals: &mut Signals,
    ) -> Result<Self, Error> {
        program.publish(&before_spawn(&sockets, 0)).map_err(Error::Callback)?;
        privileges::drop(&Identity::of(&settings[0])).map_err(Error::Privileges)?;
        let started = program.publish(&WorkerStarted { part: Part::Main });
        let company = Company::start(&program, &Part::Main);
        let mut server = Self {
            settings,
            sockets,
            names,
            tickets,
            program,
            company,
            binding: JoinSet::new(),
            engine: None,
            metrics: Metrics::default(),
            leaving: JoinSet::new(),
            failed: false,
        };
        server.note(started);
        let has_services = !server.program.services().is_empty();
        let serves = tokio::select! {
            news = server.company.next() => match news {
                News::Started => !server.failed,
                News::Failed(reason) => {
                    server.note(Err(reason));
                    false
                }
            },
            // Without any, those who have connected already are answered first.
            signal = signals.stopping(), if has_services => {
                tracing::info!("{signal}: ended before all services had started");
                false
            }
        };
        if serves {
            server.engine = Some(engine(sites, &server.sockets, &server.metrics)?);
            let spawned = after_spawn(&server.sockets, 0);
            server.publish(&spawned);
        }
        Ok(server)
    }

    /// Whether all is to end.
    fn is_ended(&self) -> bool {
        self.failed || self.engine.is_none()
    }

    /// Serves until a signal, or until something ends that was to last.
    async fn live(
        &mut self,
        outside: &mut Option<Outside>,
        (signals, inquiries): (&mut Signals, &mut Inquiries),
        succession: &mut Succession,
    ) -> End {
        let (sender, mut heard) = unbounded_channel();
        while !self.is_ended() {
            tokio::select! {
                signal = signals.next() => match (signal, &mut *outside) {
                    (Signal::Interrupt | Signal::Terminate, _) => {
                        tracing::info!(
                            "{signal}: finishing what has begun; a second one ends it at once"
                        );
                        return End::Told;
                    }
                    (Signal::Upgrade, Some(outside)) => {
                        self.upgrade(succession, outside, sender.clone());
                    }
                    (_, outside) => hear(signal, outside.as_mut()),
                },
                (asked, outside) = asked(outside) => {
                    self.answer(asked, outside, succession);
                }
                (bound, coming) = bound(&mut self.binding) => {
                    let result = self.has_bound(bound, coming);
                    if let Some(outside) = outside {
                        self.settle(result, outside);
                    }
                }
                asker = inquiries.next() => tell(asker, &self.metrics, true),
                News::Failed(reason) = self.company.next() => {
                    self.note(Err(reason));
                    tracing::error!("all is ended with it: finishing what has begun");
                }
                Some(_) = self.leaving.join_next() => {}
                keys = self.tickets.next() => Tickets::of_this_process().replace(&keys),
                Some(heard) = heard.recv() => {
                    if outside.as_ref().is_some_and(|it| succession.hear(heard, &it.notifier)) {
                        return End::Relieved;
                    }
                }
                () = elapsed_at(succession.due()) => {
                    if let Some(outside) = outside {
                        succession.look(Instant::now(), &outside.notifier);
                    }
                }
            }
        }
        End::Told
    }

    /// Starts the program that is on disk now, so that it takes over.
    fn upgrade(
        &self,
        succession: &mut Succession,
        outside: &Outside,
        sender: UnboundedSender<Heard>,
    ) {
        if outside.is_reloading() {
            return tracing::warn!("not upgraded: something else changes");
        }
        let shares: Result<_, _> = self.sockets.iter().map(|sockets| sockets.share(0)).collect();
        let (tickets, patience) = (self.tickets.hand_over(), self.settings[0].successor_timeout.0);
        let legacy = shares.map(|shares| Legacy { shares: vec![shares], tickets, patience });
        succession.start(legacy, &outside.notifier, move |what| {
            // Nobody listens only where this process is about to end.
            let _ = sender.send(what);
        });
    }

    /// Does what is asked for from outside.
    fn answer(&mut self, asked: Asked, outside: &mut Outside, succession: &Succession) {
        match asked {
            // The successor has the sockets of now, and loads the files itself.
            Asked::Change(Ok(_)) if succession.is_under_way() => {
                self.settle(Err("a successor is being started".to_owned()), outside);
            }
            Asked::Change(prepared) => {
                if let Some(result) = self.change(prepared.map(|prepared| *prepared)).transpose() {
                    self.settle(result, outside);
                }
            }
            // Who does not wait any more need not be told.
            Asked::Status(asker) => drop(asker.send(outside.status(&self.sockets, Vec::new()))),
            Asked::Watchdog => outside.notifier.watchdog(),
        }
    }

    /// Tells all how a reload has ended.
    fn settle(&mut self, result: reload::Result, outside: &mut Outside) {
        self.metrics.count_reload(&result);
        outside.settle(&result);
        self.publish(&Reload { result });
    }

    /// Calls the callbacks for an event; one that has failed and is essential ends all.
    fn publish(&mut self, event: &impl Event) {
        let result = self.program.publish(event);
        self.note(result);
    }

    fn note(&mut self, result: Result<(), String>) {
        if let Err(reason) = result {
            reason.lines().for_each(|line| tracing::error!("{line}"));
            self.failed = true;
        }
    }

    /// Serves something else from now on, in place, and says so; or where the settings of a
    /// server have changed begins to take the addresses of new servers, off the loop: an address
    /// may be in use for a while.
    fn change(&mut self, prepared: Result<Prepared, String>) -> Result<Option<String>, String> {
        let Prepared { sites, basis, .. } = prepared?;
        if workers(&sites) > 0 {
            return Err("`workers` cannot change from 0 without a restart".to_owned());
        }
        let log = Log::open(&basis.config)?;
        let settings: Vec<_> = sites.iter().map(|site| site.settings.clone()).collect();
        if settings == self.settings {
            log.put_in_force();
            self.engine.iter_mut().for_each(|engine| engine.replace(&sites));
            self.company.reset();
            return Ok(Some("the pipeline is replaced".to_owned()));
        }
        let (before, coming) = (self.sockets.clone(), Coming { sites, settings, log });
        let bind = async move {
            let bound = bind(&coming.settings, 0, before, &mut Inherited::none()).await;
            (bound, coming)
        };
        let mut binding = JoinSet::new();
        binding.spawn(bind);
        self.binding = binding;
        Ok(None)
    }

    /// Has new servers take over, which accept connections before the old ones leave.
    fn has_bound(&mut self, bound: Result<Vec<Sockets>, Error>, coming: Coming) -> reload::Result {
        let Coming { sites, settings, log } = coming;
        let sockets = bound.map_err(|error| error.to_string())?;
        let engine = engine(sites, &sockets, &self.metrics).map_err(|error| error.to_string())?;
        log.put_in_force();
        if let Some(before) = self.engine.replace(engine) {
            self.leaving.spawn(drain(before, self.settings[0].clone()));
        }
        self.names.announce(&settings, &sockets);
        self.settings = settings;
        mem::replace(&mut self.sockets, sockets).into_iter().for_each(Sockets::close);
        self.company.reset();
        Ok("the settings of the server are replaced".to_owned())
    }

    /// Ends when what has begun is finished, and the services with it, when that takes too long,
    /// or at a signal.
    async fn stop(
        mut self,
        signals: &mut Signals,
        mut inquiries: Inquiries,
        notifier: &mut Notifier,
    ) -> Outcome {
        self.publish(&Draining { part: Part::Main });
        self.binding.abort_all();
        mem::take(&mut self.sockets).into_iter().for_each(Sockets::close);
        let patience = patience(&self.settings[0]);
        let linger = self.settings[0].drain_linger.0;
        let drained = self.engine.as_ref().map(|engine| engine.drain(linger));
        let stopped = self.company.stop(patience.map(|patience| Instant::now() + patience));
        let mut leaving = mem::take(&mut self.leaving);
        let ended = async {
            if let Some(drained) = drained {
                drained.await;
            }
            while leaving.join_next().await.is_some() {}
            stopped.await;
        };
        let limit = elapsed(patience);
        let (mut ended, mut limit) = (pin!(ended), pin!(limit));
        let outcome = loop {
            tokio::select! {
                () = &mut ended => break Outcome::Finished,
                () = &mut limit => {
                    tracing::warn!("what has not finished in time is cut off");
                    break Outcome::CutOff;
                }
                signal = signals.stopping() => {
                    tracing::warn!("{signal}: ended at once");
                    break Outcome::CutOff;
                }
                asker = inquiries.next() => tell(asker, &self.metrics, false),
                () = elapsed_at(notifier.due()) => notifier.look(Instant::now()),
            }
        };
        self.publish(&Stopped { part: Part::Main });
        if self.failed {
            return Outcome::Failed;
        }
        if outcome == Outcome::Finished {
            tracing::info!("ended");
        }
        outcome
    }
}

/// Does what a signal says that does not end the server.
fn hear(signal: Signal, outside: Option<&mut Outside>) {
    match (signal, outside) {
        (Signal::Hangup, Some(outside)) => outside.reload(None),
        (Signal::Hangup, None) => tracing::warn!("{signal}: there is no file to load anew"),
        (Signal::Fewer | Signal::More, _) => {
            tracing::warn!("{signal}: with `workers = 0` there is none");
        }
        (Signal::Reopen, _) => reopen_logs(signal),
        (Signal::Upgrade, _) => {
            tracing::warn!("{signal}: a restart brings the new program");
        }
        // These end it, which is seen to elsewhere.
        (Signal::Interrupt | Signal::Terminate, _) => {}
    }
}

/// Tells someone how the server is.
fn tell(asker: Asker, metrics: &Metrics, accepts: bool) {
    // Who does not wait any more need not be told.
    let _ = asker.send(Health { counted: counted(metrics, accepts), ready: accepts });
}

fn engine(sites: Vec<Site>, sockets: &[Sockets], metrics: &Metrics) -> Result<Engine, Error> {
    let shares = sockets.iter().map(|sockets| sockets.share(0)).collect::<Result<_, _>>();
    Engine::start(sites, shares.map_err(Error::System)?, metrics).map_err(Error::System)
}

/// Ends servers that are replaced.
async fn drain(engine: Engine, settings: Settings) {
    let drained = engine.drain(settings.drain_linger.0);
    let Some(patience) = patience(&settings) else { return drained.await };
    if timeout(patience, drained).await.is_err() {
        tracing::warn!("what has not finished in time is cut off");
        engine.close();
    }
}

/// Waits until then; for ever if there is no such time.
async fn elapsed_at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Waits for so long; for ever if there is no limit.
async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}
