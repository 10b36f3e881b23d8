//! Reloads that are asked for while another process is about to take over.

use rustix::process::{Pid, Signal, kill_process};

use super::Outside;
use crate::service::reload::Told;
use crate::source::describe;

impl Outside {
    /// Has reloads wait that are asked for from now on, while another process is about to take
    /// over: it has the sockets of now, and loads the files itself.
    pub(in crate::service) fn put_off_reloads(&mut self) {
        self.reloads.put_off();
    }

    /// Begins what was put off, as this process goes on.
    pub(in crate::service) fn take_up_reloads(&mut self) {
        self.reloads.take_up();
        if self.reloads.is_under_way() {
            self.begin_reload();
        }
    }

    /// Has no reload begin any more, whoever asks and whatever file changes, as the server stops.
    pub(in crate::service) fn end_reloads(&mut self) {
        self.watch = None;
        self.reloads.end(Told::Ended(Err("the server stops".to_owned())));
    }

    /// Leaves what was put off to the process that has taken over, and all that follows: it may
    /// have read its files before they changed. Who waits for the result is sent there.
    pub(in crate::service) fn leave_reloads_to(&mut self, process: u32) {
        self.watch = None;
        if self.reloads.end(Told::Relieved(process)) {
            tracing::info!("the reload that was put off is left to process {process}");
            // Nobody may wait for it, or not any more.
            hang_up(process);
        }
    }
}

/// Sends SIGHUP to a process that this one has started.
fn hang_up(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let sent = process.map(|process| kill_process(process, Signal::HUP));
    if let Some(Err(error)) = sent {
        tracing::error!("it cannot be told to reload: {}", describe(&error.into()));
    }
}
