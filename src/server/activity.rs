//! What one connection is at, and what it is told to do.

mod body;
mod late;
mod paced;
mod told;
mod writing;

pub(super) use self::body::Number;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Waker;

use super::clock::Clock;
use super::ledger::Ledger;
use super::pace::{Pace, Paced};
use super::taking::Taking;
use crate::app::Tunnel;

/// How much of what is written a client must take within the time for it.
const LEAST_TAKEN: usize = 4096;

/// A request that has begun, as [`Activity::requests`] counts it.
const BEGUN: u64 = 1 << 32;

/// How many requests are being answered, of those that are counted.
fn in_flight(requests: u64) -> u64 {
    requests % BEGUN
}

/// What a connection is at, and what it is told to do.
///
/// The connection notes the first and obeys the second; the roster does the opposite. Neither
/// waits for the other, so there is no lock: what the one notes, the other may see a moment late,
/// but what it is told it hears for sure.
#[derive(Debug)]
pub(super) struct Activity {
    clock: Arc<Clock>,
    ledger: Arc<Ledger>,
    /// Whether the next thing to come is the first byte of a request. Not so where requests share
    /// the connection.
    waiting: AtomicBool,
    /// Whether several requests may be answered at a time.
    multiplexed: AtomicBool,
    /// How many requests are being answered, in the lower half, and how many have begun: counted
    /// together, they cost a request one exclusive access to memory less.
    requests: AtomicU64,
    /// What becomes of the body of the last request.
    body: AtomicU64,
    /// Whether a response has ended of which something may not have left.
    unflushed: AtomicBool,
    /// Whether the client has no room for all that is written.
    held_up: AtomicBool,
    /// Whether more of a head was read than its first line is to have.
    long_head: AtomicBool,
    /// Whether somebody looks when the connection may rest.
    restless: AtomicBool,
    rest: AtomicBool,
    /// When the client must be done with what it is at; [`Clock::NEVER`] while the app answers.
    deadline: AtomicU32,
    /// How the client takes what is written.
    writing: Pace,
    /// How single requests go on, as far as that depends on the client.
    paces: Mutex<Vec<Arc<dyn Paced>>>,
    /// How the response to the newest of several requests is taken.
    newest: Mutex<Option<Arc<Taking>>>,
    /// What becomes of the connection after HTTP.
    tunnel: OnceLock<Tunnel>,
    /// Whether it goes on in another protocol.
    upgraded: AtomicBool,
    leave: AtomicBool,
    finish: AtomicBool,
    close: AtomicBool,
    /// Wakes the connection's task, whose waker stays the same for life.
    waker: OnceLock<Waker>,
}

