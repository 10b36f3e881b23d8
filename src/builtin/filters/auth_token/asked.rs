//! The tokens that a request brings.

use aws_lc_rs::digest::{SHA256, digest};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

/// A token as a request brings it; nothing is known of it yet.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) struct Asked {
    pub(in crate::builtin::filters) token: HeaderValue,
    pub(in crate::builtin::filters) digest: Digest,
}

/// By what a token is known: its SHA-256, so that none lies about in memory for long, and each
/// takes the same room.
pub(in crate::builtin::filters) type Digest = [u8; 32];

/// What a request brings in the place of a token.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Claim {
    Absent,
    /// Something that is no token for sure: of several parts, or not in ASCII.
    Malformed,
    Token(Asked),
}

impl Claim {
    /// The token of the user.
    pub(in crate::builtin::filters) fn of_user(headers: &HeaderMap) -> Self {
        const NAME: HeaderName = HeaderName::from_static("x-auth-token");
        const OF_STORAGE: HeaderName = HeaderName::from_static("x-storage-token");
        let name = if headers.contains_key(NAME) { NAME } else { OF_STORAGE };
        Self::of(headers, &name)
    }

    /// The token of a user that comes as `Authorization: Bearer`.
    pub(in crate::builtin::filters) fn of_bearer(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Self::Absent };
        let parts = value.to_str().ok().and_then(|value| value.trim().split_once(' '));
        match parts {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Asked::of(token.trim(), value).map_or(Self::Malformed, Self::Token)
            }
            _ => Self::Absent,
        }
    }

    /// The token of a service that passes on what a user asked of it.
    pub(in crate::builtin::filters) fn of_service(headers: &HeaderMap) -> Self {
        const NAME: HeaderName = HeaderName::from_static("x-service-token");
        Self::of(headers, &NAME)
    }

    fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut values = headers.get_all(name).iter();
        let Some(value) = values.next() else { return Self::Absent };
        if values.next().is_some() {
            return Self::Malformed;
        }
        match value.to_str().map(str::trim) {
            Ok("") => Self::Absent,
            Ok(token) => Asked::of(token, value).map_or(Self::Malformed, Self::Token),
            Err(_) => Self::Malformed,
        }
    }
}

impl Asked {
    /// A token that stands in a value, in which there may be blanks around it.
    fn of(token: &str, value: &HeaderValue) -> Option<Self> {
        let is_whole = token.len() == value.len();
        let value = if is_whole { value.clone() } else { HeaderValue::from_str(token).ok()? };
        let digest = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        Some(Self { token: value, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(values: &[(&str, &[u8])]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        match Claim::of_user(&headers) {
            Claim::Absent => None,
            Claim::Malformed => Some("malformed".to_owned()),
            Claim::Token(asked) => Some(asked.token.to_str().unwrap().to_owned()),
        }
    }

    #[test]
    fn a_token_is_trimmed_and_may_come_as_that_of_a_store() {
        assert_eq!(claim(&[("x-auth-token", b" abc\t")]).as_deref(), Some("abc"));
        assert_eq!(claim(&[("x-storage-token", b"abc")]).as_deref(), Some("abc"));
        let both: [(&str, &[u8]); 2] = [("x-auth-token", b"abc"), ("x-storage-token", b"def")];
        assert_eq!(claim(&both).as_deref(), Some("abc"));
    }

    #[test]
    fn what_is_no_token_is_known_without_asking() {
        assert_eq!(claim(&[]), None);
        assert_eq!(claim(&[("x-auth-token", b" "), ("x-storage-token", b"abc")]), None);
        assert_eq!(claim(&[("x-auth-token", b"\xe9")]).as_deref(), Some("malformed"));
        let twice: [(&str, &[u8]); 2] = [("x-auth-token", b"abc"), ("x-auth-token", b"abc")];
        assert_eq!(claim(&twice).as_deref(), Some("malformed"));
    }
}
