//! Hands requests to the apps of a URL map.

use super::table::{Mounted, Table};
use crate::app::{Answer, App, Request, RequestExt, ResponseFuture, response};

/// The app that a URL map is.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) table: Table,
    pub(super) apps: Vec<App>,
    pub(super) not_found: Option<usize>,
}

impl Answer for Router {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        if let Some(Mounted { app, length }) = self.table.find(&request) {
            request.mount(length);
            return self.apps[app].answer(request);
        }
        match self.not_found {
            Some(app) => self.apps[app].answer(request),
            None => ResponseFuture::ready(response::not_found(request.headers())),
        }
    }
}
