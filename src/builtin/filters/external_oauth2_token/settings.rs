//! The settings of the filter.

use std::path::PathBuf;

use super::mapping::Mapping;
use super::options::{Audience, AuthMethod, Endpoint, JwtAlgorithm, Name};
use crate::builtin::filters::auth_token::{CacheTime, Strategy};
use crate::builtin::memcached::Server;
use crate::settings;
use crate::settings::{Seconds, SecretString};

settings! {
    /// Lets only requests pass that bring an OAuth 2.0 access token which an authorization server
    /// outside of OpenStack knows (RFC 7662).
    ///
    /// The token comes as `Authorization: Bearer …`, and the server is asked about it at
    /// `introspect_endpoint`. The names in `mapping_…` say where its answer has what the app
    /// finds in `X-User-Id`, `X-Project-Id`, `X-Roles` and the others that `auth_token` sets; a name
    /// with points leads from object to object: `user.domain.id`. What a client itself sends by these
    /// names is removed, however it is spelled.
    ///
    /// A request without a token, or with one that is not active, gets 401; one whose token does
    /// not say all that is mapped gets 403. While the server cannot be asked, requests with tokens
    /// that are not remembered get 503 and `Retry-After`. However many requests bring a new token at
    /// a time, it is asked once.
    ///
    /// ```ini
    /// [filter:oauth]
    /// use = egg:pasteline#external_oauth2_token
    /// introspect_endpoint = https://sso.example.com/realms/cloud/protocol/openid-connect/token/introspect
    /// audience = https://sso.example.com/realms/cloud
    /// client_id = tacker
    /// client_secret = s3cret
    /// mapping_roles = roles
    /// mapping_user_id = sub
    /// mapping_user_domain_id = user_domain.id
    /// mapping_user_domain_name = user_domain.name
    /// mapping_project_id = project.id
    /// mapping_project_name = project.name
    /// mapping_project_domain_id = project_domain.id
    /// mapping_project_domain_name = project_domain.name
    /// ```
    pub(super) struct ExternalOAuth2Token {
        /// Where the server is asked about tokens: `http://host:port/path`.
        introspect_endpoint: Endpoint,
        /// Where clients obtain tokens, as they are told by `WWW-Authenticate`; and for whom the
        /// JWT of the filter is.
        audience: Audience,
        /// How the filter shows the server who it is: `client_secret_basic`, `client_secret_post`,
        /// `client_secret_jwt`, `private_key_jwt` or `tls_client_auth`.
        auth_method: AuthMethod = "client_secret_basic",
        /// The name of the filter at the server.
        client_id: String,
        /// The secret of that name, for the three methods that begin with `client_secret`.
        client_secret: Option<SecretString>,
        /// A file with the private key (PEM) for `private_key_jwt`.
        jwt_key_file: Option<PathBuf>,
        /// How a JWT is signed: `HS256`, `HS384` or `HS512` for `client_secret_jwt`; `RS256`, `RS384`,
        /// `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384` or `EdDSA` for `private_key_jwt`.
        jwt_algorithm: Option<JwtAlgorithm>,
        /// How many seconds a JWT counts; more than 0.
        jwt_bearer_time_out: Seconds = "3600",
        /// Whether a token counts only with the certificate of the client whose thumbprint it has
        /// (RFC 8705).
        thumbprint_verify: bool = "false",

        /// Where the id of the project stands. A token without one is for a domain.
        mapping_project_id: Option<Name>,
        /// Where the name of the project stands.
        mapping_project_name: Option<Name>,
        /// Where the id of the domain stands, that of the project or of the token.
        mapping_project_domain_id: Option<Name>,
        /// Where the name of that domain stands.
        mapping_project_domain_name: Option<Name>,
        /// Where the id of the user stands.
        mapping_user_id: Name = "client_id",
        /// Where the name of the user stands.
        mapping_user_name: Name = "username",
        /// Where the id of the domain of the user stands.
        mapping_user_domain_id: Option<Name>,
        /// Where the name of the domain of the user stands.
        mapping_user_domain_name: Option<Name>,
        /// Where the roles stand, as one text with commas between them.
        mapping_roles: Option<Name>,
        /// Where it stands whether a token is for the whole system, `true` or `false`.
        mapping_system_scope: Option<Name>,
        /// Where the end of the token stands, in seconds since 1970.
        mapping_expires_at: Option<Name>,

        /// How many seconds it may take to connect to the server; more than 0.
        http_connect_timeout: Seconds = "5",
        /// How many seconds an answer of the server may take in all; more than 0.
        http_request_timeout: Seconds = "15",
        /// A file of certificates (PEM) by which that of the server is checked; those of the system
        /// if there is none.
        cafile: Option<PathBuf>,
        /// Whether the certificate of the server is not checked at all.
        insecure: bool = "false",
        /// The certificate (PEM) that is shown to the server.
        certfile: Option<PathBuf>,
        /// The key of that certificate; `certfile` if it is left out.
        keyfile: Option<PathBuf>,

        /// How many seconds a token is remembered, at most until it expires; `-1` for not at all.
        token_cache_time: CacheTime = "300",
        /// How many seconds it is remembered that a token is not active.
        token_cache_invalid_time: Seconds = "10",
        /// Servers of memcached, by which processes and machines share what they know of tokens:
        /// `host:port`, `[address]:port` or `unix:/path`.
        memcached_servers: Vec<Server>,
        /// How entries in memcached are protected: `None`, `MAC` (signed) or `ENCRYPT`.
        memcache_security_strategy: Strategy = "None",
        /// The secret from which the keys for that are made.
        memcache_secret_key: Option<SecretString>,
        /// How many seconds a server of memcached that failed is not asked.
        memcache_pool_dead_retry: Seconds = "300",
        /// How many connections to each server of memcached there are at most; more than 0.
        memcache_pool_maxsize: usize = "10",
        /// How many seconds a server of memcached may take; more than 0.
        memcache_pool_socket_timeout: Seconds = "3",
        /// How many seconds a connection to memcached is kept while nobody uses it.
        memcache_pool_unused_timeout: Seconds = "60",
        /// How many seconds a request waits for a connection to memcached that is free.
        memcache_pool_conn_get_timeout: Seconds = "10",
    }
}

impl ExternalOAuth2Token {
    pub(super) fn mapping(&self) -> Mapping {
        Mapping {
            project_id: self.mapping_project_id.clone(),
            project_name: self.mapping_project_name.clone(),
            project_domain_id: self.mapping_project_domain_id.clone(),
            project_domain_name: self.mapping_project_domain_name.clone(),
            user_id: self.mapping_user_id.clone(),
            user_name: self.mapping_user_name.clone(),
            user_domain_id: self.mapping_user_domain_id.clone(),
            user_domain_name: self.mapping_user_domain_name.clone(),
            roles: self.mapping_roles.clone(),
            system_scope: self.mapping_system_scope.clone(),
            expires_at: self.mapping_expires_at.clone(),
        }
    }
}
