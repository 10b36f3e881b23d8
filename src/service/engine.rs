//! The servers of one process, on all of its threads.

mod loads;

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub(super) use self::loads::Loads;
use super::{Role, Site, runtime};
use crate::metrics::Metrics;
use crate::server::{Load, Running, Server, Share};

/// How long requests that are cut off may take to end.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often is looked whether they have.
const MOMENT: Duration = Duration::from_millis(5);

/// The servers of one process, on all of its threads: each thread has a runtime of its own and
/// runs all servers, so that nothing crosses between threads.
#[derive(Debug)]
pub(super) struct Engine {
    /// By thread, the servers in the order of their sites.
    threads: Vec<Vec<Running>>,
    /// What tells how they are: for as long as this lives, unless another process or generation
    /// does so in its place.
    admin: Vec<Running>,
    /// What is served, in the order of the sites.
    parts: Vec<Part>,
    /// Those at the sockets of other workers, with the numbers of their places; none where that
    /// is taken again.
    covers: Vec<(Option<usize>, Vec<Running>)>,
}

impl Engine {
    /// Starts to serve each site at its share of sockets: in this thread, within a runtime, and
    /// in as many more as the settings of the first site say. What it bears adds to what the
    /// process bears already.
    pub(super) fn start(
        sites: Vec<Site>,
        shares: Vec<Share>,
        (loads, metrics): (&mut Loads, &Metrics),
    ) -> io::Result<Self> {
        let others = sites.first().map_or(0, |site| site.settings.worker_threads.saturating_sub(1));
        let loads = loads.of(&sites);
        let part = |(site, load)| Part { site, load };
        let parts: Vec<_> = sites.into_iter().zip(loads).map(part).collect();
        let kept = parts.clone();
        let (admin, work): (Vec<_>, Vec<_>) = parts.into_iter().zip(shares).partition(is_admin);
        let mut threads = Vec::new();
        for number in 1..=others {
            let duplicate = |(part, share): &(Part, Share)| {
                share.try_clone().map(|share| (part.clone(), share))
            };
            let work = work.iter().map(duplicate).collect::<io::Result<_>>()?;
            threads.push(start_thread(number, work, metrics.clone())?);
        }
        threads.push(start(work, metrics)?);
        // Nobody needs to know how often it was asked for numbers.
        let admin = start(admin, &Metrics::default())?;
        Ok(Self { threads, admin, parts: kept, covers: Vec::new() })
    }

    /// Serves at the sockets of another worker, too, in this thread.
    pub(super) fn cover(
        &mut self,
        slot: usize,
        shares: Vec<Share>,
        metrics: &Metrics,
    ) -> io::Result<()> {
        let parts = self.parts.iter().cloned().zip(shares);
        let (admin, work): (Vec<_>, Vec<_>) = parts.partition(is_admin);
        let mut servers = start(work, metrics)?;
        servers.extend(start(admin, &Metrics::default())?);
        self.covers.push((Some(slot), servers));
        Ok(())
    }

    /// Leaves the sockets of another worker to it, and ends their connections so that no request
    /// is lost.
    pub(super) fn uncover(&mut self, slot: usize, linger: Duration) {
        self.covers.retain(|(number, servers)| {
            number.is_some() || servers.iter().any(|server| server.connections() > 0)
        });
        for (number, servers) in &mut self.covers {
            if number.take_if(|number| *number == slot).is_some() {
                for server in servers.iter() {
                    drop(tokio::spawn(server.drain(linger)));
                }
            }
        }
    }

    /// Has the apps of other sites, one for each, answer from the next request on, and what they
    /// have encrypt the connections that begin from now on.
    pub(super) fn replace(&mut self, sites: &[Site]) {
        for (kept, site) in self.parts.iter_mut().zip(sites) {
            kept.site.app.clone_from(&site.app);
            kept.site.tls.clone_from(&site.tls);
        }
        let covers = self.covers.iter().map(|(_, servers)| servers);
        for servers in self.threads.iter().chain(covers) {
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
    /// [`Running::drain`]. What tells how all are goes on to say so, unless others serve in the
    /// place of this, and say it.
    pub(super) fn drain(
        &self,
        linger: Duration,
        is_relieved: bool,
    ) -> impl Future<Output = ()> + use<> {
        let admin = self.admin.iter().filter(|_| is_relieved);
        let servers = self.servers().chain(admin);
        let mut servers: JoinSet<()> = servers.map(|server| server.drain(linger)).collect();
        async move { while servers.join_next().await.is_some() {} }
    }

    /// Ends all connections, whatever they are at, and returns when they are closed and all their
    /// requests are logged and counted, or after half a second: whoever blocks a thread is not
    /// waited for.
    pub(super) fn cut(&self, metrics: &Metrics) -> impl Future<Output = ()> + use<> {
        let (closed, metrics) = (self.close(), metrics.clone());
        async move {
            let ended = async {
                closed.await;
                // Over HTTP/2 each request is a task of its own, which ends after its connection.
                while metrics.snapshot().in_flight() > 0 {
                    sleep(MOMENT).await;
                }
            };
            let _ = timeout(PATIENCE, ended).await;
        }
    }

    /// Ends all connections, whatever they are at, and returns when they are closed.
    pub(super) fn close(&self) -> impl Future<Output = ()> + use<> {
        let close = |server: &Running| {
            server.close();
            server.ended()
        };
        let mut servers: JoinSet<()> = self.servers().map(close).collect();
        async move { while servers.join_next().await.is_some() {} }
    }

    fn servers(&self) -> impl Iterator<Item = &Running> {
        let covers = self.covers.iter().flat_map(|(_, servers)| servers);
        self.threads.iter().flatten().chain(covers)
    }
}

/// A site, and what this process bears of it.
#[derive(Clone, Debug)]
struct Part {
    site: Site,
    load: Load,
}

fn is_admin((part, _): &(Part, Share)) -> bool {
    part.site.role == Role::Admin
}

fn start(work: Vec<(Part, Share)>, metrics: &Metrics) -> io::Result<Vec<Running>> {
    let start = |(Part { site, load }, share)| {
        let Site { app, tls, settings, name, .. } = site;
        let server = Server::new(share, settings)?.counted_by(metrics.meter(&name));
        Ok(server.encrypted_by(tls).sharing(load).start(app))
    };
    work.into_iter().map(start).collect()
}

/// Starts to serve in a thread of its own, which lives as long as connections do.
fn start_thread(
    number: u16,
    work: Vec<(Part, Share)>,
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
        if let Ok(runtime) = runtime() {
            runtime.block_on(serve);
        }
    };
    thread::Builder::new().name(format!("server-{number}")).spawn(serve)?;
    let failed = || io::Error::other("there is no room for the runtime of a thread");
    started.recv().map_err(|_| failed())?
}
