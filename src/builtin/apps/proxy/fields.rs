//! Header fields: which are passed on, and which are made here.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;
use smallvec::SmallVec;

use super::told::{Trust, is_claim, set_prefix, tell};
use super::upstream::Upstream;
use crate::app::{Body, Request, RequestExt};
use crate::settings::HeaderPattern;

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
        let trust = Trust::of(request.context());
        let mut fields = self.passed_on(request.headers(), trust);
        let client = client_host(request);
        let host = match (self.host, &client) {
            (Host::Client, Some(host)) => host.clone(),
            // HTTP/1.0 knows no host.
            _ => upstream.authority(),
        };
        fields.insert(HOST, host);
        tell(request, trust, client, &mut fields);
        set_prefix(request.context(), upstream.hidden(request), &mut fields);
        fields
    }

    fn passed_on(&self, original: &HeaderMap, trust: Trust) -> HeaderMap {
        // Room for what is added, as a map that grows is hashed anew.
        let mut fields = HeaderMap::with_capacity(original.len() + 6);
        for (name, value) in original {
            let is_dropped = is_hop_by_hop(name)
                || is_ours(name)
                || (is_claim(name) && (trust == Trust::Nobody || name.as_str().contains('_')))
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
pub(super) fn strip(status: StatusCode, headers: &mut HeaderMap) -> Result<(), &'static str> {
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
    settle_length(status, headers)
}

/// Has a response tell its length in one number, or not at all where it never has a body
/// (RFC 9110, 8.6).
///
/// hyper passes on what an upstream has written in any way, and looks at no length where there is no
/// body, as in answers to `HEAD`.
fn settle_length(status: StatusCode, headers: &mut HeaderMap) -> Result<(), &'static str> {
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
        return Ok(());
    }
    let values = headers.get_all(CONTENT_LENGTH).iter().map(HeaderValue::as_bytes);
    let mut lengths = values.flat_map(|value| value.split(|&byte| byte == b',')).map(length);
    let Some(first) = lengths.next() else { return Ok(()) };
    let length = first.ok_or("its length is no number")?;
    let mut others = 0;
    for other in lengths {
        if other != Some(length) {
            return Err("it has lengths that differ");
        }
        others += 1;
    }
    if others > 0 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(())
}

fn length(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    // Numbers of Rust may have a sign.
    let is_number = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
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
