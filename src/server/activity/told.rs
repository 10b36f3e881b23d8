//! What a connection is told to do, and how it hears it.

use std::sync::atomic::{Ordering, fence};
use std::task::Context;

use super::Activity;

impl Activity {
    /// Notes that somebody looks from now on when the connection may rest; false if somebody
    /// does already.
    pub(in crate::server) fn grow_restless(&self) -> bool {
        // A plain load first, as for nearly every request somebody does.
        !self.restless.load(Ordering::Relaxed) && !self.restless.swap(true, Ordering::Relaxed)
    }

    /// Notes that nobody looks any more, and tells the connection to rest if it is idle.
    pub(in crate::server) fn settle(&self) {
        self.restless.store(false, Ordering::Relaxed);
        if self.is_idle() {
            self.rest.store(true, Ordering::Relaxed);
            self.wake();
        }
    }

    /// Whether it is told to rest, which it hears once.
    pub(in crate::server) fn is_to_rest(&self) -> bool {
        self.rest.load(Ordering::Relaxed) && self.rest.swap(false, Ordering::Relaxed)
    }

    /// Tells the connection to end with its next response. Until one is asked for, it lives on.
    pub(in crate::server) fn leave(&self) {
        self.leave.store(true, Ordering::Release);
        if self.is_multiplexed() {
            self.wake();
        }
    }

    /// Tells the connection to end with the request that it is at, or at once if there is none.
    pub(in crate::server) fn finish(&self) {
        self.finish.store(true, Ordering::Release);
        self.wake();
    }

    /// Tells the connection to end at once.
    pub(in crate::server) fn close(&self) {
        self.close.store(true, Ordering::Release);
        self.wake();
    }

    /// Has the connection hear what it was told: it comes to listen before it looks, and here it
    /// is told before anybody looks whether it listens.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Has the task of the connection woken when it is told something.
    pub(in crate::server) fn listen(&self, context: &Context<'_>) {
        if self.waker.get().is_none() {
            self.waker.get_or_init(|| context.waker().clone());
            fence(Ordering::SeqCst);
        }
    }

    /// Whether it is told to end with its next response.
    pub(in crate::server) fn is_to_leave(&self) -> bool {
        self.leave.load(Ordering::Acquire)
    }

    /// Whether it is told to end with the request that it is at.
    pub(in crate::server) fn is_to_finish(&self) -> bool {
        self.finish.load(Ordering::Acquire)
    }

    /// Whether it is told to end at once.
    pub(in crate::server) fn is_to_close(&self) -> bool {
        self.close.load(Ordering::Acquire)
    }
}
