//! The settings of the filter.

use std::path::PathBuf;

use super::options::{
    AuthType, CacheTime, Challenge, Interface, Never, Route, Strategy, SystemScope, TokenBind, Url,
};
use crate::builtin::memcached::Server;
use crate::settings;
use crate::settings::{Seconds, SecretString};

settings! {
    /// Lets only requests pass that bring a token which Keystone knows.
    ///
    /// The token is taken from `X-Auth-Token`, or `X-Storage-Token`. The app finds who asks in
    /// `X-User-Id`, `X-User-Name`, `X-Project-Id`, `X-Roles` and the others that it knows from
    /// keystonemiddleware, and `X-Identity-Status: Confirmed`. What a client itself sends by these
    /// names is removed, however it is spelled. Anyone else gets 401, and is told by
    /// `WWW-Authenticate` where tokens are to be had.
    ///
    /// A service that passes on what a user asked of it adds its own token as `X-Service-Token`,
    /// of which `X-Service-User-Id` and so on tell. With it, the token of the user may have expired.
    ///
    /// The filter logs in to Keystone as a user of its own, `auth_url`, `username`, `password` and
    /// so on. What Keystone said of a token is remembered, in this process and in memcached if
    /// there is one, in the form in which keystonemiddleware does it; however many requests bring a
    /// new token at a time, Keystone is asked once. While it cannot be reached, requests with tokens
    /// that are not remembered are answered with 503 and `Retry-After`.
    ///
    /// ```ini
    /// [filter:authtoken]
    /// use = egg:pasteline#auth_token
    /// www_authenticate_uri = https://keystone.example.com:5000
    /// auth_url = http://keystone.internal:5000
    /// auth_type = password
    /// username = neutron
    /// user_domain_name = Default
    /// password = s3cret
    /// project_name = service
    /// project_domain_name = Default
    /// memcached_servers = 192.0.2.10:11211, 192.0.2.11:11211
    /// ```
    pub(in crate::builtin::filters) struct AuthToken {
        /// Where users are sent to for a token; `auth_url` if it is left out.
        www_authenticate_uri: Option<Challenge>,
        /// Whether requests without a good token go on to the app, with
        /// `X-Identity-Status: Invalid`, which then has to decide.
        delay_auth_decision: bool = "false",
        /// Paths that need no token: each exactly, as the app sees it, with or without a slash at its
        /// end. The app is not told who asks for them.
        public_api_routes: Vec<Route>,
        /// The type of the service, as in the catalog. Without it, tokens that are restricted by
        /// access rules are refused.
        service_type: Option<String>,
        /// Whether the app is told of the catalog of services, in `X-Service-Catalog`.
        include_service_catalog: bool = "true",
        /// Roles of which the token of a service has at least one.
        service_token_roles: Vec<String> = "service",
        /// Whether requests are refused with the token of a service that has none of these roles.
        /// If not, any token will do, but the user's must not have expired.
        service_token_roles_required: bool = "true",
        /// `permissive` or `disabled`: Keystone binds no tokens to anything any more.
        enforce_token_bind: TokenBind = "permissive",

        /// Where Keystone is asked for a token: `http://host:port`, with or without `/v3`. It must
        /// be given.
        auth_url: Option<Url>,
        /// The group of settings files that has the options of the login, from `auth_url` to
        /// `application_credential_secret`, in place of `[keystone_authtoken]`.
        auth_section: Option<String>,
        /// How the filter logs in: `password`, or `v3applicationcredential`.
        auth_type: AuthType = "password",
        /// The name of the filter's own user.
        username: Option<String>,
        /// The id of the filter's own user, in place of the name.
        user_id: Option<String>,
        /// The password of the filter's own user.
        password: Option<SecretString>,
        /// The id of the domain of that user.
        user_domain_id: Option<String>,
        /// The name of the domain of that user.
        user_domain_name: Option<String>,
        /// The name of the project in which the filter logs in.
        project_name: Option<String>,
        /// The id of the project in which the filter logs in.
        project_id: Option<String>,
        /// The id of the domain of that project.
        project_domain_id: Option<String>,
        /// The name of the domain of that project.
        project_domain_name: Option<String>,
        /// The id of the domain in which the filter logs in, in place of a project.
        domain_id: Option<String>,
        /// The name of the domain in which the filter logs in, in place of a project.
        domain_name: Option<String>,
        /// `all`, if the filter logs in for the whole system, in place of a project.
        system_scope: Option<SystemScope>,
        /// The id of a trust by which the filter logs in, in place of a project.
        trust_id: Option<String>,
        /// The id of the domain of user and project, where they have none of their own.
        default_domain_id: Option<String>,
        /// The name of the domain of user and project, where they have none of their own.
        default_domain_name: Option<String>,
        /// The id of the application credential.
        application_credential_id: Option<String>,
        /// The name of the application credential, in place of its id, with a user.
        application_credential_name: Option<String>,
        /// The secret of the application credential.
        application_credential_secret: Option<SecretString>,

        /// Which of Keystone's endpoints is asked about tokens: `public`, `internal` or `admin`.
        interface: Interface = "internal",
        /// The region in which it is.
        region_name: Option<String>,
        /// How many seconds it may take to connect to Keystone; more than 0.
        http_connect_timeout: Seconds = "5",
        /// How many seconds it may take to find out about a token in all, with logging in where
        /// that is needed; more than 0.
        http_request_timeout: Seconds = "15",
        /// How often it is tried again to connect, or to ask where a connection breaks, within that
        /// time.
        http_request_max_retries: u8 = "3",
        /// How many requests to Keystone run at a time at most; more than 0.
        http_max_connections: usize = "100",
        /// A file of certificates (PEM) by which Keystone's is checked; those of the system if
        /// there is none.
        cafile: Option<PathBuf>,
        /// Whether Keystone's certificate is not checked at all.
        insecure: bool = "false",
        /// The certificate (PEM) that is shown to Keystone.
        certfile: Option<PathBuf>,
        /// The key of that certificate; `certfile` if it is left out.
        keyfile: Option<PathBuf>,

        /// How many seconds a token is remembered, at most until it expires; `-1` for not at all. A
        /// token that is revoked counts for as long.
        token_cache_time: CacheTime = "300",
        /// How many seconds it is remembered that Keystone knows no such token.
        token_cache_invalid_time: Seconds = "10",
        /// How many seconds longer a remembered token counts while Keystone cannot be reached. Once
        /// it has not answered, such a token counts at once, and one request at a time, a second
        /// apart, finds out whether it is back.
        token_cache_stale_time: Seconds = "0",
        /// How many bytes of memory each process remembers tokens in, at most; at least 65536.
        token_cache_memory: u64 = "67108864",
        /// Servers of memcached, by which processes and machines share what they know of tokens:
        /// `host:port`, `[address]:port` or `unix:/path`.
        memcached_servers: Vec<Server>,
        /// How entries in memcached are protected: `None`, `MAC` (signed) or `ENCRYPT`.
        memcache_security_strategy: Strategy = "None",
        /// The secret from which the keys for that are made.
        memcache_secret_key: Option<SecretString>,
        /// Whether connections to memcached are encrypted, which is not possible.
        memcache_tls_enabled: Never = "false",
        /// Whether memcached is logged in to, which is not possible.
        memcache_sasl_enabled: Never = "false",
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
