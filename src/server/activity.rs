//! What one connection is at, and what it is told to do.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};
use std::time::Duration;

use super::ledger::Ledger;

/// The time that counts for the deadlines of connections: seconds, which the roster counts.
///
/// To look at a real clock for every request, or to set a timer for it, would cost more than all
/// else that is done here.
#[derive(Debug)]
pub(super) struct Clock {
    now: AtomicU32,
    head_timeout: u32,
    keep_alive_timeout: u32,
}

impl Clock {
    pub(super) fn new(head_timeout: Duration, keep_alive_timeout: Duration) -> Self {
        Self {
            now: AtomicU32::new(0),
            head_timeout: ticks(head_timeout),
            keep_alive_timeout: ticks(keep_alive_timeout),
        }
    }

    /// Counts one more second, and gives the time.
    pub(super) fn tick(&self) -> u32 {
        self.now.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn after(&self, ticks: u32) -> u32 {
        self.now.load(Ordering::Relaxed).saturating_add(ticks)
    }
}

/// How many ticks are at least as long as a span of time: one more than its seconds, as the
/// tick that has begun may be about to end.
fn ticks(span: Duration) -> u32 {
    let seconds = u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    seconds.saturating_add(1 + u32::from(span.subsec_nanos() > 0))
}

/// What a connection is at, and what it is told to do.
///
/// The connection notes the first and obeys the second; the roster does the opposite. Neither
/// waits for the other: what is seen a moment late does no harm, so there is no lock.
#[derive(Debug)]
pub(super) struct Activity {
    clock: Arc<Clock>,
    ledger: Arc<Ledger>,
    /// Whether the next thing to come is the first byte of a request.
    waiting: AtomicBool,
    /// When the client must be done with what it is at; [`NEVER`] while the app answers.
    deadline: AtomicU32,
    leave: AtomicBool,
    finish: AtomicBool,
    close: AtomicBool,
    /// Wakes the connection's task, whose waker stays the same for life.
    waker: OnceLock<Waker>,
}

const NEVER: u32 = u32::MAX;

impl Activity {
    /// The activity of a connection that has just been accepted: the head of its first request is
    /// to come.
    pub(super) fn new(clock: Arc<Clock>, ledger: Arc<Ledger>) -> Self {
        let deadline = clock.after(clock.head_timeout);
        Self {
            clock,
            ledger,
            waiting: AtomicBool::new(false),
            deadline: AtomicU32::new(deadline),
            leave: AtomicBool::new(false),
            finish: AtomicBool::new(false),
            close: AtomicBool::new(false),
            waker: OnceLock::new(),
        }
    }

    /// Where it is noted what becomes of the connection and its requests.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the head of a request is still to come, or the rest of it.
    pub(super) fn awaits_head(&self) -> bool {
        !self.waiting.load(Ordering::Relaxed) && self.deadline.load(Ordering::Relaxed) != NEVER
    }

    /// Notes that a request's head is there.
    pub(super) fn request_begins(&self) {
        self.waiting.store(false, Ordering::Relaxed);
        self.deadline.store(NEVER, Ordering::Relaxed);
    }

    /// Notes that the app is done with a request. The last of the response may still be on its way.
    pub(super) fn response_ends(&self) {
        self.waiting.store(true, Ordering::Relaxed);
        self.due_in(self.clock.keep_alive_timeout);
    }

    /// Notes that something was read.
    pub(super) fn has_read(&self) {
        if self.waiting.load(Ordering::Relaxed) {
            self.waiting.store(false, Ordering::Relaxed);
            self.due_in(self.clock.head_timeout);
        }
    }

    /// Notes that something was written: a client that still takes its response is not idle.
    pub(super) fn has_written(&self) {
        if self.waiting.load(Ordering::Relaxed) {
            self.due_in(self.clock.keep_alive_timeout);
        }
    }

    fn due_in(&self, ticks: u32) {
        self.deadline.store(self.clock.after(ticks), Ordering::Relaxed);
    }

    /// Whether the client is late at a time.
    pub(super) fn is_late(&self, now: u32) -> bool {
        self.deadline.load(Ordering::Relaxed) <= now
    }

    /// Tells the connection to end with its next response. Until one is asked for, it lives on.
    pub(super) fn leave(&self) {
        self.leave.store(true, Ordering::Relaxed);
    }

    /// Tells the connection to end with the request that it is at, or at once if there is none.
    pub(super) fn finish(&self) {
        self.finish.store(true, Ordering::Release);
        self.wake();
    }

    /// Tells the connection to end at once.
    pub(super) fn close(&self) {
        self.close.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Has the task of the connection woken when it is told something.
    pub(super) fn listen(&self, context: &Context<'_>) {
        self.waker.get_or_init(|| context.waker().clone());
    }

    /// Whether it is told to end with its next response.
    pub(super) fn is_to_leave(&self) -> bool {
        self.leave.load(Ordering::Relaxed)
    }

    /// Whether it is told to end with the request that it is at.
    pub(super) fn is_to_finish(&self) -> bool {
        self.finish.load(Ordering::Acquire)
    }

    /// Whether it is told to end at once.
    pub(super) fn is_to_close(&self) -> bool {
        self.close.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The number of ticks until the client is late; none if that is never.
    fn late_after(activity: &Activity) -> Option<u32> {
        let now = activity.clock.now.load(Ordering::Relaxed);
        (0..100).find(|ticks| activity.is_late(now + ticks))
    }

    #[test]
    fn a_client_has_its_time_for_a_head_and_between_two() {
        let activity =
            Activity::new(Arc::new(Clock::new(10 * SECOND, 60 * SECOND)), Arc::default());
        assert_eq!(late_after(&activity), Some(11), "the first head");
        activity.has_read();
        activity.clock.tick();
        assert_eq!(late_after(&activity), Some(10), "reading does not gain time");
        activity.request_begins();
        assert_eq!(late_after(&activity), None, "the app has its own limits");
        activity.response_ends();
        assert_eq!(late_after(&activity), Some(61), "the pause between two requests");
        activity.clock.tick();
        activity.has_written();
        assert_eq!(late_after(&activity), Some(61), "the client takes its response");
        activity.has_read();
        assert_eq!(late_after(&activity), Some(11), "the next head");
    }

    #[test]
    fn a_part_of_a_second_counts_as_a_whole_one() {
        assert_eq!([SECOND, SECOND * 3 / 2, SECOND * 2].map(ticks), [2, 3, 3]);
    }
}
