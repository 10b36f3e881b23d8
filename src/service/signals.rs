//! The signals by which a server is told what to do.

use std::fmt;
use std::io;
use std::task::Poll;

use rustix::process::Signal as Raw;
use tokio::signal::unix::{self, SignalKind};

use crate::access_log;

/// A signal by which a server is told what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Signal {
    /// SIGTTOU: one worker less.
    Fewer,
    /// SIGHUP: reload.
    Hangup,
    /// SIGINT: stop.
    Interrupt,
    /// SIGTTIN: one worker more.
    More,
    /// SIGUSR1: reopen the files of logs.
    Reopen,
    /// SIGTERM: stop.
    Terminate,
    /// SIGUSR2: have the program that is on disk now take over.
    Upgrade,
}

impl Signal {
    const ALL: [Self; 7] = [
        Self::Fewer,
        Self::Hangup,
        Self::Interrupt,
        Self::More,
        Self::Reopen,
        Self::Terminate,
        Self::Upgrade,
    ];

    /// Whether it tells a server to end.
    fn stops(self) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate)
    }

    fn kind(self) -> SignalKind {
        match self {
            Self::Fewer => SignalKind::from_raw(Raw::TTOU.as_raw()),
            Self::Hangup => SignalKind::hangup(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::More => SignalKind::from_raw(Raw::TTIN.as_raw()),
            Self::Reopen => SignalKind::user_defined1(),
            Self::Terminate => SignalKind::terminate(),
            Self::Upgrade => SignalKind::user_defined2(),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fewer => "SIGTTOU",
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::More => "SIGTTIN",
            Self::Reopen => "SIGUSR1",
            Self::Terminate => "SIGTERM",
            Self::Upgrade => "SIGUSR2",
        })
    }
}

/// Has the files of this process's logs opened anew.
pub(super) fn reopen_logs(signal: Signal) {
    tracing::info!("{signal}: the files of logs are opened anew");
    access_log::reopen();
}

/// Tells of signals; from its making on none of them kills the process.
#[derive(Debug)]
pub(super) struct Signals {
    streams: Vec<(Signal, unix::Signal)>,
    /// Those that came while only the end was waited for.
    held: Vec<Signal>,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let listen = |signal: Signal| Ok((signal, unix::signal(signal.kind())?));
        let streams = Signal::ALL.into_iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self { streams, held: Vec::new() })
    }

    /// Waits for a signal. Several of one kind that come in a burst may be told as one.
    pub(super) async fn next(&mut self) -> Signal {
        if self.held.is_empty() { self.receive().await } else { self.held.remove(0) }
    }

    async fn receive(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (signal, stream) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits for a signal that tells a server to end. What others ask for is put off until then.
    pub(super) async fn stopping(&mut self) -> Signal {
        loop {
            let signal = self.receive().await;
            if signal.stops() {
                return signal;
            }
            if !self.held.contains(&signal) {
                self.held.push(signal);
            }
        }
    }
}
