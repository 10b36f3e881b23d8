//! The encoded body, as decoders read it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tokio::io::{AsyncRead, ReadBuf};

use crate::app::Body;

/// What was seen of an encoded body.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How many bytes were taken.
    pub(super) taken: AtomicU64,
    /// Whether it could not be read, which is not its coding's fault.
    pub(super) is_broken: AtomicBool,
    /// What followed it.
    trailers: Mutex<Option<HeaderMap>>,
}

impl Seen {
    /// What followed the body, the first time that it is asked for.
    pub(super) fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, frame: Frame<Bytes>) {
        let trailers = frame.into_trailers().ok();
        *self.trailers.lock().unwrap_or_else(PoisonError::into_inner) = trailers;
    }
}

/// An encoded body, as a stream of bytes.
pub(super) struct Received {
    body: Body,
    chunk: Bytes,
    seen: Arc<Seen>,
}

impl Received {
    pub(super) fn new(body: Body, seen: Arc<Seen>) -> Self {
        Self { body, chunk: Bytes::new(), seen }
    }
}

impl AsyncRead for Received {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.chunk.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => {
                    this.seen.is_broken.store(true, Ordering::Relaxed);
                    return Poll::Ready(Err(io::Error::other(error)));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.chunk = data,
                    Err(frame) => this.seen.note(frame),
                },
            }
        }
        let amount = this.chunk.len().min(buffer.remaining());
        buffer.put_slice(&this.chunk.split_to(amount));
        this.seen.taken.fetch_add(amount as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}
