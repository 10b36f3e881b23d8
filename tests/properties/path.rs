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
