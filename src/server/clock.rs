//! The time that counts for the deadlines of connections.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use httpdate::fmt_http_date;

use super::settings::Settings;

/// The time that counts for the deadlines of connections, in seconds, which the roster counts;
/// and how long clients may take for what.
///
/// To look at a real clock for every request, or to set a timer for it, would cost more than all
/// else that is done here.
#[derive(Debug)]
pub(super) struct Clock {
    now: AtomicU32,
    /// The latest time of day that was seen, in seconds since 1970.
    latest: AtomicU64,
    /// Whether the time of day is an earlier one.
    is_set_back: AtomicBool,
    /// For the head of a request.
    pub(super) head: u32,
    /// Between two requests.
    pub(super) keep_alive: u32,
    /// For the next part of a request's body.
    pub(super) body: u32,
    /// For the next part of a response.
    pub(super) write: u32,
    /// For a connection that goes on in another protocol, once the server ends.
    pub(super) upgraded: u32,
}

impl Clock {
    /// A time that does not come.
    pub(super) const NEVER: u32 = u32::MAX;

    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            now: AtomicU32::new(0),
            latest: AtomicU64::new(0),
            is_set_back: AtomicBool::new(false),
            head: ticks(settings.head_timeout.0),
            keep_alive: ticks(settings.keep_alive_timeout.0),
            body: ticks(settings.body_timeout.0),
            write: ticks(settings.write_timeout.0),
            // It must not be longer: what ends everything may come with it.
            upgraded: settings.upgrade_drain().map_or(Self::NEVER, |span| seconds(span) - 1),
        }
    }

    /// Counts one more second.
    pub(super) fn tick(&self) {
        self.now.fetch_add(1, Ordering::Relaxed);
        self.look_at(SystemTime::now());
    }

    fn look_at(&self, today: SystemTime) {
        let seconds = today.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let latest = self.latest.fetch_max(seconds, Ordering::Relaxed);
        self.is_set_back.store(seconds + 1 < latest, Ordering::Relaxed);
    }

    /// The date that a response is to have, if it is another one than hyper would write: that is
    /// the latest which it has seen, even where the clock was set back since.
    pub(super) fn date(&self) -> Option<HeaderValue> {
        if !self.is_set_back.load(Ordering::Relaxed) {
            return None;
        }
        HeaderValue::try_from(fmt_http_date(SystemTime::now())).ok()
    }

    /// The time in so many ticks.
    pub(super) fn after(&self, ticks: u32) -> u32 {
        self.now.load(Ordering::Relaxed).saturating_add(ticks)
    }

    /// How many ticks ago a time was.
    pub(super) fn since(&self, time: u32) -> u32 {
        self.now.load(Ordering::Relaxed).saturating_sub(time)
    }

    /// Whether a time has come.
    pub(super) fn has_passed(&self, time: u32) -> bool {
        time <= self.now.load(Ordering::Relaxed)
    }
}

/// How many ticks are at least as long as a span of time: one more than its seconds, as the
/// tick that has begun may be about to end.
fn ticks(span: Duration) -> u32 {
    seconds(span).saturating_add(1)
}

/// How many seconds a span of time has, a part of one counted as a whole.
fn seconds(span: Duration) -> u32 {
    let seconds = u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    seconds.saturating_add(u32::from(span.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_tells_the_date_until_it_has_caught_up() {
        let clock = Clock::new(&Settings::default());
        let at = |seconds| {
            clock.look_at(UNIX_EPOCH + Duration::from_secs(seconds));
            clock.date().is_some()
        };
        let told = [7200, 7201, 10_800, 7200, 7201, 10_798, 10_799, 10_801].map(at);
        assert_eq!(told, [false, false, false, true, true, true, false, false]);
    }

    #[test]
    fn a_part_of_a_second_counts_as_a_whole_one() {
        const SECOND: Duration = Duration::from_secs(1);
        assert_eq!([SECOND, SECOND * 3 / 2, SECOND * 2].map(ticks), [2, 3, 3]);
    }
}
