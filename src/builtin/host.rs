//! Changes the host that a request was made to.

use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Uri};

use crate::app::{Request, RequestExt};

/// Sets the host wherever it stands: in the header, and in the URI of HTTP/2.
pub(super) fn set_host(request: &mut Request, host: Authority) {
    let Ok(value) = HeaderValue::from_str(host.as_str()) else { return };
    request.headers_mut().insert(HOST, value);
    if request.uri().authority().is_some() {
        let mut parts = request.uri().clone().into_parts();
        parts.authority = Some(host);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// Sets the port of the host; none for that of the scheme, which is not written.
pub(super) fn set_port(request: &mut Request, port: Option<u16>) {
    let Some(host) = request.host().and_then(|host| host.parse::<Authority>().ok()) else { return };
    let name = host.host();
    let host = match port {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    };
    if let Ok(host) = host.parse() {
        set_host(request, host);
    }
}
