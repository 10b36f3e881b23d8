//! Whether an upstream is asked at all, after it has failed many times in a row.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::fault::Fault;
use super::upstream::Upstream;

/// Whether an upstream is asked at all: not for a while after it has failed so many times in a row.
/// Then one request tries for all. Michael Nygard calls this a circuit breaker.
#[derive(Debug)]
pub(super) struct Circuit {
    /// After how many failures it opens; with 0 it never does.
    most: u32,
    /// For how long.
    pause: Duration,
    /// How many there were since the last response.
    failures: AtomicU32,
    /// When the next request may try, once there were so many.
    next: Mutex<Option<Instant>>,
}

impl Circuit {
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self { most, pause, failures: AtomicU32::new(0), next: Mutex::default() }
    }

    /// Whether a request may be passed on. Where it is the one that tries for all, the others wait
    /// for what becomes of it, or for as long as before if nothing does.
    pub(super) fn admits(&self) -> bool {
        if self.most == 0 || self.failures.load(Ordering::Relaxed) < self.most {
            return true;
        }
        let (mut next, now) = (self.next(), Instant::now());
        if next.is_some_and(|next| now < next) {
            return false;
        }
        *next = Some(now + self.pause);
        true
    }

    /// Notes what became of a request that was passed on.
    pub(super) fn note(&self, fault: Option<&Fault>, upstream: &Upstream) {
        match fault {
            _ if self.most == 0 => {}
            None => self.close(upstream),
            Some(fault) if fault.is_of_upstream() => self.fail(upstream),
            Some(_) => {}
        }
    }

    fn close(&self, upstream: &Upstream) {
        // Most of the time there was none, and nothing to write.
        if self.failures.load(Ordering::Relaxed) == 0 {
            return;
        }
        let was = self.failures.swap(0, Ordering::Relaxed);
        *self.next() = None;
        if was >= self.most {
            tracing::info!(%upstream, "the upstream responds again");
        }
    }

    fn fail(&self, upstream: &Upstream) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < self.most {
            return;
        }
        *self.next() = Some(Instant::now() + self.pause);
        if failures == self.most {
            let seconds = self.pause.as_secs_f64();
            tracing::warn!(%upstream, failures, seconds, "the upstream is left alone for a while");
        }
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::settings::Setting as _;

    const PAUSE: Duration = Duration::from_secs(10);

    fn upstream() -> Upstream {
        Upstream::parse("http://127.0.0.1:1").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn opens_after_failures_in_a_row_and_closes_with_a_response() {
        let (circuit, upstream) = (Circuit::new(2, PAUSE), upstream());
        let fail = || circuit.note(Some(&Fault::ResponseTimeout), &upstream);
        fail();
        circuit.note(None, &upstream);
        fail();
        assert!(circuit.admits(), "a response came in between");
        fail();
        assert!(!circuit.admits());
        advance(PAUSE).await;
        assert!(circuit.admits() && !circuit.admits(), "one tries for all");
        fail();
        advance(PAUSE * 9 / 10).await;
        assert!(!circuit.admits(), "in vain");
        advance(PAUSE / 10).await;
        assert!(circuit.admits());
        circuit.note(None, &upstream);
        assert!(circuit.admits() && circuit.admits());
    }

    #[tokio::test(start_paused = true)]
    async fn another_one_tries_where_nothing_becomes_of_the_first() {
        let circuit = Circuit::new(1, PAUSE);
        circuit.note(Some(&Fault::ConnectTimeout), &upstream());
        advance(PAUSE).await;
        assert!(circuit.admits() && !circuit.admits());
        advance(PAUSE).await;
        assert!(circuit.admits());
    }

    #[tokio::test]
    async fn what_is_not_the_upstreams_doing_does_not_count() {
        let circuit = Circuit::new(1, PAUSE);
        circuit.note(Some(&Fault::Open), &upstream());
        assert!(circuit.admits());
        let never = Circuit::new(0, PAUSE);
        for _ in 0..9 {
            never.note(Some(&Fault::ConnectTimeout), &upstream());
        }
        assert!(never.admits(), "with 0 it never opens");
    }
}
