//! What the upstream is told of where a request comes from.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::{Context, Request, RequestExt};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whom the fields by which proxies tell of clients are believed from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trust {
    /// Nobody: the client may have written them.
    Nobody,
    /// A proxy, which a filter before has believed.
    Proxy,
}

impl Trust {
    pub(super) fn of(context: &Context) -> Self {
        if context.has_told_proxy { Self::Proxy } else { Self::Nobody }
    }
}

/// Tells by which scheme, for which host and through which addresses a request came.
pub(super) fn tell(
    request: &Request,
    trust: Trust,
    host: Option<HeaderValue>,
    fields: &mut HeaderMap,
) {
    let scheme = HeaderValue::from_static(request.context().scheme().name());
    fields.insert(X_FORWARDED_PROTO, scheme);
    if let Some(host) = host {
        fields.insert(X_FORWARDED_HOST, host);
    }
    if let Some(chain) = forwarded_for(request, trust) {
        fields.insert(X_FORWARDED_FOR, chain);
    }
}

/// The addresses that a request came through, this server's client last, if it has an address;
/// none if there is none at all.
fn forwarded_for(request: &Request, trust: Trust) -> Option<HeaderValue> {
    let context = request.context();
    let mut chain = Vec::with_capacity(48);
    if trust == Trust::Proxy {
        for value in request.headers().get_all(X_FORWARDED_FOR) {
            chain.extend_from_slice(value.as_bytes());
            chain.extend_from_slice(b", ");
        }
        if let (true, Some(client)) = (chain.is_empty(), context.forwarded_for) {
            // The proxy told it by `Forwarded`, which is not passed on.
            write_address(client, &mut chain);
            chain.extend_from_slice(b", ");
        }
    }
    match context.connection.peer {
        Some(peer) => write_address(peer.ip(), &mut chain),
        // A Unix socket: the proxy at its other end has no address, but has told of others.
        None => chain.truncate(chain.len().saturating_sub(b", ".len())),
    }
    let chain = HeaderValue::from_maybe_shared(Bytes::from(chain))
        .expect("parts of header values and addresses make a header value");
    (!chain.is_empty()).then_some(chain)
}

/// Writes an address. Those of IPv4 are written for nearly every request, and the standard
/// library's way to write them takes nine times as long.
fn write_address(address: IpAddr, text: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else {
        text.extend_from_slice(address.to_string().as_bytes());
        return;
    };
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            text.push(b'.');
        }
        if octet >= 100 {
            text.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            text.push(b'0' + octet / 10 % 10);
        }
        text.push(b'0' + octet % 10);
    }
}

/// Tells what of the path the upstream does not see.
pub(super) fn set_prefix(context: &Context, hidden: &str, fields: &mut HeaderMap) {
    let outside = context.forwarded_prefix.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    if outside.is_empty() && hidden.is_empty() {
        return;
    }
    let prefix = [outside, hidden.as_bytes()].concat();
    if let Ok(prefix) = HeaderValue::from_maybe_shared(Bytes::from(prefix)) {
        fields.insert(X_FORWARDED_PREFIX, prefix);
    }
}

/// What only a proxy can know of a client, in whichever spelling: WSGI and CGI servers read
/// `X_Real_IP` as `X-Real-IP`.
pub(super) fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let like = |text: &[u8], name: &[u8]| {
        let same = |(a, b): (&u8, &u8)| a == b || (*a == b'-' && *b == b'_');
        text.len() == name.len() && text.iter().zip(name).all(same)
    };
    name.first() == Some(&b'x')
        && (like(b"x-real-ip", name)
            || name.get(..12).is_some_and(|start| like(b"x-forwarded-", start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_addresses_as_the_standard_library_does() {
        for text in ["0.10.99.255", "100.200.1.19", "::1", "2001:db8::7"] {
            let mut written = Vec::new();
            write_address(text.parse().unwrap(), &mut written);
            assert_eq!(String::from_utf8(written).unwrap(), text);
        }
    }

    #[test]
    fn knows_claims_in_every_spelling() {
        let is_claim = |name: &str| is_claim(&name.parse().unwrap());
        for name in ["X-Forwarded-For", "x_forwarded_for", "X-FORWARDED_User", "x_real-ip"] {
            assert!(is_claim(name), "{name}");
        }
        for name in ["X-Forwarded", "X-Real-IPs", "Forwarded", "X-User"] {
            assert!(!is_claim(name), "{name}");
        }
    }
}
