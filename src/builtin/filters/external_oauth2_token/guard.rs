//! Decides about each request.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::client::Client;
use super::grant::{self, Grant};
use super::mapping::Mapping;
use crate::app::{Answer, App, Body, Request, RequestExt, Response, ResponseFuture};
use crate::builtin::filters::auth_token::{
    Asked, Claim, Finding, Memcached, Memory, Outcome, Question, strip_identity,
};
use crate::builtin::pace::Pace;

/// What requests are decided by.
pub(super) struct Guard {
    pub(super) source: Source,
    /// Where users are sent to for a token.
    pub(super) challenge: HeaderValue,
    /// Whether a token counts only with the certificate that it names.
    pub(super) binds: bool,
}

/// Where what is known of tokens comes from.
pub(super) struct Source {
    pub(super) memory: Memory<Grant>,
    pub(super) memcached: Option<Memcached>,
    pub(super) mapping: Mapping,
    pub(super) client: Client,
    /// For the log, which is not to be filled while the server is away.
    pub(super) pace: Pace,
}

/// The guard before an app.
pub(super) struct Guarded {
    pub(super) guard: Arc<Guard>,
    pub(super) next: App,
}

const INVALID: &[u8] = br#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made is denied, because the token is invalid."}}"#;
const UNFIT: &[u8] = br#"{"error": {"code": 403, "title": "Forbidden", "message": "The request you have made is denied, because the necessary information could not be parsed."}}"#;
const UNAVAILABLE: &[u8] = br#"{"error": {"code": 503, "title": "Service Unavailable", "message": "The request you have made is denied, because an exception occurred while accessing the external authentication server for token validation."}}"#;

/// After how many seconds a client may try again, while the server cannot be asked.
const LATER: HeaderValue = HeaderValue::from_static("5");

/// How long what came from memcached is remembered here: its age is not known.
const SECOND_HAND: Duration = Duration::from_secs(10);

impl Answer for Guarded {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        strip_identity(request.headers_mut());
        let asked = match Claim::of_bearer(request.headers()) {
            Claim::Token(asked) => asked,
            Claim::Absent | Claim::Malformed => {
                return ResponseFuture::ready(self.guard.refusal(&Outcome::Invalid));
            }
        };
        // Most tokens are remembered: then there is nothing to wait for, and no future is made.
        if let Some(outcome) = self.guard.source.memory.known(&question(&asked)) {
            return self.guard.decide(request, &outcome, &self.next);
        }
        let (guard, next) = (Arc::clone(&self.guard), self.next.clone());
        ResponseFuture::new(async move {
            let outcome = guard.source.find(&asked).await;
            guard.decide(request, &outcome, &next).await
        })
    }
}

fn question(asked: &Asked) -> Question {
    Question { digest: asked.digest, allows_expired: false }
}

impl Source {
    async fn find(&self, asked: &Asked) -> Outcome<Grant> {
        self.memory.find(question(asked), |_| self.ask(asked)).await
    }

    async fn ask(&self, asked: &Asked) -> Finding<Grant> {
        if let Some(memcached) = &self.memcached
            && let Some(shared) = memcached.find(asked).await
            && let Some(metadata) = grant::metadata(&shared)
            && let Some(read) = grant::read(&metadata, &self.mapping)
        {
            let outcome = Outcome::Valid(Arc::new(read.grant));
            return Finding { outcome, most: SECOND_HAND };
        }
        Finding { outcome: self.introspect(asked).await, most: Duration::MAX }
    }

    async fn introspect(&self, asked: &Asked) -> Outcome<Grant> {
        let Ok(token) = asked.token.to_str() else { return Outcome::Invalid };
        let metadata = match self.client.ask(token).await {
            Ok(metadata) => metadata,
            Err(fault) => {
                if self.pace.allows() {
                    tracing::error!(
                        "the authorization server cannot be asked about tokens: {fault}"
                    );
                }
                return Outcome::Unavailable;
            }
        };
        let Some(read) = grant::read(&metadata, &self.mapping) else { return Outcome::Invalid };
        if !read.grant.is_fit() {
            if self.pace.allows() {
                tracing::warn!("a token does not say all that `mapping_…` names");
            }
        } else if let Some(memcached) = &self.memcached {
            let shared = read.shared.to_string();
            memcached.store(asked, shared.as_bytes(), Duration::MAX).await;
        }
        Outcome::Valid(Arc::new(read.grant))
    }
}

impl Guard {
    /// Passes a request on with what is known of who asks, or refuses it.
    fn decide(&self, mut request: Request, outcome: &Outcome<Grant>, next: &App) -> ResponseFuture {
        let grant = match outcome {
            Outcome::Valid(grant) if !grant.has_expired() && self.is_bound(grant, &request) => {
                grant
            }
            Outcome::Unavailable => return ResponseFuture::ready(self.refusal(outcome)),
            _ => return ResponseFuture::ready(self.refusal(&Outcome::Invalid)),
        };
        if !grant.is_fit() {
            return ResponseFuture::ready(self.refusal(outcome));
        }
        grant.tell(request.headers_mut());
        let challenge = self.challenge.clone();
        next.answer(request).then(move |mut response| {
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            response
        })
    }

    /// Whether the client has shown the certificate that the token counts with.
    fn is_bound(&self, grant: &Grant, request: &Request) -> bool {
        if !self.binds {
            return true;
        }
        let encryption = request.context().connection.encryption.as_ref();
        let Some(certificate) = encryption.and_then(|encryption| encryption.client.as_ref()) else {
            return false;
        };
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()));
        grant.thumbprint.as_ref() == Some(&thumbprint)
    }

    /// The answer to a request that is not passed on: its token is invalid, unfit, or unknown as the
    /// server cannot be asked.
    fn refusal(&self, outcome: &Outcome<Grant>) -> Response {
        let (status, body) = match outcome {
            Outcome::Invalid => (StatusCode::UNAUTHORIZED, INVALID),
            Outcome::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
            Outcome::Valid(_) => (StatusCode::FORBIDDEN, UNFIT),
        };
        let mut response = Response::new(Body::from(Bytes::from_static(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match outcome {
            Outcome::Invalid => drop(headers.insert(WWW_AUTHENTICATE, self.challenge.clone())),
            Outcome::Unavailable => drop(headers.insert(RETRY_AFTER, LATER)),
            Outcome::Valid(_) => {}
        }
        response
    }
}
