//! How a connection ends because the server does not go on with it.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use hyper::rt::Write;
use hyper::server::conn::http1::Parts;

use super::{Served, State, refusal};
use crate::metrics::Refusal;
use crate::server::first_line::{self, Reach};
use crate::server::stream::Stream;

impl Served {
    /// Looks at the first line of a head of which much is there, and refuses a target that is too
    /// long; says whether there is more to do at once.
    pub(super) fn looks(&mut self, context: &mut Context<'_>) -> bool {
        let activity = self.entry.activity();
        if !activity.is_head_long() {
            return false;
        }
        // Else hyper has something left to write, or to remember: the head has to end as it will.
        if !activity.awaits_head() || !activity.is_flushed() || self.is_finishing {
            return true;
        }
        let http = match mem::replace(&mut self.state, State::Ended) {
            State::Http1(http) => http,
            other => {
                self.state = other;
                return false;
            }
        };
        let Parts { io: mut stream, read_buf, service: answerer, .. } = http.into_parts();
        let reach = first_line::reach(&read_buf, self.protocols.longest_target());
        self.state = if reach == Reach::TooLong {
            activity.ledger().refuse(Refusal::TargetSize, &read_buf, answerer.connection());
            tell(&mut stream, StatusCode::URI_TOO_LONG, context);
            activity.is_spared_head();
            State::Closing(stream)
        } else {
            stream.put_back(read_buf);
            if let Reach::Open(left) = reach {
                stream.watch_on(left);
            }
            State::Http1(self.protocols.http1(stream, answerer))
        };
        true
    }

    /// Closes the connection. If that is because the client took too long for a head, and not as
    /// the server ends, it is told so, if there is room in the buffers of the system for that.
    pub(super) fn close(&mut self, context: &mut Context<'_>) {
        let (mut stream, answerer, read) = match mem::replace(&mut self.state, State::Ended) {
            State::Http1(http) => {
                let parts = http.into_parts();
                (parts.io, parts.service, parts.read_buf)
            }
            State::Waiting { stream, answerer, .. } => {
                let read = Bytes::copy_from_slice(stream.beginning());
                (stream, answerer, read)
            }
            State::Http2(_, multiplexed) => {
                return multiplexed.account(self.entry.activity(), true);
            }
            State::Closing(_) | State::Upgraded(_) | State::Ended => return,
        };
        let activity = self.entry.activity();
        if activity.is_late() && activity.awaits_head() && !read.is_empty() {
            activity.ledger().refuse(Refusal::HeadTimeout, &read, answerer.connection());
            tell(&mut stream, StatusCode::REQUEST_TIMEOUT, context);
        }
    }

    /// Notes that a request was refused, if that is why the connection failed.
    pub(super) fn fail(&mut self, error: &hyper::Error) {
        let ledger = self.entry.activity().ledger();
        match mem::replace(&mut self.state, State::Ended) {
            State::Http1(http) => {
                let Some(refusal) = refusal::of_http1(error) else { return };
                let parts = http.into_parts();
                let head = if refusal::has_left_head(error) { &parts.read_buf[..] } else { &[] };
                ledger.refuse(refusal, head, parts.service.connection());
            }
            State::Http2(_, multiplexed) => {
                match refusal::of_http2(error) {
                    // What it was about is logged by itself, and nothing if that was nothing.
                    Some(Refusal::Http2Ping) => ledger.count(Refusal::Http2Ping),
                    Some(refusal) => ledger.refuse(refusal, &[], &multiplexed.connection),
                    None => {}
                }
            }
            _ => {}
        }
    }
}

/// Tells a client that its request is refused, if there is room in the buffers of the system.
fn tell(stream: &mut Stream, status: StatusCode, context: &mut Context<'_>) {
    // Where it fails, the client is gone.
    let _: Poll<io::Result<usize>> =
        Pin::new(stream).poll_write(context, &first_line::answer(status));
}
