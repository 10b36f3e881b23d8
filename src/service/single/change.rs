//! How one process comes to serve something else, or gives way to another one.

use std::mem;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Single;
use super::start::engine;
use super::stop::elapsed;
use crate::log::Log;
use crate::metrics::Metrics;
use crate::program::Readings;
use crate::server::{Inherited, Settings, Sockets};
use crate::service::engine::Engine;
use crate::service::outside::Outside;
use crate::service::plan::{adjust, bind, patience, warn_of_left};
use crate::service::process::Heard;
use crate::service::reload;
use crate::service::succession::Succession;
use crate::service::upgrade::Legacy;
use crate::service::whereabouts::{Whereabouts, serve_alike};
use crate::service::{Error, Prepared, Site, workers};

impl Single {
    /// Starts the program that is on disk now, so that it takes over.
    pub(super) fn upgrade(
        &self,
        succession: &mut Succession,
        outside: &mut Outside,
        sender: UnboundedSender<Heard>,
    ) {
        if outside.is_reloading() {
            return tracing::warn!("not upgraded: something else changes");
        }
        let shares: Result<_, _> = self.sockets.iter().map(|sockets| sockets.share(0)).collect();
        let (tickets, patience) = (self.tickets.hand_over(), self.settings[0].successor_timeout.0);
        let legacy = shares.map(|shares| Legacy { shares: vec![shares], tickets, patience });
        succession.start(legacy, outside, move |what| {
            // Nobody listens only where this process is about to end.
            let _ = sender.send(what);
        });
    }

    /// Serves something else from now on, in place, and says so; or where the settings of a
    /// server have changed begins to take the addresses of new servers, off the loop: an address
    /// may be in use for a while.
    pub(super) fn change(
        &mut self,
        prepared: Result<Prepared, String>,
        (outside, succession): (&mut Outside, &mut Succession),
    ) -> Result<Option<String>, String> {
        let Prepared { sites, basis, readings, .. } = prepared?;
        if workers(&sites) > 0 {
            return Err("`workers` cannot change from 0 without a restart".to_owned());
        }
        let log = Log::open(&basis.config)?;
        let settings: Vec<_> = sites.iter().map(|site| site.settings.clone()).collect();
        if serve_alike(&self.settings, &settings) {
            let whereabouts = Whereabouts::prepare((&self.settings[0], &settings[0]), outside)?;
            whereabouts.put_in_force(succession, outside);
            self.settings = settings;
            log.put_in_force();
            self.engine.iter_mut().for_each(|engine| engine.replace(&sites));
            self.company.reset(&readings);
            return Ok(Some("the pipeline is replaced".to_owned()));
        }
        let (before, coming) = (self.sockets.clone(), Coming { sites, settings, log, readings });
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
    pub(super) fn has_bound(
        &mut self,
        bound: Result<Vec<Sockets>, Error>,
        coming: Coming,
        (outside, succession): (&mut Outside, &mut Succession),
    ) -> reload::Result {
        let Coming { sites, settings, log, readings } = coming;
        let sockets = bound.map_err(|error| error.to_string())?;
        let whereabouts = Whereabouts::prepare((&self.settings[0], &settings[0]), outside)?;
        let engine = match engine(sites, &sockets, (&mut self.loads, &self.metrics)) {
            Ok(engine) => engine,
            Err(error) => {
                whereabouts.give_up();
                return Err(error.to_string());
            }
        };
        whereabouts.put_in_force(succession, outside);
        log.put_in_force();
        adjust(&settings, &sockets);
        if let Some(before) = self.engine.replace(engine) {
            let (cut, metrics) = (self.cut.subscribe(), self.metrics.clone());
            self.leaving.spawn(drain(before, self.settings[0].clone(), cut, metrics));
        }
        self.names.announce(&settings, &sockets);
        self.settings = settings;
        warn_of_left(&self.sockets, &sockets);
        mem::replace(&mut self.sockets, sockets).into_iter().for_each(Sockets::close);
        self.company.reset(&readings);
        Ok("the settings of the server are replaced".to_owned())
    }
}

/// What is to be served where its addresses can be taken.
pub(super) struct Coming {
    sites: Vec<Site>,
    settings: Vec<Settings>,
    log: Log,
    readings: Readings,
}

/// What has been bound, and for what, for as long as nothing is being bound.
pub(super) async fn bound(binding: &mut Binding) -> (Result<Vec<Sockets>, Error>, Coming) {
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
pub(super) type Binding = JoinSet<(Result<Vec<Sockets>, Error>, Coming)>;

/// Ends servers that are replaced; at once where all is cut off.
async fn drain(
    engine: Engine,
    settings: Settings,
    mut cut: watch::Receiver<bool>,
    metrics: Metrics,
) {
    tokio::select! {
        () = engine.drain(settings.drain_linger.0, true) => return,
        () = elapsed(patience(&settings)) => {
            tracing::warn!("what has not finished in time is cut off");
        }
        // Whoever cuts off has said so. Where nobody can any more, that is the end, too.
        _ = cut.wait_for(|cut| *cut) => {}
    }
    engine.cut(&metrics).await;
}
