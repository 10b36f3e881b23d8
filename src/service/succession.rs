//! How this process gives way to a successor, or goes on without one.

use std::ffi::OsStr;
use std::io;
use std::mem;
use std::path::PathBuf;

use tokio::time::Instant;

use super::outside::Outside;
use super::pid_file::PidFile;
use super::process::Heard;
use super::upgrade::{Legacy, Successor, path};
use super::wire::Report;

/// How this process gives way to a successor, or goes on without one.
#[derive(Debug)]
pub(super) struct Succession {
    /// The path of the program, at which a newer one is found later.
    path: PathBuf,
    pid_file: Option<PidFile>,
    /// Who is about to relieve this process.
    successor: Option<Successor>,
    /// Whether another process serves in the place of this one.
    is_done: bool,
}

impl Succession {
    /// What is told where a successor has not taken over.
    const FAILED: &str = "serving; the last upgrade has failed";

    pub(super) fn new(pid_file: Option<PidFile>) -> Self {
        Self { path: path(), pid_file, successor: None, is_done: false }
    }

    /// The name of the file of the program.
    pub(super) fn program(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// Takes note of the file that tells which process this is.
    pub(super) fn has_file(&mut self, pid_file: Option<PidFile>) {
        self.pid_file = pid_file;
    }

    /// Has another file tell which process this is.
    pub(super) fn replace_file(&mut self, pid_file: Option<PidFile>) {
        let before = mem::replace(&mut self.pid_file, pid_file);
        let is_same = |before: &PidFile| self.pid_file.as_ref().is_some_and(|it| it.is_at(before));
        if let Some(before) = before.filter(|before| !is_same(before)) {
            before.remove();
        }
    }

    /// Starts the program that is on disk now, and hands it what it is to have, so that it takes
    /// over. Reloads are put off for as long.
    pub(super) fn start(
        &mut self,
        legacy: io::Result<Legacy>,
        outside: &mut Outside,
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) {
        if self.successor.is_some() {
            return tracing::warn!("not upgraded: a successor is being started already");
        }
        let path = self.path.display();
        match legacy.and_then(|legacy| Successor::start(&self.path, legacy, heard)) {
            Ok(successor) => {
                let process = successor.process.id();
                tracing::info!("`{path}` starts as process {process}, to take over");
                outside.notifier.status("starting a successor");
                outside.put_off_reloads();
                self.successor = Some(successor);
            }
            Err(error) => tracing::error!("not upgraded: `{path}` cannot be started: {error}"),
        }
    }

    /// Takes note of what is heard of the successor, and tells whether it has taken over. It is
    /// left to do what was put off.
    pub(super) fn hear(&mut self, heard: Heard, outside: &mut Outside) -> bool {
        match heard {
            Heard::Said(Report::Ready) => {
                let Some(Successor { process, .. }) = self.successor.take() else { return false };
                tracing::info!("process {} has taken over: finishing what has begun", process.id());
                // The service goes on: that this process ends is told to nobody.
                outside.notifier.main_process(process.id());
                outside.leave_reloads_to(process.id());
                process.release();
                self.is_done = true;
                return true;
            }
            Heard::Said(_) => {}
            Heard::Ended(status) => {
                if self.successor.is_some() {
                    let status = status.map_or_else(|error| error.to_string(), |it| it.to_string());
                    let reason = format!("the successor has ended before it was ready: {status}");
                    self.fail(&reason, outside);
                }
            }
        }
        false
    }

    /// Whether a successor is being started.
    pub(super) fn is_under_way(&self) -> bool {
        self.successor.is_some()
    }

    /// Whether another process serves in the place of this one.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    /// When the successor is late.
    pub(super) fn due(&self) -> Option<Instant> {
        self.successor.as_ref().map(|successor| successor.until)
    }

    /// Ends a successor that is late.
    pub(super) fn look(&mut self, now: Instant, outside: &mut Outside) {
        if self.due().is_some_and(|until| until <= now) {
            self.fail("the successor is not ready in time, and is ended", outside);
        }
    }

    /// Goes on without a successor, as all that this process serves comes to an end.
    pub(super) fn give_up(&mut self) {
        self.successor = None;
    }

    /// Ends, and leaves nothing behind.
    pub(super) fn end(self) {
        if let Some(pid_file) = self.pid_file {
            pid_file.remove();
        }
    }

    fn fail(&mut self, reason: &str, outside: &mut Outside) {
        self.successor = None;
        // Another version may have said too early that it is the one.
        if let Some(pid_file) = &self.pid_file {
            pid_file.reclaim();
        }
        tracing::error!("not upgraded: {reason}");
        outside.notifier.status(Self::FAILED);
        outside.take_up_reloads();
    }
}
