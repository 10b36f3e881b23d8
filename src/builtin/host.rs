//! Changes the host that a request was made to.

use http::uri::Authority;

use crate::app::{Request, RequestExt};
pub(super) use crate::forwarded::set_host;

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
