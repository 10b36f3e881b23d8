//! What is known of requests that are refused: why the server does not take a body, and which filter
//! has a limit that is reached.

use std::error::Error;
use std::fmt;

use http::StatusCode;

use super::Response;

/// Why the server does not take the body of a request. Whoever reads the body gets this as an
/// error; whatever is answered then, the server makes it the status of this.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BodyRefused {
    /// It comes too slowly.
    TooSlow,
    /// Its trailers are too large.
    TrailersTooLarge,
}

impl BodyRefused {
    /// The status that the client is told.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TrailersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    /// What the client is told.
    pub fn detail(self) -> &'static str {
        match self {
            Self::TooSlow => "The body of the request did not arrive in time.",
            Self::TrailersTooLarge => "The trailers of the request are too large.",
        }
    }
}

impl fmt::Display for BodyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSlow => "the body of the request came too slowly",
            Self::TrailersTooLarge => "the trailers of the request are too large",
        })
    }
}

impl Error for BodyRefused {}

/// The name of a filter that refuses a request as a limit of its own is reached. It stands among
/// the extensions of the response.
///
/// The server counts a response that is marked so in `pasteline_refusals_total`, with this name as
/// the `limit`, beside what it refuses itself. The filters that come with pasteline mark theirs,
/// and those of a program of someone's own may do the same. What counts is what the client gets,
/// once: who answers in the place of a refusal, as a cascade may that tries the next app, has it
/// not counted; who makes another response of it takes the extensions over.
///
/// The name is best that of the filter's factory. One that a limit of the server has, such as
/// `path`, counts with it.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use http::StatusCode;
/// use pasteline::app::{App, Body, Filter, Phase, RefusedBy, Request, Response, response};
///
/// /// Refuses queries that are longer than so many bytes.
/// struct ShortQueries(usize);
///
/// impl Phase for ShortQueries {
///     type Memo = ();
///
///     fn request(&self, request: &mut Request) -> ControlFlow<Response> {
///         if request.uri().query().unwrap_or_default().len() <= self.0 {
///             return ControlFlow::Continue(());
///         }
///         let detail = "The query is too long.";
///         let refusal = response::refusal(StatusCode::URI_TOO_LONG, detail, request.headers());
///         ControlFlow::Break(RefusedBy("short_queries").mark(refusal))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = App::ready(|_| response::text(StatusCode::OK, "found"));
/// let app = app.behind(&[Filter::phase(ShortQueries(3))]);
/// let refused_by = async |uri| {
///     let response = app.answer(http::Request::get(uri).body(Body::empty()).unwrap()).await;
///     response.extensions().get().copied()
/// };
/// assert_eq!(refused_by("/?q=1").await, None);
/// assert_eq!(refused_by("/?q=10").await, Some(RefusedBy("short_queries")));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefusedBy(pub &'static str);

impl RefusedBy {
    /// The refusal, with its mark; one that it has already is replaced.
    #[must_use]
    pub fn mark(self, mut refusal: Response) -> Response {
        refusal.extensions_mut().insert(self);
        refusal
    }
}
