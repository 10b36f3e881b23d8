//! Header fields: which are passed on, and which are made here.

use std::io::Write;
use std::net::IpAddr;

use http::header::{CONNECTION, CONTENT_LENGTH, Entry, HOST, TRANSFER_ENCODING};
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
    /// The header with which a request is passed on.
    pub(super) fn of(&self, request: &Request, upstream: &Upstream) -> HeaderMap {
        let original = request.headers();
        let context = request.context();
        let nominated = Nominated::by(original);
        let believed = is_behind_trusted_proxy(context);
        // Room for what is added below, as a map that grows is hashed anew.
        let mut fields = HeaderMap::with_capacity(original.len() + 6);
        for (name, value) in original {
            let is_dropped = is_hop_by_hop(name)
                || is_ours(name)
                || (!believed && is_claim(name))
                || nominated.has(name)
                || self.suppressed.iter().any(|pattern| pattern.matches(name));
            if !is_dropped {
                fields.append(name, value.clone());
            }
        }
        self.set_host(request, upstream, &mut fields);
        set_forwarded(request, upstream, &mut fields);
        fields
    }

    fn set_host(&self, request: &Request, upstream: &Upstream, fields: &mut HeaderMap) {
        let client = client_host(request);
        if let (Some(host), Entry::Vacant(entry)) = (&client, fields.entry(X_FORWARDED_HOST)) {
            entry.insert(host.clone());
        }
        let host = match (self.host, client) {
            (Host::Client, Some(host)) => host,
            // HTTP/1.0 knows no host.
            _ => upstream.authority(),
        };
        fields.insert(HOST, host);
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

/// Removes from a response what concerns only the connection to the upstream.
pub(super) fn strip_response(headers: &mut HeaderMap) {
    let nominated = Nominated::by(headers);
    let hop_by_hop = |name: &&HeaderName| is_hop_by_hop(name) || nominated.has(name);
    let names: SmallVec<[HeaderName; 4]> = headers.keys().filter(hop_by_hop).cloned().collect();
    if headers.contains_key(TRANSFER_ENCODING) {
        // RFC 9112, 6.3: it counts, and a length beside it is not passed on.
        headers.remove(CONTENT_LENGTH);
    }
    for name in names {
        headers.remove(name);
    }
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

/// What is made here whatever the client sent. A body that waits for `100 Continue` is answered
/// by this server, which has the connection to the client.
fn is_ours(name: &HeaderName) -> bool {
    matches!(name.as_str(), "expect" | "forwarded" | "host")
}

/// What only a proxy can know of a client, in whichever spelling: WSGI and CGI servers read
/// `X_Real_IP` as `X-Real-IP`.
fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let like = |text: &[u8], part: &[u8]| {
        part.len() == text.len()
            && text.iter().zip(part).all(|(a, b)| a == b || (*a == b'-' && *b == b'_'))
    };
    match name.first() {
        Some(b'x') => {
            name.get(..12).is_some_and(|part| like(b"x-forwarded-", part))
                || like(b"x-real-ip", name)
        }
        _ => false,
    }
}

/// Whether what the client's proxies tell was believed by a filter before.
fn is_behind_trusted_proxy(context: &Context) -> bool {
    context.forwarded_for.is_some()
        || context.forwarded_scheme.is_some()
        || context.forwarded_prefix.is_some()
}

/// The names that `Connection` lists.
struct Nominated(SmallVec<[HeaderName; 2]>);

impl Nominated {
    fn by(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let names = values.flat_map(|value| value.split(',')).map(str::trim);
        let names = names.filter(|name| {
            !name.eq_ignore_ascii_case("close") && !name.eq_ignore_ascii_case("keep-alive")
        });
        Self(names.filter_map(|name| name.parse().ok()).collect())
    }

    fn has(&self, name: &HeaderName) -> bool {
        self.0.contains(name)
    }
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

fn set_forwarded(request: &Request, upstream: &Upstream, fields: &mut HeaderMap) {
    let context = request.context();
    if let Some(peer) = context.connection.peer {
        let chain = forwarded_for(context, fields, peer.ip());
        fields.insert(X_FORWARDED_FOR, chain);
    }
    fields.insert(X_FORWARDED_PROTO, HeaderValue::from_static(context.scheme().name()));
    let outside = context.forwarded_prefix.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    let prefix = [outside, upstream.hidden(request).as_bytes()].concat();
    match HeaderValue::from_bytes(&prefix) {
        Ok(prefix) if !prefix.is_empty() => fields.insert(X_FORWARDED_PREFIX, prefix),
        _ => fields.remove(X_FORWARDED_PREFIX),
    };
}

/// The addresses that a request came through, this server's client last.
fn forwarded_for(context: &Context, fields: &HeaderMap, peer: IpAddr) -> HeaderValue {
    let mut chain = Vec::with_capacity(48);
    for value in fields.get_all(X_FORWARDED_FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    if let (true, Some(client)) = (chain.is_empty(), context.forwarded_for) {
        // The proxy told it by `Forwarded`, which is not passed on.
        let _ = write!(chain, "{client}, ");
    }
    let _ = write!(chain, "{peer}");
    HeaderValue::from_maybe_shared(bytes::Bytes::from(chain))
        .expect("parts of header values and addresses make a header value")
}
