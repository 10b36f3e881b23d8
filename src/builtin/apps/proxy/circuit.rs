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

/// How a request passes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pass {
    /// As all do.
    Free,
    /// It tries for all.
    Trial,
}

impl Circuit {
    pub(super) fn new(most: u32, pause: Duration) -> Self {
        Self { most, pause, failures: AtomicU32::new(0), next: Mutex::default() }
    }

    /// Lets a request pass; where it is not asked, in how many seconds it may be. Where one tries
    /// for all, the others wait for what becomes of it, or for as long as before if nothing does.
    pub(super) fn admit(&self) -> Result<Pass, u64> {
        if self.most == 0 || self.failures.load(Ordering::Relaxed) < self.most {
            return Ok(Pass::Free);
        }
        let (mut next, now) = (self.next(), Instant::now());
        let left = next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        if !left.is_zero() {
            return Err(left.as_secs() + u64::from(left.subsec_nanos() > 0));
        }
        *next = Some(now + self.pause);
        Ok(Pass::Trial)
    }

    /// Notes what became of a request that was let pass.
    pub(super) fn note(&self, pass: Pass, fault: Option<&Fault>, upstream: &Upstream) {
        let has_failed = fault.is_some_and(Fault::is_of_upstream);
        match (pass, fault) {
            _ if self.most == 0 => {}
            (_, None | Some(Fault::Improper(_))) => self.close(upstream),
            (Pass::Free, _) if has_failed => self.fail(upstream),
            (Pass::Trial, _) if has_failed => *self.next() = Some(Instant::now() + self.pause),
            // The client has given up. Another may try.
            (Pass::Trial, _) => *self.next() = None,
            (Pass::Free, _) => {}
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

    /// Counts a failure. Those that were under way when it opened change nothing.
    fn fail(&self, upstream: &Upstream) {
        if self.failures.load(Ordering::Relaxed) >= self.most {
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if failures == self.most {
            *self.next() = Some(Instant::now() + self.pause);
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
        let note = |pass, fault| circuit.note(pass, fault, &upstream);
        let failed = Some(&Fault::ResponseTimeout);
        note(Pass::Free, failed);
        note(Pass::Free, None);
        note(Pass::Free, failed);
        assert_eq!(circuit.admit(), Ok(Pass::Free), "a response came in between");
        note(Pass::Free, failed);
        assert_eq!(circuit.admit(), Err(10));
        advance(PAUSE / 2).await;
        note(Pass::Free, failed);
        assert_eq!(circuit.admit(), Err(5), "what was under way changes nothing");
        advance(PAUSE / 2).await;
        assert_eq!((circuit.admit(), circuit.admit()), (Ok(Pass::Trial), Err(10)));
        note(Pass::Trial, failed);
        assert_eq!(circuit.admit(), Err(10), "in vain");
        advance(PAUSE).await;
        assert_eq!(circuit.admit(), Ok(Pass::Trial));
        note(Pass::Trial, None);
        assert_eq!((circuit.admit(), circuit.admit()), (Ok(Pass::Free), Ok(Pass::Free)));
    }

    #[tokio::test(start_paused = true)]
    async fn another_one_tries_where_nothing_becomes_of_the_first() {
        let circuit = Circuit::new(1, PAUSE);
        circuit.note(Pass::Free, Some(&Fault::ConnectTimeout), &upstream());
        advance(PAUSE).await;
        assert_eq!((circuit.admit(), circuit.admit()), (Ok(Pass::Trial), Err(10)));
        advance(PAUSE).await;
        assert_eq!(circuit.admit(), Ok(Pass::Trial));
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_cannot_be_passed_on_shows_that_there_is_somebody() {
        let circuit = Circuit::new(1, PAUSE);
        circuit.note(Pass::Free, Some(&Fault::ConnectTimeout), &upstream());
        advance(PAUSE).await;
        circuit.note(Pass::Trial, Some(&Fault::Improper("it has no end")), &upstream());
        assert_eq!(circuit.admit(), Ok(Pass::Free));
    }

    #[tokio::test]
    async fn it_never_opens_with_0() {
        let circuit = Circuit::new(0, PAUSE);
        for _ in 0..9 {
            circuit.note(Pass::Free, Some(&Fault::ConnectTimeout), &upstream());
        }
        assert_eq!(circuit.admit(), Ok(Pass::Free));
    }
}