impl Activity {
    /// The activity of a connection that has just been accepted: the head of its first request is
    /// to come.
    pub(super) fn new(clock: Arc<Clock>, ledger: Arc<Ledger>) -> Self {
        let deadline = clock.after(clock.head);
        let writing = Pace::new(LEAST_TAKEN, clock.write);
        Self {
            clock,
            ledger,
            waiting: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            body: AtomicU64::new(0),
            unflushed: AtomicBool::new(false),
            held_up: AtomicBool::new(false),
            long_head: AtomicBool::new(false),
            restless: AtomicBool::new(false),
            rest: AtomicBool::new(false),
            deadline: AtomicU32::new(deadline),
            writing,
            paces: Mutex::default(),
            newest: Mutex::default(),
            tunnel: OnceLock::new(),
            upgraded: AtomicBool::new(false),
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

    /// The time that counts here.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Notes that something comes before the first head which has limits of its own.
    pub(super) fn enters(&self) {
        self.deadline.store(Clock::NEVER, Ordering::Relaxed);
    }

    /// Notes that the head of the first request is to come next.
    pub(super) fn has_entered(&self) {
        self.due_in(self.clock.head);
    }

    /// Whether the head of a request is still to come, or the rest of it.
    pub(super) fn awaits_head(&self) -> bool {
        !self.is_waiting() && self.is_head_next()
    }

    /// Whether the next thing to come is the first byte of a request.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether what comes next is a head, or the rest of one: no request is being answered or has a
    /// body to come, and it is HTTP.
    pub(super) fn is_head_next(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) != Clock::NEVER && !self.is_none_of_head()
    }

    /// Notes that several requests may be answered at a time from now on.
    pub(super) fn multiplex(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
    }

    /// Whether several requests may be answered at a time.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    /// Notes that a request's head is there.
    pub(super) fn request_begins(&self) {
        self.requests.fetch_add(BEGUN + 1, Ordering::Relaxed);
        self.body.store(0, Ordering::Relaxed);
        self.waiting.store(false, Ordering::Relaxed);
        self.deadline.store(Clock::NEVER, Ordering::Relaxed);
    }

    /// Notes that the app is done with a request. The last of the response is still on its way:
    /// hyper has it until it flushes what it writes.
    pub(super) fn response_ends(&self) {
        self.unflushed.store(true, Ordering::Relaxed);
        if in_flight(self.requests.fetch_sub(1, Ordering::SeqCst)) != 1 {
            return;
        }
        if self.response_is_outlasted() {
            self.rest_moves();
        } else {
            self.awaits_request();
        }
    }

    /// Notes that the next request is to come.
    fn awaits_request(&self) {
        self.waiting.store(!self.is_multiplexed(), Ordering::Relaxed);
        self.due_in(self.clock.keep_alive);
    }

    /// Notes that the last response has left, and the client is heard to its end: that has a limit
    /// of its own.
    pub(super) fn bids_farewell(&self) {
        self.waiting.store(false, Ordering::Relaxed);
        self.deadline.store(Clock::NEVER, Ordering::Relaxed);
    }

    /// Notes that the connection goes on in another protocol once this request is answered.
    pub(super) fn go_on_by(&self, tunnel: Tunnel) {
        // That happens once, as it is none of HTTP after that.
        self.tunnel.get_or_init(|| tunnel);
    }

    /// How the connection goes on in another protocol, which it does from now on: none of the
    /// limits to what HTTP clients may take holds any more.
    pub(super) fn upgrade(&self) -> Option<&Tunnel> {
        let tunnel = self.tunnel.get()?;
        self.awaits_no_request();
        self.waiting.store(false, Ordering::Relaxed);
        self.deadline.store(Clock::NEVER, Ordering::Relaxed);
        self.upgraded.store(true, Ordering::Relaxed);
        self.ledger.meter.upgrade();
        Some(tunnel)
    }

    /// Whether it goes on in another protocol.
    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    /// Notes that something was read.
    pub(super) fn has_read(&self) {
        if self.is_waiting() {
            self.waiting.store(false, Ordering::Relaxed);
            self.due_in(self.clock.head);
        } else if self.outlasts_response() {
            self.rest_moves();
        }
    }

    /// Notes that more of a head was read than its first line is to have.
    pub(super) fn has_long_head(&self) {
        self.long_head.store(true, Ordering::Relaxed);
    }

    /// Whether that was so since this was last asked.
    pub(super) fn is_head_long(&self) -> bool {
        self.long_head.load(Ordering::Relaxed) && self.long_head.swap(false, Ordering::Relaxed)
    }

    /// How many requests have begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.requests.load(Ordering::Relaxed) / BEGUN
    }

    /// Whether the connection waits for a request, and for nothing else.
    pub(super) fn is_idle(&self) -> bool {
        self.is_waiting() && self.is_flushed()
    }

