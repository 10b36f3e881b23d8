//! How one process ends.

use std::mem;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{End, Single, asked, tell};
use crate::admin::Asked as Inquiries;
use crate::program::{Draining, Part, Stopped};
use crate::server::Sockets;
use crate::service::outside::{Asked, Outside};
use crate::service::plan::patience;
use crate::service::signals::{Signal, Signals};
use crate::service::{Outcome, counted};

impl Single {
    /// Takes note of the first signal to end.
    pub(super) fn finish_at(&mut self, signal: Signal) {
        tracing::info!("{signal}: finishing what has begun; a second one ends it at once");
        self.is_told = true;
    }

    /// Ends when what has begun is finished, and the services with it, when that takes too long,
    /// or at a signal.
    pub(super) async fn stop(
        mut self,
        (signals, mut inquiries): (&mut Signals, Inquiries),
        mut outside: Option<Outside>,
        end: End,
    ) -> Outcome {
        let is_relieved = end == End::Relieved;
        self.publish(&Draining { part: Part::Main });
        if !self.binding.is_empty() {
            self.binding.abort_all();
            if let Some(outside) = &mut outside {
                self.settle(Err("the server stops".to_owned()), outside);
            }
        }
        mem::take(&mut self.sockets).into_iter().for_each(Sockets::close);
        let patience = patience(&self.settings[0]);
        let linger = self.settings[0].drain_linger.0;
        let drained = self.engine.as_ref().map(|engine| engine.drain(linger, is_relieved));
        let stopped = self.company.stop(patience.map(|patience| Instant::now() + patience));
        let mut leaving = mem::take(&mut self.leaving);
        let ended = async {
            if let Some(drained) = drained {
                drained.await;
            }
            while leaving.join_next().await.is_some() {}
            stopped.await;
        };
        let asked = (signals, &mut inquiries, &mut outside);
        let outcome = self.finish(pin!(ended), patience, asked, is_relieved).await;
        if outcome == Outcome::CutOff {
            self.cut.send_replace(true);
            let cut = self.engine.as_ref().map(|engine| engine.cut(&self.metrics));
            let replaced = async { while leaving.join_next().await.is_some() {} };
            let engine = async {
                if let Some(cut) = cut {
                    cut.await;
                }
            };
            tokio::join!(engine, replaced);
        }
        self.publish(&Stopped { part: Part::Main });
        if self.failed {
            return Outcome::Failed;
        }
        if outcome == Outcome::Finished {
            tracing::info!("ended");
        }
        outcome
    }

    /// Waits until all has ended, or is to be cut off.
    async fn finish(
        &mut self,
        mut ended: Pin<&mut impl Future<Output = ()>>,
        patience: Option<Duration>,
        (signals, inquiries, outside): (&mut Signals, &mut Inquiries, &mut Option<Outside>),
        is_relieved: bool,
    ) -> Outcome {
        let mut limit = pin!(elapsed(patience));
        loop {
            tokio::select! {
                () = &mut ended => break Outcome::Finished,
                () = &mut limit => {
                    tracing::warn!("what has not finished in time is cut off");
                    break Outcome::CutOff;
                }
                signal = signals.stopping() => {
                    // It may be ending for another reason.
                    if !self.is_told {
                        self.finish_at(signal);
                        continue;
                    }
                    tracing::warn!("{signal}: ended at once");
                    break Outcome::CutOff;
                }
                // Who asks here while another process takes over asks about what is served here.
                asker = inquiries.next() => {
                    tell(asker, counted(&self.metrics, false), is_relieved);
                }
                (asked, outside) = asked(outside) => match asked {
                    Asked::Change(_) => self.settle(Err("the server stops".to_owned()), outside),
                    // Who does not wait any more need not be told.
                    Asked::Status(asker) => drop(asker.send(outside.status(&[], Vec::new()))),
                    Asked::Watchdog => outside.notifier.watchdog(),
                },
            }
        }
    }
}

/// Waits for so long; for ever if there is no limit.
pub(super) async fn elapsed(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Waits until then; for ever if there is no such time.
pub(super) async fn elapsed_at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
