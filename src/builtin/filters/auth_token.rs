//! Lets only requests pass that bring a token which Keystone knows.

mod access_rules;
mod aliases;
mod asked;
mod cache;
mod catalog;
mod document;
mod guard;
mod identity;
mod keystone;
mod login;
mod memcached;
mod moment;
mod options;
mod python_json;
mod seal;
mod settings;
mod source;
mod tls;
mod token;

pub(super) use self::identity::strip as strip_identity;

use std::sync::Arc;

use http::HeaderValue;

pub(super) use self::aliases::KEYSTONE;
pub(super) use self::asked::{Asked, Claim};
pub(super) use self::cache::{Finding, Memory, Outcome, Question, Remembered, Times};
pub(super) use self::guard::{Carrier, Guarded};
pub(super) use self::keystone::{Fault, Limits, Wire, request};
pub(super) use self::memcached::{Memcached, Protection};
pub(super) use self::moment::Moment;
pub(super) use self::options::{CacheTime, Strategy};
pub(super) use self::settings::AuthToken;
pub(super) use self::tls::{Authorities, Files};

use self::aliases::ALIASES;
use self::guard::{Guard, Policy};
use self::keystone::{Keystone, Place, Session};
use self::options::{Challenge, Never, TokenBind};
use self::source::Source;
use crate::app::{App, Filter};
use crate::builtin::memcached::Limits as MemcachedLimits;
use crate::builtin::pace::Pace;
use crate::diagnostic::Diagnostic;
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings::{Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::filter::<AuthToken>("auth_token")
    .aliases(ALIASES)
    .outside_of(&[("audit", "events would not say who asked"), super::BEFORE_CACHE]);

impl FilterFactory for AuthToken {
    fn check(&self, reader: &mut Reader<'_>) {
        self.check_keystone(reader);
        if !self.service_token_roles_required {
            let message = "any token is taken for that of a service";
            let help = "leave out `service_token_roles_required`, and give the users of services \
                the role `service`";
            let diagnostic = Diagnostic::warning("weak-service-tokens", message).help(help);
            reader.note("service_token_roles_required", diagnostic);
        }
    }

    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let guard = Arc::new(self.guard(site, Carrier::Header)?);
        Ok(Filter::wrap(move |next| App::new(Guarded { guard: Arc::clone(&guard), next })))
    }
}

impl AuthToken {
    /// Notes what is wrong with all that is about Keystone and what is remembered of its answers.
    pub(super) fn check_keystone(&self, reader: &mut Reader<'_>) {
        self.check_spans(reader);
        if !self.memcached_servers.is_empty()
            && self.memcache_security_strategy != Strategy::None
            && self.memcache_secret_key.is_none()
        {
            let strategy = self.memcache_security_strategy.name();
            let message = "`auth_token` needs the option `memcache_secret_key`";
            let help = format!("`memcache_security_strategy = {strategy}` makes its keys of it");
            let diagnostic = Diagnostic::error("missing-option", message).help(help);
            reader.note("memcache_security_strategy", diagnostic);
        }
        if self.insecure {
            let message = "the certificate of Keystone is not checked";
            let help = "name the authority that signed it, by `cafile`";
            let diagnostic = Diagnostic::warning("unchecked-certificate", message).help(help);
            reader.note("insecure", diagnostic);
        }
        // These are read so that what nobody does is refused, and say nothing else.
        let (TokenBind, Never) = (self.enforce_token_bind, self.memcache_tls_enabled);
        let Never = self.memcache_sasl_enabled;
        login::check(self, reader);
    }

