//! The filter's own token.

use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::super::document::Service;
use super::super::moment::Moment;
use super::super::options::Url;
use super::discovery::{target, third_api};
use super::wire::request;
use super::{Fault, Login, Wire};

/// Keeps the filter logged in. It logs in when it first needs to, and again before its token
/// expires.
pub(in crate::builtin::filters) struct Session {
    place: Place,
    login: Login,
    wire: Wire,
    grant: StdMutex<Option<Arc<Grant>>>,
    /// Held by who logs in, and what became of it where it failed.
    attempt: Mutex<Option<(Instant, Fault)>>,
}

/// Where Keystone is to be found.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) struct Place {
    pub(in crate::builtin::filters) auth_url: Url,
    pub(in crate::builtin::filters) interface: &'static str,
    pub(in crate::builtin::filters) region: Option<String>,
}

/// What the filter obtained by logging in.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) token: HeaderValue,
    expires: Moment,
    pub(super) keystone: Endpoint,
}

/// Where the third API is.
#[derive(Clone, Debug)]
pub(super) struct Endpoint(Url);

impl Endpoint {
    pub(super) fn join(&self, path: &str) -> Result<http::Uri, Fault> {
        target(&self.0, path)
    }
}

/// How long before its end a token is replaced.
const MARGIN: Duration = Duration::from_secs(30);

/// How long after a failed login there is no other: a wrong password must not be sent with every
/// request, as Keystone may lock the user out.
const BACKOFF: Duration = Duration::from_secs(1);

/// The right to log in, and what became of it where it failed.
type Attempt<'a> = tokio::sync::MutexGuard<'a, Option<(Instant, Fault)>>;

impl Session {
    pub(in crate::builtin::filters) fn new(place: Place, login: Login, wire: Wire) -> Self {
        Self { place, login, wire, grant: StdMutex::default(), attempt: Mutex::default() }
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The filter's own token. One that is about to end is replaced by one request, while others
    /// go on with it; so does that one if it cannot log in. None is waited for past `end`.
    pub(super) async fn grant(&self, end: Instant) -> Result<Arc<Grant>, Fault> {
        let Some(grant) = self.current() else { return self.replace(None, end).await };
        let left = grant.expires.since(Moment::now());
        if left.is_zero() {
            return self.replace(Some(&grant), end).await;
        }
        if left > MARGIN {
            return Ok(grant);
        }
        let Ok(attempt) = self.attempt.try_lock() else { return Ok(grant) };
        let replaced = self.replace_by(attempt, Some(&grant), end).await;
        Ok(replaced.unwrap_or(grant))
    }

    /// Another token in place of one that Keystone does not take.
    pub(super) async fn renew(
        &self,
        refused: &Arc<Grant>,
        end: Instant,
    ) -> Result<Arc<Grant>, Fault> {
        self.replace(Some(refused), end).await
    }

    async fn replace(
        &self,
        outdated: Option<&Arc<Grant>>,
        end: Instant,
    ) -> Result<Arc<Grant>, Fault> {
        self.replace_by(self.attempt.lock().await, outdated, end).await
    }

    /// Logs in, unless somebody else just did.
    async fn replace_by(
        &self,
        mut failed: Attempt<'_>,
        outdated: Option<&Arc<Grant>>,
        end: Instant,
    ) -> Result<Arc<Grant>, Fault> {
        let is_new = |grant: &Arc<Grant>| outdated.is_none_or(|old| !Arc::ptr_eq(old, grant));
        if let Some(grant) = self.current().filter(is_new) {
            return Ok(grant);
        }
        if let Some((at, fault)) = &*failed
            && at.elapsed() < BACKOFF
        {
            return Err(fault.clone());
        }
        // That its time ends is a failure; that the client leaves for whom it is done is none.
        let replaced = timeout_at(end, self.log_in()).await.unwrap_or(Err(Fault::Timeout));
        *failed = replaced.as_ref().err().map(|fault| (Instant::now(), fault.clone()));
        let grant = Arc::new(replaced?);
        *self.slot() = Some(Arc::clone(&grant));
        Ok(grant)
    }

    async fn log_in(&self) -> Result<Grant, Fault> {
        let keystone = third_api(&self.place.auth_url, &self.wire).await?;
        let mut request = request(Method::POST, target(&keystone, "/auth/tokens")?);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Full::from(self.login.body());
        let answer = self.wire.send(&request).await?;
        if answer.status != StatusCode::CREATED {
            return Err(match answer.status.as_u16() {
                400..500 => Fault::LoginRefused(answer.status),
                _ => Fault::Refused(answer.status),
            });
        }
        let token = answer.headers.get("x-subject-token").cloned();
        let mut token = token.ok_or_else(|| Fault::Broken("no token came".to_owned()))?;
        token.set_sensitive(true);
        let own: OwnToken = serde_json::from_slice(&answer.body)
            .map_err(|error| Fault::Broken(error.to_string()))?;
        let expires = Moment::parse(&own.token.expires_at);
        let expires = expires.ok_or_else(|| Fault::Broken("the token has no end".to_owned()))?;
        let endpoint = self.endpoint(&own.token.catalog)?;
        let keystone = Endpoint(third_api(&endpoint, &self.wire).await?);
        tracing::debug!(url = %keystone.0, "logged in to Keystone");
        Ok(Grant { token, expires, keystone })
    }

    /// The endpoint of Keystone that is asked about tokens.
    fn endpoint(&self, catalog: &[Service]) -> Result<Url, Fault> {
        let Place { interface, region, .. } = &self.place;
        let identity = catalog.iter().filter(|service| service.kind == "identity");
        let mut endpoints = identity.flat_map(|service| service.endpoints.iter().flatten());
        let found = endpoints.find(|endpoint| {
            let is_here = region.is_none() || *region == endpoint.region;
            is_here && endpoint.interface.trim_end_matches("URL") == *interface
        });
        let url = found.and_then(|endpoint| Url::told(&endpoint.url));
        url.ok_or(Fault::NoEndpoint(interface))
    }

    fn current(&self) -> Option<Arc<Grant>> {
        self.slot().clone()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Grant>>> {
        // A panic between two changes leaves it whole.
        self.grant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Deserialize)]
struct OwnToken {
    token: OwnFacts,
}

#[derive(Debug, Deserialize)]
struct OwnFacts {
    expires_at: String,
    #[serde(default)]
    catalog: Vec<Service>,
}
