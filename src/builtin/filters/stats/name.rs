//! What the timers of requests are called.

use http::Method;

use crate::settings::{Rejected, Setting};

/// How many bytes of a path are told.
const LONGEST: usize = 200;

/// What all names begin with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Prefix(String);

impl Setting for Prefix {
    const EXPECTED: &'static str = "a name of visible ASCII characters other than `:`, `|` and `@`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let is_name = !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_plain);
        if is_name { Ok(Self(text.to_owned())) } else { Err(Rejected::default()) }
    }
}

/// Makes the names of timers.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) prefix: Prefix,
    pub(super) without_uuid: bool,
    pub(super) without_short_uuid: bool,
}

impl Names {
    /// The name for a request.
    pub(super) fn of(&self, method: &Method, path: &str) -> String {
        let path = beginning(path);
        let mut name = format!("{}.{}", self.prefix.0, plain(method.as_str()));
        let path = path.trim_start_matches('/');
        if path.is_empty() {
            return name;
        }
        for (at, part) in path.split('/').enumerate() {
            if self.without_uuid && is_uuid(part) || self.without_short_uuid && is_short_uuid(part)
            {
                continue;
            }
            name.push('.');
            // Only as the first part is `v2.0` a version.
            let version = if at == 0 { version(part) } else { None };
            match version {
                Some((digits, rest)) => name.extend([&*digits, &plain(rest)]),
                None => name.push_str(&plain(part)),
            }
        }
        name
    }
}

/// As much of a path as is told.
fn beginning(path: &str) -> &str {
    let ends = (0..=LONGEST.min(path.len())).rev();
    let end = ends.into_iter().find(|at| path.is_char_boundary(*at)).unwrap_or_default();
    &path[..end]
}

/// A version at the start of a part without its dot, and what follows it.
fn version(part: &str) -> Option<(String, &str)> {
    let [b'v', major, b'.', minor, ..] = *part.as_bytes() else { return None };
    let is_version = major.is_ascii_digit() && minor.is_ascii_digit();
    is_version.then(|| (["v", &part[1..2], &part[3..4]].concat(), &part[4..]))
}

fn is_uuid(part: &str) -> bool {
    part.len() == 36
        && part.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_short_uuid(part: &str) -> bool {
    part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A text without what would mean something to statsd.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match u8::try_from(character) {
            Ok(byte) if is_plain(byte) => character,
            _ => '_',
        })
        .collect()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b':' | b'|' | b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77";
    const SHORT: &str = "5a1b6b0e52bd4a4f9d6a1c3e1f3f2a77";

    fn names(without_uuid: bool, without_short_uuid: bool) -> Names {
        Names { prefix: Prefix("n".to_owned()), without_uuid, without_short_uuid }
    }

    #[test]
    fn a_path_is_told_with_dots() {
        let of = |path: &str| names(false, false).of(&Method::GET, path);
        for (path, expected) in [
            ("/", "n.GET"),
            ("", "n.GET"),
            ("/a/b", "n.GET.a.b"),
            ("//a", "n.GET.a"),
            ("/a/", "n.GET.a."),
            ("/v2.0", "n.GET.v20"),
            ("/v2.0/a", "n.GET.v20.a"),
            ("/v2.10/a", "n.GET.v210.a"),
            ("/v10.0/a", "n.GET.v10.0.a"),
            ("/a/v2.0", "n.GET.a.v2.0"),
            ("/a:1|c@b\nx", "n.GET.a_1_c_b_x"),
            ("/%C3%A9", "n.GET.%C3%A9"),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
        assert_eq!(of(&"/x".repeat(5000)).len(), "n.GET".len() + LONGEST);
    }

    #[test]
    fn every_uuid_is_left_out() {
        let path = format!("/a/{UUID}/b/{UUID}/{SHORT}");
        let of = |with, without| names(with, without).of(&Method::GET, &path);
        assert_eq!(of(true, false), format!("n.GET.a.b.{SHORT}"));
        assert_eq!(of(false, true), format!("n.GET.a.{UUID}.b.{UUID}"));
        assert_eq!(of(true, true), "n.GET.a.b");
        let longer = format!("/{SHORT}0/{UUID}a");
        assert_eq!(names(true, true).of(&Method::GET, &longer), format!("n.GET.{SHORT}0.{UUID}a"));
    }

    #[test]
    fn a_prefix_means_nothing_to_statsd() {
        assert!(
            ["", "a b", "a:b", "a|b", "\u{e9}"].iter().all(|text| Prefix::parse(text).is_err())
        );
        assert!(Prefix::parse("glance.api-1").is_ok());
    }
}
