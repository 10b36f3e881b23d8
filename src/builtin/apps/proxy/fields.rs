//! Header fields: which are passed on, and which are made here.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;
use smallvec::SmallVec;

use super::upstream::Upstream;
use crate::app::{Body, Context, Request, RequestExt};
use crate::settings::HeaderPattern;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Which host a request is passed on with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Host {
    /// That which the client asked for.
    Client,
    /// That of the upstream.
    Upstream,
}

/// How the header of a request is made.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) host: Host,
    /// Headers of the client that are not passed on.
    pub(super) suppressed: Box<[HeaderPattern]>,
}

impl Fields {
    /// The header with which a request is passed on, but for the framing of its body.
    pub(super) fn of(&self, request: &Request, upstream: &Upstream) -> HeaderMap {
        let context = request.context();
        let trust = Trust::of(context);
        let mut fields = self.passed_on(request.headers(), trust);
        let client = client_host(request);
        if let Some(host) = &client {
            fields.insert(X_FORWARDED_HOST, host.clone());
        }
        let host = match (self.host, client) {
            (Host::Client, Some(host)) => host,
            // HTTP/1.0 knows no host.
            _ => upstream.authority(),
        };
        fields.insert(HOST, host);
        let scheme = HeaderValue::from_static(context.scheme().name());
        fields.insert(X_FORWARDED_PROTO, scheme);
        if let Some(peer) = context.connection.peer {
            let chain = forwarded_for(request, trust, peer.ip());
            fields.insert(X_FORWARDED_FOR, chain);
        }
        set_prefix(context, upstream.hidden(request), &mut fields);
        fields
    }

    fn passed_on(&self, original: &HeaderMap, trust: Trust) -> HeaderMap {
        // Room for what is added, as a map that grows is hashed anew.
        let mut fields = HeaderMap::with_capacity(original.len() + 6);
        for (name, value) in original {
            let is_dropped = is_hop_by_hop(name)
                || is_ours(name)
                || (trust == Trust::Nobody && is_claim(name))
                || self.suppressed.iter().any(|pattern| pattern.matches(name));
            if !is_dropped {
                fields.append(name, value.clone());
            }
        }
        for name in nominated(original) {
            fields.remove(name);
        }
        fields
    }
}

/// Whom the fields by which proxies tell of clients are believed from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trust {
    /// Nobody: the client may have written them.
    Nobody,
    /// A proxy, which a filter before has believed.
    Proxy,
}

impl Trust {
    fn of(context: &Context) -> Self {
        let is_believed = context.forwarded_for.is_some()
            || context.forwarded_scheme.is_some()
            || context.forwarded_prefix.is_some();
        if is_believed { Self::Proxy } else { Self::Nobody }
    }
}

/// Says how the body of a request ends, in the one way that holds for it as it is now. Unless it
/// is said, hyper drops the body of a `GET`.
pub(super) fn set_framing(body: &Body, fields: &mut HeaderMap) {
    match body.size_hint().exact() {
        Some(0) if !fields.contains_key(CONTENT_LENGTH) => {}
        Some(length) => {
            fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None if fields.contains_key(CONTENT_LENGTH) => {}
        None => {
            fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// Removes from the header of a response what concerns only the connection to the upstream.
///
/// # Errors
///
/// Why the response cannot be passed on.
pub(super) fn strip(headers: &mut HeaderMap) -> Result<(), &'static str> {
    let mut names: SmallVec<[HeaderName; 4]> = nominated(headers).collect();
    names.extend(headers.keys().filter(|name| is_hop_by_hop(name)).cloned());
    if names.contains(&TRANSFER_ENCODING) {
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        let coding = codings.next().map_or(&[][..], HeaderValue::as_bytes);
        if codings.next().is_some() || !coding.eq_ignore_ascii_case(b"chunked") {
            return Err("it has a transfer coding other than `chunked`");
        }
        // RFC 9112, 6.3: a length beside it does not count.
        names.push(CONTENT_LENGTH);
    }
    for name in names {
        headers.remove(name);
    }
    Ok(())
}

/// What concerns only one connection (RFC 9110, 7.6.1), and what takes over a library that looks
/// for its own proxy in the environment (`Proxy`, which CGI makes `HTTP_PROXY`).
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What is made here whatever the client sent. A client that waits for `100 Continue` is answered
/// by this server, which has the connection to it.
fn is_ours(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "expect"
            | "forwarded"
            | "host"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-prefix"
            | "x-forwarded-proto"
    )
}

/// What only a proxy can know of a client, in whichever spelling: WSGI and CGI servers read
/// `X_Real_IP` as `X-Real-IP`.
fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let like = |text: &[u8], name: &[u8]| {
        let same = |(a, b): (&u8, &u8)| a == b || (*a == b'-' && *b == b'_');
        text.len() == name.len() && text.iter().zip(name).all(same)
    };
    name.first() == Some(&b'x')
        && (like(b"x-real-ip", name)
            || name.get(..12).is_some_and(|start| like(b"x-forwarded-", start)))
}

/// The names that `Connection` lists, of headers that concern only one connection.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let is_option = |name: &[u8]| {
        name.eq_ignore_ascii_case(b"close") || name.eq_ignore_ascii_case(b"keep-alive")
    };
    let values = headers.get_all(CONNECTION).iter().map(HeaderValue::as_bytes);
    let names = values.flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    let names = names.filter(move |name| !is_option(name));
    names.filter_map(|name| HeaderName::from_bytes(name).ok())
}

/// The host that the client asked for: that of the target if it names one (RFC 9112, 3.2.2).
fn client_host(request: &Request) -> Option<HeaderValue> {
    match request.uri().authority() {
        Some(authority) => {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            HeaderValue::from_str(host).ok()
        }
        None => request.headers().get(HOST).cloned(),
    }
}

/// The addresses that a request came through, this server's client last.
fn forwarded_for(request: &Request, trust: Trust, peer: IpAddr) -> HeaderValue {
    let mut chain = Vec::with_capacity(48);
    if trust == Trust::Proxy {
        for value in request.headers().get_all(X_FORWARDED_FOR) {
            chain.extend_from_slice(value.as_bytes());
            chain.extend_from_slice(b", ");
        }
        if let (true, Some(client)) = (chain.is_empty(), request.context().forwarded_for) {
            // The proxy told it by `Forwarded`, which is not passed on.
            write_address(client, &mut chain);
            chain.extend_from_slice(b", ");
        }
    }
    write_address(peer, &mut chain);
    HeaderValue::from_maybe_shared(Bytes::from(chain))
        .expect("parts of header values and addresses make a header value")
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
fn set_prefix(context: &Context, hidden: &str, fields: &mut HeaderMap) {
    let outside = context.forwarded_prefix.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    if outside.is_empty() && hidden.is_empty() {
        return;
    }
    let prefix = [outside, hidden.as_bytes()].concat();
    if let Ok(prefix) = HeaderValue::from_maybe_shared(Bytes::from(prefix)) {
        fields.insert(X_FORWARDED_PREFIX, prefix);
    }
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
