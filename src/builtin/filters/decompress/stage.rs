//! What comes out of one coding, within bounds.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop;

use super::coding::Plain;
use super::received::Seen;

/// How large a body may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In bytes.
    pub(super) size: u64,
    /// In multiples of what was received.
    pub(super) ratio: u64,
}

/// Why a body is not decoded further.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    Ratio,
    Size,
    Undecodable,
}

/// How much may come out whatever the ratio, in bytes.
const FREE: u64 = 1 << 20;

impl Bounds {
    /// What is wrong once so much has come out of so much.
    fn exceeded(self, given: u64, taken: u64) -> Option<Fault> {
        if given > self.size {
            return Some(Fault::Size);
        }
        let is_bomb = given > FREE && given > taken.saturating_mul(self.ratio);
        is_bomb.then_some(Fault::Ratio)
    }
}

/// One coding undone. Each has the bounds of the whole, as what is large between two codings costs
/// time even where nothing of it comes out in the end.
pub(super) struct Stage {
    plain: Pin<Box<dyn Plain>>,
    /// How many bytes have come out.
    given: u64,
    bounds: Bounds,
    seen: Arc<Seen>,
    fault: Arc<OnceLock<Fault>>,
}

impl Stage {
    pub(super) fn new(
        plain: Pin<Box<dyn Plain>>,
        bounds: Bounds,
        seen: &Arc<Seen>,
        fault: &Arc<OnceLock<Fault>>,
    ) -> Self {
        Self { plain, given: 0, bounds, seen: Arc::clone(seen), fault: Arc::clone(fault) }
    }

    fn stop(&self, fault: Fault) -> io::Error {
        let fault = self.fault.get_or_init(|| fault);
        io::Error::other(format!("the body of the request is not decoded further: {fault:?}"))
    }
}

impl AsyncRead for Stage {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Others get their turn, however long nothing has to be waited for.
        let turn = ready!(coop::poll_proceed(context));
        let before = buffer.filled().len();
        let read = ready!(this.plain.as_mut().poll_read(context, buffer));
        turn.made_progress();
        let taken = this.seen.taken.load(Ordering::Relaxed);
        Poll::Ready(match read {
            Err(error) if this.seen.is_broken.load(Ordering::Relaxed) => Err(error),
            // A body of no bytes is empty in any coding.
            Err(_) if taken == 0 => Ok(()),
            Err(_) => Err(this.stop(Fault::Undecodable)),
            Ok(()) => {
                this.given += (buffer.filled().len() - before) as u64;
                let fault = this.bounds.exceeded(this.given, taken);
                fault.map_or(Ok(()), |fault| Err(this.stop(fault)))
            }
        })
    }
}
