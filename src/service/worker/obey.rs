//! What a worker does when it is told something, and what it says.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Coming, Loading, Worker, shares};
use crate::access_log;
use crate::admin::Asker;
use crate::log::Log;
use crate::program::{Draining, Event, WorkerStarted};
use crate::server::{Place, Tickets};
use crate::service::company::Company;
use crate::service::engine::{Engine, Loads};
use crate::service::link::die_with_supervisor;
use crate::service::plan::patience;
use crate::service::privileges::{self, Identity};
use crate::service::wire::{Command, Report};
use crate::service::{Prepared, counted, prepare};
use crate::source::{Snapshot, describe};

impl Worker {
    /// Does what it is told.
    pub(super) fn obey(&mut self, command: Command) {
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
            Command::Cut => self.cut(),
            Command::Health(health) => {
                for asker in self.askers.drain(..) {
                    // Who does not wait any more need not be told.
                    let _ = asker.send(health.clone());
                }
            }
            Command::Leave { patience, is_relieved } => self.leave(patience, is_relieved),
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
    pub(super) fn load(&mut self, change: Option<u64>, snapshot: Snapshot) {
        let (order, program) = (Arc::clone(&self.order), Arc::clone(&self.program));
        let load = move || prepare(&order, program.registry(), Some(Arc::new(snapshot)));
        self.loading.push_back(Loading { change, task: spawn_blocking(load) });
    }

    /// Serves what was loaded first, and keeps what is loaded later until it is told to.
    pub(super) fn has_loaded(&mut self, (change, loaded): (Option<u64>, Result<Prepared, String>)) {
        let Prepared { sites, basis, readings, .. } = match loaded {
            Ok(prepared) => prepared,
            Err(reason) => return self.link.say(Report::Refused(change, reason)),
        };
        if let Some(change) = change {
            let log = match Log::open(&basis.config) {
                Ok(log) => log,
                Err(reason) => return self.link.say(Report::Refused(Some(change), reason)),
            };
            self.coming = Some(Coming { change, sites, log, readings });
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
        self.patience = sites.first().and_then(|site| patience(&site.settings));
        self.waiting = Some((sites, shares));
        self.publish(&WorkerStarted { part: self.part.clone() });
        self.company = Some(Company::start(&self.program, &self.part, &readings));
    }

    /// Serves by what was prepared: at once, or as soon as the services have started.
    fn commit(&mut self, Coming { sites, log, readings, .. }: Coming) {
        match (&mut self.engine, &mut self.waiting) {
            (Some(engine), _) => engine.replace(&sites),
            (None, Some((waiting, _))) => *waiting = sites,
            // It cannot serve, or is to end.
            (None, None) => {}
        }
        log.put_in_force();
        if let Some(company) = &self.company {
            company.reset(&readings);
        }
    }

    /// Serves, as the services have started.
    pub(super) fn begin(&mut self) {
        let Some((sites, shares)) = self.waiting.take() else { return };
        // It is to end, and would leave what it accepts.
        if self.leaving.is_some() {
            return;
        }
        match Engine::start(sites, shares, (&mut Loads::default(), &self.metrics)) {
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
    fn leave(&mut self, patience: Option<Duration>, is_relieved: bool) {
        if self.leaving.is_some() {
            return;
        }
        self.publish(&Draining { part: self.part.clone() });
        let deadline = patience.map(|patience| Instant::now() + patience);
        let engine = self.engine.as_ref();
        let drained = engine.map(|engine| engine.drain(self.linger, is_relieved));
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

    /// Ends at once: closes all connections, so that what becomes of them is logged and counted,
    /// and waits for nothing else.
    fn cut(&mut self) {
        let ended = self.engine.as_ref().map(|engine| engine.cut(&self.metrics));
        self.leaving = Some(tokio::spawn(async {
            if let Some(ended) = ended {
                ended.await;
            }
        }));
    }

    /// Leaves without having been told to by the supervisor, which looks for another. One that
    /// leaves already has nothing more to say.
    pub(super) fn leave_early(&mut self) {
        if self.leaving.is_none() {
            self.leave(self.patience, false);
            self.link.say(Report::Leaving);
        }
    }

    pub(super) fn publish(&self, event: &impl Event) {
        if let Err(reason) = self.program.publish(event) {
            self.link.say(Report::Failed(reason));
        }
    }

    pub(super) fn beat(&self) {
        let connections = self.engine.as_ref().map_or(0, Engine::connections);
        let accepts = self.engine.is_some() && self.leaving.is_none();
        self.link.say(Report::Alive { connections, counted: counted(&self.metrics, accepts) });
    }

    /// Has the supervisor say how all processes together are, to whoever asks here.
    pub(super) fn ask(&mut self, asker: Asker) {
        self.askers.push(asker);
        self.link.say(Report::Asked);
    }
}
