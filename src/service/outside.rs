//! What those outside of a server ask of it and see of it: the service manager, whoever asks at
//! its control socket, and whoever changes its files.

mod put_off;

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::control::{self, Control, Request};
use super::notify::Notifier;
use super::reload::{self, Asker, Reloads, log};
use super::status::{Listening, Member, Status};
use super::watch::Watch;
use super::{Order, Prepared, Role, Site};
use crate::registry::Registry;
use crate::server::Sockets;
use crate::source::{Snapshot, absolute, describe};

/// What is asked for from outside.
#[derive(Debug)]
pub(super) enum Asked {
    /// To serve what has been loaded anew, or to note that it is at fault. What follows is told
    /// by [`Outside::settle`].
    Change(Result<Box<Prepared>, String>),
    /// To tell how the server is.
    Status(oneshot::Sender<Status>),
    /// To tell the service manager that all is well, if it is.
    Watchdog,
}

/// What those outside of a server ask of it and see of it.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) notifier: Notifier,
    order: Arc<Order>,
    control: Control,
    reloads: Reloads,
    watchdog: Option<Interval>,
    /// None unless files that change are loaded anew.
    watch: Option<Watch>,
    /// The main file, absolute.
    file: PathBuf,
    /// The servers that are in force, without addresses.
    servers: Vec<Listening>,
    /// Those that have been loaded since.
    coming: Vec<Listening>,
    /// How many reloads have come into force.
    count: u64,
    /// Why the last one did not, if so.
    failure: Option<String>,
    /// Whether the server has been ready: until then nothing else says that it is. Nor does
    /// anything once no reload begins any more.
    ready: bool,
}

impl Outside {
    /// Begins to listen.
    pub(super) fn start(order: &Arc<Order>, registry: Registry, prepared: &Prepared) -> Self {
        let control = prepared.sites.first().and_then(|site| site.settings.control.as_deref());
        let role = if order.succeeds { control::Role::Successor } else { control::Role::First };
        let environment = &order.environment;
        let watchdog = environment.watchdog.map(|patience| {
            // Half of the time that is granted, as the service manager asks for.
            let half = (patience / 2).max(Duration::from_millis(1));
            let mut ticks = interval_at(Instant::now() + half, half);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Self {
            notifier: Notifier::new(environment.notify_socket.as_deref()),
            order: Arc::clone(order),
            control: Control::start(control, role, environment),
            reloads: Reloads::new(Arc::clone(order), Arc::new(registry)),
            watchdog,
            watch: order.watches.then(|| watch(&prepared.snapshot)).flatten(),
            file: absolute(&prepared.basis.file),
            servers: servers(prepared),
            coming: Vec::new(),
            count: 0,
            failure: None,
            ready: false,
        }
    }

    /// Listens at another path, or where servers are looked for if there is none, to be asked there
    /// later.
    pub(super) fn listen_at(&self, path: Option<&Path>) -> io::Result<Control> {
        Control::at(path, &self.order.environment)
    }

    /// Is asked at another place from now on.
    pub(super) fn is_asked_at(&mut self, control: Control) {
        self.control = control;
    }

    /// Waits for what is asked for next. The service manager is asked for more time meanwhile,
    /// where the end takes it.
    pub(super) async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                loaded = self.reloads.loaded() => {
                    self.coming = loaded.as_ref().map(servers).unwrap_or_default();
                    match (&mut self.watch, &loaded) {
                        (Some(watch), Ok(prepared)) => watch.look_at(&prepared.snapshot),
                        // What is at fault may be mended in a file that only the new text names.
                        (Some(watch), Err(failure)) => {
                            watch.look_at_more(failure.paths.iter().map(PathBuf::as_path));
                        }
                        (None, _) => {}
                    }
                    return Asked::Change(loaded.map(Box::new).map_err(|failure| failure.faults));
                }
                request = self.control.next() => match request {
                    Request::Reload(asker) => self.reload(Some(asker)),
                    Request::Status(asker) => return Asked::Status(asker),
                },
                () = until(self.notifier.due()) => self.notifier.look(Instant::now()),
                () = tick(&mut self.watchdog) => return Asked::Watchdog,
                () = changed(&mut self.watch) => {
                    tracing::info!("a file of the configuration has changed");
                    self.reload(None);
                }
            }
        }
    }

    /// Has the files loaded anew.
    pub(super) fn reload(&mut self, asker: Asker) {
        let was_under_way = self.reloads.is_under_way();
        self.reloads.ask(asker);
        if self.reloads.has_ended() {
            return;
        }
        if !self.reloads.is_under_way() {
            tracing::info!("the reload is put off until the upgrade has ended");
        } else if !was_under_way {
            self.begin_reload();
        }
    }

    /// All workers accept connections, for the first time.
    pub(super) fn is_ready(&mut self, status: &str) {
        self.control.take_place();
        self.ready = true;
        self.notifier.ready(status);
    }

    /// Whether a reload is under way.
    pub(super) fn is_reloading(&self) -> bool {
        self.reloads.is_under_way()
    }

    /// Tells all how a reload has ended.
    pub(super) fn settle(&mut self, result: &reload::Result) {
        log(result);
        match result {
            Ok(what) => {
                self.count += 1;
                self.servers = mem::take(&mut self.coming);
                self.failure = None;
                self.end_reload(what);
            }
            Err(faults) => {
                self.end_reload(&format!("not reloaded: {faults}"));
                self.failure = Some(faults.clone());
            }
        }
        self.reloads.settle(result);
        if self.reloads.is_under_way() {
            self.begin_reload();
        }
    }

    fn begin_reload(&self) {
        if self.ready && !self.reloads.has_ended() {
            self.notifier.reloading();
        }
    }

    fn end_reload(&self, status: &str) {
        if self.reloads.has_ended() {
            return;
        }
        if self.ready {
            self.notifier.ready(status);
        } else {
            self.notifier.status(status);
        }
    }

    /// How a server is that listens at these sockets and has these workers.
    pub(super) fn status(&self, sockets: &[Sockets], workers: Vec<Member>) -> Status {
        let addresses = |sockets: &Sockets| -> Vec<_> {
            sockets.endpoints().map(ToString::to_string).collect()
        };
        let listen = |(server, sockets): (&Listening, &Sockets)| Listening {
            addresses: addresses(sockets),
            ..server.clone()
        };
        Status {
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file: self.file.clone(),
            addresses: sockets.iter().flat_map(addresses).collect(),
            servers: self.servers.iter().zip(sockets).map(listen).collect(),
            reloads: self.count,
            failure: self.failure.clone(),
            // The sockets close first.
            stopping: sockets.is_empty(),
            workers,
            services: Vec::new(),
        }
    }
}

