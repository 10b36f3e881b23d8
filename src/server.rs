//! Serves an app over sockets: listeners, connections, and their end.

mod account;
mod activity;
mod address;
mod answer;
mod answered;
mod backlog;
mod bind;
mod claims;
mod clock;
mod connection;
mod connections;
mod crumbs;
mod current;
mod direct;
mod endpoint;
mod entrance;
mod farewell;
mod first_line;
mod framed;
mod framing;
mod gate;
mod guard;
mod head;
mod hearing;
mod host;
mod inherited;
mod ledger;
mod limits;
mod listener;
mod load;
mod meeting;
mod nominated;
mod opening;
mod pace;
mod passage;
mod path;
mod protocol;
mod proxy_header;
mod received;
mod restless;
mod roster;
mod running;
mod scan;
mod seldom;
mod settings;
mod share;
mod socket;
mod socket_file;
mod sockets;
mod stream;
mod streams;
mod taking;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod unheard;
mod unix_name;

pub use self::account::{Account, Mode, Owner};
pub use self::address::{Address, Host, InvalidAddress};
pub use self::bind::BindError;
pub use self::endpoint::Endpoint;
pub use self::gate::{Gate, Names};
pub use self::head::Fault;
pub use self::host::is_host;
pub use self::inherited::Inherited;
pub use self::load::Load;
pub use self::path::{Leave, Paths, Rule};
pub use self::protocol::Http2;
pub use self::proxy_header::{LONGEST as LONGEST_PROXY_HEADER, NoHeader, ProxyHeader, Step};
pub use self::running::Running;
pub use self::settings::Settings;
pub use self::share::{Place, Share};
pub(crate) use self::socket_file::{Access, SocketFile};
pub use self::sockets::Sockets;
pub use self::tls::{
    Ciphers, ClientAuth, TICKET_PERIOD, TicketKeys, Tickets, Tls, UnknownName, Version,
};
pub use self::unix_name::UnixName;

use std::io;
use std::sync::Arc;

use self::answer::Rules;
use self::clock::Clock;
use self::connections::Connections;
use self::current::Current;
use self::entrance::Entrance;
use self::guard::Guard;
use self::ledger::Ledger;
use self::limits::Limits;
use self::listener::Listener;
use self::protocol::Protocols;
use self::roster::{Roster, Watch};
use crate::app::App;
use crate::metrics::Meter;

/// A server that listens and does not accept connections yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    settings: Settings,
    tls: Option<Tls>,
    ledger: Ledger,
}

impl Server {
    /// A server at the sockets of its share, which listen from now on if they have not before.
    ///
    /// # Errors
    ///
    /// The runtime has no room for a socket, somebody else listens at its address, or the access
    /// log cannot be opened.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(share: Share, settings: Settings) -> io::Result<Self> {
        // First what else may fail: a socket that has listened may have let a client in.
        let ledger = Ledger::open(&settings)?;
        let listen = |(place, socket): (Place, _)| {
            place.listen(&socket, &settings)?;
            Listener::new(place.endpoint, socket)
        };
        let listeners = share.sockets.into_iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self { listeners, settings, tls: None, ledger })
    }

    /// Has what becomes of connections and requests counted by a meter.
    #[must_use]
    pub fn counted_by(mut self, meter: Arc<Meter>) -> Self {
        self.ledger.meter = meter;
        self
    }

    /// Has connections encrypted by what was read for the settings, if it was anything.
    #[must_use]
    pub fn encrypted_by(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// Has its limits hold for all servers together that share a load, and be what is left for one
    /// of the servers of a process where its settings do not say.
    #[must_use]
    pub fn sharing(mut self, load: Load) -> Self {
        self.ledger.load = load;
        self
    }

    /// Where it listens, with the ports that the system has chosen where 0 was asked for.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.listeners.iter().map(Listener::endpoint)
    }

    /// Accepts connections from now on, and has the app answer their requests.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self, app: App) -> Running {
        let limits = Arc::new(Limits::new(&self.settings, self.ledger.load.servers()));
        let clock = Clock::new(&self.settings);
        let roster = Roster::start(clock, self.ledger, Arc::clone(&limits));
        let app = Current::new(app);
        let rules = Rules {
            gate: Arc::new(Gate::new(&self.settings)),
            guard: Guard::new(&self.settings),
            limits,
        };
        let entrance = Arc::new(Entrance::new(&self.settings, self.tls));
        let connections = Arc::new(Connections {
            app: app.clone(),
            entrance: Arc::clone(&entrance),
            rules,
            protocols: Arc::new(Protocols::new(self.settings)),
            roster: Arc::clone(&roster),
        });
        for listener in self.listeners {
            tokio::spawn(accept(listener, Arc::clone(&connections), roster.watch()));
        }
        Running { app, entrance, roster }
    }
}

/// Accepts connections until the server ends, and closes the socket then, so that new ones are
/// refused.
async fn accept(mut listener: Listener, connections: Arc<Connections>, mut watch: Watch) {
    loop {
        tokio::select! {
            (socket, peer) = listener.accept() => connections.serve(socket, peer),
            () = watch.leaving() => break,
        }
    }
    listener.close().for_each(|(socket, peer)| connections.serve(socket, peer));
}
