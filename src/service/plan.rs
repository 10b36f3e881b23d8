//! What the processes of a server serve: settings, texts and sockets.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::pid_file::PidFile;
use super::privileges::{self, Identity};
use super::signals::Signals;
use super::{Error, Role, Site};
use crate::config::Title;
use crate::program::{AfterSpawn, BeforeSpawn};
use crate::server::{Inherited, Settings, Share, Sockets};
use crate::source::Snapshot;

/// What the processes of a server serve. The apps are missing: each process builds its own of the
/// snapshot.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Those of each server, at least one.
    pub(super) settings: Vec<Settings>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Those of each server.
    pub(super) sockets: Vec<Sockets>,
    pub(super) names: Names,
    /// What the titles of workers tell.
    pub(super) title: Title,
}

impl Plan {
    /// How long what has begun may take when processes end; none for as long as it does.
    pub(super) fn patience(&self) -> Option<Duration> {
        patience(&self.settings[0])
    }

    /// The sockets for another number of workers, of each server.
    pub(super) fn resized(&self, workers: usize) -> io::Result<Vec<Sockets>> {
        let all = self.sockets.iter().zip(&self.settings);
        all.map(|(sockets, settings)| sockets.resize(settings, workers)).collect()
    }

    /// The sockets of one worker, for each server.
    pub(super) fn shares(&self, worker: usize) -> io::Result<Vec<Share>> {
        self.sockets.iter().map(|sockets| sockets.share(worker)).collect()
    }
}

/// The event that comes before processes are started which serve at these sockets.
pub(super) fn before_spawn(sockets: &[Sockets], workers: usize) -> BeforeSpawn {
    BeforeSpawn { addresses: addresses(sockets), workers }
}

/// The event that comes after they have been.
pub(super) fn after_spawn(sockets: &[Sockets], workers: usize) -> AfterSpawn {
    AfterSpawn { addresses: addresses(sockets), workers }
}

fn addresses(sockets: &[Sockets]) -> Vec<String> {
    sockets.iter().flat_map(Sockets::endpoints).map(ToString::to_string).collect()
}

/// How long what has begun may take when a process ends; none for as long as it does.
pub(super) fn patience(settings: &Settings) -> Option<Duration> {
    Some(settings.graceful_shutdown_timeout.0).filter(|patience| !patience.is_zero())
}

/// Takes the addresses of each server: where there are sockets for one already, with these. New
/// ones listen when they are served.
pub(super) async fn bind(
    settings: &[Settings],
    workers: usize,
    sockets: Vec<Sockets>,
    inherited: &mut Inherited,
) -> Result<Vec<Sockets>, Error> {
    let mut bound = Vec::new();
    for (index, settings) in settings.iter().enumerate() {
        let none = Sockets::default();
        let before = sockets.get(index).unwrap_or(&none);
        let rebound = before.rebind(settings, workers, inherited).await;
        bound.push(rebound.map_err(Error::Bind)?);
    }
    Ok(bound)
}

/// Listens for the first time; none if a signal says that nobody waits for it.
pub(super) async fn take_place(
    settings: &[Settings],
    workers: usize,
    (sockets, mut inherited): (Vec<Sockets>, Inherited),
    signals: &mut Signals,
) -> Result<Option<Vec<Sockets>>, Error> {
    let bind = async {
        if !sockets.is_empty() {
            let bound = bind(settings, workers, sockets.clone(), &mut inherited).await?;
            warn_of_left(&sockets, &bound);
            return Ok(bound);
        }
        let mut bound = Vec::new();
        for settings in settings {
            let sockets = Sockets::bind(settings, workers, &mut inherited).await;
            bound.push(sockets.map_err(Error::Bind)?);
        }
        Ok(bound)
    };
    let bound = tokio::select! {
        bound = bind => bound?,
        signal = signals.stopping() => {
            tracing::info!("{signal}: ended before it could listen");
            return Ok(None);
        }
    };
    inherited.warn();
    privileges::check(&Identity::of(&settings[0])).map_err(Error::Privileges)?;
    Ok(Some(bound))
}

/// Has sockets be as the settings say that are in force now, also those that were there before.
pub(super) fn adjust(settings: &[Settings], sockets: &[Sockets]) {
    settings.iter().zip(sockets).for_each(|(settings, sockets)| sockets.adjust(settings));
}

/// Has sockets that another process has handed over be as the settings say, and their files go
/// when they close.
pub(super) fn take_charge(settings: &[Settings], sockets: &[Sockets]) {
    sockets.iter().for_each(Sockets::take_charge);
    adjust(settings, sockets);
}

/// Warns of what the service manager has opened and is served no more.
pub(super) fn warn_of_left(before: &[Sockets], now: &[Sockets]) {
    for sockets in before {
        sockets.warn_of_left(now);
    }
}

/// Says which process it is, where the settings ask for that.
pub(super) fn write_pid_file(settings: &Settings) -> Result<Option<PidFile>, Error> {
    let pid_file = settings.pid_file.as_deref().map(PidFile::write).transpose();
    pid_file.map_err(Error::Files)
}

/// The names of servers, which a reload does not change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Those of servers that serve something, the one that tells how they are left out.
    pub(super) fn of(sites: &[Site]) -> Self {
        let sites = sites.iter().filter(|site| site.role == Role::App);
        Self(sites.map(|site| site.server.clone()).collect())
    }

    /// Logs where the servers listen, and which of them does, if there are several.
    pub(super) fn announce(&self, settings: &[Settings], sockets: &[Sockets]) {
        for (index, (settings, sockets)) in settings.iter().zip(sockets).enumerate() {
            let which = match self.0.get(index) {
                Some(name) if self.0.len() > 1 => format!(" (server {name})"),
                Some(_) => String::new(),
                None => " (admin)".to_owned(),
            };
            for endpoint in sockets.endpoints() {
                tracing::info!("listening on {}{which}", endpoint.url(settings.scheme()));
            }
        }
    }
}
