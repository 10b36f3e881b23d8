//! Serves an app over sockets: listeners, connections, and their end.

mod account;
mod activity;
mod address;
mod answer;
mod backlog;
mod bind;
mod connection;
mod endpoint;
mod inherited;
mod listener;
mod opening;
mod roster;
mod settings;
mod share;
mod socket_file;
mod sockets;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod unix_name;

pub use self::account::{Account, Mode, Owner};
pub use self::address::{Address, Host, InvalidAddress};
pub use self::bind::BindError;
pub use self::endpoint::Endpoint;
pub use self::inherited::Inherited;
pub use self::settings::Settings;
pub use self::share::{Place, Share};
pub use self::sockets::Sockets;
pub use self::unix_name::UnixName;

use std::io;
use std::sync::Arc;

use self::activity::Clock;
use self::connection::{Connections, KeepAlive};
use self::listener::Listener;
use self::roster::{Roster, Watch};
use crate::app::App;

/// A server that listens and does not accept connections yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    settings: Settings,
}

impl Server {
    /// A server at the sockets of its share.
    ///
    /// # Errors
    ///
    /// The runtime has no room for a socket.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn new(share: Share, settings: Settings) -> io::Result<Self> {
        let listen = |(place, socket): (Place, _)| Listener::new(place.endpoint, socket);
        let listeners = share.sockets.into_iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self { listeners, settings })
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
        let Settings { head_timeout, keep_alive_timeout, .. } = self.settings;
        let roster = Roster::start(Clock::new(head_timeout.0, keep_alive_timeout.0));
        let keep_alive =
            if keep_alive_timeout.0.is_zero() { KeepAlive::No } else { KeepAlive::Yes };
        let connections = Arc::new(Connections::new(app, Arc::clone(&roster), keep_alive));
        for listener in self.listeners {
            tokio::spawn(accept(listener, Arc::clone(&connections), roster.watch()));
        }
        Running(roster)
    }
}

/// Accepts connections until the server ends, and drops the listener then, so that new ones are
/// refused.
async fn accept(mut listener: Listener, connections: Arc<Connections>, mut watch: Watch) {
    loop {
        tokio::select! {
            // In this order, so that those which have connected already are not reset.
            biased;
            (socket, peer) = listener.accept() => connections.serve(socket, peer),
            () = watch.ending() => return,
        }
    }
}

/// A server that accepts connections and answers requests. When this is dropped, the server
/// ends as it does by [`end`](Self::end), and nobody waits for it.
#[derive(Debug)]
pub struct Running(Arc<Roster>);

impl Running {
    /// Ends the server: refuses new connections, closes those that wait for a request, lets every
    /// request that has begun finish, for as long as it takes, and returns when the last
    /// connection has closed.
    pub async fn end(self) {
        self.0.finish();
        self.0.emptied().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.finish();
    }
}
