//! Notices when nothing moves any more.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use super::wire::Wire;

/// Into how many parts a time limit is divided.
const PARTS: u32 = 4;

/// Notices when nothing has moved on a wire for too long: after the limit, and a quarter of it
/// more at most.
///
/// Its timer runs on while things move, and only when it rings it is looked at what did. To set a
/// timer for each request would cost as much as a third of the header fields.
#[derive(Debug)]
pub(super) struct Silence {
    timer: Pin<Box<Sleep>>,
    part: Duration,
    /// How much had moved when the timer rang last.
    moves: u32,
    /// How often it has rung since then with nothing moved.
    rings: u32,
}

impl Silence {
    pub(super) fn new() -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { timer, part: Duration::ZERO, moves: 0, rings: 0 }
    }

    /// Waits until the upstream has been silent for longer than a limit.
    pub(super) fn poll_end(
        &mut self,
        limit: Duration,
        wire: &Wire,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if self.part != limit / PARTS {
            self.part = limit / PARTS;
            self.rings = 0;
            self.timer.as_mut().reset(Instant::now() + self.part);
        }
        loop {
            // Where a socket always has more to read, it uses up what tokio lets a task do at once,
            // and a timer that keeps to that would never ring.
            ready!(pin!(unconstrained(self.timer.as_mut())).poll(context));
            // A client that is slow to send is not the upstream's fault.
            if self.moves != wire.moves() || wire.waits_for_client() {
                self.moves = wire.moves();
                self.rings = 0;
            } else {
                self.rings += 1;
            }
            if self.rings >= PARTS {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(Instant::now() + self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::task::coop::poll_proceed;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// How many seconds pass until the silence is noticed.
    async fn seconds(silence: &mut Silence, wire: &Wire) -> u64 {
        let start = Instant::now();
        poll_fn(|context| silence.poll_end(LIMIT, wire, context)).await;
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn ends_after_the_limit_and_before_a_quarter_more() {
        let (mut silence, wire) = (Silence::new(), Wire::default());
        wire.begin();
        assert!((20..=25).contains(&seconds(&mut silence, &wire).await));
        tokio::time::advance(Duration::from_secs(7)).await;
        wire.begin();
        assert!((20..=25).contains(&seconds(&mut silence, &wire).await));
    }

    #[tokio::test(start_paused = true)]
    async fn is_noticed_by_a_task_that_always_has_something_to_do() {
        let (mut silence, wire) = (Silence::new(), Wire::default());
        wire.begin();
        let mut rings = 0;
        while poll_fn(|context| {
            while let Poll::Ready(progress) = poll_proceed(context) {
                progress.made_progress();
            }
            Poll::Ready(silence.poll_end(LIMIT, &wire, context).is_pending())
        })
        .await
        {
            rings += 1;
            assert!(rings <= 2 * PARTS, "the timer does not ring");
            tokio::time::advance(LIMIT / PARTS).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn begins_anew_when_something_moves() {
        let (mut silence, wire) = (Silence::new(), Wire::default());
        wire.begin();
        for _ in 0..10 {
            let until = tokio::time::sleep(Duration::from_secs(19));
            tokio::select! {
                _ = seconds(&mut silence, &wire) => panic!("it was not silent for long"),
                () = until => wire.moved(),
            }
        }
    }
}
