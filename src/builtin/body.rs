//! Reads whole bodies, up to a bound.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::app::Body;

/// Reads a body to its end, unless it is over a limit in bytes.
///
/// # Errors
///
/// The status and the text of the refusal.
pub(super) async fn whole(body: Body, limit: usize) -> Result<Bytes, (StatusCode, &'static str)> {
    const TOO_LARGE: (StatusCode, &str) =
        (StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large.");
    // What says beforehand that it is too large is not read at all.
    if body.size_hint().lower() > limit as u64 {
        return Err(TOO_LARGE);
    }
    let (mut body, mut read) = (body, Gathered::default());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read.push(frame.into_data().unwrap_or_default()),
            Err(_) => {
                return Err((StatusCode::BAD_REQUEST, "The body of the request ended early."));
            }
        }
        if read.len() > limit {
            return Err(TOO_LARGE);
        }
    }
    Ok(read.into_bytes())
}

/// Data that comes in pieces, made one piece: as a client chooses how large they are, they are not
/// kept each for itself. The first is not copied unless another one follows.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    first: Bytes,
    all: BytesMut,
}

impl Gathered {
    /// Adds a piece.
    pub(super) fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        self.all.extend_from_slice(&std::mem::take(&mut self.first));
        self.all.extend_from_slice(&piece);
    }

    /// How many bytes are there.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    /// All that is there.
    pub(super) fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;
    use crate::app::BoxError;

    /// A body that does not say how long it is.
    struct Chunks(VecDeque<Result<&'static str, BoxError>>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let frame = |text: &'static str| Frame::data(Bytes::from(text));
            Poll::Ready(self.0.pop_front().map(|chunk| chunk.map(frame)))
        }
    }

    async fn read(chunks: &[Result<&'static str, &'static str>]) -> Result<Bytes, u16> {
        let chunks = chunks.iter().map(|chunk| chunk.map_err(BoxError::from)).collect();
        whole(Body::new(Chunks(chunks)), 4).await.map_err(|(status, _)| status.as_u16())
    }

    #[tokio::test]
    async fn a_body_that_says_its_length_is_refused_unread() {
        assert_eq!(whole(Body::from("four"), 4).await.unwrap(), "four");
        let (status, _) = whole(Body::from("fives"), 4).await.unwrap_err();
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_streamed_body_is_refused_once_it_is_over_the_limit() {
        assert_eq!(read(&[Ok("fo"), Ok("ur")]).await.unwrap(), "four");
        assert_eq!(read(&[Ok("fi"), Ok("ves")]).await, Err(413));
    }

    #[test]
    fn pieces_become_one_and_a_single_one_is_not_copied() {
        let mut gathered = Gathered::default();
        let first = Bytes::from_static(b"a");
        gathered.push(first.clone());
        assert_eq!(gathered.len(), 1);
        gathered.push(Bytes::new());
        for _ in 0..1000 {
            gathered.push(Bytes::from_static(b"b"));
        }
        assert_eq!(gathered.len(), 1001);
        assert!(gathered.first.is_empty(), "there is one piece, not a thousand");
        assert_eq!(gathered.into_bytes(), format!("a{}", "b".repeat(1000)));
        let single = Gathered { first: first.clone(), all: BytesMut::new() };
        assert_eq!(single.into_bytes().as_ptr(), first.as_ptr());
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_the_clients_fault() {
        assert_eq!(read(&[Ok("fo"), Err("gone")]).await, Err(400));
    }
}
