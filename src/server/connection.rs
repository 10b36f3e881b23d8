//! One connection, from its first byte to its last, in either protocol.

mod multiplexed;
mod refusal;
mod refusing;

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::Write;
use hyper::server::conn::http1::Parts;
use hyper_util::rt::TokioIo;

use self::multiplexed::Multiplexed;
use super::answer::Answerer;
use super::protocol::{Http1Connection, Http2Connection, Protocol, Protocols};
use super::roster::Entry;
use super::stream::Stream;
use crate::app::Going;

/// A connection that is being served.
pub(super) struct Served {
    state: State,
    entry: Entry,
    protocols: Arc<Protocols>,
    /// Whether it has heard that it is to end with the requests that it is at.
    is_finishing: bool,
}

/// What a connection is at.
enum State {
    /// All is said, and the client is heard to its end.
    Closing(Stream),
    Ended,
    Http1(Box<Http1Connection>),
    Http2(Box<Http2Connection>, Multiplexed),
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
                Poll::Pending if this.looks(context) || this.rests() => {}
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
    /// A connection of which as much is known of its protocol.
    pub(super) fn new(
        (stream, answerer, protocol): (Stream, Answerer, Protocol),
        entry: Entry,
        protocols: Arc<Protocols>,
    ) -> Self {
        let state = State::Waiting { stream, answerer, protocol };
        Self { state, entry, protocols, is_finishing: false }
    }

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
                // To close a connection with a request in it would lose that.
                Poll::Pending if self.entry.activity().is_to_finish() && !stream.has_unread() => {
                    break None;
                }
                Poll::Pending => return Poll::Pending,
            }
        };
        self.state = match (std::mem::replace(&mut self.state, State::Ended), told) {
            (State::Waiting { mut stream, answerer, .. }, Some(Protocol::Http2)) => {
                let connection = Arc::clone(answerer.connection());
                let multiplexed = Multiplexed { connection, frames: stream.multiplex() };
                State::Http2(self.protocols.http2(stream, answerer), multiplexed)
            }
            (State::Waiting { mut stream, answerer, .. }, Some(_)) => {
                stream.watch_first_lines(self.protocols.longest_target());
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
                let polled = activity.minding_body(|| Pin::new(&mut **http).poll(context));
                // Not earlier: what has arrived by now is to be answered.
                if polled.is_pending() && activity.is_to_finish() && !self.is_finishing {
                    self.is_finishing = true;
                    Pin::new(&mut **http).graceful_shutdown();
                    return activity.minding_body(|| Pin::new(&mut **http).poll(context));
                }
                polled
            }
            State::Http2(http, multiplexed) => {
                // The client is told to open no more streams. Those that it has opened by then
                // are answered, so this loses nothing however early it comes.
                let is_to_finish = activity.is_to_leave() || activity.is_to_finish();
                if is_to_finish && !self.is_finishing {
                    self.is_finishing = true;
                    Pin::new(&mut **http).graceful_shutdown();
                }
                let polled = Pin::new(&mut **http).poll(context);
                multiplexed.account(activity, polled.is_ready());
                polled
            }
            State::Closing(stream) => {
                // Where it fails, the client is gone.
                let _: io::Result<()> = ready!(Pin::new(stream).poll_shutdown(context));
                Poll::Ready(Ok(()))
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
                if !read_buf.is_empty() {
                    // The beginning of a head has come along with the request before.
                    activity.has_read();
                }
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
}
