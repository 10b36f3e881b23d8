//! What can go wrong between a request and the upstream's response.

use std::error::Error;
use std::io;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body_util::LengthLimitError;

use super::upstream::Upstream;
use crate::app::{Response, causes, response};
use crate::source::describe;

/// Why there is no response of the upstream.
#[derive(Debug)]
pub(super) enum Fault {
    /// Something other than a valid response came, or nothing.
    Broken(hyper::Error),
    /// No connection was made in time.
    ConnectTimeout,
    /// The response is valid, but not one that can be passed on.
    Improper(&'static str),
    /// It has failed so often that it is not asked for so many seconds.
    Open(u64),
    /// No response came in time.
    ResponseTimeout,
    /// No connection can be made.
    Unreachable(io::Error),
}

impl Fault {
    /// The response in place of the upstream's, and a line in the log.
    pub(super) fn into_response(
        self,
        upstream: &Upstream,
        request_id: Option<&HeaderValue>,
    ) -> Response {
        let (status, detail) = self.status_and_detail();
        let id = request_id.and_then(|id| id.to_str().ok());
        let (reason, code) = (self.reason(), status.as_u16());
        if matches!(self, Self::Open(_)) {
            // That has been logged, once for all.
            tracing::debug!(%upstream, request_id = id, status = code, reason, "the upstream is not asked");
        } else if status.is_server_error() {
            tracing::warn!(%upstream, request_id = id, status = code, reason, "no response of the upstream");
        } else {
            tracing::info!(%upstream, request_id = id, status = code, reason, "the request is not complete");
        }
        let mut response = response::failure(status, detail, request_id);
        if let Self::Open(seconds) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Whether the upstream has failed, not the client or what it asked for.
    pub(super) fn is_of_upstream(&self) -> bool {
        match self {
            Self::Broken(error) => !error.is_user(),
            Self::ConnectTimeout | Self::ResponseTimeout | Self::Unreachable(_) => true,
            Self::Improper(_) | Self::Open(_) => false,
        }
    }

    fn status_and_detail(&self) -> (StatusCode, &'static str) {
        match self {
            // The only thing of ours that hyper can find fault with is the body of the request.
            Self::Broken(error) if error.is_user() => {
                if causes(error).any(<dyn Error>::is::<LengthLimitError>) {
                    (StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large.")
                } else {
                    (StatusCode::BAD_REQUEST, "The body of the request ended early.")
                }
            }
            Self::Broken(_) | Self::Improper(_) => {
                (StatusCode::BAD_GATEWAY, "The upstream server gave no valid response.")
            }
            Self::ConnectTimeout | Self::ResponseTimeout => {
                (StatusCode::GATEWAY_TIMEOUT, "The upstream server did not respond in time.")
            }
            Self::Open(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The upstream server fails. Please try again later.",
            ),
            Self::Unreachable(_) => {
                (StatusCode::BAD_GATEWAY, "The upstream server cannot be reached.")
            }
        }
    }

    fn reason(&self) -> String {
        match self {
            // hyper calls the body of the request that of its user, which would mislead.
            Self::Broken(error) if error.is_user() => {
                causes(error).last().map(ToString::to_string).unwrap_or_default()
            }
            Self::Broken(error) => match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            },
            Self::ConnectTimeout => "no connection was made in time".to_owned(),
            Self::Improper(reason) => (*reason).to_owned(),
            Self::Open(_) => "it has failed too often in a row".to_owned(),
            Self::ResponseTimeout => "no response came in time".to_owned(),
            Self::Unreachable(error) => describe(error),
        }
    }
}
