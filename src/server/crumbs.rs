//! Cookies in several fields, as clients of HTTP/2 may send them.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// Joins cookies to one field, as whoever speaks HTTP/1, CGI or WSGI expects them (RFC 9113, 8.2.3).
#[cold]
pub(super) fn join(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // It cannot fail, as each of them is valid.
    if let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_become_one_field_in_their_order() {
        let mut headers = HeaderMap::new();
        for crumb in ["a=1", "b=2; c=3", "d=\"4\""] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join(&mut headers);
        let cookies: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3; d=\"4\""]);
    }
}
