//! Points in time as Keystone writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::builtin::filters) struct Moment(i64);

impl Moment {
    /// The end of what has none.
    pub(in crate::builtin::filters) const NEVER: Self = Self(i64::MAX);

    pub(in crate::builtin::filters) fn of_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since 1970.
    pub(in crate::builtin::filters) fn seconds(self) -> i64 {
        self.0
    }

    pub(in crate::builtin::filters) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// Reads ISO 8601: `2026-01-31T12:00:00.000000Z`, with an offset in place of the `Z` or none.
    pub(in crate::builtin::filters) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', ' '])?;
        let mut numbers = date.splitn(3, '-').map(number);
        let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (clock, zone) = time.split_at(zone);
        let mut numbers = clock.split('.').next()?.splitn(3, ':').map(number);
        let (hours, minutes) = (numbers.next()??, numbers.next()??);
        let seconds = numbers.next().unwrap_or(Some(0))?;
        let is_sound = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hours < 24
            && minutes < 60
            && seconds <= 60;
        let within = (hours * 60 + minutes) * 60 + seconds - offset(zone)?;
        is_sound.then_some(Self(days(year, month, day) * 86_400 + within))
    }

    /// How long it is from another moment to this one; nothing if this one is not later.
    pub(in crate::builtin::filters) fn since(self, earlier: Self) -> Duration {
        let seconds = self.0.saturating_sub(earlier.0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }
}

/// A number of at most four digits, without a sign.
fn number(text: &str) -> Option<i64> {
    let is_short = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { text.parse().ok() } else { None }
}

/// The seconds by which a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    let Some(sign) = zone.chars().next().filter(|sign| *sign != 'Z') else {
        return Some(0);
    };
    let digits = zone[1..].replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { number(minutes)? };
    let seconds = (number(hours)? * 60 + minutes) * 60;
    Some(if sign == '-' { -seconds } else { seconds })
}

/// Days since 1970 in the Gregorian calendar, counted from a March so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let since_march = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + since_march - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_keystone_writes() {
        let expected = [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-28T23:10:00.000000Z", 1_795_907_400),
            ("2026-11-28T23:10:00+01:30", 1_795_902_000),
            ("2026-11-28T23:10:00-0100", 1_795_911_000),
            ("2026-11-28 23:10:00", 1_795_907_400),
        ];
        for (text, seconds) in expected {
            assert_eq!(Moment::parse(text), Some(Moment(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_moment() {
        let refused = ["", "never", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01"];
        for text in refused.into_iter().chain(["-1-01-01T00:00:00Z", "2026-01-01T00:00:00+é"]) {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn there_is_no_time_back() {
        assert_eq!(Moment(5).since(Moment(3)), Duration::from_secs(2));
        assert_eq!(Moment(3).since(Moment(5)), Duration::ZERO);
    }
}
