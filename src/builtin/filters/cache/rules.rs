//! Which responses are kept, and how long they are fresh (RFC 9111, 3 and 4.2).

use std::time::SystemTime;

use http::header::{
    AGE, CONTENT_RANGE, DATE, ETAG, EXPIRES, HeaderName, LAST_MODIFIED, SET_COOKIE, VARY,
};
use http::{HeaderMap, StatusCode};

use super::directives::{Directives, members, seconds};

/// How a stored response may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Life {
    /// How old it was when it came, in seconds.
    pub(super) age: u64,
    /// How old it may become, in seconds; 0 if it is to be validated each time.
    pub(super) lifetime: u64,
    /// Whether a client may have it when it is older.
    pub(super) may_be_stale: bool,
}

/// The statuses of which it is known what they mean. Parts (206) are not put together here.
const UNDERSTOOD: [u16; 14] =
    [200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501];

/// Whether the response to a `GET` may be kept for others, if nobody knows who has sent that.
pub(super) fn may_be_kept(asked: &HeaderMap, (status, headers): (StatusCode, &HeaderMap)) -> bool {
    let (request, response) = (Directives::of(asked), Directives::of(headers));
    UNDERSTOOD.contains(&status.as_u16())
        && !request.has("no-store")
        && !response.has("no-store")
        && !response.has("private")
        // Nobody is to get the cookie of somebody else.
        && !headers.contains_key(SET_COOKIE)
        && !headers.contains_key(CONTENT_RANGE)
        && selectors(headers).is_some()
        && (has_validator(headers) || Life::of(headers, 0).lifetime > 0)
}

/// Whether a response says that others may have it even if it is known who has asked.
pub(super) fn is_for_all(headers: &HeaderMap) -> bool {
    let directives = Directives::of(headers);
    ["public", "s-maxage", "must-revalidate"].iter().any(|name| directives.has(name))
}

/// Whether it can be asked whether a response is still the same.
pub(super) fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED)
}

/// The fields of a request by which the response was chosen; none if that cannot be told.
pub(super) fn selectors(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    members(headers, VARY).map(|name| name.parse().ok().filter(|_| name != "*")).collect()
}

impl Life {
    /// The life of a response that took so many seconds to come. What says nothing of how long it is
    /// fresh is never taken to be: what can be guessed of a page is wrong of an API.
    pub(super) fn of(headers: &HeaderMap, delay: u64) -> Self {
        let directives = Directives::of(headers);
        let now = SystemTime::now();
        let date = time(headers, DATE).unwrap_or(now);
        let since = |time: SystemTime, earlier| {
            time.duration_since(earlier).map_or(0, |passed| passed.as_secs())
        };
        let told = members(headers, AGE).next().map_or(0, |age| seconds(&age));
        let shared = directives.seconds("s-maxage").or_else(|| directives.seconds("max-age"));
        let lifetime = shared.unwrap_or_else(|| {
            // A time that cannot be read has passed.
            time(headers, EXPIRES).map_or(0, |expires| since(expires, date))
        });
        let strict = ["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"];
        Self {
            age: since(now, date).max(told.saturating_add(delay)),
            lifetime: if directives.has("no-cache") { 0 } else { lifetime },
            may_be_stale: !strict.iter().any(|directive| directives.has(directive)),
        }
    }

    /// Whether a request may have the response once that is of an age.
    pub(super) fn satisfies(self, asked: &Directives, age: u64) -> bool {
        let left = self.lifetime.saturating_sub(age);
        let is_fresh = age < self.lifetime && left >= asked.seconds("min-fresh").unwrap_or(0);
        let is_young = asked.seconds("max-age").is_none_or(|most| age <= most);
        let over = age.saturating_sub(self.lifetime);
        let is_welcome = self.may_be_stale
            && asked.seconds_or("max-stale", u64::MAX).is_some_and(|most| over <= most);
        !asked.has("no-cache") && is_young && (is_fresh || is_welcome)
    }
}

/// A time in a field; none if there is no such field, or it cannot be read.
pub(super) fn time(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let value = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(value).ok()
}
