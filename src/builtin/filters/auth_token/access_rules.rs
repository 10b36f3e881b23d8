//! What the rules of an application credential allow.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::document::{AccessRule, Facts};
use crate::app::Request;
use crate::builtin::pace::Pace;

/// The rules of a token that was obtained with an application credential.
#[derive(Debug)]
pub(super) struct AccessRules {
    rules: Vec<Rule>,
    /// The types of the services in the catalog.
    services: Vec<String>,
}

/// A rule, its pattern read once for all requests.
#[derive(Debug)]
struct Rule {
    method: String,
    path: Vec<Piece>,
    service: String,
}

impl From<AccessRule> for Rule {
    fn from(rule: AccessRule) -> Self {
        Self { method: rule.method, path: pieces(&rule.path), service: rule.service }
    }
}

impl AccessRules {
    /// The rules of a token; none if it may be used for everything.
    pub(super) fn of(facts: &mut Facts) -> Option<Self> {
        let rules = facts.application_credential.as_mut()?.access_rules.take()?;
        let services = facts.catalog.iter().flatten().map(|service| service.kind.clone()).collect();
        Some(Self { rules: rules.into_iter().map(Rule::from).collect(), services })
    }

    /// Whether the rules allow a request to a service of a type.
    pub(super) fn allow(
        &self,
        request: &Request,
        asker: Asker,
        (service_type, pace): (Option<&str>, &Pace),
    ) -> bool {
        let Some(service) = service_type else {
            if pace.allows() {
                tracing::warn!(
                    "`service_type` is not set, so no token with access rules is accepted"
                );
            }
            return false;
        };
        let path = quoted(request.uri().path());
        let method = request.method().as_str();
        // A token may always be looked at.
        if service == "identity" && method == "GET" && path.ends_with("/v3/auth/tokens") {
            return true;
        }
        if !self.services.iter().any(|known| known == service) {
            if pace.allows() {
                tracing::warn!(
                    service,
                    "`service_type` is not in the catalog of a token with access rules"
                );
            }
            return false;
        }
        asker == Asker::Service
            || self.rules.iter().any(|rule| {
                rule.method == method && rule.service == service && matches(&rule.path, &path)
            })
    }

    pub(super) fn memory(&self) -> usize {
        let rules = self.rules.iter().map(|rule| {
            let path = rule.path.len() * size_of::<Piece>();
            size_of::<Rule>() + rule.method.len() + path + rule.service.len()
        });
        let services = self.services.iter().map(|service| size_of::<String>() + service.len());
        rules.chain(services).sum()
    }
}

/// Who makes a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asker {
    /// A service, known by a good token of its own, that passes on what a user asked of it: the
    /// user has not made the request, so that no rule speaks of it.
    Service,
    User,
}

/// What a path keeps of its characters when Python's `WebOb` quotes it anew.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// A path as it reads once every way to write it is the same: an app decodes it too, so an encoded
/// slash must not pass for a part of a segment.
fn quoted(path: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    percent_encode(&decoded, QUOTED).to_string()
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece {
    /// Whatever comes, slashes included, or nothing.
    Anything,
    /// A character as it is.
    Literal(char),
    /// At least one character, none of them a slash.
    Segment,
}

/// Whether a path fits a pattern: `*` or `{name}` for a segment, `**` for anything.
///
/// It takes time in proportion to the product of both lengths at most, whatever the pattern, which
/// users choose, and ends where the path can fit no more.
fn matches(pieces: &[Piece], path: &str) -> bool {
    // Where in the pattern one may be after what was read of the path, and after one more character.
    let mut places = vec![false; pieces.len() + 1];
    let mut next = places.clone();
    places[0] = true;
    skip(pieces, &mut places);
    for character in path.chars() {
        next.fill(false);
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| places[*at]) {
            match piece {
                Piece::Anything => next[at] = true,
                Piece::Literal(literal) => next[at + 1] |= *literal == character,
                Piece::Segment if character != '/' => (next[at], next[at + 1]) = (true, true),
                Piece::Segment => {}
            }
        }
        skip(pieces, &mut next);
        std::mem::swap(&mut places, &mut next);
        if !places.contains(&true) {
            return false;
        }
    }
    places[pieces.len()]
}

/// Goes past what may stand for nothing.
fn skip(pieces: &[Piece], places: &mut [bool]) {
    for (at, piece) in pieces.iter().enumerate() {
        if *piece == Piece::Anything && places[at] {
            places[at + 1] = true;
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let (piece, length) = match character {
            '*' if rest.starts_with("**") => (Some(Piece::Anything), 2),
            '*' => (Some(Piece::Segment), 1),
            '{' => match rest.find('}') {
                Some(end) => (Some(Piece::Segment), end + 1),
                None => (None, 1),
            },
            // A brace without its other half stands for nothing.
            '}' => (None, 1),
            other => (Some(Piece::Literal(other)), other.len_utf8()),
        };
        pieces.extend(piece);
        rest = &rest[length..];
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        super::matches(&pieces(pattern), path)
    }

    #[test]
    fn a_segment_and_anything_are_told_apart() {
        let fitting = [
            ("/v2.1/servers", "/v2.1/servers"),
            ("/v2.1/servers/*", "/v2.1/servers/1"),
            ("/v2.1/servers/{server_id}/action", "/v2.1/servers/1/action"),
            ("/v2.1/**", "/v2.1/servers/1/action"),
            ("/v2.1**", "/v2.1"),
            ("**/a/**/b", "/x/a/y/z/b"),
            ("", ""),
        ];
        for (pattern, path) in fitting {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        let others = [
            ("/v2.1/servers", "/v2.1/servers/"),
            ("/v2.1/servers/*", "/v2.1/servers/"),
            ("/v2.1/servers/*", "/v2.1/servers/1/action"),
            ("/v2.1/*", "/v2.1/a%2Fb/c"),
            ("/v2.1/servers", "/v2x1/servers"),
            ("", "/"),
        ];
        for (pattern, path) in others {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_of_any_kind_is_soon_decided() {
        let (pattern, path) = ("**a".repeat(200), "a".repeat(4000) + "b");
        assert!(!matches(&pattern, &path));
    }

    #[test]
    fn there_is_one_way_to_write_a_path() {
        let written =
            [("/a%2fb", "/a/b"), ("/%61", "/a"), ("/a b%00", "/a%20b%00"), ("/%", "/%25")];
        for (path, expected) in written {
            assert_eq!(quoted(path), expected);
        }
    }
}
