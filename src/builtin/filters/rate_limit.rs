//! Refuses requests that come faster than a rate.

mod key;
mod meter;
mod rate;

use std::ops::ControlFlow;

use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, StatusCode};

use self::key::{Key, Keys};
use self::meter::{Meter, Share};
use self::rate::Rate;
use crate::app::{Filter, Phase, RefusedBy, Request, Response, response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Reader;

pub(super) const DEFINITION: Definition = Definition::filter::<RateLimit>("rate_limit")
    .place_matters_if("key", |key| matches!(key, "client" | "host"));

settings! {
    /// Refuses requests of a client, or of whatever else is counted, that come faster than `rate`.
    ///
    /// Each key has a bucket of `burst` requests, which fills up at the rate; a request that finds
    /// it empty is refused, with `Retry-After`, and takes nothing. The client is whom trusted
    /// proxies tell (`http_proxy_to_wsgi`, which belongs before this filter, or `trusted_proxies`
    /// of the server). The addresses of an IPv6 network of 64 bits count as one client, since who
    /// has one has all of them.
    ///
    /// Each worker counts for itself, so that the rate of the whole server is up to that of a worker
    /// times their number; what was counted ends with a reload. Each place at which the filter
    /// stands counts for itself, too.
    ///
    /// ```ini
    /// [filter:rate_limit]
    /// use = egg:pasteline#rate_limit
    /// rate = 10/s
    /// burst = 50
    /// ```
    struct RateLimit {
        /// How many requests of a key are let through, for each second (`10/s`), minute (`600/m`)
        /// or hour (`1000/h`).
        rate: Rate,
        /// How many may come at once after a pause; unset, the number of the rate.
        burst: Option<u32>,
        /// What is counted: the requests of each `client`, those for each `host`, those with each
        /// value of a header (`header:X-Api-Key`; those without it together), or `all` together.
        key: Key = "client",
        /// How many keys are kept, at about 100 bytes each. Past that, those are forgotten that have
        /// asked least; a key that is forgotten has its whole burst again.
        max_keys: usize = "65536",
        /// The status of a refusal.
        status: StatusCode = "429",
        /// Whether responses tell what is left, in the fields `RateLimit` and `RateLimit-Policy` of
        /// draft-ietf-httpapi-ratelimit-headers.
        headers: bool = "false",
    }
}

impl FilterFactory for RateLimit {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.burst == Some(0) {
            reader.reject("burst", "every request would be refused".to_owned());
        }
        if self.max_keys == 0 {
            reader.reject("max_keys", "nothing could be counted".to_owned());
        }
        if !self.status.is_client_error() && !self.status.is_server_error() {
            reader.reject("status", "a refusal has a status from 400 to 599".to_owned());
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let meter = Meter::new(self.rate, self.burst, self.max_keys);
        let policy = self.headers.then(|| meter.policy(self.key.name()));
        let (keys, name) = (Keys::new(self.key.clone()), self.key.name());
        Ok(Filter::phase(Limiter { keys, name, meter, status: self.status, policy }))
    }
}

struct Limiter {
    keys: Keys,
    /// What is counted, in a word.
    name: &'static str,
    meter: Meter,
    status: StatusCode,
    /// What responses are told of the rate; none if they tell nothing.
    policy: Option<HeaderValue>,
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Phase for Limiter {
    /// What the response tells of what is left.
    type Memo = Option<HeaderValue>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let share = self.meter.take(self.keys.of(request));
        let left = self.policy.as_ref().map(|_| share.field(self.name));
        let Share::Refused { wait, .. } = share else { return ControlFlow::Continue(left) };
        tracing::debug!(key = self.name, ?wait, "requests come faster than the rate");
        let detail = "Too many requests were sent; wait before the next one.";
        let mut response = response::refusal(self.status, detail, request.headers());
        let seconds = HeaderValue::from(meter::whole_seconds(wait));
        response.headers_mut().insert(RETRY_AFTER, seconds);
        self.response(left, &mut response);
        ControlFlow::Break(RefusedBy(DEFINITION.name).mark(response))
    }

    fn response(&self, left: Self::Memo, response: &mut Response) {
        if let (Some(left), Some(policy)) = (left, &self.policy) {
            // Each limit that a request has passed tells of itself.
            response.headers_mut().append(RATE_LIMIT, left);
            response.headers_mut().append(RATE_LIMIT_POLICY, policy.clone());
        }
    }
}

#[cfg(test)]
mod tests;
