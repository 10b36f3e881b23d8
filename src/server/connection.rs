//! One connection, from its first byte to its last, in either protocol.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::Write;
use hyper::server::conn::http1::Parts;
use hyper_util::rt::TokioIo;

use super::answer::{Answerer, Rules};
use super::current::Current;
use super::entrance::{Entered, Entrance};
use super::protocol::{Http1Connection, Http2Connection, Protocol, Protocols};
use super::roster::{Entry, Roster};
use super::socket::Socket;
use super::stream::Stream;
use crate::app::{Connection, Going};
use crate::metrics::Refusal;

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
        // A socket for both kinds of addresses shows IPv4 clients as `::ffff:192.0.2.1`.
        let peer = peer.map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        let connection = Connection { peer, local, ..Connection::default() };
        // All of a load balancer's connections come from one address.
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
    async fn enter(self: Arc<Self>, socket: Socket, connection: Connection, entry: Entry) {
        let activity = entry.activity();
        let client = connection.peer;
        let mut entering = pin!(self.entrance.pass(socket, connection));
        let entered = poll_fn(|context| {
            activity.listen(context);
            if activity.is_to_close() || activity.is_to_finish() {
                return Poll::Ready(None);
            }
            entering.as_mut().poll(context).map(Some)
        });
        match entered.await {
            Some(Ok(entered)) => self.begin(entered, entry).await,
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
        let state = State::Waiting { stream, answerer, protocol };
        Served { state, entry, protocols: Arc::clone(&self.protocols), is_finishing: false }
    }
}

/// A connection that is being served.
struct Served {
    state: State,
    entry: Entry,
    protocols: Arc<Protocols>,
    /// Whether it has heard that it is to end with the requests that it is at.
    is_finishing: bool,
}

