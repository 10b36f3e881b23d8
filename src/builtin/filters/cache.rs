//! Answers from responses that were given before.

mod directives;
mod entry;
mod forward;
mod rules;
mod store;

use std::sync::Arc;

use http::header::{
    CONTENT_LENGTH, HeaderName, HeaderValue, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode};
use http_body::Body as _;
use tokio::time::timeout;

use self::directives::Directives;
use self::entry::Entry;
use self::forward::Forward;
use self::store::{Found, Key, Lead, Store, key};
use crate::app::{App, Filter, Handler, Request, RequestExt, Response, response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::filter::<Cache>("cache");

settings! {
    /// Answers from responses that were given before, as a shared cache by RFC 9111.
    ///
    /// Responses to `GET` are kept in memory as long as they say that they are fresh
    /// (`Cache-Control`, `Expires`); nothing is guessed for those that say nothing. A response that
    /// is no longer fresh and has an `ETag` or `Last-Modified` is asked for again with that, so that
    /// the app need not send it once more. `Vary` counts, and clients' conditions are answered here.
    /// A request by another method than `GET`, `HEAD`, `OPTIONS` and `TRACE` that succeeds makes the
    /// cache forget its URL. Never kept are responses with `Set-Cookie`, `private` or `no-store`,
    /// and those to a request with credentials unless they say that they are for all (`public`,
    /// `s-maxage`, `must-revalidate`).
    ///
    /// Of several requests at once for what is not there, one is sent on and the others wait for its
    /// answer. Requests for parts (`Range`), with a body, or with conditions on a change (`If-Match`)
    /// pass. Every response tells in `Cache-Status` (RFC 9211) where it comes from.
    ///
    /// What asks who a client is belongs before this filter, which answers anybody. The URL by which
    /// a response is kept has the host that the client names: where the app answers the same for
    /// any host, a client can fill the cache with names of its own. What an app chooses its response
    /// by must stand in `Vary`.
    ///
    /// Each worker has a cache of its own, and so has each place at which the filter stands; a
    /// reload begins with an empty one.
    ///
    /// ```ini
    /// [filter:cache]
    /// use = egg:pasteline#cache
    /// max_size = 268435456
    /// max_entry_size = 4194304
    /// ```
    struct Cache {
        /// How much memory the responses may take, in bytes. Past that, those go that are asked for
        /// least.
        max_size: u64 = "67108864",
        /// Responses whose body has this size in bytes or more are not kept; they are passed on as
        /// they come. Others are sent when they are there as a whole.
        max_entry_size: usize = "1048576",
        /// How long a request waits for the answer to another one, in seconds, before it is sent on
        /// itself.
        max_wait: Seconds = "5",
        /// The headers that show who a client is: of requests, and those that filters before this one
        /// add for the app. A certificate that the client has shown counts, too.
        credentials: Vec<HeaderName> =
            "Authorization, Cookie, X-Auth-Token, X-Identity-Status, X-Service-Token, X-User, X-User-Id",
    }
}

impl FilterFactory for Cache {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.max_entry_size as u64 > self.max_size {
            let reason = format!("no more than `max_size` ({}) is kept in all", self.max_size);
            reader.reject("max_entry_size", reason);
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let store = Arc::new(Store::new(self.max_size, self.max_entry_size as u64));
        Ok(Filter::handler(Keeper { settings: self, store }))
    }
}

struct Keeper {
    settings: Cache,
    store: Arc<Store>,
}

impl Handler for Keeper {
    async fn handle(&self, request: Request, next: App) -> Response {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read {
            return self.pass_change(request, next).await;
        }
        if must_pass(&request) {
            return told(next.answer(request).await, "fwd=bypass");
        }
        let key = key(&request);
        let wish = Directives::of(request.headers());
        let (mut found, mut lead) = (self.store.find(&key, request.headers()), None);
        if let Found::Entry(entry) = &found
            && entry.satisfies(&wish)
        {
            return hit(entry, &request, "");
        }
        if wish.has("only-if-cached") {
            let detail = "There is no response in the cache that would do.";
            let status = StatusCode::GATEWAY_TIMEOUT;
            return told(
                response::refusal(status, detail, request.headers()),
                "detail=only-if-cached",
            );
        }
        let is_known = self.is_known(&request);
        if !is_known && may_wait(&request, &wish, &found) {
            lead = self.take_turn(&key).await;
            if lead.is_none() {
                found = self.store.find(&key, request.headers());
                if let Found::Entry(entry) = &found
                    && entry.satisfies(&wish)
                {
                    return hit(entry, &request, "; collapsed");
                }
            }
        }
        let forward =
            Forward { keeper: self, key: &key, found, wish, is_known, leads: lead.is_some() };
        let answer = forward.send(request, next).await;
        if let Some(lead) = lead {
            lead.land();
        }
        answer
    }
}

impl Keeper {
    /// Passes a request that may change what is behind its URL.
    async fn pass_change(&self, request: Request, next: App) -> Response {
        let is_safe = matches!(*request.method(), Method::OPTIONS | Method::TRACE);
        let key = (!is_safe).then(|| key(&request));
        let response = next.answer(request).await;
        let status = response.status();
        if let Some(key) = key
            && (status.is_success() || status.is_redirection())
        {
            self.store.change(&key);
        }
        told(response, "fwd=method")
    }

    /// Whether a request shows who its client is.
    fn is_known(&self, request: &Request) -> bool {
        let encryption = request.context().connection.encryption.as_ref();
        encryption.is_some_and(|encryption| encryption.client.is_some())
            || self.settings.credentials.iter().any(|name| request.headers().contains_key(name))
    }

    /// Takes the lead in asking for a URL; none if another has got an answer, or takes too long.
    async fn take_turn(&self, key: &Key) -> Option<Lead> {
        let turn = async {
            loop {
                match self.store.lead(key) {
                    Ok(lead) => return Some(lead),
                    Err(flight) if flight.landed().await => return None,
                    // Its client has gone; somebody else has to ask.
                    Err(_) => {}
                }
            }
        };
        timeout(self.settings.max_wait.0, turn).await.ok().flatten()
    }
}

/// Whether a request is none that a cache could answer.
fn must_pass(request: &Request) -> bool {
    let passing = [IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, TRANSFER_ENCODING, UPGRADE];
    let headers = request.headers();
    let has_length = headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    has_length
        || !request.body().is_end_stream()
        || passing.iter().any(|name| headers.contains_key(name))
}

/// Whether the answer to another request may be that to this one.
fn may_wait(request: &Request, wish: &Directives, found: &Found) -> bool {
    *request.method() == Method::GET
        && !matches!(found, Found::Unkept)
        && !wish.has("no-cache")
        && !wish.has("no-store")
}

fn hit(entry: &Entry, request: &Request, how: &str) -> Response {
    let answer = entry.answer(request.method(), request.headers());
    told(answer, &format!("hit; ttl={}{how}", entry.left()))
}

/// A response that tells where it comes from, after what caches behind this one tell.
fn told(mut response: Response, how: &str) -> Response {
    let status = HeaderValue::try_from(format!("pasteline; {how}")).expect("it is ASCII");
    response.headers_mut().append(CACHE_STATUS, status);
    response
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

#[cfg(test)]
mod tests;
