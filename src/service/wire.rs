//! What a supervisor and its workers say to each other, over a pair of sockets.
//!
//! A worker's end is its standard input: so nothing has to say which descriptor it is, and none is
//! inherited by accident. A message is its length in four bytes and JSON. The sockets to listen
//! at travel with the length of the first one.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, Interest, ReadBuf};
use tokio::net::UnixStream as Stream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::Order;
use super::privileges::Identity;
use crate::admin::Health;
use crate::metrics::Snapshot as Counted;
use crate::program::Part;
use crate::server::{Place, TicketKeys};
use crate::source::Snapshot;

/// How many descriptors the system lets travel at once.
pub(super) const MOST_DESCRIPTORS: usize = 253;

/// What a worker needs to start.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Start {
    pub(super) order: Order,
    pub(super) snapshot: Snapshot,
    /// What is known of the sockets of each server, in the order of their descriptors.
    pub(super) places: Vec<Vec<Place>>,
    /// What the process is to be.
    pub(super) part: Part,
    /// Whom it is to become, if it runs a service. A worker reads that itself.
    pub(super) identity: Identity,
    /// What sessions of TLS are resumed by, in whichever worker; none for who does not serve.
    pub(super) tickets: Option<TicketKeys>,
}

/// What a worker is told after its start.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Command {
    /// Forget what you have prepared, or are preparing, for the change of this number.
    Abort(u64),
    /// Say at once that you are well, and what you have counted.
    Beat,
    /// Serve by what you have prepared for the change of this number.
    Commit(u64),
    /// Accept connections at the sockets of another worker, too, whose place is empty; they come
    /// with this, and of each server there is what is known of them.
    Cover(usize, Vec<Vec<Place>>),
    /// End at once: close all connections, whatever they are at, and say what you have counted.
    Cut,
    /// Those who asked are to be told that all processes together are so.
    Health(Health),
    /// End when what has begun is finished.
    Leave {
        /// Within so long; none if that is not limited.
        patience: Option<Duration>,
        /// Whether others serve in its place, all that it does.
        is_relieved: bool,
    },
    /// Load, check and build what is to come by the change of this number.
    Prepare(u64, Snapshot),
    /// Open the files of logs anew.
    Reopen,
    /// Have services look anew at what may have changed: these texts are in force.
    Reset(Snapshot),
    /// Resume sessions of TLS by these keys.
    Tickets(TicketKeys),
    /// The place of another worker is taken again.
    Uncover(usize),
}

/// What a worker says.
#[derive(Debug, Deserialize, Serialize)]
pub(super) enum Report {
    /// It is well, has so many connections, and has counted so much.
    Alive { connections: usize, counted: Counted },
    /// Somebody asks it how all processes together are.
    Asked,
    /// It serves by what it had prepared for the change of this number, or is about to.
    Committed(u64),
    /// A service in it has ended, or has failed, for a reason: all are to end.
    Failed(String),
    /// Somebody else has told it to end. A worker accepts no connections any more, and finishes
    /// what has begun; who runs a service waits to be told by when.
    Leaving,
    /// It has prepared what is to come by the change of this number.
    Prepared(u64),
    /// It accepts connections, or its service has started.
    Ready,
    /// It cannot prepare the change of this number, or without one cannot start, for a reason.
    Refused(Option<u64>, String),
}

/// The bytes of a message, its length first.
pub(super) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size_of::<u32>()];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - size_of::<u32>());
    let length = length.map_err(|_| io::Error::other("the message is larger than 4 GiB"))?;
    bytes[..size_of::<u32>()].copy_from_slice(&length.to_be_bytes());
    Ok(bytes)
}

/// Sends the length of a message, and descriptors with it; gives the rest of the message, which
/// may be more than fits until the other side reads. The length always fits.
pub(super) fn send_start(
    socket: impl AsFd,
    mut message: Vec<u8>,
    descriptors: &[OwnedFd],
) -> io::Result<Vec<u8>> {
    if descriptors.len() > MOST_DESCRIPTORS {
        let reason = format!("a process can listen at {MOST_DESCRIPTORS} sockets at most");
        return Err(io::Error::other(reason));
    }
    let rest = message.split_off(size_of::<u32>());
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&message)], &mut ancillary, SendFlags::empty())?;
    Ok(rest)
}

/// Waits for the first message, and for the descriptors that come with it.
pub(super) fn receive_start<T: DeserializeOwned>(
    socket: &mut UnixStream,
) -> io::Result<(T, Vec<OwnedFd>)> {
    let mut length = [0; size_of::<u32>()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut length)];
    let received = recvmsg(&*socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = taken(&mut ancillary);
    socket.read_exact(&mut length[received.bytes..])?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    socket.read_exact(&mut message)?;
    Ok((serde_json::from_slice(&message)?, descriptors))
}

