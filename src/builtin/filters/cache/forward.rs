//! Requests that the cache cannot answer by itself.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Collected};
use tokio::time::Instant;

use super::directives::Directives;
use super::entry::Entry;
use super::store::{Found, Key};
use super::{Keeper, rules, told};
use crate::app::{App, Body, Request, Response};
use crate::builtin::ahead::{Ahead, read_ahead};

/// A request that is sent on.
pub(super) struct Forward<'a> {
    pub(super) keeper: &'a Keeper,
    pub(super) key: &'a Key,
    pub(super) found: Found,
    pub(super) wish: Directives,
    /// Whether it shows who its client is.
    pub(super) is_known: bool,
    /// Whether others wait for the answer.
    pub(super) leads: bool,
}

impl Forward<'_> {
    /// Sends it on, and keeps the answer if that may be kept.
    pub(super) async fn send(self, mut request: Request, next: App) -> Response {
        let reason = self.reason();
        if *request.method() == Method::HEAD {
            return told(next.answer(request).await, reason);
        }
        let asked = request.headers().clone();
        let stale = match &self.found {
            Found::Entry(entry) if entry.ask_again(request.headers_mut()) => Some(entry),
            _ => None,
        };
        let (turn, asked_at) = (self.keeper.store.turn(self.key), Instant::now());
        let response = next.answer(request).await;
        if let Some(entry) = stale
            && response.status() == StatusCode::NOT_MODIFIED
        {
            let entry = entry.validated(&asked, asked_at, response.headers());
            let answer = entry.answer(&Method::GET, &asked);
            let is_kept = self.keeps(&asked, (entry.status(), entry.headers()));
            self.keeper.store.keep((self.key, turn), &asked, is_kept.then_some(entry));
            return told(answer, &format!("{reason}; fwd-status=304{}", stored(is_kept)));
        }
        let (response, body) = self.take_in(&asked, response).await;
        let is_kept = body.is_some();
        let entry = body.map(|body| {
            let head = (response.status(), response.headers().clone());
            Entry::new(&asked, asked_at, head, body)
        });
        // What cannot be kept is noted, so that nobody waits for it the next time. What fails for a
        // while is no reason to forget what was there.
        let is_note = self.leads && !matches!(self.found, Found::Entry(_));
        if is_kept || is_note && response.status() != StatusCode::NOT_MODIFIED {
            self.keeper.store.keep((self.key, turn), &asked, entry);
        }
        told(response, &format!("{reason}{}", stored(is_kept)))
    }

    /// Why the request is sent on, by RFC 9211.
    fn reason(&self) -> &'static str {
        match self.found {
            Found::Entry(_) if self.wish.has("no-cache") => "fwd=request",
            Found::Entry(_) => "fwd=stale",
            Found::Others => "fwd=vary-miss",
            Found::Nothing | Found::Unkept => "fwd=uri-miss",
        }
    }

    fn keeps(&self, asked: &HeaderMap, head: (StatusCode, &HeaderMap)) -> bool {
        rules::may_be_kept(asked, head) && (!self.is_known || rules::is_for_all(head.1))
    }

    /// Reads a response that may be kept, if it is not too large; its body as a whole, then.
    async fn take_in(&self, asked: &HeaderMap, response: Response) -> (Response, Option<Bytes>) {
        let largest = self.keeper.settings.max_entry_size;
        let is_small = response.body().size_hint().lower() < largest as u64;
        if !is_small || !self.keeps(asked, (response.status(), response.headers())) {
            return (response, None);
        }
        let (head, body) = response.into_parts();
        let body = match read_ahead(body, largest, u64::MAX).await {
            Ahead::Begun(body) => body,
            Ahead::TooLarge => unreachable!("there is no limit"),
            // What has failed or has trailers does not know its size.
            Ahead::Whole(body) if body.size_hint().exact().is_none() => body,
            Ahead::Whole(body) => {
                let bytes = body.collect().await.map_or_else(|_| Bytes::new(), Collected::to_bytes);
                let whole = Response::from_parts(head, Body::from(bytes.clone()));
                return (whole, Some(bytes));
            }
        };
        (Response::from_parts(head, body), None)
    }
}

fn stored(is_kept: bool) -> &'static str {
    if is_kept { "; stored" } else { "" }
}
