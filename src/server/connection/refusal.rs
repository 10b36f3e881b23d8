//! Whether a connection has failed because the server would not go on with it.

use std::error::Error as _;

use crate::metrics::Refusal;

/// Why a request over HTTP/1 was refused; none if that is not why the connection failed.
pub(super) fn of_http1(error: &hyper::Error) -> Option<Refusal> {
    if error.is_parse_too_large() {
        return Some(Refusal::HeadSize);
    }
    error.is_parse().then_some(Refusal::Malformed)
}

/// Why a connection of HTTP/2 was ended from this side; none if it was not.
pub(super) fn of_http2(error: &hyper::Error) -> Option<Refusal> {
    let error = error.source()?.downcast_ref::<h2::Error>()?;
    match error.reason().filter(|_| error.is_library())? {
        h2::Reason::ENHANCE_YOUR_CALM => Some(Refusal::Http2Flood),
        h2::Reason::NO_ERROR => None,
        _ => Some(Refusal::Malformed),
    }
}
