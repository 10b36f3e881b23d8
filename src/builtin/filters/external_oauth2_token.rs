//! Lets only requests pass that bring an access token which an authorization server knows.

mod check;
mod client;
mod grant;
mod guard;
mod mapping;
mod options;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderValue;

use self::client::{Client, Method};
use self::guard::{Guard, Guarded, Source};
use self::options::AuthMethod;
use self::settings::ExternalOAuth2Token;
use super::auth_token::{Authorities, Files, Limits, Memcached, Memory, Protection, Times, Wire};
use crate::app::{App, Filter};
use crate::builtin::memcached;
use crate::builtin::pace::Pace;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings::{Dialect, Group, Reader};

pub(super) const DEFINITION: Definition =
    Definition::filter::<ExternalOAuth2Token>("external_oauth2_token")
        .aliases(ALIASES)
        .outside_of(&[("audit", "events would not say who asked")]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:keystonemiddleware#external_oauth2_token").dialect(KEYSTONE).note(NOTE),
    Alias::of("keystonemiddleware.external_oauth2_token:filter_factory")
        .dialect(KEYSTONE)
        .note(NOTE),
];

const KEYSTONE: Dialect = Dialect::lenient()
    .older(&[("memcache_servers", "memcached_servers")])
    .group(Group::Own("ext_oauth2_auth"))
    .ignored(&[
        ("auth_section", "there is no other login than that of `auth_method`"),
        ("auth_type", "there is no other login than that of `auth_method`"),
        ("log_name", "the log names the filter"),
        ("memcache_use_advanced_pool", "there is one kind of pool"),
        ("oslo_config_file", "settings files are named once, for the whole server"),
        ("oslo_config_project", "settings files are named once, for the whole server"),
    ]);

const NOTE: &str = "The original waits for the server without a limit, answers 500 while it cannot be \
    asked, writes times in the JWT that it signs as texts, and takes a part of a dotted name for a \
    name by itself where what stands before it is missing; it reads the key with every question, \
    where here a reload does.";

impl FilterFactory for ExternalOAuth2Token {
    fn check(&self, reader: &mut Reader<'_>) {
        self.check_all(reader);
    }

    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let guard = Arc::new(self.guard(site)?);
        Ok(Filter::wrap(move |next| App::new(Guarded { guard: Arc::clone(&guard), next })))
    }
}

impl ExternalOAuth2Token {
    fn guard(self, site: &Site<'_>) -> Result<Guard, Error> {
        let challenge = HeaderValue::try_from(format!(
            "Authorization OAuth 2.0 uri=\"{}\"",
            self.audience.as_str()
        ));
        let challenge = challenge
            .map_err(|error| Error::new("`audience` cannot be told to clients").caused_by(error))?;
        let times = Times {
            valid: self.token_cache_time.0,
            invalid: self.token_cache_invalid_time.0,
            stale: std::time::Duration::ZERO,
        };
        let source = Source {
            memory: Memory::new(times, MEMORY),
            memcached: self.memcached(),
            mapping: self.mapping(),
            client: Client {
                endpoint: self.introspect_endpoint.uri(),
                method: self.method(site)?,
                id: self.client_id.clone(),
                wire: self.wire()?,
            },
            pace: Pace::default(),
        };
        Ok(Guard { source, challenge, binds: self.thumbprint_verify })
    }

    fn method(&self, site: &Site<'_>) -> Result<Method, Error> {
        let missing = || Error::new(format!("`{}` has no credentials", site.section));
        let secret = || self.client_secret.clone().ok_or_else(missing);
        let algorithm = || self.jwt_algorithm.ok_or_else(missing);
        let assertion = |key| client::Assertion {
            key,
            audience: self.audience.as_str().to_owned(),
            lifetime: self.jwt_bearer_time_out.0,
        };
        Ok(match self.auth_method {
            AuthMethod::ClientSecretBasic => Method::Basic(secret()?),
            AuthMethod::ClientSecretPost => Method::Post(secret()?),
            AuthMethod::TlsClientAuth => Method::Certificate,
            AuthMethod::ClientSecretJwt => {
                Method::Jwt(assertion(client::Key::of_secret(algorithm()?, &secret()?)?))
            }
            AuthMethod::PrivateKeyJwt => {
                let path = self.jwt_key_file.as_deref().ok_or_else(missing)?;
                Method::Jwt(assertion(client::Key::of_file(algorithm()?, path)?))
            }
        })
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
            retries: RETRIES,
            connections: CONNECTIONS,
        };
        Ok(Wire::new(limits, Files { authorities, own }.read()?))
    }

    /// None if there is none, or nothing is to be remembered.
    fn memcached(&self) -> Option<Memcached> {
        if self.memcached_servers.is_empty() || self.token_cache_time.0.is_zero() {
            return None;
        }
        let secret = self.memcache_secret_key.as_ref();
        let secret = secret.map_or_else(Vec::new, |secret| secret.expose().as_bytes().to_vec());
        let protection = Protection { strategy: self.memcache_security_strategy, secret };
        let limits = memcached::Limits {
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

/// How many bytes of memory tokens are remembered in.
const MEMORY: u64 = 64 * 1024 * 1024;

/// How often it is tried again to connect, within the time for an answer.
const RETRIES: u8 = 3;

/// How many questions run at a time.
const CONNECTIONS: usize = 100;
