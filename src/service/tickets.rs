//! The keys of TLS tickets, which all processes of a server share, and how they change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::server::{TICKET_PERIOD, TicketKeys};

/// The keys of TLS tickets, and when the next ones are due.
#[derive(Debug)]
pub(super) struct Rotation {
    keys: TicketKeys,
    due: Instant,
}

/// The keys as a process hands them over to another one, and for how much longer they are those of
/// now.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Heirloom {
    keys: TicketKeys,
    left: Duration,
}

impl Rotation {
    /// Goes on with the keys of another process.
    pub(super) fn go_on(Heirloom { keys, left }: Heirloom) -> Self {
        Self { keys, due: Instant::now() + left.min(TICKET_PERIOD) }
    }

    /// What another process goes on with.
    pub(super) fn hand_over(&self) -> Heirloom {
        let left = self.due.saturating_duration_since(Instant::now());
        Heirloom { keys: self.keys.clone(), left }
    }

    /// Begins with new keys.
    pub(super) fn start() -> Self {
        Self { keys: TicketKeys::random(), due: Instant::now() + TICKET_PERIOD }
    }

    /// Those of now.
    pub(super) fn keys(&self) -> &TicketKeys {
        &self.keys
    }

    /// Waits for the next ones.
    pub(super) async fn next(&mut self) -> TicketKeys {
        sleep_until(self.due).await;
        self.due += TICKET_PERIOD;
        self.keys = self.keys.clone().next();
        self.keys.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn another_process_goes_on_with_the_keys_as_long_as_they_last() {
        let (mut rotation, begun) = (Rotation::start(), Instant::now());
        tokio::time::advance(TICKET_PERIOD / 3).await;
        let handed_over = serde_json::to_string(&rotation.hand_over()).unwrap();
        let mut other = Rotation::go_on(serde_json::from_str(&handed_over).unwrap());
        assert_eq!(other.keys(), rotation.keys());
        other.next().await;
        assert_eq!(begun.elapsed(), TICKET_PERIOD);
        rotation.next().await;
        assert_ne!(other.keys(), rotation.keys(), "each makes new ones of its own");
    }

    #[tokio::test(start_paused = true)]
    async fn keys_change_once_a_period() {
        let mut rotation = Rotation::start();
        let (first, begun) = (rotation.keys().clone(), Instant::now());
        assert_eq!(rotation.next().await, *rotation.keys());
        assert_ne!(first, *rotation.keys());
        rotation.next().await;
        assert!(begun.elapsed() >= 2 * TICKET_PERIOD);
    }
}
