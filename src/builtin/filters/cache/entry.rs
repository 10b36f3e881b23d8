//! A stored response, and what is answered from it.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_LOCATION,
    CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

use super::directives::{Directives, members};
use super::rules::{Life, selectors, time};
use crate::app::{Body, Response};

/// A stored response.
#[derive(Debug)]
pub(super) struct Entry {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// What the request had in the fields by which the response was chosen.
    chosen_by: HeaderMap,
    chosen_by_names: Vec<HeaderName>,
    life: Life,
    came: Instant,
}

/// The fields that are about a connection and not about what is stored.
const HOPS: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The fields of a stored response that a validation does not change, as its body stays.
const OF_THE_BODY: [HeaderName; 4] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE];

/// What is told of a response that a client has already.
const TOLD_AGAIN: [HeaderName; 6] = [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, VARY];

impl Entry {
    /// Takes in a response to a request that was sent at a time.
    pub(super) fn new(
        asked: &HeaderMap,
        asked_at: Instant,
        (status, mut headers): (StatusCode, HeaderMap),
        body: Bytes,
    ) -> Self {
        let life = Life::of(&headers, asked_at.elapsed().as_secs());
        for name in members(&headers, CONNECTION) {
            headers.remove(&*name);
        }
        HOPS.iter().chain([&CONTENT_LENGTH, &AGE]).for_each(|name| drop(headers.remove(name)));
        // The age of a response counts from there.
        headers.entry(DATE).or_insert_with(|| {
            let now = httpdate::fmt_http_date(SystemTime::now());
            HeaderValue::try_from(now).expect("a date is ASCII")
        });
        let chosen_by_names = selectors(&headers).unwrap_or_default();
        let mut chosen_by = HeaderMap::new();
        for name in &chosen_by_names {
            asked.get_all(name).iter().for_each(|value| {
                chosen_by.append(name, value.clone());
            });
        }
        Self { status, headers, body, chosen_by, chosen_by_names, life, came: Instant::now() }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The same body with what a validation has told of it.
    pub(super) fn validated(&self, asked: &HeaderMap, asked_at: Instant, told: &HeaderMap) -> Self {
        let mut headers = self.headers.clone();
        for name in told.keys().filter(|name| !OF_THE_BODY.contains(name)) {
            headers.remove(name);
            told.get_all(name).iter().for_each(|value| {
                headers.append(name, value.clone());
            });
        }
        // The old date is that of the old age.
        if !told.contains_key(DATE) {
            headers.remove(DATE);
        }
        Self::new(asked, asked_at, (self.status, headers), self.body.clone())
    }

    /// Whether it was chosen for a request with such fields.
    pub(super) fn is_for(&self, asked: &HeaderMap) -> bool {
        let same = |name| self.chosen_by.get_all(name).iter().eq(asked.get_all(name).iter());
        self.chosen_by_names.iter().all(same)
    }

    /// Whether a request may have it as it is.
    pub(super) fn satisfies(&self, asked: &Directives) -> bool {
        self.life.satisfies(asked, self.age())
    }

    /// Its age in seconds.
    fn age(&self) -> u64 {
        self.life.age.saturating_add(self.came.elapsed().as_secs())
    }

    /// For how many seconds it is fresh yet; negative if it is not.
    pub(super) fn left(&self) -> i64 {
        let signed = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
        signed(self.life.lifetime).saturating_sub(signed(self.age()))
    }

    /// Makes a request ask whether it is still the same, and nothing else; false if that cannot be
    /// asked.
    pub(super) fn ask_again(&self, request: &mut HeaderMap) -> bool {
        let validators = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
        let known = validators.map(|(name, condition)| (self.headers.get(name), condition));
        if known.iter().all(|(validator, _)| validator.is_none()) {
            return false;
        }
        for (validator, condition) in known {
            request.remove(&condition);
            if let Some(validator) = validator {
                request.insert(condition, validator.clone());
            }
        }
        true
    }

    /// What a client is answered, whose request may tell what it has already.
    pub(super) fn answer(&self, method: &Method, asked: &HeaderMap) -> Response {
        let mut response = Response::default();
        if self.status == StatusCode::OK && self.is_known_to(asked) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for name in TOLD_AGAIN {
                for value in self.headers.get_all(&name) {
                    response.headers_mut().append(name.clone(), value.clone());
                }
            }
        } else {
            *response.status_mut() = self.status;
            *response.headers_mut() = self.headers.clone();
            if *method != Method::HEAD {
                *response.body_mut() = Body::from(self.body.clone());
            } else if self.status != StatusCode::NO_CONTENT {
                response.headers_mut().insert(CONTENT_LENGTH, self.body.len().into());
            }
        }
        response.headers_mut().insert(AGE, self.age().into());
        response
    }

    /// Whether a client has it already (RFC 9111, 4.3.2).
    fn is_known_to(&self, asked: &HeaderMap) -> bool {
        let tag = self.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        if asked.contains_key(IF_NONE_MATCH) {
            let weak = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
            let is_own = |other: &str| tag.is_some_and(|tag| weak(tag) == weak(other));
            return members(asked, IF_NONE_MATCH).any(|other| other == "*" || is_own(&other));
        }
        let (since, modified) =
            (time(asked, IF_MODIFIED_SINCE), time(&self.headers, LAST_MODIFIED));
        match (since, modified) {
            (Some(since), Some(modified)) => modified <= since,
            _ => false,
        }
    }

    /// What it takes of the memory, in bytes, about.
    pub(super) fn size(&self) -> usize {
        let fields = self.headers.iter().chain(&self.chosen_by);
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 64);
        self.body.len() + fields.sum::<usize>() + 512
    }
}
