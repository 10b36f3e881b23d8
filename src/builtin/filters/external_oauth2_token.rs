//! Lets only requests pass that bring an access token which an authorization server knows.

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
use super::auth_token::{
    Authorities, Files, Limits, Memcached, MemcachedLimits, Memory, Pace, Protection, Strategy,
    Times, Wire,
};
use crate::app::{App, Filter};
use crate::diagnostic::Diagnostic;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings::{Dialect, Group, Reader, Seconds};

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
        self.check_method(reader);
        self.check_mapping(reader);
        self.check_limits(reader);
        if self.insecure {
            let message = "the certificate of the authorization server is not checked";
            let help = "name the authority that signed it, by `cafile`";
            let diagnostic = Diagnostic::warning("unchecked-certificate", message).help(help);
            reader.note("insecure", diagnostic);
        }
    }

    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let guard = Arc::new(self.guard(site)?);
        Ok(Filter::wrap(move |next| App::new(Guarded { guard: Arc::clone(&guard), next })))
    }
}

impl ExternalOAuth2Token {
    fn check_method(&self, reader: &mut Reader<'_>) {
        let method = self.auth_method;
        let is_jwt = matches!(method, AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt);
        let is_secret = !matches!(method, AuthMethod::PrivateKeyJwt | AuthMethod::TlsClientAuth);
        let needed = [
            ("certfile", self.certfile.is_none() && method == AuthMethod::TlsClientAuth),
            ("client_secret", self.client_secret.is_none() && is_secret),
            ("jwt_algorithm", self.jwt_algorithm.is_none() && is_jwt),
            ("jwt_key_file", self.jwt_key_file.is_none() && method == AuthMethod::PrivateKeyJwt),
        ];
        for (name, _) in needed.iter().filter(|(_, is_missing)| *is_missing) {
            need(reader, name, &format!("`auth_method = {}` needs it", method.name()));
        }
        if let Some(algorithm) = self.jwt_algorithm
            && is_jwt
            && algorithm.is_symmetric() != (method == AuthMethod::ClientSecretJwt)
        {
            let fitting = if algorithm.is_symmetric() { "RS256" } else { "HS256" };
            let reason = format!("`{}` signs otherwise, by `{fitting}` say", method.name());
            reader.reject("jwt_algorithm", reason);
        }
    }

    /// Whether all is named that a token must say of its user.
    fn check_mapping(&self, reader: &mut Reader<'_>) {
        let (is_system, is_project) =
            (self.mapping_system_scope.is_some(), self.mapping_project_id.is_some());
        let needed = [
            ("mapping_roles", self.mapping_roles.is_none()),
            ("mapping_user_domain_id", self.mapping_user_domain_id.is_none()),
            ("mapping_user_domain_name", self.mapping_user_domain_name.is_none()),
            ("mapping_project_name", is_project && self.mapping_project_name.is_none()),
            (
                "mapping_project_domain_id",
                (is_project || !is_system) && self.mapping_project_domain_id.is_none(),
            ),
            (
                "mapping_project_domain_name",
                (is_project || !is_system) && self.mapping_project_domain_name.is_none(),
            ),
        ];
        for (name, _) in needed.iter().filter(|(_, is_missing)| *is_missing) {
            need(reader, name, "it says where the answer of the authorization server has it");
        }
    }

    fn check_limits(&self, reader: &mut Reader<'_>) {
        let spans = [
            ("http_connect_timeout", self.http_connect_timeout),
            ("http_request_timeout", self.http_request_timeout),
            ("jwt_bearer_time_out", self.jwt_bearer_time_out),
            ("memcache_pool_socket_timeout", self.memcache_pool_socket_timeout),
        ];
        for (name, _) in spans.iter().filter(|(_, Seconds(span))| span.is_zero()) {
            reader.reject(name, "it must be more than no time");
        }
        if !(1..=MOST_CONNECTIONS).contains(&self.memcache_pool_maxsize) {
            let reason = format!("it must be from 1 to {MOST_CONNECTIONS}");
            reader.reject("memcache_pool_maxsize", reason);
        }
        if !self.memcached_servers.is_empty()
            && self.memcache_security_strategy != Strategy::None
            && self.memcache_secret_key.is_none()
        {
            let strategy = self.memcache_security_strategy.name();
            let help = format!("`memcache_security_strategy = {strategy}` makes its keys of it");
            need(reader, "memcache_secret_key", &help);
        }
    }

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

fn need(reader: &mut Reader<'_>, name: &str, help: &str) {
    let message = format!("`external_oauth2_token` needs the option `{name}`");
    let beneath = "give it here, or in `[ext_oauth2_auth]` of a file that `--config-file` names";
    reader.note(name, Diagnostic::error("missing-option", message).help(help).help(beneath));
}

/// How many bytes of memory tokens are remembered in.
const MEMORY: u64 = 64 * 1024 * 1024;

/// How often it is tried again to connect, within the time for an answer.
const RETRIES: u8 = 3;

/// How many questions run at a time.
const CONNECTIONS: usize = 100;

/// More than a server of memcached takes by default.
const MOST_CONNECTIONS: usize = 10_000;
