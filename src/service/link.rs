//! The wire to the supervisor, as a process sees it that it has started.

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;

use rustix::process::{Signal as Deadly, set_parent_process_death_signal};
use rustix::stdio::dup2_stdin;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::wire::{self, Command, Ear, Report, Start};

/// The wire to the supervisor.
#[derive(Debug)]
pub(super) struct Link {
    commands: UnboundedReceiver<(Command, Vec<OwnedFd>)>,
    /// What came with the last command.
    descriptors: Vec<OwnedFd>,
    reports: UnboundedSender<Report>,
    speaking: JoinHandle<()>,
}

impl Link {
    /// Begins to speak and to listen, within a runtime.
    pub(super) fn open(wire: StdStream) -> io::Result<Self> {
        wire.set_nonblocking(true)?;
        let (reader, writer) = UnixStream::from_std(wire)?.into_split();
        let (reports, told) = unbounded_channel();
        let (heard, commands) = unbounded_channel();
        let speaking = tokio::spawn(speak(writer, told));
        tokio::spawn(listen(Ear::new(reader), heard));
        Ok(Self { commands, descriptors: Vec::new(), reports, speaking })
    }

    /// Waits for a command; none if the supervisor is gone, and with it whoever would end this.
    pub(super) async fn next(&mut self) -> Option<Command> {
        let (command, descriptors) = self.commands.recv().await?;
        self.descriptors = descriptors;
        Some(command)
    }

    /// The descriptors that came with the last command.
    pub(super) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        mem::take(&mut self.descriptors)
    }

    /// Says something.
    pub(super) fn say(&self, report: Report) {
        // Without a supervisor the process is about to end.
        let _ = self.reports.send(report);
    }

    /// Returns when everything is said.
    pub(super) async fn close(self) {
        drop(self.reports);
        let _ = self.speaking.await;
    }
}

/// What the supervisor says first at the other end of standard input, which is empty from then on.
pub(super) fn meet() -> io::Result<(StdStream, Start, Vec<OwnedFd>)> {
    let mut wire = StdStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (start, descriptors) = wire::receive_start(&mut wire)?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok((wire, start, descriptors))
}

/// Where the supervisor is killed, so is this. Elsewhere its end of the wire tells.
pub(super) fn die_with_supervisor() {
    let _ = set_parent_process_death_signal(Some(Deadly::KILL));
}

async fn speak(mut writer: OwnedWriteHalf, mut reports: UnboundedReceiver<Report>) {
    while let Some(report) = reports.recv().await {
        // Without a supervisor the process ends anyway.
        let Ok(bytes) = wire::encode(&report) else { return };
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Passes commands on; the channel closes where the supervisor is gone.
async fn listen(mut ear: Ear, heard: UnboundedSender<(Command, Vec<OwnedFd>)>) {
    while let Ok(Some(command)) = wire::receive(&mut ear).await {
        if heard.send((command, ear.take_descriptors())).is_err() {
            return;
        }
    }
}
