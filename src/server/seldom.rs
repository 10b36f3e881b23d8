//! Which refusals are logged of those that any client can cause as often as it likes.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::metrics::Refusal;

/// How long none of a kind is logged after one was.
const PAUSE: Duration = Duration::from_secs(60);

/// Which refusals are logged: the first of each kind, and after each pause the next. So nobody can
/// fill the log, however often it knocks.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<[Kind; Refusal::ALL.len()]>);

#[derive(Debug, Default)]
struct Kind {
    logged: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// How many of a kind were left out since one was logged, if one is to be logged now; none if
    /// this one is left out, too.
    pub(super) fn admit(&self, refusal: Refusal) -> Option<u64> {
        let now = Instant::now();
        // A panic between two changes leaves them whole.
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = &mut kinds[refusal as usize];
        if kind.logged.is_some_and(|logged| now.duration_since(logged) < PAUSE) {
            kind.left_out += 1;
            return None;
        }
        kind.logged = Some(now);
        Some(mem::take(&mut kind.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_of_a_kind_is_logged_in_a_minute() {
        let seldom = Seldom::default();
        let (handshake, header) = (Refusal::TlsHandshake, Refusal::ProxyHeader);
        assert_eq!(
            [handshake, header, handshake].map(|kind| seldom.admit(kind)),
            [Some(0), Some(0), None]
        );
        tokio::time::advance(PAUSE.saturating_sub(Duration::from_millis(1))).await;
        assert_eq!(seldom.admit(handshake), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!([handshake, header].map(|kind| seldom.admit(kind)), [Some(2), Some(0)]);
        assert_eq!(seldom.admit(handshake), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(seldom.admit(handshake), Some(1));
    }

    #[test]
    fn each_kind_has_a_place() {
        let seldom = Seldom::default();
        assert!(Refusal::ALL.iter().all(|refusal| seldom.admit(*refusal) == Some(0)));
    }
}
