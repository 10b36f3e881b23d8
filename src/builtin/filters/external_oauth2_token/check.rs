//! What is wrong with options that their types cannot say.

use super::options::AuthMethod;
use super::settings::ExternalOAuth2Token;
use crate::builtin::filters::auth_token::Strategy;
use crate::diagnostic::Diagnostic;
use crate::settings::{Reader, Seconds};

impl ExternalOAuth2Token {
    /// Notes with the reader what their types cannot say.
    pub(super) fn check_all(&self, reader: &mut Reader<'_>) {
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
}

fn need(reader: &mut Reader<'_>, name: &str, help: &str) {
    let message = format!("`external_oauth2_token` needs the option `{name}`");
    let beneath = "give it here, or in `[ext_oauth2_auth]` of a file that `--config-file` names";
    reader.note(name, Diagnostic::error("missing-option", message).help(help).help(beneath));
}

/// More than a server of memcached takes by default.
const MOST_CONNECTIONS: usize = 10_000;
