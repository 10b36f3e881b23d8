//! Whether a connection has failed because the server would not go on with it.

use std::error::Error as _;

use crate::metrics::Refusal;

/// Why a request over HTTP/1 was refused; none if that is not why the connection failed.
pub(super) fn of_http1(error: &hyper::Error) -> Option<Refusal> {
    if error.is_parse_too_large() {
        let is_target = error.to_string() == TARGET_TOO_LONG;
        return Some(if is_target { Refusal::TargetSize } else { Refusal::HeadSize });
    }
    error.is_parse().then_some(Refusal::Malformed)
}

/// What hyper says of a target that it does not take, whatever the limit here.
const TARGET_TOO_LONG: &str = "URI too long";

/// Whether hyper has left the head in its buffer. Where it has taken that out, the buffer begins
/// with the body: a password, or a line that is made to look like another request. Only the words of
/// an error tell, so those that are not known are taken for the latter.
pub(super) fn has_left_head(error: &hyper::Error) -> bool {
    const LEFT: [&str; 6] = [
        TARGET_TOO_LONG,
        "message head is too large",
        "invalid HTTP header parsed",
        "invalid HTTP method parsed",
        "invalid HTTP version parsed",
        "invalid HTTP version parsed (found HTTP2 preface)",
    ];
    LEFT.contains(&error.to_string().as_str())
}

/// Why a connection of HTTP/2 was ended from this side; none if it was not.
pub(super) fn of_http2(error: &hyper::Error) -> Option<Refusal> {
    if error.is_timeout() {
        return Some(Refusal::Http2Ping);
    }
    let error = error.source()?.downcast_ref::<h2::Error>()?;
    match error.reason().filter(|_| error.is_library())? {
        h2::Reason::ENHANCE_YOUR_CALM => Some(Refusal::Http2Flood),
        h2::Reason::NO_ERROR => None,
        _ => Some(Refusal::Malformed),
    }
}
