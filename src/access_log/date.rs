//! Dates as logs write them, in UTC.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes a moment as the combined format has it: `10/Oct/2000:13:55:36 +0000`.
pub(super) struct Combined(pub(super) SystemTime);

impl fmt::Display for Combined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day, time } = Date::of(self.0);
        let month = MONTHS[month - 1];
        write!(f, "{day:02}/{month}/{year}:{time} +0000")
    }
}

/// Writes a moment as eventlet has it, but in UTC: `10/Oct/2000 13:55:36`.
pub(super) struct DateTime(pub(super) SystemTime);

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day, time } = Date::of(self.0);
        let month = MONTHS[month - 1];
        write!(f, "{day:02}/{month}/{year} {time}")
    }
}

/// Writes a moment as RFC 3339 has it: `2000-10-10T13:55:36.123Z`.
pub(crate) struct Iso(pub(crate) SystemTime);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day, time } = Date::of(self.0);
        let millisecond = since_epoch(self.0).subsec_millis();
        write!(f, "{year}-{month:02}-{day:02}T{time}.{millisecond:03}Z")
    }
}

struct Date {
    year: u64,
    /// From 1.
    month: usize,
    /// From 1.
    day: u64,
    time: Time,
}

impl Date {
    fn of(moment: SystemTime) -> Self {
        let seconds = since_epoch(moment).as_secs();
        let (year, month, day) = civil(seconds / 86400);
        Self { year, month, day, time: Time(seconds % 86400) }
    }
}

/// Seconds since midnight, written `13:55:36`.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.0 / 3600, self.0 / 60 % 60, self.0 % 60)
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A clock that is set before 1970 counts as standing at its beginning.
fn since_epoch(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The year, month and day of a number of days since the beginning of 1970.
///
/// Years are counted from March, so that the leap day is the last of its year; then months have
/// 153 days in each five, and 400 years have 146,097.
fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) =
        if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    let month = usize::try_from(month).expect("a month is at most 12");
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(seconds: u64) -> String {
        Iso(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    }

    #[test]
    fn counts_days_as_the_calendar_does() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso(951_868_800), "2000-03-01T00:00:00.000Z");
        assert_eq!(iso(1_709_251_199), "2024-02-29T23:59:59.000Z");
        assert_eq!(iso(1_735_689_599), "2024-12-31T23:59:59.000Z");
        assert_eq!(iso(4_107_542_400), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn the_combined_format_names_months() {
        let moment = UNIX_EPOCH + Duration::from_millis(971_186_136_123);
        assert_eq!(Combined(moment).to_string(), "10/Oct/2000:13:55:36 +0000");
        assert_eq!(Iso(moment).to_string(), "2000-10-10T13:55:36.123Z");
    }

    #[test]
    fn a_clock_before_1970_is_no_fault() {
        assert_eq!(
            Iso(UNIX_EPOCH - Duration::from_secs(1)).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
    }
}
