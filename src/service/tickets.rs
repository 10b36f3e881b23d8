//! The keys of TLS tickets, which all processes of a server share, and how they change.

use tokio::time::{Instant, sleep_until};

use crate::server::{TICKET_PERIOD, TicketKeys};

/// The keys of TLS tickets, and when the next ones are due.
#[derive(Debug)]
pub(super) struct Rotation {
    keys: TicketKeys,
    due: Instant,
}

impl Rotation {
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
    async fn keys_change_once_a_period() {
        let mut rotation = Rotation::start();
        let (first, begun) = (rotation.keys().clone(), Instant::now());
        assert_eq!(rotation.next().await, *rotation.keys());
        assert_ne!(first, *rotation.keys());
        rotation.next().await;
        assert!(begun.elapsed() >= 2 * TICKET_PERIOD);
    }
}