/// What a connection is at.
enum State {
    Ended,
    Http1(Box<Http1Connection>),
    Http2(Box<Http2Connection>),
    /// It goes on in another protocol.
    Upgraded(Going),
    /// Nothing has come yet, or too little to tell the protocol.
    Waiting {
        stream: Stream,
        answerer: Answerer,
        protocol: Protocol,
    },
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.entry.activity().listen(context);
        if this.entry.activity().is_to_close() {
            this.close(context);
            return Poll::Ready(());
        }
        let ended = loop {
            if let State::Waiting { .. } = &this.state {
                ready!(this.poll_beginning(context));
            }
            match this.poll_requests(context) {
                Poll::Ready(ended) => break ended,
                Poll::Pending if this.rests() => {}
                Poll::Pending => return Poll::Pending,
            }
        };
        if let Err(error) = ended {
            // The client's doing in all likelihood: it left, or what it sent is not HTTP.
            tracing::debug!(error = &error as &dyn Error, "a connection failed");
            this.fail(&error);
        }
        this.upgrade();
        if let State::Upgraded(going) = &mut this.state {
            ready!(going.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

impl Served {
    /// Waits until it is known what protocol the connection speaks, or that it ends.
    fn poll_beginning(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::Waiting { stream, protocol, .. } = &mut self.state else {
            return Poll::Ready(());
        };
        let told = loop {
            if !stream.beginning().is_empty() && *protocol == Protocol::Http1 {
                break Some(Protocol::Http1);
            }
            match stream.poll_beginning(context) {
                Poll::Ready(Ok(1..)) => {
                    if let Some(told) = protocol.told_by(stream.beginning()) {
                        break Some(told);
                    }
                }
                // What has begun is left to hyper, which says what is wrong with it.
                Poll::Ready(Ok(0)) if !stream.beginning().is_empty() => {
                    break Some(Protocol::Http1);
                }
                Poll::Ready(Ok(0) | Err(_)) => break None,
                Poll::Pending if self.entry.activity().is_to_finish() => break None,
                Poll::Pending => return Poll::Pending,
            }
        };
        self.state = match (std::mem::replace(&mut self.state, State::Ended), told) {
            (State::Waiting { stream, answerer, .. }, Some(Protocol::Http2)) => {
                self.entry.activity().multiplex();
                State::Http2(self.protocols.http2(stream, answerer))
            }
            (State::Waiting { stream, answerer, .. }, Some(_)) => {
                State::Http1(self.protocols.http1(stream, answerer))
            }
            _ => State::Ended,
        };
        Poll::Ready(())
    }

    /// Answers requests until there are to be no more.
    fn poll_requests(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let activity = self.entry.activity();
        match &mut self.state {
            State::Http1(http) => {
                if activity.is_to_finish() && !self.is_finishing {
                    self.is_finishing = true;
                    Pin::new(&mut **http).graceful_shutdown();
                }
                Pin::new(&mut **http).poll(context)
            }
            State::Http2(http) => {
                // The client is told to open no more streams. Those that it has opened by then
                // are answered, so this loses nothing however early it comes.
                let is_to_finish = activity.is_to_leave() || activity.is_to_finish();
                if is_to_finish && !self.is_finishing {
                    self.is_finishing = true;
                    Pin::new(&mut **http).graceful_shutdown();
                }
                Pin::new(&mut **http).poll(context)
            }
            State::Waiting { .. } | State::Upgraded(_) | State::Ended => Poll::Ready(Ok(())),
        }
    }

    /// Goes on in another protocol, if the last response has said so.
    fn upgrade(&mut self) {
        let State::Http1(_) = &self.state else { return };
        let activity = self.entry.activity();
        // hyper has let go of what it could not write. The client has not heard the last response
        // then, and would take what follows for it.
        let tunnel = activity.is_flushed().then(|| activity.upgrade()).flatten();
        if let (Some(tunnel), State::Http1(http)) =
            (tunnel, std::mem::replace(&mut self.state, State::Ended))
        {
            let Parts { io: mut stream, read_buf, .. } = http.into_parts();
            stream.put_back(read_buf);
            let going = tunnel.begin(Box::new(TokioIo::new(stream)));
            self.state = going.map_or(State::Ended, State::Upgraded);
        }
    }

    /// Gives back what hyper holds of memory, if the connection is told to as it has waited a
    /// moment for a request; else has it told then.
    fn rests(&mut self) -> bool {
        let activity = self.entry.activity();
        if !activity.is_idle() || self.is_finishing || activity.is_multiplexed() {
            return false;
        }
        if !activity.is_to_rest() {
            self.entry.grow_restless();
            return false;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Http1(http) => {
                let Parts { io: mut stream, read_buf, service: answerer, .. } = http.into_parts();
                stream.put_back(read_buf);
                self.state = State::Waiting { stream, answerer, protocol: Protocol::Http1 };
                true
            }
            other => {
                self.state = other;
                false
            }
        }
    }

    /// Closes the connection. If that is because the client took too long for a head, it is told
    /// so, if there is room in the buffers of the system for that.
    fn close(&mut self, context: &mut Context<'_>) {
        let (mut stream, answerer, read) = match std::mem::replace(&mut self.state, State::Ended) {
            State::Http1(http) => {
                let parts = http.into_parts();
                (parts.io, parts.service, parts.read_buf)
            }
            State::Waiting { stream, answerer, .. } => {
                let read = Bytes::copy_from_slice(stream.beginning());
                (stream, answerer, read)
            }
            State::Http2(_) | State::Upgraded(_) | State::Ended => return,
        };
        let activity = self.entry.activity();
        if activity.awaits_head() && !read.is_empty() {
            activity.ledger().refuse(Refusal::HeadTimeout, &read, answerer.connection());
            // Where it fails, the client is gone.
            let _: Poll<io::Result<usize>> = Pin::new(&mut stream).poll_write(context, TOO_LATE);
        }
    }

    /// Notes that a request was refused, if that is why the connection failed.
    fn fail(&mut self, error: &hyper::Error) {
        let State::Http1(http) = std::mem::replace(&mut self.state, State::Ended) else { return };
        let refusal = match error {
            error if error.is_parse_too_large() => Refusal::HeadSize,
            error if error.is_parse() => Refusal::Malformed,
            _ => return,
        };
        let parts = http.into_parts();
        let connection = parts.service.connection();
        self.entry.activity().ledger().refuse(refusal, &parts.read_buf, connection);
    }
}

/// What a client is told that takes too long for a head; without a body, as it is late anyway.
const TOO_LATE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a client is told for whom there is no room.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-length: 0\r\n\r\n";