/// The servers of what was loaded, but the one that tells how the others are.
fn servers(prepared: &Prepared) -> Vec<Listening> {
    let sites = prepared.sites.iter().filter(|site| site.role == Role::App);
    let server = |site: &Site| Listening {
        server: site.server.clone(),
        app: site.name.clone(),
        addresses: Vec::new(),
    };
    sites.map(server).collect()
}

fn watch(snapshot: &Snapshot) -> Option<Watch> {
    let watch = Watch::new(snapshot);
    if let Err(error) = &watch {
        tracing::error!("files are not watched: {}", describe(error));
    }
    watch.ok()
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::config::{self, Config};
    use crate::graph::Input;
    use crate::program::Readings;
    use crate::service::{Basis, Environment};
    use crate::source::Sources;
    use crate::source::fixture::Directory;

    /// What a service manager hears, and of whom.
    struct Fixture {
        outside: Outside,
        manager: UnixDatagram,
        _directory: Directory,
    }

    impl Fixture {
        fn new() -> Self {
            let directory = Directory::new();
            let manager = UnixDatagram::bind(directory.join("notify")).unwrap();
            let environment = Environment {
                notify_socket: Some(directory.join("notify").into()),
                runtime_directory: Some(directory.to_owned()),
                ..Environment::default()
            };
            let order = Order { environment, ..Order::new(Input::new("no/such.ini")) };
            let (config, _) = Config::read(&config::Input::default(), &mut Sources::default());
            let nothing = Prepared {
                sites: Vec::new(),
                readings: Readings::default(),
                basis: Box::new(Basis { config, file: "no/such.ini".into() }),
                snapshot: Arc::default(),
                diagnostics: Vec::new(),
                sources: Sources::default(),
            };
            let outside = Outside::start(&Arc::new(order), Registry::builtin(), &nothing);
            Self { outside, manager, _directory: directory }
        }

        /// What it is told next.
        fn told(&self) -> String {
            let mut bytes = [0; 256];
            let length = self.manager.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        }
    }

    #[tokio::test]
    async fn no_reload_says_that_a_server_is_ready_before_its_workers_are() {
        let mut fixture = Fixture::new();
        fixture.outside.reload(None);
        fixture.outside.settle(&Err("a fault".to_owned()));
        assert_eq!(fixture.told(), "STATUS=not reloaded: a fault");
        fixture.outside.is_ready("ready");
        assert_eq!(fixture.told(), "READY=1\nSTATUS=ready");
        fixture.outside.reload(None);
        assert!(fixture.told().starts_with("RELOADING=1\n"));
        fixture.outside.settle(&Ok("new".to_owned()));
        assert_eq!(fixture.told(), "READY=1\nSTATUS=new");
    }

    #[tokio::test]
    async fn no_reload_says_that_a_server_is_ready_which_stops() {
        let mut fixture = Fixture::new();
        fixture.outside.is_ready("ready");
        fixture.outside.reload(None);
        fixture.outside.notifier.stopping();
        fixture.outside.end_reloads();
        fixture.outside.settle(&Err("the server stops".to_owned()));
        fixture.outside.reload(None);
        assert!(!fixture.outside.is_reloading());
        for start in ["READY=1\n", "RELOADING=1\n", "STOPPING=1\n", "EXTEND_TIMEOUT_USEC="] {
            assert!(fixture.told().starts_with(start), "{start}");
        }
        fixture.manager.set_nonblocking(true).unwrap();
        assert!(fixture.manager.recv(&mut [0]).is_err(), "that it stops is the last word");
    }
}
