//! Turns what a tower layer failed with into a response.

use std::error::Error;

use http::StatusCode;
use http_body_util::LengthLimitError;
use tower::timeout::error::Elapsed;

use super::response::Fault;
use super::{BodyRefused, BoxError, Response, response};

/// The response for a failure: 504 for a timeout, 413 for a body over its limit, what the server
/// says of a body that it does not take, 500 for anything else. The cause goes to the log and
/// never to the client.
#[expect(clippy::needless_pass_by_value, reason = "an error ends here")]
pub(super) fn response(error: BoxError) -> Response {
    let (status, detail) = if causes(&*error).any(<dyn Error>::is::<Elapsed>) {
        (StatusCode::GATEWAY_TIMEOUT, "The server did not finish in time.")
    } else if causes(&*error).any(<dyn Error>::is::<LengthLimitError>) {
        (StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large.")
    } else if let Some(refused) = causes(&*error).find_map(<dyn Error>::downcast_ref) {
        let refused: &BodyRefused = refused;
        (refused.status(), refused.detail())
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, "The server has failed to answer the request.")
    };
    let (cause, code) = (&*error as &dyn Error, status.as_u16());
    if status.is_client_error() {
        tracing::info!(error = cause, status = code, "a request was not taken");
    } else {
        tracing::error!(error = cause, status = code, "a layer failed");
    }
    let mut response = response::text(status, detail);
    response.extensions_mut().insert(Fault { detail: detail.into() });
    response
}

/// An error, what caused it, and so on.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
