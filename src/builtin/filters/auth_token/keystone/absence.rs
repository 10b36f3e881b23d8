//! Remembers that Keystone is away.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Fault;

/// Whether Keystone has left a question without an answer lately.
#[derive(Debug, Default)]
pub(super) struct Absence(Mutex<Option<Away>>);

#[derive(Debug)]
struct Away {
    since: Instant,
    fault: Fault,
    /// Whether somebody is finding out if it is back.
    is_visited: bool,
}

/// How long nobody looks whether it is back.
const PAUSE: Duration = Duration::from_secs(1);

/// A question that shows whether it is there. One that is given up shows nothing.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    absence: &'a Absence,
    /// Whether others leave it to this one.
    is_first: bool,
}

impl Absence {
    /// Allows a question where Keystone is not known to be away, or nobody else is finding out.
    ///
    /// # Errors
    ///
    /// Why the last question had no answer.
    pub(super) fn visit(&self) -> Result<Visit<'_>, Fault> {
        let mut away = self.away();
        let Some(away) = &mut *away else { return Ok(self.look_in()) };
        if away.is_visited || away.since.elapsed() < PAUSE {
            return Err(away.fault.clone());
        }
        away.is_visited = true;
        Ok(Visit { absence: self, is_first: true })
    }

    /// A question that is asked in any case.
    pub(super) fn look_in(&self) -> Visit<'_> {
        Visit { absence: self, is_first: false }
    }

    fn away(&self) -> MutexGuard<'_, Option<Away>> {
        // A panic between two changes leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit<'_> {
    /// Notes what became of it.
    pub(super) fn end(self, fault: Option<&Fault>) {
        let is_away = |fault: &&Fault| matches!(fault, Fault::Timeout | Fault::Unreachable(_));
        *self.absence.away() = fault.filter(is_away).map(|fault| Away {
            since: Instant::now(),
            fault: fault.clone(),
            is_visited: false,
        });
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if self.is_first
            && let Some(away) = &mut *self.absence.away()
        {
            away.is_visited = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_finds_out_whether_it_is_back() {
        let absence = Absence::default();
        absence.visit().unwrap().end(Some(&Fault::Timeout));
        assert_eq!(absence.visit().unwrap_err(), Fault::Timeout);
        advance(PAUSE).await;
        let first = absence.visit().unwrap();
        assert_eq!(absence.visit().unwrap_err(), Fault::Timeout);
        drop(first);
        let second = absence.visit().unwrap();
        second.end(Some(&Fault::Unreachable("refused".to_owned())));
        assert!(absence.visit().is_err());
        advance(PAUSE).await;
        absence.visit().unwrap().end(None);
        let (one, other) = (absence.visit().unwrap(), absence.visit().unwrap());
        one.end(None);
        other.end(None);
    }

    #[test]
    fn who_answers_is_there_whatever_the_answer() {
        let absence = Absence::default();
        absence.visit().unwrap().end(Some(&Fault::NoEndpoint("internal")));
        assert!(absence.visit().is_ok());
        absence.look_in().end(Some(&Fault::Timeout));
        assert!(absence.visit().is_err());
        absence.look_in().end(None);
        assert!(absence.visit().is_ok());
    }
}
