//! The processes of workers: how they are started, told things and ended.

use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream as StdStream;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::thread::set_name;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::upgrade;
use super::wire::{self, Report};
use crate::source::describe;

/// This program, even where the file that it was started from has been replaced since.
const SELF: &str = "/proc/self/exe";

/// How long a process may live on after it has closed its side of the wire.
const LAST_BREATH: Duration = Duration::from_secs(5);

/// What is heard of a process.
#[derive(Debug)]
pub(super) enum Heard {
    /// It has ended.
    Ended(io::Result<ExitStatus>),
    /// It says something.
    Said(Report),
}

/// The process of a worker. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    /// How many connections it had when it last said so.
    pub(super) connections: usize,
    words: UnboundedSender<(Vec<u8>, Vec<OwnedFd>)>,
    /// Ends it when it is dropped.
    hold: UnboundedSender<Release>,
}

/// The word that lets a process live on by itself.
#[derive(Debug)]
struct Release;

impl Process {
    /// Starts a process with one end of a wire as its standard input, and begins with a message
    /// and descriptors.
    ///
    /// What is heard of it is passed on, its end as the last.
    pub(super) fn start(
        mut command: Command,
        (message, descriptors): (Vec<u8>, &[OwnedFd]),
        heard: impl Fn(Heard) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (ours, theirs) = StdStream::pair()?;
        let rest = wire::send_start(&ours, message, descriptors)?;
        let mut child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
        let Some(id) = child.id() else { return Err(io::Error::other("it has ended already")) };
        ours.set_nonblocking(true)?;
        let (reader, writer) = UnixStream::from_std(ours)?.into_split();
        let (words, written) = unbounded_channel();
        let (hold, mut let_go) = unbounded_channel();
        // Nobody receives only if the writer has failed, and then the process has ended.
        let _ = words.send((rest, Vec::new()));
        tokio::spawn(write(writer, written));
        tokio::spawn(async move {
            // To be let go counts whenever it comes: who takes over closes its side as it says so.
            let end = tokio::select! {
                biased;
                word = let_go.recv() => match word {
                    Some(Release) => return,
                    None => kill_and_wait(&mut child).await,
                },
                end = listen_until_end(reader, &heard, &mut child) => end,
            };
            heard(Heard::Ended(end));
        });
        Ok(Self { id, connections: 0, words, hold })
    }

    /// The number that the system knows it by.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Lets it live on by itself. Nothing is heard of it any more.
    pub(super) fn release(self) {
        // If it has ended, nothing is left to be let go.
        let _ = self.hold.send(Release);
    }

    /// Says something to it, after all that was said before.
    pub(super) fn tell(&self, message: Vec<u8>) {
        self.hand(message, Vec::new());
    }

    /// Says something to it, and hands it descriptors with that.
    pub(super) fn hand(&self, message: Vec<u8>, descriptors: Vec<OwnedFd>) {
        // If it has ended, that is heard of elsewhere.
        let _ = self.words.send((message, descriptors));
    }
}

/// This program as a worker.
pub(super) fn worker(title: &str) -> Command {
    let mut command = Command::new(SELF);
    command.arg0(title).arg("worker");
    // These speak to the process that the service manager has started.
    for variable in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"].iter().chain(&ACTIVATION) {
        command.env_remove(variable);
    }
    command
}

/// Gives this process the name of the program, which `pgrep`, `top` and the system's log go by: it
/// has that of the link by which it was started.
pub(super) fn take_name() {
    let path = upgrade::path();
    let name = path.file_name().map(|name| CString::new(name.as_bytes()));
    if let Some(Ok(name)) = name {
        // It only fails where it is of no use.
        let _ = set_name(&name);
    }
}

/// What says which sockets the service manager hands to a process.
pub(super) const ACTIVATION: [&str; 3] = ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID"];

/// Writes what is to be said, until nobody says anything any more or nobody listens.
async fn write(mut writer: OwnedWriteHalf, mut words: UnboundedReceiver<(Vec<u8>, Vec<OwnedFd>)>) {
    while let Some((message, descriptors)) = words.recv().await {
        let rest = match wire::hand(&writer, message, &descriptors).await {
            Ok(rest) => rest,
            // That a process has no use for the descriptors is no reason to end it.
            Err(error) => {
                let error = describe(&error);
                tracing::error!("sockets cannot be handed to a process: {error}");
                continue;
            }
        };
        if writer.write_all(&rest).await.is_err() {
            return;
        }
    }
}

/// Passes on what a process says, until it closes its side or says what makes no sense.
async fn listen(mut reader: OwnedReadHalf, heard: &impl Fn(Heard)) {
    while let Ok(Some(report)) = wire::receive(&mut reader).await {
        heard(Heard::Said(report));
    }
}

/// Passes on what a process says, and waits until it has ended when it has nothing more to say.
async fn listen_until_end(
    reader: OwnedReadHalf,
    heard: &impl Fn(Heard),
    child: &mut Child,
) -> io::Result<ExitStatus> {
    listen(reader, heard).await;
    match timeout(LAST_BREATH, child.wait()).await {
        Ok(status) => status,
        Err(_) => kill_and_wait(child).await,
    }
}

async fn kill_and_wait(child: &mut Child) -> io::Result<ExitStatus> {
    // It fails only if it has ended.
    let _ = child.start_kill();
    child.wait().await
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, pipe};

    use tokio::task::{spawn_blocking, yield_now};

    use super::*;

    /// Says that it is ready, closes its side of the wire, and lives on until its input ends.
    const SUCCESSOR: &str =
        r#"printf '\0\0\0\007"Ready"' >&0; exec </dev/null; echo; exec cat <&3"#;

    #[tokio::test]
    async fn what_cannot_be_handed_over_does_not_end_the_talk() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (words, written) = unbounded_channel();
        let too_many =
            (0..=wire::MOST_DESCRIPTORS).map(|_| File::open("/dev/null").unwrap().into());
        words.send((wire::encode(&Report::Asked).unwrap(), too_many.collect())).unwrap();
        words.send((wire::encode(&Report::Ready).unwrap(), Vec::new())).unwrap();
        drop(words);
        write(ours.into_split().1, written).await;
        let (mut reader, _theirs) = theirs.into_split();
        let said = wire::receive::<Report>(&mut reader).await.unwrap();
        assert!(matches!(said, Some(Report::Ready)), "{said:?}");
    }

    #[tokio::test]
    async fn who_is_let_go_after_its_last_word_lives_on() {
        let ((mut told, tells), (hold, held)) = (pipe().unwrap(), pipe().unwrap());
        let mut command = Command::new("sh");
        // The descriptor 3 of the shell is the pipe that holds it.
        command.args(["-c", "exec 3<&2 2>/dev/null; eval \"$0\"", SUCCESSOR]);
        command.stdout(Stdio::from(tells)).stderr(Stdio::from(hold));
        let (heard, mut events) = unbounded_channel();
        let heard = move |what| heard.send(what).unwrap();
        let process = Process::start(command, (Vec::from([0; 4]), &[]), heard).unwrap();
        assert!(matches!(events.recv().await, Some(Heard::Said(Report::Ready))));
        // Its side of the wire is closed by now, and that has been noticed.
        spawn_blocking(move || told.read_exact(&mut [0])).await.unwrap().unwrap();
        for _ in 0..100 {
            yield_now().await;
        }
        process.release();
        assert!(events.recv().await.is_none(), "it has not been ended");
        drop(held);
    }
}
