//! How something else comes to be served, and by how many workers.

use std::mem;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Supervisor;
use crate::config::Title;
use crate::log::Log;
use crate::program::Reload;
use crate::server::{Inherited, Settings, Sockets};
use crate::service::plan::{Plan, adjust, bind, warn_of_left};
use crate::service::reload;
use crate::service::whereabouts::{Whereabouts, serve_alike};
use crate::service::wire::Command;
use crate::service::{Error, Prepared, workers};
use crate::source::Snapshot;

/// What is to come, until it is in force or given up.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) plan: Plan,
    log: Option<Log>,
    whereabouts: Whereabouts,
    /// What those who asked are told once it is in force.
    what: &'static str,
}

/// Sockets that are being bound, and what for.
pub(super) type Binding = JoinHandle<(Result<Vec<Sockets>, Error>, Purpose)>;

/// What sockets are bound for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// One worker less.
    Less,
    /// One worker more.
    More,
    /// Other settings, of which there are to be so many workers, and another log.
    Replace(Vec<Settings>, Arc<Snapshot>, (usize, Title), Log),
}

/// What has been bound, for as long as nothing is being bound.
pub(super) async fn bound(binding: &mut Option<Binding>) -> (Result<Vec<Sockets>, Error>, Purpose) {
    loop {
        let Some(task) = binding else { return std::future::pending().await };
        let bound = task.await;
        *binding = None;
        // It does not panic, and is aborted only where nobody waits for it.
        if let Ok(bound) = bound {
            return bound;
        }
    }
}

impl Supervisor {
    /// Has workers take over what has been loaded anew: in place, or where the settings of a
    /// server have changed by a new generation.
    pub(super) fn has_loaded(&mut self, prepared: Result<Prepared, String>) {
        // What it follows from is about to change.
        if self.binding.is_some() {
            self.put_off = Some(prepared);
            return;
        }
        let prepared = match prepared {
            Ok(_) if self.stopping => return self.settle(&Err("the server stops".to_owned())),
            Ok(prepared) => prepared,
            Err(reason) => return self.settle(&Err(reason)),
        };
        let count = usize::from(workers(&prepared.sites));
        if count == 0 {
            let reason = "`workers` cannot change to 0 without a restart".to_owned();
            return self.settle(&Err(reason));
        }
        let Prepared { sites, snapshot, basis, .. } = prepared;
        let log = match Log::open(&basis.config) {
            Ok(log) => log,
            Err(reason) => return self.settle(&Err(reason)),
        };
        let title = basis.config.main.setproctitle;
        // The workers build apps of their own.
        let settings: Vec<_> = sites.into_iter().map(|site| site.settings).collect();
        if serve_alike(&self.plan.settings, &settings) {
            let whereabouts = match self.whereabouts(&settings) {
                Ok(whereabouts) => whereabouts,
                Err(reason) => return self.settle(&Err(reason)),
            };
            let plan = Plan { settings, snapshot, title, ..self.plan.clone() };
            let what = "the pipeline is replaced in all workers";
            self.coming = Some(Coming { plan, log: Some(log), whereabouts, what });
            self.fleet.change_in_place(Instant::now());
        } else {
            self.bind(count, Purpose::Replace(settings, snapshot, (count, title), log));
        }
    }

    /// Has one worker more or less, unless something else is being changed.
    pub(super) fn resize(&mut self, purpose: Purpose) {
        let changes = self.outside.is_reloading() || self.succession.is_under_way();
        if self.stopping || changes || self.binding.is_some() {
            return tracing::warn!("the number of workers stays while something else changes");
        }
        let size = self.fleet.size();
        match purpose {
            Purpose::Less if size > 1 => self.bind(size - 1, purpose),
            Purpose::More => self.bind(size + 1, purpose),
            _ => tracing::warn!("the last worker stays"),
        }
    }

    /// Binds sockets for so many workers, off the loop: an address may be in use for a while.
    fn bind(&mut self, workers: usize, purpose: Purpose) {
        let settings = match &purpose {
            Purpose::Replace(settings, ..) => settings.clone(),
            Purpose::Less | Purpose::More => self.plan.settings.clone(),
        };
        let sockets = self.plan.sockets.clone();
        let bind = async move {
            let bound = bind(&settings, workers, sockets, &mut Inherited::none()).await;
            (bound, purpose)
        };
        self.binding = Some(tokio::spawn(bind));
    }

    pub(super) fn has_bound(&mut self, bound: Result<Vec<Sockets>, Error>, purpose: Purpose) {
        let now = Instant::now();
        match (bound, purpose) {
            (Ok(sockets), Purpose::Replace(settings, snapshot, (count, title), log)) => {
                match self.whereabouts(&settings) {
                    Ok(whereabouts) => {
                        let names = self.plan.names.clone();
                        let plan = Plan { settings, snapshot, sockets, names, title };
                        let what = "the settings of the server are replaced, by new workers";
                        self.coming = Some(Coming { plan, log: Some(log), whereabouts, what });
                        self.fleet.replace(count, now);
                    }
                    Err(reason) => self.settle(&Err(reason)),
                }
            }
            (Ok(sockets), Purpose::Less) => {
                self.plan.sockets = sockets;
                self.fleet.shrink(now);
            }
            (Ok(sockets), Purpose::More) => {
                self.plan.sockets = sockets;
                self.fleet.grow(now);
            }
            (Err(error), Purpose::Replace(..)) => self.settle(&Err(error.to_string())),
            (Err(error), _) => tracing::error!("the number of workers stays: {error}"),
        }
        if let Some(prepared) = self.put_off.take() {
            self.has_loaded(prepared);
        }
    }

    /// What the server is to be found by, if that is something else.
    fn whereabouts(&self, settings: &[Settings]) -> Result<Whereabouts, String> {
        Whereabouts::prepare((&self.plan.settings[0], &settings[0]), &self.outside)
    }

    /// Has what was to come in force for workers that start from now on.
    pub(super) fn commit(&mut self) {
        if let Some(Coming { plan, log, whereabouts, .. }) = &mut self.coming {
            if let Some(log) = log.take() {
                log.put_in_force();
            }
            mem::take(whereabouts).put_in_force(&mut self.succession, &mut self.outside);
            if !serve_alike(&plan.settings, &self.plan.settings) {
                adjust(&plan.settings, &plan.sockets);
                plan.names.announce(&plan.settings, &plan.sockets);
            }
            let before = mem::replace(&mut self.plan, plan.clone());
            warn_of_left(&before.sockets, &self.plan.sockets);
            before.sockets.into_iter().for_each(Sockets::close);
            let patience = self.plan.patience();
            self.fleet.be_patient(patience);
            self.crews.iter_mut().for_each(|crew| crew.fleet.be_patient(patience));
            self.tell_services(&Command::Reset((*self.plan.snapshot).clone()));
        }
    }

    /// A reload has ended: what was to come is in force or forgotten.
    pub(super) fn has_settled(&mut self, result: Result<(), String>) {
        let what = self.coming.take().map_or("nothing was to come", |coming| {
            coming.whereabouts.give_up();
            coming.what
        });
        self.settle(&result.map(|()| what.to_owned()));
    }

    pub(super) fn settle(&mut self, result: &reload::Result) {
        self.metrics.count_reload(result);
        self.outside.settle(result);
        self.publish(&Reload { result: result.clone() });
    }
}
