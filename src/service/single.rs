//! A server in one process: `workers = 0`.

mod change;
mod start;
mod stop;

use std::mem;

use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::change::{Binding, bound};
use self::stop::elapsed_at;
use super::company::{Company, News};
use super::engine::{Engine, Loads};
use super::outside::{Asked, Outside};
use super::plan::{Names, take_charge, take_place, write_pid_file};
use super::signals::{Signal, Signals, reopen_logs};
use super::succession::Succession;
use super::tickets::Rotation;
use super::upgrade::Estate;
use super::{Error, Outcome, Site, counted, reload};
use crate::admin::{Asked as Inquiries, Asker, Health};
use crate::metrics::{Metrics, Snapshot};
use crate::program::{Event, Program, Readings, Reload};
use crate::server::{Settings, Sockets, Tickets};

/// Serves in this process until a signal. Where nobody outside is listened to, what is served
/// stays as it is.
pub(super) async fn serve(
    sites: Vec<Site>,
    (mut outside, program, readings): (Option<Outside>, Program, Readings),
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
    let start = Single::start(
        (sites, settings, sockets, names),
        (program, readings, tickets),
        &mut signals,
    )
    .await;
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
                take_charge(&server.settings, &server.sockets);
                // If it has ended meanwhile, all the better.
                let notifier = outside.as_ref().map(|outside| outside.notifier.clone());
                let _ = predecessor.relieve(move || {
                    notifier.unwrap_or_default().status("serving");
                });
            }
            let end =
                server.live(&mut outside, (&mut signals, &mut inquiries), &mut succession).await;
            match (end, &mut outside) {
                // The service goes on, and so do its sockets.
                (End::Relieved, _) => {
                    mem::take(&mut server.sockets).into_iter().for_each(Sockets::hand_over);
                }
                (End::Told, Some(outside)) => {
                    outside.notifier.stopping();
                    outside.end_reloads();
                }
                (End::Told, None) => {}
            }
            succession.give_up();
            Ok(server.stop((&mut signals, inquiries), outside, end).await)
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
    loads: Loads,
    metrics: Metrics,
    /// Those that were replaced, until the last of their connections has closed.
    leaving: JoinSet<()>,
    /// Whether these are to be cut off.
    cut: watch::Sender<bool>,
    /// Whether a signal has told it to end.
    is_told: bool,
    /// Whether something has ended that was to last, or an essential callback has failed.
    failed: bool,
}

impl Single {
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
                        self.finish_at(signal);
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
                    // Nobody else has something bound.
                    if let Some(outside) = outside {
                        let result = self.has_bound(bound, coming, (outside, succession));
                        self.settle(result, outside);
                    }
                }
                asker = inquiries.next() => tell(asker, counted(&self.metrics, true), true),
                News::Failed(reason) = self.company.next() => {
                    self.note(Err(reason));
                    tracing::error!("all is ended with it: finishing what has begun");
                }
                Some(_) = self.leaving.join_next() => {}
                keys = self.tickets.next() => Tickets::of_this_process().replace(&keys),
                Some(heard) = heard.recv() => {
                    if outside.as_mut().is_some_and(|outside| succession.hear(heard, outside)) {
                        return End::Relieved;
                    }
                }
                () = elapsed_at(succession.due()) => {
                    if let Some(outside) = outside {
                        succession.look(Instant::now(), outside);
                    }
                }
            }
        }
        End::Told
    }

    /// Does what is asked for from outside.
    fn answer(&mut self, asked: Asked, outside: &mut Outside, succession: &mut Succession) {
        match asked {
            Asked::Change(prepared) => {
                let prepared = prepared.map(|prepared| *prepared);
                let result = self.change(prepared, (outside, succession)).transpose();
                if let Some(result) = result {
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
fn tell(asker: Asker, counted: Snapshot, ready: bool) {
    // Who does not wait any more need not be told.
    let _ = asker.send(Health { counted, ready });
}
