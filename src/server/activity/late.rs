//! What a client is late with, and what follows from it.

use std::sync::atomic::Ordering;

use super::{Activity, in_flight};
use crate::metrics::Refusal;
use crate::server::clock::Clock;

impl Activity {
    /// Looks whether the client is late with anything, and ends what it is late with.
    pub(in crate::server) fn check(&self) {
        if self.is_upgraded() {
            self.check_upgraded();
        } else if self.writing.is_over(&self.clock) {
            self.ledger.count(Refusal::WriteTimeout);
            self.close();
        } else if self.is_late() && !self.is_answering() {
            self.give_up();
        }
        self.paces().iter().for_each(|paced| paced.pace().check(&self.clock));
    }

    /// Ends a connection that goes on in another protocol, some time after the server is to end.
    fn check_upgraded(&self) {
        if !self.is_to_leave() && !self.is_to_finish() {
            return;
        }
        if self.deadline.load(Ordering::Relaxed) == Clock::NEVER {
            self.due_in(self.clock.upgraded);
        }
        if self.is_late() {
            self.close();
        }
    }

    /// Whether a request is being answered. Then no head is waited for, whatever the deadline says:
    /// where threads share the connection, the end of one request may be noted after the beginning
    /// of the next.
    pub(in crate::server) fn is_answering(&self) -> bool {
        in_flight(self.requests.load(Ordering::Relaxed)) > 0
    }

    /// Whether the client is late with a head.
    pub(in crate::server) fn is_late(&self) -> bool {
        self.clock.has_passed(self.deadline.load(Ordering::Relaxed))
    }

    /// Ends a connection whose client is late. Where requests share it, a client that has asked for
    /// anything is told first to open no more of them, as that may cross with one on its way.
    fn give_up(&self) {
        if self.is_multiplexed() && self.begun() > 0 && !self.is_to_leave() {
            self.due_in(self.clock.head);
            self.leave();
        } else {
            self.close();
        }
    }
}
