//! How Swift counts requests in memcached.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;

use super::Key;
use crate::builtin::filters::memcache::Ring;

/// A count that Swift's own processes take part in: of milliseconds, as theirs is by default.
pub(super) struct Count<'a> {
    pub(super) ring: &'a Ring,
    /// For how long who was idle may catch up.
    pub(super) buffer: Duration,
    /// The longest time that a request waits.
    pub(super) longest: Duration,
}

/// When it is a request's turn.
pub(super) enum Turn {
    /// After a time.
    In(Duration),
    /// Never: that would take too long.
    Refused,
    /// Nobody knows, as no server answers.
    Unknown,
}

/// How many milliseconds before the longest wait Swift refuses who shares memcached.
const NEARLY: u64 = 10;

impl Count<'_> {
    /// When it is the turn of a request of a key, which takes a time of its rate.
    pub(super) async fn enter(&self, key: Key<'_>, share: Duration) -> Turn {
        let name = name(key);
        let now = milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let share = milliseconds(share + Duration::from_micros(500));
        let Some(used_up) = self.ring.raise(&name, share).await else { return Turn::Unknown };
        // Who was idle for long does not save up for more than the buffer.
        if now.saturating_sub(used_up) > milliseconds(self.buffer) {
            self.ring.set(&name, now.saturating_add(share)).await;
            return Turn::In(Duration::ZERO);
        }
        let wait = used_up.saturating_sub(now).saturating_sub(share);
        if milliseconds(self.longest).saturating_sub(wait) <= NEARLY {
            self.ring.lower(&name, share).await;
            return Turn::Refused;
        }
        Turn::In(Duration::from_millis(wait))
    }
}

/// What Swift calls a key in memcached. It decodes the path and takes each byte for a letter.
fn name((account, container): Key<'_>) -> String {
    let letters = |part: &str| percent_decode_str(part).map(char::from).collect::<String>();
    match container {
        None => format!("ratelimit/{}", letters(account)),
        Some((container, is_object)) => {
            let kind = if is_object { "ratelimit" } else { "ratelimit_listing" };
            format!("{kind}/{}/{}", letters(account), letters(container))
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_names_that_swift_gives_them() {
        for (key, expected) in [
            (("a", None), "ratelimit/a"),
            (("a%C3%A9", Some(("c%20d", true))), "ratelimit/a\u{c3}\u{a9}/c d"),
            (("a", Some(("c", false))), "ratelimit_listing/a/c"),
        ] {
            assert_eq!(name(key), expected);
        }
    }
}
