//! Why the server does not take the body of a request.

use std::error::Error;
use std::fmt;

use http::StatusCode;

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
