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
use crate::source::{Snapshot, describe};

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

/// What sockets are bound for: other settings, for so many workers, and another log.
#[derive(Debug)]
pub(super) struct Purpose {
    settings: Vec<Settings>,
    snapshot: Arc<Snapshot>,
    count: usize,
    title: Title,
    log: Log,
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
            self.bind(Purpose { settings, snapshot, count, title, log });
        }
    }

    /// Has one worker more, unless something else is being changed.
    pub(super) fn grow(&mut self) {
        if self.has_sockets_for(self.fleet.size() + 1) {
            self.fleet.grow(Instant::now());
        }
    }

    /// Has one worker less, unless it is the last or something else is being changed.
    pub(super) fn shrink(&mut self) {
        match self.fleet.size() {
            0 | 1 => tracing::warn!("the last worker stays"),
            size if self.has_sockets_for(size - 1) => self.fleet.shrink(Instant::now()),
            _ => {}
        }
    }

    /// Opens and lets go of sockets so that there are those of so many workers, and tells whether
    /// there are.
    fn has_sockets_for(&mut self, workers: usize) -> bool {
        if self.stopping || self.outside.is_reloading() || self.succession.is_under_way() {
            tracing::warn!("the number of workers stays while something else changes");
            return false;
        }
        match self.plan.resized(workers) {
            Ok(sockets) => {
                self.plan.sockets = sockets;
                true
            }
            Err(error) => {
                tracing::error!("the number of workers stays: {}", describe(&error));
                false
            }
        }
    }

    /// Binds sockets off the loop: an address may be in use for a while.
    fn bind(&mut self, purpose: Purpose) {
        let (settings, workers) = (purpose.settings.clone(), purpose.count);
        let sockets = self.plan.sockets.clone();
        let bind = async move {
            let bound = bind(&settings, workers, sockets, &mut Inherited::none()).await;
            (bound, purpose)
        };
        self.binding = Some(tokio::spawn(bind));
    }

    pub(super) fn has_bound(&mut self, bound: Result<Vec<Sockets>, Error>, purpose: Purpose) {
        let Purpose { settings, snapshot, count, title, log } = purpose;
        let bound = bound.map_err(|error| error.to_string());
        match bound.and_then(|sockets| Ok((sockets, self.whereabouts(&settings)?))) {
            Ok((sockets, whereabouts)) => {
                let names = self.plan.names.clone();
                let plan = Plan { settings, snapshot, sockets, names, title };
                let what = "the settings of the server are replaced, by new workers";
                self.coming = Some(Coming { plan, log: Some(log), whereabouts, what });
                self.fleet.replace(count, Instant::now());
            }
            Err(reason) => self.settle(&Err(reason)),
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
