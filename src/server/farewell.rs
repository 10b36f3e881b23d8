//! The time after the last response, in which the client may still say something.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Activity;
use super::socket::Socket;

/// How long a client is heard once the server ends.
const LAST: Duration = Duration::from_millis(500);

/// How long a client may be silent, or up to twice as long.
const ROUND: Duration = Duration::from_secs(2);

/// How many rounds a client is heard that is not silent: half a minute, as nginx does.
const ROUNDS: u8 = 15;

/// How many bytes of a body that nobody wants are taken.
const MOST: usize = 32 << 20;

/// How many bytes are read at a time.
const PORTION: usize = 16 * 1024;

/// Hears a client whose connection is closed on this end, and drops what it says (RFC 9112, 9.6).
///
/// If nobody were there to hear it, the system would reset the connection, and with it might go the
/// last responses: those that are on their way, and those that the client has yet to read. Clients
/// of HTTP/2 say something to most of what they get, and others send a body to its end before they
/// look whether it was refused.
pub(super) struct Farewell {
    round: Pin<Box<Sleep>>,
    /// How many more there are.
    rounds: u8,
    /// How many bytes are taken yet.
    left: usize,
    /// Whether the client has said something in this round.
    is_heard: bool,
    /// Whether this round is the last, as the server ends.
    is_last: bool,
}

impl Farewell {
    /// How a client is heard to its end; none if it has nothing more to say, as far as is known.
    pub(super) fn to(activity: &Activity, socket: &Socket) -> Option<Self> {
        let is_last = activity.is_to_finish() || activity.is_to_leave();
        if activity.is_multiplexed() {
            return is_last.then(|| Self::new(LAST, 0));
        }
        let is_owed = activity.is_owed_body() || socket.has_unread();
        is_owed.then(|| {
            activity.bids_farewell();
            Self::new(ROUND, ROUNDS - 1)
        })
    }

    fn new(round: Duration, rounds: u8) -> Self {
        let (left, is_last) = (MOST, rounds == 0);
        Self { round: Box::pin(sleep(round)), rounds, left, is_heard: false, is_last }
    }

    /// Waits until the client has closed its end, too, or has had its time.
    pub(super) fn poll(
        &mut self,
        socket: &mut (impl Read + Unpin),
        activity: &Activity,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if activity.is_to_finish() && !mem::replace(&mut self.is_last, true) {
            self.rounds = 0;
            self.round.as_mut().reset(Instant::now() + LAST);
        }
        // First, as there may always be something to read.
        while self.round.as_mut().poll(context).is_ready() {
            if self.rounds == 0 || !mem::take(&mut self.is_heard) {
                return Poll::Ready(());
            }
            self.rounds -= 1;
            self.round.as_mut().reset(Instant::now() + ROUND);
        }
        let mut bytes = [0; PORTION];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *socket).poll_read(context, buffer.unfilled()) {
                Poll::Ready(Ok(())) if (1..=self.left).contains(&buffer.filled().len()) => {
                    self.left -= buffer.filled().len();
                    self.is_heard = true;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::server::Settings;
    use crate::server::clock::Clock;

    #[tokio::test]
    async fn a_client_that_sends_on_is_heard_for_half_a_minute() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let mut client = client.unwrap();
        let mut socket = TokioIo::new(Socket::Tcp(accepted.unwrap().0));
        let activity = Activity::new(Arc::new(Clock::new(&Settings::default())), Arc::default());
        tokio::time::pause();
        let mut farewell = Farewell::new(ROUND, ROUNDS - 1);
        let mut tenths = 0;
        loop {
            let poll = |context: &mut Context<'_>| farewell.poll(&mut socket, &activity, context);
            if is_ready(poll).await {
                break;
            }
            client.write_all(b"x").await.unwrap();
            // To wait for that would let the time leap to the end of the round.
            let Socket::Tcp(near) = socket.inner() else { unreachable!("it is one") };
            while !is_ready(|context| near.poll_read_ready(context)).await {
                tokio::task::yield_now().await;
            }
            tokio::time::advance(Duration::from_millis(100)).await;
            tenths += 1;
        }
        // Each round ends when that is noticed.
        assert!((300..=320).contains(&tenths), "{tenths}");
    }

    async fn is_ready<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> bool {
        poll_fn(|context| Poll::Ready(poll(context).is_ready())).await
    }
}
