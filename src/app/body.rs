//! The body of requests and responses.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use sync_wrapper::SyncWrapper;

/// Any error, as tower has it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request or a response.
///
/// Nothing, bytes in memory and hyper's incoming body are held as they are; any other body is
/// boxed once. A body is `Sync`, so that a filter may hold a `&Request` across an `.await`.
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Incoming(Incoming),
    Boxed(Boxed),
}

impl Body {
    /// A body of no bytes.
    pub const fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// Takes in any body. One that is a [`Body`] or hyper's own is not boxed again.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        // There is no specialisation: whether the type is one that needs no box is asked at run
        // time, which the compiler answers for each type.
        let any: &mut dyn Any = &mut body;
        if let Some(same) = any.downcast_mut::<Option<Self>>() {
            return same.take().unwrap_or_default();
        }
        if let Some(incoming) = any.downcast_mut::<Option<Incoming>>() {
            return incoming.take().map_or_else(Self::empty, Self::from);
        }
        body.map_or_else(Self::empty, Self::boxed)
    }

    /// Takes in a body and tells of what each poll of it gives: to count bytes, to see how it
    /// ends. The observer is dropped with the body, at its end or before.
    pub fn observed<B, F>(body: B, observe: F) -> Self
    where
        B: http_body::Body<Data = Bytes, Error = BoxError> + Send + Unpin + 'static,
        F: FnMut(&Poll<Option<Result<Frame<Bytes>, BoxError>>>) + Send + Unpin + 'static,
    {
        Self::boxed(Observed { body, observe })
    }

    /// Whether it is nothing, or bytes in memory: to ask it for them waits for nothing, and runs
    /// nobody's code.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.0, Kind::Empty | Kind::Bytes(_))
    }

    fn boxed<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let body = http_body_util::BodyExt::map_err(body, Into::into);
        Self(Kind::Boxed(Boxed::new(Box::pin(body))))
    }
}

type Pinned = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>;

/// Any body. It need not be `Sync`, so it can be asked only through `&mut`: what it says of its
/// end and size is noted whenever it has been polled.
struct Boxed {
    body: SyncWrapper<Pinned>,
    ended: bool,
    hint: SizeHint,
}

impl Boxed {
    fn new(body: Pinned) -> Self {
        let (ended, hint) = (body.is_end_stream(), body.size_hint());
        Self { body: SyncWrapper::new(body), ended, hint }
    }

    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = self.body.get_mut();
        let frame = body.as_mut().poll_frame(context);
        (self.ended, self.hint) = (body.is_end_stream(), body.size_hint());
        frame
    }
}

/// A body that tells of what each poll gives.
struct Observed<B, F> {
    body: B,
    observe: F,
}

impl<B, F> http_body::Body for Observed<B, F>
where
    B: http_body::Body<Data = Bytes, Error = BoxError> + Unpin,
    F: FnMut(&Poll<Option<Result<Frame<Bytes>, BoxError>>>) + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        (self.observe)(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Incoming(body) => {
                Pin::new(body).poll_frame(context).map(|frame| Some(frame?.map_err(Into::into)))
            }
            Kind::Boxed(body) => body.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Bytes(_) => false,
            Kind::Incoming(body) => body.is_end_stream(),
            Kind::Boxed(body) => body.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Incoming(body) => body.size_hint(),
            Kind::Boxed(body) => body.hint,
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Kind::Empty => "empty",
            Kind::Bytes(_) => "bytes",
            Kind::Incoming(_) => "incoming",
            Kind::Boxed(_) => "boxed",
        };
        f.debug_tuple("Body").field(&kind).finish()
    }
}

impl From<Incoming> for Body {
    fn from(body: Incoming) -> Self {
        Self(Kind::Incoming(body))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Kind::Bytes(bytes)) }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    #[tokio::test]
    async fn gives_its_bytes_once() {
        let mut body = Body::from("hello");
        assert_eq!(body.size_hint().exact(), Some(5));
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "hello");
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());
    }

    #[test]
    fn does_not_box_a_body_again() {
        let body = Body::new(Body::new(Body::from("hello")));
        assert!(matches!(body.0, Kind::Bytes(_)));
    }

    #[tokio::test]
    async fn takes_in_any_body() {
        let body = Body::new(Full::new(Bytes::from_static(b"hello")));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
    }

    #[tokio::test]
    async fn tells_an_observer_what_each_poll_gives() {
        let (tell, told) = std::sync::mpsc::channel();
        let body = Body::observed(Body::from("hello"), move |polled| {
            let Poll::Ready(frame) = polled else { unreachable!("bytes are there at once") };
            tell.send(frame.as_ref().map(|frame| frame.as_ref().unwrap().data_ref().cloned()))
                .unwrap();
        });
        assert_eq!(body.size_hint().exact(), Some(5));
        body.collect().await.unwrap();
        let told: Vec<_> = told.iter().collect();
        assert_eq!(told, [Some(Some(Bytes::from_static(b"hello"))), None]);
    }
}
