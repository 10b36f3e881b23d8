//! Reads the beginning of a body, to be read again by who needs it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

use crate::app::{Body, BoxError};
use crate::builtin::body::Gathered;

/// What the beginning of a body has shown.
pub(super) enum Ahead {
    /// It goes on.
    Begun(Body),
    /// It is longer than it may be.
    TooLarge,
    /// It has come to its end.
    Whole(Body),
}

/// Reads a body until so many bytes of it are there, or it is longer than a limit, or ends.
pub(super) async fn read_ahead(mut body: Body, bytes: usize, limit: u64) -> Ahead {
    let (mut read, mut end) = (Gathered::default(), None);
    while read.len() < bytes {
        match body.frame().await {
            None => return Ahead::Whole(whole(read.into_bytes(), end)),
            // Whoever reads it is to learn of it.
            Some(Err(error)) => return Ahead::Whole(whole(read.into_bytes(), Some(Err(error)))),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => read.push(data),
                Err(frame) => end = frame.into_trailers().ok().map(Ok),
            },
        }
        if read.len() as u64 > limit {
            return Ahead::TooLarge;
        }
    }
    Ahead::Begun(Body::new(Resumed { read: read.into_bytes(), end, rest: body }))
}

/// A body that is all there.
fn whole(read: Bytes, end: Option<End>) -> Body {
    match end {
        None => Body::from(read),
        end => Body::new(Resumed { read, end, rest: Body::empty() }),
    }
}

/// What comes after the data of a body: its trailers, or why it has failed.
type End = Result<HeaderMap, BoxError>;

/// A body that was read in part. It is asked for its size after each frame, so what it has read
/// is one.
struct Resumed {
    read: Bytes,
    /// What was read after that.
    end: Option<End>,
    rest: Body,
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.read.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.read)))));
        }
        match self.end.take() {
            Some(end) => Poll::Ready(Some(end.map(Frame::trailers))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.end.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.len() as u64;
        let (mut hint, rest) = (SizeHint::new(), self.rest.size_hint());
        // A body that has failed is not as long as what is there of it, and one that announces
        // its length has no place for trailers.
        if let Some(upper) = rest.upper().filter(|_| self.end.is_none()) {
            hint.set_upper(upper.saturating_add(read));
        }
        hint.set_lower(rest.lower().saturating_add(read));
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use http_body::Body as _;

    use super::*;

    /// A body that does not say how long it is.
    struct Chunks(VecDeque<Result<Frame<Bytes>, BoxError>>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    fn data(text: &'static str) -> Frame<Bytes> {
        Frame::data(Bytes::from_static(text.as_bytes()))
    }

    async fn read(frames: Vec<Result<Frame<Bytes>, BoxError>>, bytes: usize) -> Ahead {
        read_ahead(Body::new(Chunks(frames.into())), bytes, 10).await
    }

    #[tokio::test]
    async fn what_was_read_is_read_again() {
        for bytes in [0, 1, 4, 100] {
            let frames = vec![Ok(data("abc")), Ok(data("")), Ok(data("defg")), Ok(data("hij"))];
            let (Ahead::Begun(body) | Ahead::Whole(body)) = read(frames, bytes).await else {
                panic!("it is not too large");
            };
            assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdefghij", "{bytes}");
        }
    }

    #[tokio::test]
    async fn chunks_of_a_byte_each_are_kept_as_one() {
        const CHUNKS: usize = 100_000;
        for bytes in [CHUNKS, CHUNKS + 1] {
            let frames = (0..CHUNKS).map(|_| Ok(data("x"))).collect();
            let body = Body::new(Chunks(frames));
            let (Ahead::Begun(mut body) | Ahead::Whole(mut body)) =
                read_ahead(body, bytes, CHUNKS as u64).await
            else {
                panic!("it is not too large");
            };
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first.len(), CHUNKS);
            assert!(body.frame().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_has_a_length() {
        let lengths = [vec![], vec![Ok(data("abc"))], vec![Ok(data("abc")), Ok(data("d"))]];
        for (frames, length) in lengths.into_iter().zip([0, 3, 4]) {
            let Ahead::Whole(body) = read(frames, 100).await else { panic!("it ends") };
            assert_eq!(body.size_hint().exact(), Some(length));
        }
        let Ahead::Begun(body) = read(vec![Ok(data("abc")), Ok(data("d"))], 3).await else {
            panic!("it goes on");
        };
        assert_eq!((body.size_hint().lower(), body.size_hint().upper()), (3, None));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_not_read_further() {
        let frames = || vec![Ok(data("abcdef")), Ok(data("ghijk")), Err("not read".into())];
        assert!(matches!(read(frames(), 100).await, Ahead::TooLarge));
        assert!(matches!(read(frames(), 6).await, Ahead::Begun(_)));
    }

    #[tokio::test]
    async fn trailers_and_faults_are_passed_on() {
        let trailers = || {
            Ok(Frame::trailers(HeaderMap::from_iter([(
                "a".parse().unwrap(),
                "b".parse().unwrap(),
            )])))
        };
        let Ahead::Whole(body) = read(vec![Ok(data("abc")), trailers()], 100).await else {
            panic!("it ends");
        };
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(body.collect().await.unwrap().trailers().unwrap()["a"], "b");
        let Ahead::Whole(body) = read(vec![Ok(data("abc")), Err("gone".into())], 100).await else {
            panic!("it ends");
        };
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(body.collect().await.unwrap_err().to_string(), "gone");
    }
}
