//! Keeps the log from being filled with the same line.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Allows a line a second.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

const INTERVAL: Duration = Duration::from_secs(1);

impl Pace {
    /// Whether a line may be written now.
    pub(super) fn allows(&self) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now - last >= INTERVAL);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_a_second() {
        let pace = Pace::default();
        assert_eq!([pace.allows(), pace.allows()], [true, false]);
        tokio::time::advance(INTERVAL).await;
        assert_eq!([pace.allows(), pace.allows()], [true, false]);
    }
}
