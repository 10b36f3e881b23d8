//! Tries apps in turn.

use http::StatusCode;

use super::DEFINITION;
use crate::app::{App, RefusedBy, Request, Response, response};
use crate::builtin::body;

/// The app that a cascade is.
pub(super) struct Tries {
    pub(super) others: Vec<App>,
    pub(super) last: App,
    /// For which the next one is tried.
    pub(super) catch: Vec<StatusCode>,
    /// The largest body in bytes, which is held for all of them.
    pub(super) limit: usize,
}

impl Tries {
    pub(super) async fn answer(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let body = match body::whole(body, self.limit).await {
            Ok(body) => body,
            Err((status, detail)) => {
                let refusal = response::refusal(status, detail, &head.headers);
                let is_limit = status == StatusCode::PAYLOAD_TOO_LARGE;
                return if is_limit { RefusedBy(DEFINITION.name).mark(refusal) } else { refusal };
            }
        };
        for app in &self.others {
            let request = Request::from_parts(head.clone(), body.clone().into());
            let response = app.answer(request).await;
            if !self.catch.contains(&response.status()) {
                return response;
            }
        }
        self.last.answer(Request::from_parts(head, body.into())).await
    }
}
