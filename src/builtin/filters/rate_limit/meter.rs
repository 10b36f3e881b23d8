//! Buckets of requests, one for each key.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use tokio::time::Instant;

use super::rate::Rate;

/// Counts by the generic cell rate algorithm: all there is to know of a bucket is when it will be
/// full again. Times are nanoseconds since the start.
pub(super) struct Meter {
    /// The time that fills in one request.
    interval: u64,
    /// The time that fills an empty bucket.
    capacity: u64,
    start: Instant,
    full: Cache<u64, Arc<AtomicU64>>,
}

/// What a request gets of a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Share {
    /// It is let through; so many others could be at once, and all in so long.
    Granted { left: u64, full: Duration },
    /// It finds nothing; the next one will be there after a time, and all in so long.
    Refused { wait: Duration, full: Duration },
}

/// What no bucket takes longer to fill than, in nanoseconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60 * 1_000_000_000;

impl Meter {
    pub(super) fn new(rate: Rate, burst: Option<u32>, max_keys: usize) -> Self {
        let time = u64::try_from(rate.time.as_nanos()).unwrap_or(LONGEST);
        let interval = time / u64::from(rate.requests);
        let capacity = interval.saturating_mul(burst.unwrap_or(rate.requests).into());
        let options = OptionsBuilder::new()
            .estimated_items_capacity(max_keys)
            .weight_capacity(max_keys as u64)
            .build()
            .expect("both capacities are given");
        let full = Cache::with_options(
            options,
            UnitWeighter,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        );
        Self { interval, capacity: capacity.min(LONGEST), start: Instant::now(), full }
    }

    /// Takes a request out of the bucket of a key.
    pub(super) fn take(&self, key: u64) -> Share {
        let bucket = self.full.get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::default()));
        let Ok(bucket) = bucket;
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(LONGEST);
        let mut before = bucket.load(Ordering::Relaxed);
        loop {
            // How long it takes until the bucket is full, from now on.
            let full = before.saturating_sub(now);
            let after = full + self.interval;
            if after > self.capacity {
                let wait = Duration::from_nanos(after - self.capacity);
                return Share::Refused { wait, full: Duration::from_nanos(full) };
            }
            let (order, failure) = (Ordering::Relaxed, Ordering::Relaxed);
            match bucket.compare_exchange_weak(before, now + after, order, failure) {
                Ok(_) => {
                    let left = (self.capacity - after) / self.interval;
                    return Share::Granted { left, full: Duration::from_nanos(after) };
                }
                Err(changed) => before = changed,
            }
        }
    }

    /// How many keys are kept.
    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.full.len()
    }

    /// The value of `RateLimit-Policy`: what a bucket holds, and how long it takes to fill.
    pub(super) fn policy(&self, name: &str) -> HeaderValue {
        let quota = self.capacity / self.interval;
        let window = whole_seconds(Duration::from_nanos(self.capacity));
        HeaderValue::try_from(format!("\"{name}\";q={quota};w={window}")).expect("it is ASCII")
    }
}

impl Share {
    /// The value of `RateLimit`.
    pub(super) fn field(self, name: &str) -> HeaderValue {
        let (left, full) = match self {
            Self::Granted { left, full } => (left, full),
            Self::Refused { full, .. } => (0, full),
        };
        let reset = whole_seconds(full);
        HeaderValue::try_from(format!("\"{name}\";r={left};t={reset}")).expect("it is ASCII")
    }
}

/// A time in whole seconds, at the end of which it has passed.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
