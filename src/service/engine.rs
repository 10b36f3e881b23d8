//! The servers of one process, on all of its threads.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::task::JoinSet;

use super::{Role, Site};
use crate::metrics::Metrics;
use crate::server::{Running, Server, Share};

/// The servers of one process, on all of its threads: each thread has a runtime of its own and
/// runs all servers, so that nothing crosses between threads.
#[derive(Debug)]
pub(super) struct Engine {
    /// By thread, the servers in the order of their sites.
    threads: Vec<Vec<Running>>,
    /// What tells how they are, for as long as this lives.
    _admin: Vec<Running>,
}

impl Engine {
    /// Starts to serve each site at its share of sockets: in this thread, within a runtime, and
    /// in as many more as the settings of the first site say.
    pub(super) fn start(
        sites: Vec<Site>,
        shares: Vec<Share>,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let others = sites.first().map_or(0, |site| site.settings.worker_threads.saturating_sub(1));
        let is_admin = |(site, _): &(Site, Share)| site.role == Role::Admin;
        let (admin, work): (Vec<_>, Vec<_>) = sites.into_iter().zip(shares).partition(is_admin);
        let mut threads = Vec::new();
        for number in 1..=others {
            let duplicate = |(site, share): &(Site, Share)| {
                share.try_clone().map(|share| (site.clone(), share))
            };
            let work = work.iter().map(duplicate).collect::<io::Result<_>>()?;
            threads.push(start_thread(number, work, metrics.clone())?);
        }
        threads.push(start(work, metrics)?);
        // Nobody needs to know how often it was asked for numbers.
        Ok(Self { threads, _admin: start(admin, &Metrics::default())? })
    }

    /// Has the apps of other sites, one for each, answer from the next request on, and what they
    /// have encrypt the connections that begin from now on.
    pub(super) fn replace(&self, sites: &[Site]) {
        for servers in &self.threads {
            for (server, site) in servers.iter().zip(sites) {
                server.replace(site.app.clone());
                server.encrypt_by(site.tls.clone());
            }
        }
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        self.servers().map(Running::connections).sum()
    }

    /// Ends so that no request is lost, and returns when the last connection has closed; see
    /// [`Running::drain`].
    pub(super) fn drain(&self, linger: Duration) -> impl Future<Output = ()> + use<> {
        let mut servers: JoinSet<()> = self.servers().map(|server| server.drain(linger)).collect();
        async move { while servers.join_next().await.is_some() {} }
    }

    /// Ends all connections, whatever they are at.
    pub(super) fn close(&self) {
        self.servers().for_each(Running::close);
    }

    fn servers(&self) -> impl Iterator<Item = &Running> {
        self.threads.iter().flatten()
    }
}

fn start(work: Vec<(Site, Share)>, metrics: &Metrics) -> io::Result<Vec<Running>> {
    let start = |(Site { app, tls, settings, name, .. }, share)| {
        let server = Server::new(share, settings)?.counted_by(metrics.meter(&name));
        let server = server.encrypted_by(tls);
        Ok(server.start(app))
    };
    work.into_iter().map(start).collect()
}

/// Starts to serve in a thread of its own, which lives as long as connections do.
fn start_thread(
    number: u16,
    work: Vec<(Site, Share)>,
    metrics: Metrics,
) -> io::Result<Vec<Running>> {
    let (sender, started) = mpsc::channel();
    let serve = move || {
        let serve = async {
            let servers = start(work, &metrics);
            let ended: Vec<_> = servers.iter().flatten().map(Running::ended).collect();
            // The other side waits for it.
            let _ = sender.send(servers);
            for ended in ended {
                ended.await;
            }
        };
        if let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(serve);
        }
    };
    thread::Builder::new().name(format!("server-{number}")).spawn(serve)?;
    let failed = || io::Error::other("there is no room for the runtime of a thread");
    started.recv().map_err(|_| failed())?
}
