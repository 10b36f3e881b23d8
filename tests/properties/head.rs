//! What holds for all heads of requests. The fuzz target `head` calls this as well.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Request, Version};
use pasteline::server::{Gate, Settings, is_host};

/// A head that is let through names one host, tells the end of its body in one way, has a path
/// that is plain and no name that pretends; and it is let through again as it is.
///
/// The first line is the method, the target and the version; fields follow.
pub(crate) fn is_let_through_or_refused(text: &str) {
    let Some(mut request) = request(text) else { return };
    let gate = Gate::new(&Settings::default());
    if gate.admit(&mut request).is_err() {
        return;
    }
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
    let authority = uri.authority().map(Authority::as_str);
    assert!(hosts.len() <= 1, "{text:?}");
    for host in hosts.iter().map(|host| host.as_bytes()).chain(authority.map(str::as_bytes)) {
        assert!(is_host(host), "{text:?}");
    }
    let is_named = hosts.len() == 1 || authority.is_some();
    assert!(is_named || request.version() == Version::HTTP_10, "{text:?}");
    let is_framed_twice =
        headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING);
    assert!(!is_framed_twice, "{text:?}");
    assert!(headers.keys().all(|name| !name.as_str().contains('_')), "{text:?}");
    let path = uri.path();
    assert!(path == "*" || path.starts_with('/'), "{text:?}");
    assert!(gate.admit(&mut request).is_ok(), "{text:?}");
    assert_eq!((request.uri(), request.headers()), (&uri, &headers), "{text:?}");
}

fn request(text: &str) -> Option<Request<()>> {
    let mut lines = text.lines();
    let mut words = lines.next()?.split(' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    request = request.version(match words.next() {
        Some("1.0") => Version::HTTP_10,
        Some("2") => Version::HTTP_2,
        _ => Version::HTTP_11,
    });
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::try_from(name).ok()?;
        request = request.header(name, HeaderValue::try_from(value).ok()?);
    }
    request.body(()).ok()
}
