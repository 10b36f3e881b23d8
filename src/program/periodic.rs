//! Services that do something again and again.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Service;
use crate::app::BoxError;

type Run = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send + Sync;

/// A service that runs a task again and again, one run after another.
///
/// The runs begin at multiples of the interval, by a clock that nobody sets. One that takes longer
/// than the interval is followed at once by another, for all that were due meanwhile. A run that
/// fails is logged, and the next one comes all the same; one that panics ends the service, and so
/// the server. When the service is told to stop, a run that has begun is finished.
///
/// ```
/// use std::time::Duration;
///
/// use pasteline::program::Periodic;
///
/// let task = Periodic::every(Duration::from_secs(40), async || Ok(()))
///     .after(Duration::from_secs(1))
///     .spread(Duration::from_secs(5));
/// # let _ = task;
/// ```
pub struct Periodic {
    interval: Duration,
    delay: Duration,
    spread: Duration,
    run: Box<Run>,
    stop: watch::Sender<bool>,
}

impl Periodic {
    /// Runs a task now and after each interval, which is a millisecond at least.
    pub fn every<T, F>(interval: Duration, task: T) -> Self
    where
        T: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            interval: interval.max(Duration::from_millis(1)),
            delay: Duration::ZERO,
            spread: Duration::ZERO,
            run: Box::new(move || Box::pin(task())),
            stop: watch::Sender::new(false),
        }
    }

    /// Has the first run wait for so long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Has the first run wait for a random time of up to so long in addition, so that tasks in
    /// several processes do not all run at once (`periodic_fuzzy_delay`).
    #[must_use]
    pub fn spread(mut self, most: Duration) -> Self {
        self.spread = most;
        self
    }
}

impl Service for Periodic {
    async fn wait(&self) -> Result<(), BoxError> {
        let begin = Instant::now() + self.delay + self.spread.mul_f64(random());
        let mut ticks = interval_at(begin, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stop = self.stop.subscribe();
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                _ = ticks.tick() => {}
            }
            if let Err(error) = (self.run)().await {
                tracing::error!("a periodic task has failed: {error}");
            }
        }
    }

    async fn stop(&self, _: Option<Instant>) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Periodic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interval, delay, spread, .. } = self;
        f.debug_struct("Periodic")
            .field("interval", interval)
            .field("delay", delay)
            .field("spread", spread)
            .finish_non_exhaustive()
    }
}

/// A number from 0 to 1, another one each time and in each process.
fn random() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(()) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The seconds at which the runs of a task begin that take so long each; the second one fails.
    async fn runs(take: [u32; 5], change: impl Fn(Periodic) -> Periodic) -> Vec<f64> {
        let (start, begun) = (Instant::now(), watch::Sender::new(Vec::new()));
        let mut seen = begun.subscribe();
        let periodic = change(Periodic::every(SECOND * 10, move || {
            begun.send_modify(|begun| begun.push(start.elapsed().as_secs_f64().round()));
            let number = begun.borrow().len();
            async move {
                sleep(SECOND * take[number - 1]).await;
                if number == 2 { Err("as the test has it".into()) } else { Ok(()) }
            }
        }));
        tokio::join!(async { periodic.wait().await.unwrap() }, async {
            seen.wait_for(|begun| begun.len() == take.len()).await.unwrap();
            periodic.stop(None).await;
        });
        seen.borrow().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn runs_come_at_multiples_of_the_interval_and_never_overlap() {
        let begun = runs([0, 5, 25, 0, 0], |periodic| periodic).await;
        assert_eq!(begun, [0.0, 10.0, 20.0, 45.0, 50.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_run_waits_as_long_as_it_is_told_to() {
        let begun = runs([0; 5], |periodic| periodic.after(SECOND * 3)).await;
        assert_eq!(begun, [3.0, 13.0, 23.0, 33.0, 43.0]);
        let begun = runs([0; 5], |periodic| periodic.after(SECOND).spread(SECOND * 5)).await;
        assert!((1.0..=6.0).contains(&begun[0]), "{begun:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_has_begun_is_finished_when_it_is_told_to_stop() {
        let (start, periodic) = (
            Instant::now(),
            Periodic::every(SECOND, async || {
                sleep(SECOND * 30).await;
                Ok(())
            }),
        );
        tokio::join!(async { periodic.wait().await.unwrap() }, async {
            sleep(SECOND).await;
            periodic.stop(None).await;
        });
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