    fn due_in(&self, ticks: u32) {
        self.deadline.store(self.clock.after(ticks), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Settings;

    fn activity() -> Activity {
        Activity::new(Arc::new(Clock::new(&Settings::default())), Arc::default())
    }

    /// The number of ticks until the client is late; none if that is never. They pass.
    fn late_after(activity: &Activity) -> Option<u32> {
        (0..100).find(|_| {
            let is_late = activity.is_late();
            activity.clock.tick();
            is_late
        })
    }

    #[test]
    fn a_client_has_its_time_for_a_head_and_between_two() {
        let first = activity();
        assert_eq!(late_after(&first), Some(11), "the first head");
        let second = activity();
        second.clock.tick();
        second.has_read();
        assert_eq!(late_after(&second), Some(10), "reading does not gain time");
        second.request_begins();
        assert_eq!(late_after(&second), None, "the app has its own limits");
        second.response_ends();
        assert_eq!(late_after(&second), Some(61), "the pause between two requests");
        second.has_written(1);
        assert_eq!(late_after(&second), Some(61), "the client takes its response");
        second.has_read();
        assert_eq!(late_after(&second), Some(11), "the next head");
    }

    #[test]
    fn several_requests_have_their_time_until_the_last_has_ended() {
        let activity = activity();
        activity.multiplex();
        (0..2).for_each(|_| activity.request_begins());
        activity.response_ends();
        assert_eq!(late_after(&activity), None);
        activity.response_ends();
        activity.has_read();
        assert_eq!(late_after(&activity), Some(61), "what is read need not begin a request");
    }

    #[test]
    fn a_request_is_not_cut_by_the_end_of_another_that_is_noted_after_its_beginning() {
        let activity = activity();
        activity.multiplex();
        activity.request_begins();
        activity.due_in(activity.clock.keep_alive);
        (0..100).for_each(|_| {
            activity.clock.tick();
            activity.check();
        });
        assert!(!activity.is_to_leave() && !activity.is_to_close());
    }

    #[test]
    fn a_client_is_not_late_while_it_takes_the_last_of_several_responses() {
        let activity = activity();
        activity.multiplex();
        activity.request_begins();
        activity.response_ends();
        activity.waits_to_write();
        (0..50).for_each(|_| activity.clock.tick());
        activity.has_written(1000);
        assert_eq!(late_after(&activity), Some(61));
        activity.has_flushed();
        activity.has_written(1);
        assert_eq!(late_after(&activity), Some(0), "this was an answer to a ping, say");
    }

    /// A connection that goes on in another protocol.
    fn upgraded() -> Activity {
        let activity = activity();
        activity.request_begins();
        activity.go_on_by(Tunnel::new(|_| async {}));
        activity.response_ends();
        assert!(activity.upgrade().is_some());
        activity
    }

    /// The number of seconds until the connection is closed; none if it is not. They pass.
    fn closed_after(activity: &Activity) -> Option<u32> {
        (0..100).find(|_| {
            activity.clock.tick();
            activity.check();
            activity.is_to_close()
        })
    }

    #[test]
    fn a_connection_that_goes_on_in_another_protocol_has_no_limit_here() {
        let activity = upgraded();
        activity.has_read();
        activity.has_written(1);
        activity.waits_to_write();
        assert_eq!(closed_after(&activity), None);
        assert!(!activity.is_idle());
    }

    #[test]
    fn a_body_that_outlasts_its_response_has_its_time_while_anything_moves() {
        let activity = activity();
        activity.request_begins();
        activity.body_begins();
        activity.response_ends();
        for moves in [Activity::has_read, |activity: &Activity| activity.has_written(1)] {
            (0..50).for_each(|_| activity.clock.tick());
            moves(&activity);
            assert!(!activity.awaits_head());
        }
        assert_eq!(late_after(&activity), Some(61));
    }

    #[test]
    fn a_body_is_forgotten_by_what_goes_on_in_another_protocol() {
        let activity = activity();
        activity.request_begins();
        let number = activity.body_begins();
        activity.body_is_dropped(number);
        activity.go_on_by(Tunnel::new(|_| async {}));
        activity.response_ends();
        assert!(activity.upgrade().is_some());
        activity.has_read();
        activity.leave();
        assert_eq!(closed_after(&activity), Some(9), "a second of the ten has begun");
    }

    #[test]
    fn a_connection_that_goes_on_in_another_protocol_outlives_the_server_for_a_while() {
        for end in [Activity::leave, Activity::finish] {
            let activity = upgraded();
            end(&activity);
            assert_eq!(closed_after(&activity), Some(9), "a second of the ten has begun");
        }
    }

    /// Whether a client is left that takes so much each second for a minute.
    fn is_left_taking(bytes: usize) -> bool {
        let activity = activity();
        activity.request_begins();
        activity.waits_to_write();
        for _ in 0..60 {
            activity.clock.tick();
            activity.check();
            activity.has_written(bytes);
            activity.waits_to_write();
        }
        activity.is_to_close()
    }

    #[test]
    fn a_client_must_take_so_much_in_its_time() {
        // It is asked after each second, so a second's share is missing at the end of its time.
        assert!(!is_left_taking(LEAST_TAKEN.div_ceil(29)));
        assert!(is_left_taking(LEAST_TAKEN / 30 - 1));
    }
}
