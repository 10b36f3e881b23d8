//! Looks at requests in the light of their connection, before the app sees them.

use std::sync::Arc;

use http::StatusCode;

use super::ledger::Ledger;
use super::settings::Settings;
use super::tls::Tls;
use crate::app::{Request, RequestExt, Response, response};
use crate::forwarded::Trust;
use crate::metrics::Refusal;

/// Looks at requests in the light of their connection, before the app sees them.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    /// None if nobody is trusted, and what proxies tell is left to filters.
    trust: Option<Arc<Trust>>,
    /// What encrypts the connection, if anything.
    tls: Option<Arc<Tls>>,
}

impl Guard {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { trusted_proxies, proxy_headers, .. } = settings;
        let trust = || Arc::new(Trust::new(trusted_proxies, *proxy_headers));
        Self { trust: (!trusted_proxies.is_empty()).then(trust), tls: None }
    }

    /// The guard of a connection that is encrypted by something, or not at all.
    pub(super) fn of(&self, tls: Option<Arc<Tls>>) -> Self {
        Self { trust: self.trust.clone(), tls }
    }

    /// Notes what a trusted proxy tells of a request; or refuses one that contradicts itself or its
    /// connection.
    pub(super) fn refuse(&self, request: &mut Request, ledger: &Ledger) -> Option<Response> {
        if let Some(tls) = &self.tls
            && is_misdirected(tls, request)
        {
            ledger.count(Refusal::Misdirected);
            let status = StatusCode::MISDIRECTED_REQUEST;
            let detail = "The host of the request is not that of the connection.";
            return Some(response::refusal(status, detail, request.headers()));
        }
        let trust = self.trust.as_ref()?;
        request.context_mut().has_heard_proxies = true;
        trust.apply(request).inspect_err(|_| ledger.count(Refusal::Forwarded)).err()
    }
}

fn is_misdirected(tls: &Tls, request: &Request) -> bool {
    let encryption = request.context().connection.encryption.as_ref();
    let asked = encryption.and_then(|encryption| encryption.server_name.as_deref());
    request.host().is_some_and(|host| tls.is_misdirected(asked, host))
}
