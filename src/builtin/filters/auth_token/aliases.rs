//! The Python factories that the filter stands for.

use crate::registry::Alias;
use crate::settings::{Dialect, Group};

pub(super) const ALIASES: &[Alias] = &[
    Alias::of("cloudkitty.api.middleware:AuthTokenMiddleware.factory")
        .dialect(KEYSTONE)
        .note(WRAPPED),
    Alias::of("egg:keystonemiddleware#auth_token").dialect(KEYSTONE).note(NOTE),
    Alias::of("heat.common.auth_token:filter_factory")
        .dialect(KEYSTONE)
        .note(HEAT)
        .retired("was replaced by that of python-keystoneclient", SUCCESSOR),
    Alias::of("keystone.middleware.auth_token:filter_factory")
        .dialect(KEYSTONE)
        .note(NOTE)
        .retired(MOVED, SUCCESSOR),
    Alias::of("keystoneclient.middleware.auth_token:filter_factory")
        .dialect(KEYSTONE)
        .note(NOTE)
        .retired(CLIENT, SUCCESSOR),
    Alias::of("keystonemiddleware.auth_token:filter_factory").dialect(KEYSTONE).note(NOTE),
    Alias::of("magnum.api.middleware.auth_token:AuthTokenMiddleware.factory")
        .dialect(KEYSTONE)
        .note(WRAPPED),
    Alias::of("monasca_api.healthcheck.keystone_protocol:filter_factory")
        .dialect(MONASCA)
        .note("The original needs no token for any path that ends in one of these names."),
    Alias::of("zun.api.middleware.auth_token:AuthTokenMiddleware.factory")
        .dialect(KEYSTONE)
        .note(WRAPPED),
];

const MONASCA: Dialect = KEYSTONE.defaults(&[("public_api_routes", "/healthcheck, /version")]);

const WRAPPED: &str = "The original reads paths that need no token as regular expressions (but for \
    CloudKitty's), lets `.json` follow them, and lets a client say there who it is; here a path is \
    as it is written, and such headers are removed. What differs with the original of \
    keystonemiddleware goes for it too.";

const HEAT: &str = "The original tells the app its own name and password, by `X-Admin-User` and \
    `X-Admin-Pass`, and where Keystone is, by `X-Auth-Url`; this does not.";

const CLIENT: &str = "was removed from python-keystoneclient 2.1.0";
const MOVED: &str = "left Keystone for python-keystoneclient, and that for keystonemiddleware";
const SUCCESSOR: &str = "keystonemiddleware.auth_token:filter_factory";

const NOTE: &str = "The original waits for Keystone without a limit and answers 500 if that is too \
    slow, asks it about a bad token each time, lets a client's `OpenStack-System-Scope` through, and \
    overwrites that of a user with that of a service.";

pub(in crate::builtin::filters) const KEYSTONE: Dialect = Dialect::lenient()
    .older(&[
        ("acl_public_routes", "public_api_routes"),
        ("admin_password", "password"),
        ("admin_tenant_name", "project_name"),
        ("admin_user", "username"),
        ("auth_plugin", "auth_type"),
        ("auth_uri", "www_authenticate_uri"),
        ("identity_uri", "auth_url"),
        ("memcache_servers", "memcached_servers"),
        ("tenant_id", "project_id"),
        ("tenant_name", "project_name"),
        ("user_name", "username"),
    ])
    .globals(GLOBALS)
    .group(Group::Own("keystone_authtoken"))
    .elsewhere("auth_section", LOGIN)
    .ignored(&[
        ("admin_token", "give `username` and `password` of a user of the filter's own"),
        ("auth_admin_prefix", "give `auth_url`"),
        ("auth_host", "give `auth_url`"),
        ("auth_port", "give `auth_url`"),
        ("auth_protocol", "give `auth_url`"),
        ("auth_version", "Keystone has only its third API"),
        ("cache", "memcached is named by `memcached_servers`"),
        ("check_revocations_for_cached", PKI),
        ("configkey", "it was for the original's own use"),
        ("hash_algorithms", PKI),
        ("log_name", "the log names the filter"),
        ("memcache_password", SASL),
        ("memcache_tls_allowed_ciphers", TLS),
        ("memcache_tls_cafile", TLS),
        ("memcache_tls_certfile", TLS),
        ("memcache_tls_keyfile", TLS),
        ("memcache_use_advanced_pool", "there is one kind of pool"),
        ("memcache_username", SASL),
        ("oslo_config_file", PROJECT),
        ("oslo_config_project", PROJECT),
        ("project", "it only named the original's `User-Agent`"),
        ("revocation_cache_time", PKI),
        ("service_host", "it was never used"),
        ("service_port", "it was never used"),
        ("service_protocol", "it was never used"),
        ("signing_dir", PKI),
    ]);

