//! Decides about each request.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::access_rules::Asker;
use super::asked::Claim;
use super::cache::Outcome;
use super::identity::{self, CONFIRMED, INVALID, SERVICE_STATUS, USER_STATUS};
use super::options::Route;
use super::source::Source;
use super::token::Token;
use crate::app::{Answer, App, Body, Request, RequestExt, Response, ResponseFuture, response};

/// What requests are decided by.
pub(in crate::builtin::filters) struct Guard {
    pub(super) source: Source,
    pub(super) policy: Policy,
    /// Where users are sent to for a token.
    pub(super) challenge: HeaderValue,
}

/// How the token of a user comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Carrier {
    /// As `Authorization: Bearer`; there are no tokens of services then.
    Bearer,
    /// As `X-Auth-Token`.
    Header,
}

/// What is allowed.
pub(super) struct Policy {
    pub(super) carrier: Carrier,
    /// Whether the app decides about requests without a good token.
    pub(super) delays: bool,
    /// The roles of which a service has one.
    pub(super) service_roles: Vec<String>,
    /// Whether the token of a service must have one.
    pub(super) requires_service_roles: bool,
    pub(super) service_type: Option<String>,
    /// The paths that need no token.
    pub(super) public: Vec<Route>,
}

impl Policy {
    fn is_public(&self, request: &Request) -> bool {
        !self.public.is_empty() && self.public.iter().any(|route| route.is(request.path_info()))
    }
}

/// The guard before an app.
pub(in crate::builtin::filters) struct Guarded {
    pub(in crate::builtin::filters) guard: Arc<Guard>,
    pub(in crate::builtin::filters) next: App,
}

/// What was found out of the tokens of a request; none for one that it does not bring.
struct Found {
    user: Option<Outcome>,
    service: Option<Outcome>,
}

const REFUSAL: &[u8] = br#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#;

/// After how many seconds a client may try again, while Keystone cannot be reached.
const LATER: HeaderValue = HeaderValue::from_static("5");

impl Answer for Guarded {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        identity::strip(request.headers_mut());
        if self.guard.policy.is_public(&request) {
            return self.next.answer(request);
        }
        let headers = request.headers();
        let (user, service) = match self.guard.policy.carrier {
            Carrier::Bearer => (Claim::of_bearer(headers), Claim::Absent),
            Carrier::Header => (Claim::of_user(headers), Claim::of_service(headers)),
        };
        // Most tokens are remembered: then there is nothing to wait for, and no future is made.
        if let Some(found) = self.guard.known(&user, &service) {
            return self.guard.decide(request, &found, &self.next);
        }
        let (guard, next) = (Arc::clone(&self.guard), self.next.clone());
        ResponseFuture::new(async move {
            let found = guard.find(&user, &service).await;
            guard.decide(request, &found, &next).await
        })
    }
}

impl Guard {
    /// What is found out of the tokens, if that is known at once.
    fn known(&self, user: &Claim, service: &Claim) -> Option<Found> {
        let known = |claim: &Claim, allows_expired| match claim {
            Claim::Absent => Some(None),
            Claim::Malformed => Some(Some(Outcome::Invalid)),
            Claim::Token(asked) => self.source.known(asked, allows_expired).map(Some),
        };
        let service = known(service, false)?;
        let user = known(user, self.allows_expired(service.as_ref()))?;
        Some(Found { user, service })
    }

    async fn find(&self, user: &Claim, service: &Claim) -> Found {
        let service = self.find_one(service, false).await;
        let user = self.find_one(user, self.allows_expired(service.as_ref())).await;
        Found { user, service }
    }

    async fn find_one(&self, claim: &Claim, allows_expired: bool) -> Option<Outcome> {
        match claim {
            Claim::Absent => None,
            Claim::Malformed => Some(Outcome::Invalid),
            Claim::Token(asked) => Some(self.source.find(asked, allows_expired).await),
        }
    }

    /// Whether the token of the user may have expired, by the service that passes it on.
    fn allows_expired(&self, service: Option<&Outcome>) -> bool {
        let Some(Outcome::Valid(token)) = service else { return false };
        !token.has_expired() && self.has_service_role(token)
    }

    fn has_service_role(&self, token: &Token) -> bool {
        token.roles.iter().any(|role| self.policy.service_roles.contains(role))
    }

    /// Passes a request on with what is known of who asks, or refuses it.
    fn decide(&self, mut request: Request, found: &Found, next: &App) -> ResponseFuture {
        let is_unavailable = |found: &Option<Outcome>| matches!(found, Some(Outcome::Unavailable));
        let delays = self.policy.delays;
        if !delays && (is_unavailable(&found.service) || is_unavailable(&found.user)) {
            return ResponseFuture::ready(unavailable(&request));
        }
        let allows_expired = self.allows_expired(found.service.as_ref());
        let service = valid(found.service.as_ref()).filter(|token| {
            let has_role = || self.has_service_role(token);
            !token.has_expired() && (!self.policy.requires_service_roles || has_role())
        });
        let asker = if service.is_some() { Asker::Service } else { Asker::User };
        let user = valid(found.user.as_ref())
            .filter(|token| allows_expired || !token.has_expired())
            .filter(|token| self.allows(token, asker, &request));
        let is_refused = user.is_none() || found.service.is_some() && service.is_none();
        if is_refused && !delays {
            tracing::debug!("a request without a good token is refused");
            return ResponseFuture::ready(self.refusal());
        }
        let headers = request.headers_mut();
        match user {
            Some(token) => token.identity.tell_user(headers),
            None => drop(headers.insert(USER_STATUS, INVALID)),
        }
        if found.service.is_some() {
            let status = if service.is_some() { CONFIRMED } else { INVALID };
            headers.insert(SERVICE_STATUS, status);
        }
        if let Some(token) = service {
            token.identity.tell_service(headers);
        }
        let challenge = self.challenge.clone();
        next.answer(request).then(move |mut response| {
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            response
        })
    }

    /// Whether a token may be used for a request.
    fn allows(&self, token: &Token, asker: Asker, request: &Request) -> bool {
        let service = self.policy.service_type.as_deref();
        token
            .rules
            .as_ref()
            .is_none_or(|rules| rules.allow(request, asker, (service, &self.source.pace)))
    }

    fn refusal(&self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from_static(REFUSAL)));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(WWW_AUTHENTICATE, self.challenge.clone());
        response
    }
}

fn valid(outcome: Option<&Outcome>) -> Option<&Token> {
    match outcome {
        Some(Outcome::Valid(token)) => Some(token),
        _ => None,
    }
}

fn unavailable(request: &Request) -> Response {
    let detail = "The Keystone service is temporarily unavailable.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = response::refusal(status, detail, request.headers());
    response.headers_mut().insert(RETRY_AFTER, LATER);
    response
}
