//! The name and the password that a request carries.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// A name and a password.
pub(super) struct Credentials {
    pub(super) name: String,
    pub(super) password: Vec<u8>,
}

impl Credentials {
    /// Takes them out of the headers; none if there are none, or more than one, or they cannot
    /// be read.
    pub(super) fn take(headers: &mut HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let only = values.next().filter(|_| values.next().is_none());
        let credentials = only.and_then(|value| Self::parse(value.to_str().ok()?));
        headers.remove(AUTHORIZATION);
        credentials
    }

    fn parse(value: &str) -> Option<Self> {
        let (scheme, token) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let mut name = STANDARD.decode(token.trim_start()).ok()?;
        let colon = name.iter().position(|byte| *byte == b':')?;
        let password = name.split_off(colon + 1);
        name.truncate(colon);
        Some(Self { name: String::from_utf8(name).ok()?, password })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// What is read of headers: the name and the password.
    fn taken(values: &[&[u8]]) -> Option<(String, Vec<u8>)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        let credentials = Credentials::take(&mut headers);
        assert!(headers.is_empty());
        credentials.map(|Credentials { name, password }| (name, password))
    }

    fn token(scheme: &str, text: &[u8]) -> Vec<u8> {
        format!("{scheme} {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn a_password_may_hold_anything() {
        let value = token("Basic", b"zo\xc3\xab:pass:w\xff\0rd");
        let expected = ("zo\u{eb}".to_owned(), b"pass:w\xff\0rd".to_vec());
        assert_eq!(taken(&[&value]), Some(expected));
        let value = token("bASIC  ", b":");
        assert_eq!(taken(&[&value]), Some((String::new(), Vec::new())));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let good = token("Basic", b"a:b");
        let unreadable: [&[&[u8]]; 9] = [
            &[],
            &[b""],
            &[b"Basic"],
            &[b"Basic \xff"],
            &[b"Basic YTpi="],
            &[b"Basic YTpi YTpi"],
            &[&token("Bearer", b"a:b")],
            &[&token("Basic", b"no colon")],
            &[&good, &good],
        ];
        for values in unreadable {
            assert_eq!(taken(values), None, "{values:?}");
        }
        assert_eq!(taken(&[&token("Basic", b"\xff:b")]), None);
    }
}