    fn check_spans(&self, reader: &mut Reader<'_>) {
        let spans = [
            ("http_connect_timeout", self.http_connect_timeout),
            ("http_request_timeout", self.http_request_timeout),
            ("memcache_pool_socket_timeout", self.memcache_pool_socket_timeout),
        ];
        for (name, _) in spans.iter().filter(|(_, Seconds(span))| span.is_zero()) {
            reader.reject(name, "it must be more than no time");
        }
        let counts = [
            ("http_max_connections", self.http_max_connections),
            ("memcache_pool_maxsize", self.memcache_pool_maxsize),
        ];
        for (name, count) in counts {
            if !(1..=MOST_CONNECTIONS).contains(&count) {
                reader.reject(name, format!("it must be from 1 to {MOST_CONNECTIONS}"));
            }
        }
        if self.token_cache_memory < LEAST_MEMORY {
            let reason = format!("it must be at least {LEAST_MEMORY} bytes");
            reader.reject("token_cache_memory", reason);
        }
    }

    /// What decides about requests, for tokens that come one way or another.
    pub(super) fn guard(self, site: &Site<'_>, carrier: Carrier) -> Result<Guard, Error> {
        let missing = || Error::new(format!("`{}` has no `auth_url` and login", site.section));
        let auth_url = self.auth_url.clone().ok_or_else(missing)?;
        let login = login::of(&self).ok_or_else(missing)?;
        let told = self.www_authenticate_uri.clone().map(|Challenge(value)| Ok(value));
        let challenge = told.unwrap_or_else(|| {
            HeaderValue::try_from(format!("Keystone uri=\"{auth_url}\"")).map_err(|error| {
                Error::new("`auth_url` cannot be told to clients").caused_by(error)
            })
        })?;
        let place =
            Place { auth_url, interface: self.interface.0, region: self.region_name.clone() };
        let session = Session::new(place, login, self.wire()?);
        let source = Source {
            memory: Memory::new(self.times(), self.token_cache_memory),
            memcached: self.memcached(),
            keystone: Keystone::new(session, self.include_service_catalog),
            pace: Pace::default(),
        };
        let policy = Policy {
            carrier,
            delays: self.delay_auth_decision,
            service_roles: self.service_token_roles,
            requires_service_roles: self.service_token_roles_required,
            service_type: self.service_type,
            public: self.public_api_routes,
        };
        Ok(Guard { source, policy, challenge })
    }

    fn wire(&self) -> Result<Wire, Error> {
        let authorities = match &self.cafile {
            _ if self.insecure => Authorities::Anyone,
            Some(path) => Authorities::File(path.clone()),
            None => Authorities::System,
        };
        let own = self.certfile.clone().map(|certificate| {
            let key = self.keyfile.clone().unwrap_or_else(|| certificate.clone());
            (certificate, key)
        });
        let limits = Limits {
            connect_timeout: self.http_connect_timeout.0,
            timeout: self.http_request_timeout.0,
            retries: self.http_request_max_retries,
            connections: self.http_max_connections,
        };
        Ok(Wire::new(limits, Files { authorities, own }.read()?))
    }

    fn times(&self) -> Times {
        Times {
            valid: self.token_cache_time.0,
            invalid: self.token_cache_invalid_time.0,
            stale: self.token_cache_stale_time.0,
        }
    }

    /// None if there is none, or nothing is to be remembered.
    fn memcached(&self) -> Option<Memcached> {
        if self.memcached_servers.is_empty() || self.token_cache_time.0.is_zero() {
            return None;
        }
        let secret = self.memcache_secret_key.as_ref();
        let secret = secret.map_or_else(Vec::new, |secret| secret.expose().as_bytes().to_vec());
        let protection = Protection { strategy: self.memcache_security_strategy, secret };
        let limits = MemcachedLimits {
            dead_time: self.memcache_pool_dead_retry.0,
            connections: self.memcache_pool_maxsize,
            timeout: self.memcache_pool_socket_timeout.0,
            idle_time: self.memcache_pool_unused_timeout.0,
            wait: self.memcache_pool_conn_get_timeout.0,
        };
        let servers = self.memcached_servers.clone();
        Some(Memcached::new(servers, protection, limits, self.token_cache_time.0))
    }
}

/// More than a server of memcached takes by default, or a Keystone answers at a time.
const MOST_CONNECTIONS: usize = 10_000;

/// Room for a few tokens.
const LEAST_MEMORY: u64 = 65_536;

#[cfg(test)]
mod tests;
