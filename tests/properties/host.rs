//! What holds for all hosts. The fuzz target `host` calls this as well.

use http::uri::Authority;
use pasteline::server::is_host;

/// A host is one to those who read URLs, too, and nothing but a host and a port.
pub(crate) fn is_host_to_others(bytes: &[u8]) {
    if !is_host(bytes) || bytes.ends_with(b":") {
        return;
    }
    let authority = Authority::try_from(bytes);
    let authority = authority.unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
    assert!(!authority.as_str().contains('@'), "{authority}");
    let port = authority.port().map_or(String::new(), |port| format!(":{}", port.as_str()));
    assert_eq!(format!("{}{port}", authority.host()), authority.as_str());
    assert_eq!(authority.port().is_some(), authority.port_u16().is_some(), "{authority}");
}
