//! What is said of settings that are wrong or missing.

use super::section;
use crate::builtin::fixture::faults;

const URL: &str = "http://127.0.0.1:5000";

/// What is wrong with an option, without its place.
fn fault(option: &str) -> Vec<String> {
    let faults = faults(&section(URL, option));
    faults.iter().map(|fault| fault.split_once(": ").unwrap().1.to_owned()).collect()
}

#[test]
fn each_wrong_value_is_told() {
    let wrong = [
        ("http_connect_timeout = 0", "it must be more than no time"),
        ("http_request_timeout = 0", "it must be more than no time"),
        ("memcache_pool_socket_timeout = 0", "it must be more than no time"),
        ("http_max_connections = 0", "it must be from 1 to 10000"),
        ("http_max_connections = 10001", "it must be from 1 to 10000"),
        ("memcache_pool_maxsize = 0", "it must be from 1 to 10000"),
        ("token_cache_memory = 65535", "it must be at least 65536 bytes"),
        ("token_cache_time = 2592001", "no token is remembered for more than 30 days"),
        ("token_cache_time = -2", "expected a whole number of seconds, or `-1` for never"),
        ("public_api_routes = /v1, v2", "expected a path such as `/v1`"),
        ("acl_public_routes = /v[12]", "it is no pattern; name each path by itself"),
        ("interface = outer", "expected `public`, `internal` or `admin`"),
        ("auth_type = v2password", "Keystone has no second API any more"),
        ("auth_type = kerberos", "expected `password` or `v3applicationcredential`"),
        ("enforce_token_bind = kerberos", "Keystone binds no tokens any more"),
        ("memcache_security_strategy = encrypt", "write `ENCRYPT`, in upper case"),
        ("memcached_servers = one:11211, two:", "`host:port`, `[address]:port` or `unix:/path`"),
        ("www_authenticate_uri = a \"b\"", "expected a URL"),
        ("domain_name = Default", "a login is for one of them only, and `project_name` is given"),
        ("system_scope = some", "expected `all`"),
        (
            "memcache_tls_enabled = true",
            "`memcache_security_strategy = ENCRYPT` protects what is stored",
        ),
    ];
    for (option, expected) in wrong {
        let faults = fault(option);
        assert!(matches!(&*faults, [fault] if fault.contains(expected)), "{option}: {faults:?}");
    }
    for sound in ["token_cache_time = -1", "token_cache_memory = 65536", "http_max_connections = 1"]
    {
        assert_eq!(fault(sound), [""; 0]);
    }
}

#[test]
fn what_is_missing_of_the_login_is_told() {
    let file = |options: &str| {
        let text = format!("[filter:a]\nuse = egg:pasteline#auth_token\n{options}");
        let faults = faults(&text);
        let names = faults.iter().map(|fault| fault.rsplit('`').nth(1).unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(file(""), ["auth_url"]);
    assert_eq!(file("password = b"), ["auth_url", "username"]);
    let url = format!("auth_url = {URL}\n");
    assert_eq!(file(&format!("{url}username = a\npassword = b")), ["user_domain_name"]);
    let user = format!("{url}user_id = a\npassword = b\n");
    assert_eq!(file(&user), [""; 0]);
    assert_eq!(file(&format!("{user}project_name = c")), ["project_domain_name"]);
    assert_eq!(file(&format!("{user}system_scope = all")), [""; 0]);
    let application = format!("{url}auth_type = v3applicationcredential\n");
    let expected = ["application_credential_secret", "application_credential_id"];
    assert_eq!(file(&application), expected);
    let named = format!(
        "{application}application_credential_name = a\napplication_credential_secret = b\n"
    );
    assert_eq!(file(&named), ["username"]);
    let strategy = "memcached_servers = a\nmemcache_security_strategy = MAC";
    assert_eq!(file(&format!("{user}{strategy}")), ["memcache_secret_key"]);
}

#[test]
fn a_token_of_a_service_that_is_none_is_warned_of() {
    let [warning] = &*fault("service_token_roles_required = false") else { panic!("one warning") };
    assert!(warning.starts_with("warning[weak-service-tokens]: "), "{warning}");
}

#[test]
fn older_names_of_options_are_known() {
    let text = format!(
        "[filter:a]\npaste.filter_factory = keystone.middleware.auth_token:filter_factory\n\
        identity_uri = {URL}\nadmin_user = a\nadmin_password = b\nadmin_tenant_name = c\n\
        default_domain_id = default\nauth_host = 127.0.0.1\nsigning_dir = /tmp\n"
    );
    let faults = faults(&text);
    assert!(faults.iter().all(|fault| fault.contains("note[ignored-option]")), "{faults:?}");
    assert_eq!(faults.len(), 2);
}
