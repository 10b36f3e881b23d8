//! The header fields by which filters and gateways tell apps something, and clients must not.

/// Whether a field tells who a client is, or has a request mean another: what only a filter or a
/// gateway may say to an app. `Forwarded`, `X-Forwarded-*` and `X-Real-IP` are not among them:
/// whether they are believed is found out by who sends them.
pub(super) fn is_claim(name: &[u8]) -> bool {
    match name {
        [b'x', b'-', rest @ ..] => is_claim_of_x(rest),
        [b'c' | b'f' | b'o' | b'r' | b's' | b't', ..] => is_other_claim(name),
        _ => false,
    }
}

/// Whether it is one of those names that do not begin with `X-`.
fn is_other_claim(name: &[u8]) -> bool {
    match name {
        b"cf-connecting-ip"
        | b"client-cert"
        | b"client-cert-chain"
        | b"client-ip"
        | b"fastly-client-ip"
        | b"openstack-system-scope"
        | b"remote-user"
        | b"ssl-client-cert"
        | b"ssl-client-verify"
        | b"true-client-ip" => true,
        [b'r', ..] => name.starts_with(b"remote-user-") || name.starts_with(b"remote-group"),
        [b's', ..] => name.starts_with(b"ssl-client-"),
        _ => false,
    }
}

/// What follows `X-` in those names.
fn is_claim_of_x(rest: &[u8]) -> bool {
    match rest {
        // keystonemiddleware: the user and what the token is good for.
        b"domain-id"
        | b"domain-name"
        | b"identity-status"
        | b"is-admin-project"
        | b"project-domain-id"
        | b"project-domain-name"
        | b"project-id"
        | b"project-name"
        | b"role"
        | b"roles"
        | b"tenant"
        | b"tenant-id"
        | b"tenant-name"
        | b"user"
        | b"user-domain-id"
        | b"user-domain-name"
        | b"user-id"
        | b"user-name"
        // Single sign-on, as gateways tell it.
        | b"authenticated-user"
        | b"authenticated-userid"
        | b"remote-user"
        | b"webauth-user"
        // Certificates of clients.
        | b"client-dn"
        | b"client-verify"
        // Where and how a request is to be taken.
        | b"http-method"
        | b"http-method-override"
        | b"method-override"
        | b"original-host"
        | b"original-uri"
        | b"original-url"
        | b"rewrite-url"
        // Addresses.
        | b"client-ip"
        | b"cluster-client-ip"
        | b"original-forwarded-for"
        | b"remote-addr"
        | b"remote-ip" => true,
        // The token of a service is its own to send.
        b"service-token" => false,
        [b'a', ..] => rest.starts_with(b"auth-request-"),
        [b'c', ..] => rest.starts_with(b"client-cert"),
        [b'r', ..] => rest.starts_with(b"remote-group") || rest.starts_with(b"remote-extra-"),
        [b's', ..] => rest.starts_with(b"service-") || rest.starts_with(b"ssl-"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_gateway_may_say_is_a_claim() {
        for name in [
            "x-user-id",
            "x-roles",
            "x-service-roles",
            "x-service-catalog",
            "remote-user",
            "remote-groups",
            "x-client-cert",
            "x-ssl-client-verify",
            "ssl-client-s-dn",
            "x-auth-request-email",
            "x-http-method-override",
            "x-original-url",
            "true-client-ip",
        ] {
            assert!(is_claim(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_a_client_says_of_itself_is_none() {
        for name in [
            "x-auth-token",
            "x-service-token",
            "x-subject-token",
            "x-auth-user",
            "x-auth-key",
            "x-user-agent",
            "x-requested-with",
            "x-container-read",
            "x-forwarded-for",
            "x-real-ip",
            "x-openstack-request-id",
            "authorization",
            "cookie",
            "x-",
            "x",
            "",
        ] {
            assert!(!is_claim(name.as_bytes()), "{name}");
        }
    }
}
