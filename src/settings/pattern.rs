//! Names of headers, with a wildcard at the end and in whichever spelling.

use std::sync::Arc;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;

use super::{Rejected, Setting};

/// The name of a header, or the beginning of one with a `*` after it.
///
/// Upper and lower case do not matter, nor do `-` and `_`: what CGI and WSGI make of
/// `X-User-Id` and of `X_User_Id` is the same, so a server behind this one may take either for
/// the other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeaderPattern {
    /// In lower case, with `-` for `_`.
    name: Arc<str>,
    /// Whether the name may go on.
    open: bool,
}

impl HeaderPattern {
    /// Whether it is the pattern of a name.
    pub fn matches(&self, name: &HeaderName) -> bool {
        let (pattern, name) = (self.name.as_bytes(), name.as_str().as_bytes());
        let fits =
            if self.open { name.len() >= pattern.len() } else { name.len() == pattern.len() };
        fits && pattern.iter().zip(name).all(|(&pattern, &byte)| pattern == dashed(byte))
    }

    /// Removes what any of the patterns matches.
    pub fn remove_all(patterns: &[Self], headers: &mut HeaderMap<HeaderValue>) {
        let matched = |name: &&HeaderName| patterns.iter().any(|pattern| pattern.matches(name));
        let names: SmallVec<[HeaderName; 4]> = headers.keys().filter(matched).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }
}

/// A byte of a header's name, which is in lower case already, with `-` for `_`.
fn dashed(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte }
}

impl Setting for HeaderPattern {
    const EXPECTED: &'static str = "the name of a header, or its beginning and a `*`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let (name, open) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        if name.is_empty() {
            return Err(Rejected::because("it would match every header"));
        }
        // `*` may stand in the name of a header, but nobody means it.
        if name.contains('*') || name.parse::<HeaderName>().is_err() {
            return Err(Rejected::default());
        }
        let name = name.to_ascii_lowercase().replace('_', "-").into();
        Ok(Self { name, open })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        HeaderPattern::parse(pattern).unwrap().matches(&name.parse().unwrap())
    }

    #[test]
    fn a_name_matches_in_every_spelling() {
        for name in ["X-User-Id", "x_user_id", "X_USER-ID"] {
            assert!(matches("X-User-Id", name) && matches("x_user_id", name), "{name}");
        }
        assert!(!matches("X-User-Id", "X-User-Ids") && !matches("X-User-Id", "X-User"));
    }

    #[test]
    fn a_name_may_go_on_after_a_star() {
        assert!(matches("X-User*", "X_User_Id") && matches("X-User*", "x-user"));
        assert!(!matches("X-User-*", "X-User") && !matches("X-User-*", "X-Use"));
    }

    #[test]
    fn a_star_stands_only_at_the_end_of_a_name() {
        for text in ["*", "X-*-Id", "X-**", "X User", "", "X-Ü*"] {
            assert!(HeaderPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn removes_every_value_of_what_matches() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-role", "a"), ("x-role", "b"), ("x_roles", "c"), ("host", "d")] {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let patterns = [HeaderPattern::parse("X-Role*").unwrap()];
        HeaderPattern::remove_all(&patterns, &mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["host"]);
    }
}
