//! The time that a client of HTTP/2 has to hear that the server ends.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

/// How long a client of HTTP/2 may take to hear that the server ends, from when it does: what it has
/// asked by then is answered. It shows that it has heard by the answer to a question (PING).
const HEARING: Duration = Duration::from_secs(1);

/// What a client of HTTP/2 says that asks for nothing more (GOAWAY, without an error).
const NOTHING_MORE: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Whether a client of HTTP/2 has had time to hear that the server ends.
///
/// hyper waits for the answer to a question before it lets go of a connection, and so long as
/// nobody answers, of one without requests too. What it hears in the client's place has it end the
/// connection as soon as all requests are answered, and all of the responses is taken.
#[derive(Default)]
pub(super) enum Hearing {
    /// The server goes on.
    #[default]
    Unasked,
    /// Until then it may be on its way.
    Until(Pin<Box<Sleep>>),
    /// From now on it counts as having heard.
    Over,
}

impl Hearing {
    /// Waits until the time is over, from the first time on that this is asked. It stays so until
    /// something is said in the client's place.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Self::Unasked = self {
            *self = Self::Until(Box::pin(sleep(HEARING)));
        }
        match self {
            Self::Until(late) => late.as_mut().poll(context),
            Self::Unasked | Self::Over => Poll::Pending,
        }
    }

    /// What is said in the client's place, which is said once.
    pub(super) fn end(&mut self) -> Bytes {
        *self = Self::Over;
        Bytes::from_static(NOTHING_MORE)
    }
}
