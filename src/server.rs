//! Serves an app over sockets: listeners, connections, and their end.

mod address;
mod answer;
mod connection;
mod drain;
mod listener;
mod settings;
#[cfg(test)]
mod tests;

pub use self::address::{Address, Addresses, Host, InvalidAddress};
pub use self::listener::BindError;
pub use self::settings::Settings;

use std::net::SocketAddr;

use self::connection::Connections;
use self::drain::Drain;
use self::listener::Listener;
use crate::app::App;

/// A server that listens and does not accept connections yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    settings: Settings,
}

impl Server {
    /// Listens at every address of the settings.
    ///
    /// # Errors
    ///
    /// The first address that cannot be listened at. Of the addresses that one name stands for,
    /// those that this machine does not have are passed over with a warning, if there are others.
    pub async fn bind(settings: Settings) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        for address in settings.addresses() {
            listeners.extend(Listener::bind(&address, settings.backlog).await?);
        }
        Ok(Self { listeners, settings })
    }

    /// The addresses listened at, with the ports that the system has chosen where 0 was asked for.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(Listener::address)
    }

    /// Accepts connections from now on, and has the app answer their requests.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self, app: App) -> Running {
        let drain = Drain::new();
        let connections = Connections::new(app, &self.settings, drain.watch());
        for listener in self.listeners {
            tokio::spawn(accept(listener, connections.clone()));
        }
        Running(drain)
    }
}

/// Accepts connections until the server ends, and drops the listener then, so that new ones are
/// refused.
async fn accept(mut listener: Listener, mut connections: Connections) {
    loop {
        tokio::select! {
            // In this order, so that those which have connected already are not reset.
            biased;
            (stream, peer) = listener.accept() => connections.serve(stream, peer),
            () = connections.ending() => return,
        }
    }
}

/// A server that accepts connections and answers requests. When this is dropped, the server
/// ends as it does by [`end`](Self::end), and nobody waits for it.
#[derive(Debug)]
pub struct Running(Drain);

impl Running {
    /// Ends the server: refuses new connections, closes those that wait for a request, lets every
    /// request that has begun finish, for as long as it takes, and returns when the last
    /// connection has closed.
    pub async fn end(self) {
        self.0.end().await;
    }
}
