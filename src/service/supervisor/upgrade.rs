//! How this process gives way to a successor, or goes on without one.

use tokio::time::Instant;

use super::{Event, Supervisor};
use crate::service::process::Heard;
use crate::service::upgrade::Successor;
use crate::service::wire::Report;

impl Supervisor {
    /// Starts the program that is on disk now, so that it takes over.
    pub(super) fn upgrade(&mut self) {
        if self.stopping || self.outside.is_reloading() || self.binding.is_some() {
            return tracing::warn!("not upgraded: something else changes");
        }
        if self.successor.is_some() {
            return tracing::warn!("not upgraded: a successor is being started already");
        }
        let shares: Result<_, _> =
            (0..self.fleet.size()).map(|worker| self.plan.shares(worker)).collect();
        let heard = self.heard.clone();
        let hear = move |what| {
            // Nobody listens only where this process is about to end.
            let _ = heard.send(Event::Successor(what));
        };
        let path = self.path.display();
        match shares.and_then(|shares| Successor::start(&self.path, shares, hear)) {
            Ok(successor) => {
                let process = successor.process.id();
                tracing::info!("`{path}` starts as process {process}, to take over");
                self.outside.notifier.status("starting a successor");
                self.successor = Some(successor);
            }
            Err(error) => tracing::error!("not upgraded: `{path}` cannot be started: {error}"),
        }
    }

    pub(super) fn hear_successor(&mut self, heard: Heard) {
        match heard {
            Heard::Said(Report::Ready) => self.give_way(),
            Heard::Said(_) => {}
            Heard::Ended(status) => {
                if self.successor.take().is_some() {
                    let status = status.map_or_else(|error| error.to_string(), |it| it.to_string());
                    tracing::error!(
                        "not upgraded: the successor has ended before it was ready: {status}"
                    );
                    self.outside.notifier.status("serving; the last upgrade has failed");
                }
            }
        }
    }

    /// Has the workers here finish what they have begun, as others accept connections now.
    fn give_way(&mut self) {
        let Some(Successor { process, .. }) = self.successor.take() else { return };
        tracing::info!("process {} has taken over: finishing what has begun", process.id());
        self.outside.notifier.main_process(process.id());
        process.release();
        // Not told to the service manager: the service goes on.
        self.plan.sockets.clear();
        self.drain();
    }

    /// Ends a successor that is late.
    pub(super) fn look_at_successor(&mut self, now: Instant) {
        if self.successor.as_ref().is_some_and(|successor| successor.until <= now) {
            tracing::error!("not upgraded: the successor is not ready in time, and is ended");
            self.outside.notifier.status("serving; the last upgrade has failed");
            self.successor = None;
        }
    }
}
