//! The least pace at which a client sends what it is to send, or takes what it is to take.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use super::activity::Activity;
use super::clock::Clock;

/// The least pace at which a client must send or take bytes while it is waited for: so many in
/// so long a time. A limit to the whole time would end good clients that have much to send, and
/// one between two bytes would let bad ones send a byte at a time.
///
/// The time that others take is not counted: it runs only while the client is waited for.
#[derive(Debug)]
pub(super) struct Pace {
    ticks: u32,
    least: usize,
    /// When the client must have moved enough; [`Clock::NEVER`] if it has not been waited for.
    deadline: AtomicU32,
    /// How much it has moved since that was set.
    moved: AtomicUsize,
    waits: AtomicBool,
    /// Since when it has not been waited for.
    rested: AtomicU32,
    late: AtomicBool,
    /// Who waits.
    waker: Mutex<Option<Waker>>,
}

impl Pace {
    /// A pace of so many bytes in so many ticks.
    pub(super) fn new(least: usize, ticks: u32) -> Self {
        Self {
            ticks,
            least,
            deadline: AtomicU32::new(Clock::NEVER),
            moved: AtomicUsize::new(0),
            waits: AtomicBool::new(false),
            rested: AtomicU32::new(0),
            late: AtomicBool::new(false),
            waker: Mutex::default(),
        }
    }

    /// Notes that the client is waited for from now on.
    pub(super) fn wait(&self, clock: &Clock) {
        if self.waits.swap(true, Ordering::Relaxed) {
            return;
        }
        let deadline = self.deadline.load(Ordering::Relaxed);
        if deadline == Clock::NEVER {
            self.moved.store(0, Ordering::Relaxed);
            self.deadline.store(clock.after(self.ticks), Ordering::Relaxed);
        } else {
            let rested = clock.since(self.rested.load(Ordering::Relaxed));
            self.deadline.store(deadline.saturating_add(rested), Ordering::Relaxed);
        }
    }

    /// Notes that the client is not waited for any more.
    pub(super) fn rest(&self, clock: &Clock) {
        if self.waits.swap(false, Ordering::Relaxed) {
            self.rested.store(clock.after(0), Ordering::Relaxed);
        }
    }

    /// Notes that the client has moved so many bytes, so that it is not waited for any more.
    pub(super) fn moves(&self, bytes: usize, clock: &Clock) {
        if self.deadline.load(Ordering::Relaxed) == Clock::NEVER {
            return;
        }
        self.rest(clock);
        let moved = self.moved.load(Ordering::Relaxed).saturating_add(bytes);
        self.moved.store(moved, Ordering::Relaxed);
        if moved >= self.least {
            self.deadline.store(Clock::NEVER, Ordering::Relaxed);
        }
    }

    /// Has whoever waits woken when the client is late.
    pub(super) fn listen(&self, waker: &Waker) {
        let mut slot = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Whether the client is too slow at a time.
    pub(super) fn is_over(&self, clock: &Clock) -> bool {
        self.waits.load(Ordering::Relaxed)
            && clock.has_passed(self.deadline.load(Ordering::Relaxed))
    }

    /// Tells whoever waits for the client that it is too slow, if it is so at a time.
    pub(super) fn check(&self, clock: &Clock) {
        if self.is_over(clock) && !self.late.swap(true, Ordering::Release) {
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            waker.iter().for_each(Waker::wake_by_ref);
        }
    }

    /// Whether whoever waits was told that the client is too slow.
    pub(super) fn is_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }
}

/// What goes on at a pace.
pub(super) trait Paced: std::fmt::Debug + Send + Sync {
    fn pace(&self) -> &Pace;
}

/// Has the roster look after a pace from the first time that the client is waited for, as long as
/// this lives.
#[derive(Debug)]
pub(super) struct Watch {
    activity: Arc<Activity>,
    paced: Option<Arc<dyn Paced>>,
}

impl Watch {
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        Self { activity, paced: None }
    }

    /// Notes that the client is waited for, by whoever is woken if it is late.
    pub(super) fn wait(&mut self, paced: &Arc<impl Paced + 'static>, waker: &Waker) {
        paced.pace().wait(self.activity.clock());
        paced.pace().listen(waker);
        if self.paced.is_none() {
            let same = Arc::clone(paced);
            self.activity.watch(Arc::clone(paced) as Arc<dyn Paced>);
            self.paced = Some(same);
        }
    }

    /// What the connection is at.
    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(paced) = &self.paced {
            self.activity.forget(paced);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Settings;

    fn clock() -> Clock {
        Clock::new(&Settings::default())
    }

    /// Whether a client is too slow that moves so many bytes at each of some ticks.
    fn is_over_after(ticks: u32, bytes: usize) -> bool {
        let (clock, pace) = (clock(), Pace::new(1000, 10));
        pace.wait(&clock);
        (0..ticks).any(|_| {
            clock.tick();
            let is_over = pace.is_over(&clock);
            pace.moves(bytes, &clock);
            pace.wait(&clock);
            is_over
        })
    }

    #[test]
    fn a_client_must_move_enough_in_time() {
        assert!(is_over_after(10, 0));
        assert!(!is_over_after(9, 0));
        assert!(!is_over_after(1000, 112), "1008 in 9 ticks");
        assert!(is_over_after(10, 111), "999 in 9 ticks");
    }

    #[test]
    fn a_client_is_not_blamed_for_the_time_of_others() {
        let (clock, pace) = (clock(), Pace::new(1000, 10));
        pace.moves(1, &clock);
        pace.wait(&clock);
        for others in [100, 9] {
            (0..4).for_each(|_| clock.tick());
            pace.moves(1, &clock);
            (0..others).for_each(|_| clock.tick());
            assert!(!pace.is_over(&clock), "nobody waits");
            pace.wait(&clock);
            assert!(!pace.is_over(&clock), "what is left of its time is left");
        }
        clock.tick();
        assert!(!pace.is_over(&clock));
        clock.tick();
        assert!(pace.is_over(&clock), "10 ticks in which it was waited for");
    }

    #[test]
    fn who_waits_is_told_once() {
        let (clock, pace) = (clock(), Pace::new(1000, 1));
        pace.wait(&clock);
        pace.check(&clock);
        assert!(!pace.is_late());
        clock.tick();
        pace.check(&clock);
        assert!(pace.is_late());
    }
}
