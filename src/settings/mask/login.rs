//! Finds the passwords in URLs.

use std::ops::Range;

/// What ends the host of a URL.
const ENDS: [char; 4] = ['/', '?', '#', ','];

/// The most that a port is.
const LARGEST_PORT: u32 = 65_535;

/// The passwords of the URLs of a text: what stands between the first `:` and the last `@` of
/// `scheme://user:password@host`, whatever signs are in it.
///
/// `http://host:80/a@b` has a port. Of other schemes, whose paths hardly ever have an `@`, the
/// same is taken for a password with a `/` in it.
pub(crate) fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> {
    let (mut word, mut last) = (0..0, 0);
    text.match_indices("://").filter_map(move |(at, sign)| {
        let start = at + sign.len();
        // Each word is looked through once, however many URLs seem to begin in it.
        if start >= word.end {
            let length = text[start..].find(char::is_whitespace);
            word = start..length.map_or(text.len(), |length| start + length);
            last = text[word.clone()].rfind('@').map_or(start, |at| start + at);
        }
        // What stands in a password is no URL.
        if !(word.start..last).contains(&start) {
            return None;
        }
        let password = password(&text[start..word.end], is_web(&text[..at]))?;
        let password = start + password.start..start + password.end;
        word.start = password.end;
        Some(password)
    })
}

/// Whether what stands before `://` is the scheme of a page.
fn is_web(text: &str) -> bool {
    let ends_with = |scheme: &str| {
        let end = text.len().checked_sub(scheme.len()).and_then(|start| text.get(start..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(scheme))
    };
    ends_with("http") || ends_with("https")
}

/// The password of a URL, in what stands behind its scheme and has no blanks.
fn password(text: &str, is_web: bool) -> Option<Range<usize>> {
    let (user, rest) = text.split_once(':')?;
    // `host/a:b@c`, or `host:80/a@b`.
    let has_host = is_web || user.contains('@');
    if user.contains(ENDS) || has_host && begins_with_port(rest) {
        return None;
    }
    let end = next_url(rest).unwrap_or(rest.len());
    let password = &rest[..rest[..end].rfind('@')?];
    let start = text.len() - rest.len();
    Some(start..start + password.len())
}

fn begins_with_port(text: &str) -> bool {
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let port = text[..text.len() - rest.len()].parse();
    port.is_ok_and(|port: u32| port <= LARGEST_PORT) && rest.starts_with(ENDS)
}

/// Where the comma stands before the next URL of a list.
fn next_url(text: &str) -> Option<usize> {
    let before = &text[..text.find("://")?];
    let is_of_a_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    before.trim_end_matches(is_of_a_scheme).strip_suffix(',').map(str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_any_sign_but_blanks() {
        for (text, expected) in [
            ("mysql://nova:le/mon@db", &["le/mon"][..]),
            ("mysql+pymysql://nova:le#mon@db/x", &["le#mon"]),
            ("amqp://nova:lemon,x@db", &["lemon,x"]),
            ("redis://:lemon?x@h", &["lemon?x"]),
            ("a://u:x://y@h", &["x://y"]),
            ("a://u:p@q@h", &["p@q"]),
            ("a://u:p@h,u:q@i", &["p@h,u:q"]),
            ("a://h:1,b+c://u:p@h,d://u:q@h e://u:r@h", &["p", "q", "r"]),
            ("a://u:80@h", &["80"]),
            ("a://u@h:80/x@y", &[]),
            ("a://u:80/x@h", &["80/x"]),
            ("a://h:80,u:p@i:80/x", &["80,u:p"]),
            ("http://u:65536/x@h", &["65536/x"]),
            ("https://h:80/b@c", &[]),
            ("HTTP://h:80?b@c", &[]),
            ("a://h/b:c@d", &[]),
            ("a://u:b c@d", &[]),
        ] {
            let found: Vec<_> = passwords(text).map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_long_word_of_many_urls_is_looked_through_once() {
        for (part, end) in
            [("://", "@"), ("://h:80/", "@"), (",a://", "@"), ("://", " @"), ("a://@", "")]
        {
            let text = part.repeat(200_000) + end;
            assert!(passwords(&text).count() <= 200_000);
        }
    }
}
