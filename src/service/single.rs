//! A server in one process: `workers = 0`.

use std::mem;
use std::pin::pin;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::engine::Engine;
use super::outside::{Asked, Outside};
use super::plan::{announce, bind, patience, take_place};
use super::reload;
use super::signals::{Signal, Signals, reopen_logs};
use super::upgrade::Estate;
use super::{Error, Outcome, Prepared, Site, counted, privileges, workers};
use crate::admin::{Asked as Inquiries, Asker, Health};
use crate::app::App;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::server::{Inherited, Settings, Sockets};

/// Serves in this process until a signal. Where nobody outside is listened to, what is served
/// stays as it is.
pub(super) async fn serve(
    sites: Vec<Site>,
    mut outside: Option<Outside>,
    (estate, mut inquiries): (Estate, Inquiries),
) -> Result<Outcome, Error> {
    // Before anyone can know that the server listens, as a signal would kill it until then.
    let mut signals = Signals::listen().map_err(Error::System)?;
    let settings: Vec<_> = sites.iter().map(|site| site.settings.clone()).collect();
    let Estate { sockets, inherited, predecessor } = estate;
    let place = take_place(&settings, 0, (sockets, inherited), &mut signals).await?;
    let Some((sockets, pid_file)) = place else { return Ok(Outcome::Finished) };
    privileges::drop(&settings[0]).map_err(Error::Privileges)?;
    let metrics = Metrics::default();
    let engine = engine(sites, &sockets, &metrics)?;
    let mut server = Single { settings, sockets, engine, metrics, leaving: JoinSet::new() };
    if let Some(predecessor) = predecessor {
        // If it has ended meanwhile, all the better.
        let _ = predecessor.relieve();
    }
    if let Some(outside) = &mut outside {
        outside.is_ready("serving");
    }
    loop {
        let signal = tokio::select! {
            signal = signals.next() => signal,
            (asked, outside) = asked(&mut outside) => {
                match asked {
                    Asked::Change(prepared) => {
                        let result = server.change(prepared).await;
                        server.metrics.count_reload(&result);
                        outside.settle(&result);
                    }
                    // Who does not wait any more need not be told.
                    Asked::Status(asker) => {
                        drop(asker.send(outside.status(&server.sockets, Vec::new())));
                    }
                    Asked::Watchdog => outside.notifier.watchdog(),
                }
                continue;
            }
            asker = inquiries.next() => {
                tell(asker, &server.metrics, true);
                continue;
            }
            Some(_) = server.leaving.join_next() => continue,
        };
        match (signal, &mut outside) {
            (Signal::Hangup, Some(outside)) => outside.reload(None),
            (Signal::Hangup, None) => tracing::warn!("{signal}: there is no file to load anew"),
            (Signal::Fewer | Signal::More, _) => {
                tracing::warn!("{signal}: with `workers = 0` there is none");
            }
            (Signal::Reopen, _) => reopen_logs(signal),
            (Signal::Upgrade, _) => {
                tracing::warn!("{signal}: with `workers = 0` a restart brings the new program");
            }
            (Signal::Interrupt | Signal::Terminate, _) => {
                tracing::info!("{signal}: finishing what has begun; a second one ends it at once");
                if let Some(outside) = &outside {
                    outside.notifier.stopping(patience(&server.settings[0]));
                }
                let outcome = server.stop(&mut signals, inquiries).await;
                if let Some(pid_file) = pid_file {
                    pid_file.remove();
                }
                return Ok(outcome);
            }
        }
    }
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
    engine: Engine,
    metrics: Metrics,
    /// Those that were replaced, until the last of their connections has closed.
    leaving: JoinSet<()>,
}

impl Single {
    /// Serves something else from now on: in place, or where the settings of a server have
    /// changed by new servers, which accept connections before the old ones leave.
    async fn change(&mut self, prepared: Result<Prepared, String>) -> reload::Result {
        let Prepared { sites, basis, .. } = prepared?;
        if workers(&sites) > 0 {
            return Err("`workers` cannot change from 0 without a restart".to_owned());
        }
        let log = Log::open(&basis.config)?;
        let settings: Vec<_> = sites.iter().map(|site| site.settings.clone()).collect();
        if settings == self.settings {
            log.put_in_force();
            let apps: Vec<App> = sites.into_iter().map(|site| site.app).collect();
            self.engine.replace(&apps);
            return Ok("the pipeline is replaced".to_owned());
        }
        let sockets = bind(&settings, 0, self.sockets.clone(), &mut Inherited::none()).await;
        let sockets = sockets.map_err(|error| error.to_string())?;
        let engine = engine(sites, &sockets, &self.metrics).map_err(|error| error.to_string())?;
        log.put_in_force();
        let before = mem::replace(&mut self.engine, engine);
        self.leaving.spawn(drain(before, self.settings[0].clone()));
        announce(&sockets);
        self.settings = settings;
        mem::replace(&mut self.sockets, sockets).into_iter().for_each(Sockets::close);
        Ok("the settings of the server are replaced".to_owned())
    }

    /// Ends when what has begun is finished, when that takes too long, or at a signal.
    async fn stop(self, signals: &mut Signals, mut inquiries: Inquiries) -> Outcome {
        let Self { settings, sockets, engine, metrics, mut leaving } = self;
        sockets.into_iter().for_each(Sockets::close);
        let drained = engine.drain(settings[0].drain_linger.0);
        let ended = async {
            drained.await;
            while leaving.join_next().await.is_some() {}
        };
        let limit = elapsed(patience(&settings[0]));
        let (mut ended, mut limit) = (pin!(ended), pin!(limit));
        loop {
            tokio::select! {
                () = &mut ended => {
                    tracing::info!("ended");
                    return Outcome::Finished;
                }
                () = &mut limit => {
                    tracing::warn!("what has not finished in time is cut off");
                    return Outcome::CutOff;
                }
                signal = signals.stopping() => {
                    tracing::warn!("{signal}: ended at once");
                    return Outcome::CutOff;
                }
                asker = inquiries.next() => tell(asker, &metrics, false),
            }
        }
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

/// Waits for so long; for ever if there is no limit.
async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}
