//! How another process comes to serve in the place of this one.

use std::mem;

use super::{Event, Supervisor};
use crate::server::Sockets;
use crate::service::plan::{take_charge, write_pid_file};
use crate::service::process::Heard;
use crate::service::upgrade::Legacy;

impl Supervisor {
    /// Starts the program that is on disk now, so that it takes over.
    pub(super) fn upgrade(&mut self) {
        if self.stopping || self.outside.is_reloading() {
            return tracing::warn!("not upgraded: something else changes");
        }
        let shares: Result<_, _> =
            (0..self.fleet.size()).map(|worker| self.plan.shares(worker)).collect();
        let patience = self.plan.settings[0].successor_timeout.0;
        let tickets = self.tickets.hand_over();
        let legacy = shares.map(|shares| Legacy { shares, tickets, patience });
        let heard = self.heard.clone();
        self.succession.start(legacy, &mut self.outside, move |what| {
            // Nobody listens only where this process is about to end.
            let _ = heard.send(Event::Successor(what));
        });
    }

    /// Has the workers here finish what they have begun, if others accept connections now.
    pub(super) fn hear_successor(&mut self, heard: Heard) {
        if self.succession.hear(heard, &mut self.outside) {
            mem::take(&mut self.plan.sockets).into_iter().for_each(Sockets::hand_over);
            self.drain();
        }
    }

    /// Takes the place of the process that has started this one, if one has.
    pub(super) fn relieve_predecessor(&mut self, status: String) {
        let Some(predecessor) = self.predecessor.take() else { return };
        match write_pid_file(&self.plan.settings[0]) {
            Ok(pid_file) => self.succession.has_file(pid_file),
            Err(error) => tracing::error!("{error}"),
        }
        take_charge(&self.plan.settings, &self.plan.sockets);
        // If it has ended meanwhile, all the better.
        let notifier = self.outside.notifier.clone();
        let _ = predecessor.relieve(move || notifier.status(&status));
    }
}