/// The descriptors that have come with something.
fn taken(ancillary: &mut RecvAncillaryBuffer<'_>) -> Vec<OwnedFd> {
    let descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    descriptors.collect()
}

/// Begins to say something, and hands descriptors over with it; gives the rest of the message. If it
/// fails, nothing has been said.
pub(super) async fn hand(
    writer: &OwnedWriteHalf,
    message: Vec<u8>,
    descriptors: &[OwnedFd],
) -> io::Result<Vec<u8>> {
    if descriptors.is_empty() {
        return Ok(message);
    }
    let stream: &Stream = writer.as_ref();
    loop {
        stream.writable().await?;
        let hand = || send_start(stream, message.clone(), descriptors);
        match stream.try_io(Interest::WRITABLE, hand) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
}

/// The end of a wire that is listened to, with the descriptors that came with what was heard.
#[derive(Debug)]
pub(super) struct Ear {
    half: OwnedReadHalf,
    descriptors: Vec<OwnedFd>,
}

impl Ear {
    pub(super) fn new(half: OwnedReadHalf) -> Self {
        Self { half, descriptors: Vec::new() }
    }

    /// The descriptors that came with the last message.
    pub(super) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        mem::take(&mut self.descriptors)
    }
}

/// To read from it in another way would lose the descriptors.
impl AsyncRead for Ear {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { half, descriptors } = &mut *self;
        let stream: &Stream = (*half).as_ref();
        loop {
            ready!(stream.poll_read_ready(context))?;
            let mut space =
                [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let received = stream.try_io(Interest::READABLE, || {
                let mut parts = [IoSliceMut::new(buffer.initialize_unfilled())];
                Ok(recvmsg(stream, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?.bytes)
            });
            match received {
                Ok(bytes) => {
                    buffer.advance(bytes);
                    descriptors.extend(taken(&mut ancillary));
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Waits for a message; none if the other side has closed.
pub(super) async fn receive<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<T>> {
    let length = match stream.read_u32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut message = vec![0; length as usize];
    stream.read_exact(&mut message).await?;
    Ok(Some(serde_json::from_slice(&message)?))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::thread;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[test]
    fn the_first_message_brings_descriptors() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let text = "x".repeat(1 << 20);
        let (sent, mut received) = UnixStream::pair().unwrap();
        let descriptors = [OwnedFd::from(sent), File::open("/dev/null").unwrap().into()];
        let rest = send_start(&ours, encode(&text).unwrap(), &descriptors).unwrap();
        drop(descriptors);
        let writer = thread::spawn(move || ours.write_all(&rest).unwrap());
        let (message, descriptors): (String, _) = receive_start(&mut theirs).unwrap();
        writer.join().unwrap();
        assert_eq!(message, text);
        let [sent, _] = <[OwnedFd; 2]>::try_from(descriptors).unwrap();
        UnixStream::from(sent).write_all(b"!").unwrap();
        let mut read = String::new();
        received.read_to_string(&mut read).unwrap();
        assert_eq!(read, "!");
    }

    #[tokio::test]
    async fn later_messages_bring_descriptors_too() {
        let (ours, theirs) = Stream::pair().unwrap();
        let ((_, mut writer), (reader, _)) = (ours.into_split(), theirs.into_split());
        let (mut ear, places) = (Ear::new(reader), vec![vec![]]);
        for number in 0..2 {
            let message = encode(&Command::Cover(number, places.clone())).unwrap();
            let descriptors = [File::open("/dev/null").unwrap().into()];
            let rest = hand(&writer, message, &descriptors[..number]).await.unwrap();
            writer.write_all(&rest).await.unwrap();
        }
        for number in 0..2 {
            let heard = receive::<Command>(&mut ear).await.unwrap();
            assert!(matches!(heard, Some(Command::Cover(other, _)) if other == number));
            assert_eq!(ear.take_descriptors().len(), number);
        }
    }

    #[tokio::test]
    async fn later_messages_come_one_by_one_until_the_end() {
        let commands = [Command::Prepare(1, Snapshot::default()), Command::Beat];
        let bytes: Vec<_> = commands.iter().flat_map(|command| encode(command).unwrap()).collect();
        let mut stream = &bytes[..];
        let first = receive::<Command>(&mut stream).await.unwrap();
        assert!(matches!(first, Some(Command::Prepare(1, _))), "{first:?}");
        let second = receive::<Command>(&mut stream).await.unwrap();
        assert!(matches!(second, Some(Command::Beat)), "{second:?}");
        assert!(receive::<Command>(&mut stream).await.unwrap().is_none());
    }
}
