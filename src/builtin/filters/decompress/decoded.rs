//! The body that comes out.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use tokio::io::{BufReader, ReadBuf};

use super::coding::{Coding, Plain};
use super::received::{Received, Seen};
use super::stage::{Bounds, Fault, Stage};
use crate::app::{Body, BoxError};

/// How much is decoded at a time, in bytes.
const PIECE: usize = 16 << 10;

/// Undoes codings, the last first. Why one of them stopped is found in the second.
pub(super) fn decode(
    body: Body,
    codings: &[Coding],
    bounds: Bounds,
) -> (Decoded, Arc<OnceLock<Fault>>) {
    let (seen, fault) = (Arc::new(Seen::default()), Arc::new(OnceLock::new()));
    let mut plain: Pin<Box<dyn Plain>> = Box::pin(Received::new(body, Arc::clone(&seen)));
    for coding in codings.iter().rev() {
        let undone = coding.undo(BufReader::new(plain));
        plain = Box::pin(Stage::new(undone, bounds, &seen, &fault));
    }
    (Decoded { plain, piece: BytesMut::new(), seen }, fault)
}

/// A body that is decoded as it is read.
pub(super) struct Decoded {
    plain: Pin<Box<dyn Plain>>,
    /// Of the length of a piece while one is waited for.
    piece: BytesMut,
    seen: Arc<Seen>,
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.piece.resize(PIECE, 0);
        let mut buffer = ReadBuf::new(&mut this.piece);
        let read = ready!(this.plain.as_mut().poll_read(context, &mut buffer));
        let length = buffer.filled().len();
        if let Err(error) = read {
            // Whoever looks for what has befallen the body finds it itself.
            let kind = error.kind();
            let cause = error.into_inner().unwrap_or_else(|| kind.to_string().into());
            return Poll::Ready(Some(Err(cause)));
        }
        if length == 0 {
            return Poll::Ready(this.seen.trailers().map(|trailers| Ok(Frame::trailers(trailers))));
        }
        Poll::Ready(Some(Ok(Frame::data(this.piece.split_to(length).freeze()))))
    }
}