/// The options of the login.
const LOGIN: &[&str] = &[
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_type",
    "auth_url",
    "default_domain_id",
    "default_domain_name",
    "domain_id",
    "domain_name",
    "password",
    "project_domain_id",
    "project_domain_name",
    "project_id",
    "project_name",
    "system_scope",
    "trust_id",
    "user_domain_id",
    "user_domain_name",
    "user_id",
    "username",
];

const PKI: &str = "Keystone signs no tokens by a certificate any more";
const PROJECT: &str = "settings files are named once, for the whole server";
const SASL: &str = "memcached is not logged in to";
const TLS: &str = "connections to memcached are not encrypted";

/// The original takes all options from there too.
const GLOBALS: &[&str] = &[
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_section",
    "auth_type",
    "auth_url",
    "cafile",
    "certfile",
    "default_domain_id",
    "default_domain_name",
    "delay_auth_decision",
    "domain_id",
    "domain_name",
    "enforce_token_bind",
    "http_connect_timeout",
    "http_request_max_retries",
    "include_service_catalog",
    "insecure",
    "interface",
    "keyfile",
    "memcache_pool_conn_get_timeout",
    "memcache_pool_dead_retry",
    "memcache_pool_maxsize",
    "memcache_pool_socket_timeout",
    "memcache_pool_unused_timeout",
    "memcache_sasl_enabled",
    "memcache_secret_key",
    "memcache_security_strategy",
    "memcache_tls_enabled",
    "memcached_servers",
    "password",
    "project_domain_id",
    "project_domain_name",
    "project_id",
    "project_name",
    "region_name",
    "service_token_roles",
    "service_token_roles_required",
    "service_type",
    "system_scope",
    "token_cache_time",
    "trust_id",
    "user_domain_id",
    "user_domain_name",
    "user_id",
    "username",
    "www_authenticate_uri",
];

#[cfg(test)]
mod tests {
    use super::super::settings::AuthToken;
    use super::*;
    use crate::builtin::fixture::faults;
    use crate::settings::Settings as _;

    #[test]
    fn all_options_of_the_original_count_for_all_sections() {
        // These are not the original's.
        let own = [
            "http_max_connections",
            "http_request_timeout",
            "public_api_routes",
            "token_cache_invalid_time",
            "token_cache_memory",
            "token_cache_stale_time",
        ];
        let names = AuthToken::OPTIONS.iter().map(|option| option.name);
        let mut expected: Vec<_> = names.filter(|name| !own.contains(name)).collect();
        expected.sort_unstable();
        assert_eq!(GLOBALS, expected);
    }

    #[test]
    fn encryption_that_is_not_there_is_refused_wherever_it_is_asked_for() {
        let section = "[DEFAULT]\nmemcache_tls_enabled = true\n[filter:a]\n\
            paste.filter_factory = keystonemiddleware.auth_token:filter_factory\n\
            auth_url = http://a\nusername = a\npassword = b\nproject_name = c\n\
            default_domain_id = default\n";
        let told = faults(section);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("`memcache_tls_enabled` is refused"), "{told:?}");
    }
}
