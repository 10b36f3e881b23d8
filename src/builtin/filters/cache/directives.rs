//! What `Cache-Control` says, of a request or a response.

use std::vec::IntoIter;

use http::header::{AsHeaderName, CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, HeaderValue};

/// The directives of a message, by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Directives(Vec<(String, Option<String>)>);

/// What a longer time counts as, in seconds (RFC 9111, 1.2.2).
const LONGEST: u64 = 1 << 31;

impl Directives {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut directives =
            Self(members(headers, CACHE_CONTROL).filter_map(|member| directive(&member)).collect());
        // An old way to say it, which counts where there is no new one.
        if directives.0.is_empty()
            && members(headers, PRAGMA).any(|member| member.eq_ignore_ascii_case("no-cache"))
        {
            directives.0.push(("no-cache".to_owned(), None));
        }
        directives
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    /// A number of seconds; none if it is not said. What is no number is none at all, and of several
    /// the least counts.
    pub(super) fn seconds(&self, name: &str) -> Option<u64> {
        self.seconds_or(name, 0)
    }

    /// As [`seconds`](Self::seconds), where the directive may stand alone.
    pub(super) fn seconds_or(&self, name: &str, alone: u64) -> Option<u64> {
        let named = self.0.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_deref().map_or(alone, seconds)).min()
    }
}

/// A number of seconds, as `Age` has it, too.
pub(super) fn seconds(text: &str) -> u64 {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse().unwrap_or(LONGEST) } else { 0 };
    number.min(LONGEST)
}

fn directive(member: &str) -> Option<(String, Option<String>)> {
    let (name, value) = match member.split_once('=') {
        Some((name, value)) => (name, Some(value.trim().trim_matches('"').to_owned())),
        None => (member, None),
    };
    let name = name.trim().to_ascii_lowercase();
    (!name.is_empty()).then_some((name, value))
}

/// The members of a list, in whatever fields it stands. Commas in quotes part nothing.
pub(super) fn members(headers: &HeaderMap, name: impl AsHeaderName) -> IntoIter<String> {
    let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let text = values.collect::<Vec<_>>().join(&b","[..]);
    let text = String::from_utf8_lossy(&text);
    let (mut is_quoted, mut is_escaped) = (false, false);
    let members = text.split(|character| {
        let parts = character == ',' && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = character == '\\' && is_quoted && !is_escaped;
        parts
    });
    let members = members.map(str::trim).filter(|member| !member.is_empty());
    members.map(str::to_owned).collect::<Vec<_>>().into_iter()
}
