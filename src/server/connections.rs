//! How connections begin: who is let in, and by which protocol it is served.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use super::answer::{Answerer, Rules};
use super::connection::Served;
use super::current::Current;
use super::entrance::{Entered, Entrance, TOO_MANY, canonical};
use super::protocol::Protocols;
use super::roster::{Entry, Roster};
use super::socket::Socket;
use super::stream::Stream;
use crate::app::Connection;

/// Serves connections, all in the same way.
#[derive(Debug)]
pub(super) struct Connections {
    pub(super) app: Current,
    pub(super) entrance: Arc<Entrance>,
    pub(super) rules: Rules,
    pub(super) protocols: Arc<Protocols>,
    pub(super) roster: Arc<Roster>,
}

impl Connections {
    /// Serves a connection in a task of its own, until it ends by itself or the server does.
    pub(super) fn serve(self: &Arc<Self>, socket: Socket, peer: Option<SocketAddr>) {
        let local = socket.prepare();
        let peer = peer.map(canonical);
        let connection = Connection { peer, local, ..Connection::default() };
        // All of a load balancer's connections come from one address. It tells their clients'.
        let is_passed_on = self.entrance.is_proxy(&connection);
        let address = peer.map(|peer| peer.ip()).filter(|_| !is_passed_on);
        let entry = match self.roster.enter(address) {
            Ok(entry) => entry,
            Err(refusal) => {
                self.roster.ledger().log(refusal, &[], &connection);
                // Before anything is agreed on, nothing can be said.
                if self.entrance.is_open() {
                    socket.refuse(TOO_MANY);
                }
                return;
            }
        };
        if self.entrance.is_open() {
            let entered = Entered { socket, connection, tls: None };
            tokio::spawn(self.begin(entered, entry));
        } else {
            tokio::spawn(Arc::clone(self).enter(socket, connection, entry));
        }
    }

    /// Takes what comes before the first request, and answers requests then.
    async fn enter(self: Arc<Self>, socket: Socket, connection: Connection, mut entry: Entry) {
        let activity = Arc::clone(entry.activity());
        let client = connection.peer;
        activity.enters();
        let admit = |connection: &Connection| {
            let told = connection.peer.filter(|told| Some(*told) != client);
            told.map_or(Ok(()), |told| entry.count_for(told.ip())).inspect_err(|refusal| {
                activity.ledger().log(*refusal, &[], connection);
            })
        };
        let entered = {
            let mut entering = pin!(self.entrance.pass(socket, connection, admit));
            let entered = poll_fn(|context| {
                activity.listen(context);
                if activity.is_to_close() || activity.is_to_finish() {
                    return Poll::Ready(None);
                }
                entering.as_mut().poll(context).map(Some)
            });
            entered.await
        };
        match entered {
            Some(Ok(entered)) => {
                activity.has_entered();
                self.begin(entered, entry).await;
            }
            Some(Err(refused)) => entry.activity().ledger().turn_away(&refused, client),
            None => {}
        }
    }

    fn begin(&self, entered: Entered, entry: Entry) -> Served {
        let Entered { socket, connection, tls } = entered;
        let activity = entry.activity();
        let protocol = match &connection.encryption {
            Some(encryption) => Protocols::agreed(encryption.protocol.as_deref()),
            None => self.protocols.in_clear(),
        };
        let stream = Stream::new(socket, Arc::clone(activity));
        let (app, guard) = (self.app.clone(), self.rules.guard.of(tls));
        let rules = Rules { guard, ..self.rules.clone() };
        let answerer = Answerer::new(app, rules, connection, Arc::clone(activity));
        Served::new((stream, answerer, protocol), entry, Arc::clone(&self.protocols))
    }
}
