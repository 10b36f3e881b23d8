//! A server that serves, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::current::Current;
use super::entrance::Entrance;
use super::roster::Roster;
use super::tls::Tls;
use crate::app::App;

/// A server that accepts connections and answers requests. When this is dropped, the server
/// ends as it does by [`end`](Self::end), and nobody waits for it.
///
/// It may be told things from any thread.
#[derive(Debug)]
pub struct Running {
    pub(super) app: Current,
    pub(super) entrance: Arc<Entrance>,
    pub(super) roster: Arc<Roster>,
}

impl Running {
    /// Has another app answer, from the next request on. Requests that have begun are finished
    /// by the app that they began with, and no connection closes.
    pub fn replace(&self, app: App) {
        self.app.replace(app);
    }

    /// Has connections encrypted by something else that begin from now on. Those that are open go
    /// on as they began.
    pub fn encrypt_by(&self, tls: Option<Tls>) {
        self.entrance.replace(tls);
    }

    /// Refuses new connections, and has those that are open end with their next response, which
    /// tells the client so. One that waits for a request lives on: to close it now could cross
    /// with a request that is on its way, and that would be lost.
    pub fn leave(&self) {
        self.roster.leave();
    }

    /// Refuses new connections, closes those that wait for a request and lets every request that
    /// has begun finish.
    pub fn finish(&self) {
        self.roster.finish();
    }

    /// Closes all connections, whatever they are at, and refuses new ones.
    pub fn close(&self) {
        self.roster.close();
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.roster.len()
    }

    /// Ends the server so that no request is lost, and returns when the last connection has
    /// closed: connections end with their next response first, as by [`leave`](Self::leave), and
    /// those that still wait for a request after a while are closed then. Requests take as long
    /// as they do.
    pub fn drain(&self, linger: Duration) -> impl Future<Output = ()> + use<> {
        self.leave();
        let roster = Arc::clone(&self.roster);
        async move {
            if timeout(linger, roster.emptied()).await.is_err() {
                roster.finish();
                roster.emptied().await;
            }
        }
    }

    /// Waits until the server was told to end, by any of the above, and the last connection has
    /// closed.
    pub fn ended(&self) -> impl Future<Output = ()> + use<> {
        let roster = Arc::clone(&self.roster);
        async move { roster.emptied().await }
    }

    /// Ends the server: refuses new connections, closes those that wait for a request, lets every
    /// request that has begun finish, for as long as it takes, and returns when the last
    /// connection has closed.
    pub async fn end(self) {
        self.finish();
        self.ended().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.finish();
    }
}
