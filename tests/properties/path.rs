//! What holds for all paths of requests. The fuzz target `path` calls this as well.

use std::borrow::Cow;

use pasteline::server::{Leave, Paths, Rule, Settings};

const PASSING: Paths = Paths {
    dots: Rule::Pass,
    double_escapes: Leave::Pass,
    escaped_slashes: Rule::Pass,
    escapes: Rule::Pass,
    nul: Leave::Pass,
    parameters: Rule::Pass,
    slashes: Rule::Pass,
};

const RESOLVING: Paths = Paths {
    dots: Rule::Resolve,
    escaped_slashes: Rule::Resolve,
    escapes: Rule::Resolve,
    parameters: Rule::Resolve,
    slashes: Rule::Resolve,
    ..PASSING
};

/// A path is made plain, by whatever rules, and stays as it is then. By the default rules everyone
/// reads it in the same way.
pub(crate) fn is_made_plain(text: &str) {
    // Nothing else comes through the check of the target.
    let path: String = text.chars().filter(char::is_ascii_graphic).collect();
    let path = format!("/{path}");
    let default = Settings::default().paths();
    let only_dots = Paths { dots: Rule::Resolve, ..PASSING };
    for rules in [default, RESOLVING, only_dots, PASSING] {
        let Ok(plain) = rules.plain(&path) else { continue };
        let again = rules.plain(&plain);
        assert!(matches!(again, Ok(Cow::Borrowed(same)) if same == plain), "{path:?}: {plain:?}");
        assert!(plain.starts_with('/'), "{path:?}: {plain:?}");
        if rules.dots == Rule::Resolve {
            assert!(!has_dots(&decode(plain.as_bytes())), "{path:?}: {plain:?}");
        }
        if rules == default {
            let once = decode(plain.as_bytes());
            assert_eq!(decode(&once), once, "{path:?}: {plain:?}");
            assert!(!once.contains(&0) && !once.contains(&b'\\'), "{path:?}: {plain:?}");
            assert!(!plain.contains(';') && !plain.contains("//"), "{path:?}: {plain:?}");
        }
    }
}

/// Whether somebody sees a segment of dots who decodes slashes, and cuts off what follows a `;`
/// or a NUL.
fn has_dots(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
    segments.any(|segment| {
        let name = segment.split(|byte| matches!(byte, b';' | 0)).next();
        matches!(name, Some(b"." | b".."))
    })
}

fn decode(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            (byte, _, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use pasteline::server::Fault;

    use super::*;

    /// What becomes of a path; a dash if it is refused.
    fn plain(rules: Paths, path: &str) -> String {
        rules.plain(path).map_or("-".to_owned(), Cow::into_owned)
    }

    fn by_default(path: &str) -> String {
        plain(Settings::default().paths(), path)
    }

    #[test]
    fn a_plain_path_is_left_alone() {
        let rules = Settings::default().paths();
        for path in
            ["/", "/v2.0/networks/a-b_c~d", "/a/b.", "/.well-known/x", "/...", "*", "/a%20b%2B"]
        {
            assert!(matches!(rules.plain(path), Ok(Cow::Borrowed(same)) if same == path), "{path}");
        }
    }

    #[test]
    fn by_default_what_has_one_meaning_is_resolved() {
        for (path, expected) in [
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/../../c/", "/c/"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/./", "/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.%2e/b", "/b"),
            ("//a///b//", "/a/b/"),
            ("/a//../b", "/b"),
            ("/.//a", "/a"),
            ("/%61%64min/%7E", "/admin/~"),
            ("/a%2b%C3%a9", "/a%2b%C3%a9"),
        ] {
            assert_eq!(by_default(path), expected, "{path}");
        }
    }

    #[test]
    fn by_default_what_has_several_meanings_is_refused() {
        for path in [
            "/..",
            "/../a",
            "/a/../../b",
            "/%2e%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a;b=c",
            "/;/a",
            "/a/..;/b",
            "/%252e",
            "/%2525",
            "/%25%32%65",
        ] {
            assert_eq!(Settings::default().paths().plain(path), Err(Fault::Path), "{path}");
        }
    }

    #[test]
    fn what_is_no_escape_is_always_refused() {
        for path in ["/%", "/%2", "/%zz", "/%2g/", "/a%/b"] {
            assert_eq!(PASSING.plain(path), Err(Fault::Target), "{path}");
        }
    }

    #[test]
    fn with_all_passing_a_path_stays_as_it_is() {
        for path in ["/a/../b", "//a", "/%61", "/a%2fb\\", "/%252e", "/a;b", "/..;/", "/%00"] {
            assert_eq!(plain(PASSING, path), path);
        }
    }

    #[test]
    fn each_rule_is_for_one_thing() {
        use Rule::{Pass, Reject, Resolve};
        let check = |set: fn(&mut Paths, Rule), path: &str, resolved: &str| {
            for (rule, expected) in [(Pass, path), (Reject, "-"), (Resolve, resolved)] {
                let mut rules = PASSING;
                set(&mut rules, rule);
                assert_eq!(plain(rules, path), expected, "{path} {rule:?}");
            }
        };
        check(|rules, rule| rules.dots = rule, "/a/%2e./%61//b;c", "/%61//b;c");
        check(|rules, rule| rules.slashes = rule, "/a/..//b%2f", "/a/../b%2f");
        check(|rules, rule| rules.escapes = rule, "/%61/../%2f;", "/a/../%2f;");
        check(|rules, rule| rules.escaped_slashes = rule, "/a%2Fb%5cc\\;", "/a/b/c/;");
        check(|rules, rule| rules.parameters = rule, "/a;b%61/..//c;", "/a/..//c");
        for (leave, nul, double) in [(Leave::Pass, "/%00", "/%2500"), (Leave::Reject, "-", "-")] {
            assert_eq!(plain(Paths { nul: leave, ..PASSING }, "/%00"), nul);
            assert_eq!(plain(Paths { double_escapes: leave, ..PASSING }, "/%2500"), double);
        }
    }

    #[test]
    fn dots_do_not_hide_behind_what_passes() {
        let rules = Paths { dots: Rule::Resolve, ..PASSING };
        for path in
            ["/a/..;x/b", "/a%2f../b", "/..%2fa", "/a\\..\\b", "/a/..%5c", "/..%00/a", "/;/..;"]
        {
            assert_eq!(plain(rules, path), "-", "{path}");
        }
        for path in ["/a%2fb", "/a;../b", "/..a;b", "/...%2fa"] {
            assert_eq!(plain(rules, path), path);
        }
    }

    #[test]
    fn what_is_resolved_becomes_a_part_of_the_path() {
        for (path, expected) in [
            ("/a%2f%2e%2e%2fb", "/b"),
            ("/a/..;x/b", "/b"),
            ("/a\\\\b", "/a/b"),
            ("/a/;x/b", "/a/b"),
            ("/;", "/"),
            ("/%252e", "/%252e"),
        ] {
            assert_eq!(plain(RESOLVING, path), expected, "{path}");
        }
    }
}
