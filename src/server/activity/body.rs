//! What becomes of the body of a request, which may come on when its response has left.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::{Activity, in_flight};

/// The body may still come: hyper takes for a part of it what does.
const COMES: u64 = 1;
/// Nobody asks for the rest of it any more, which hyper has yet to hear.
const DROPPED: u64 = 2;
/// Something is left of it that nobody has asked for.
const OWED: u64 = 4;
/// The response has ended before it.
const OUTLASTS: u64 = 8;
/// Nothing is to come any more that belongs to HTTP.
const OVER: u64 = 16;

/// Whose body it is stands above that, as the next request may begin before an app looks at the end
/// of the last one's.
const NUMBER: u64 = 32;

/// The number of a request, by which its body is told from those of others. It may wrap.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) struct Number(u64);

impl Activity {
    /// Notes that the request that has begun last has a body.
    pub(in crate::server) fn body_begins(&self) -> Number {
        let number = Number(self.begun());
        // Where requests share the connection, each has a stream of its own.
        if !self.is_multiplexed() {
            self.body.store((number.0 * NUMBER) | COMES, Relaxed);
        }
        number
    }

    /// Notes that hyper has given a body to its end, or will give no more of it.
    pub(in crate::server) fn body_ends(&self, number: Number) {
        // Either this sees that the response has ended, or its end sees this.
        if self.change(number, |body| body & !COMES) && in_flight(self.requests.load(SeqCst)) == 0 {
            self.wake();
        }
    }

    /// Notes that nobody asks for what is left of a body. hyper hears of that when it goes on: it
    /// takes what is there, of chunks one, and if that is not all, nothing more.
    pub(in crate::server) fn body_is_dropped(&self, number: Number) {
        if self.change(number, |body| body | DROPPED) {
            self.wake();
        }
    }

    /// Changes what is known of a body, if it is still to come.
    fn change(&self, number: Number, change: impl Fn(u64) -> u64) -> bool {
        let change = |body| {
            let is_meant = body / NUMBER == number.0 && body & COMES != 0;
            is_meant.then(|| change(body))
        };
        self.body.fetch_update(SeqCst, SeqCst, change).is_ok()
    }

    /// Notes that something of a body is still on its way that nobody wants.
    pub(in crate::server) fn is_spared_body(&self, number: Number) {
        let owed = |body| (body / NUMBER == number.0).then_some(body | OWED);
        // Else the next request has begun, and there was nothing.
        let _ = self.body.fetch_update(Relaxed, Relaxed, owed);
    }

    /// Notes that something of a head is still on its way that nobody wants.
    pub(in crate::server) fn is_spared_head(&self) {
        self.body.fetch_or(OWED, Relaxed);
    }

    /// Whether something of the body of the last request may still come.
    pub(in crate::server) fn is_body_to_come(&self) -> bool {
        self.body.load(SeqCst) & COMES != 0
    }

    /// Whether the client still has something to send of the body of the last request.
    pub(in crate::server) fn is_owed_body(&self) -> bool {
        self.body.load(Relaxed) & OWED != 0
    }

    /// Has hyper go on with its connection, and notes whether that has made an end of a body.
    pub(in crate::server) fn minding_body<T>(&self, go_on: impl FnOnce() -> T) -> T {
        let before = self.body.load(SeqCst);
        let done = go_on();
        let body = self.body.load(SeqCst);
        if body & (DROPPED | OUTLASTS) == 0 || body / NUMBER != before / NUMBER {
            return done;
        }
        // What was dropped meanwhile hyper may not have heard of.
        let number = Number(body / NUMBER);
        let has_ended =
            body & COMES == 0 || before & DROPPED != 0 && self.change(number, |body| body & !COMES);
        if has_ended && body & OUTLASTS != 0 {
            self.body.fetch_and(!(OUTLASTS | DROPPED), Relaxed);
            self.awaits_request();
        }
        done
    }

    /// Notes that no request is to come any more, whatever becomes of the body of the last one.
    pub(in crate::server) fn awaits_no_request(&self) {
        let over = |body| Some(body & OWED | OVER);
        let _ = self.body.fetch_update(Relaxed, Relaxed, over);
    }

    /// Notes that a response has ended, and says whether the body of its request has not.
    pub(super) fn response_is_outlasted(&self) -> bool {
        let is_outlasted = self.is_body_to_come();
        if is_outlasted {
            self.body.fetch_or(OUTLASTS, SeqCst);
        }
        is_outlasted
    }

    /// Whether what comes next belongs to the body of a request that is answered.
    pub(super) fn outlasts_response(&self) -> bool {
        self.body.load(Relaxed) & OUTLASTS != 0
    }

    /// Whether what comes next belongs to no head.
    pub(super) fn is_none_of_head(&self) -> bool {
        self.body.load(Relaxed) & (OUTLASTS | OVER) != 0
    }

    /// Notes that a body that outlasts its response, or that response, moves.
    pub(super) fn rest_moves(&self) {
        self.due_in(self.clock.keep_alive.max(self.clock.body));
    }
}
