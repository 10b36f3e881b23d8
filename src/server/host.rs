//! The grammar of a host with a port, as `Host` and the authority of a target have it.

use std::net::Ipv6Addr;

/// The longest name that there can be in DNS, and two more for what is local.
const LONGEST_NAME: usize = 255;

/// The longest port, with its colon.
const LONGEST_PORT: usize = ":65535".len();

/// Whether a text is a host with or without a port: `api.example`, `127.0.0.1:9696`, `[::1]:80`.
///
/// This is less than RFC 3986 allows: names of letters, digits, `-`, `.`, `_` and `~`. What else
/// could stand in a name (escapes, quotes, commas, versions of IP to come) has no use in DNS, and
/// is read in different ways by those who make links and logs of it.
pub fn is_host(text: &[u8]) -> bool {
    if let [b'[', address @ ..] = text {
        return after_address(address).is_some_and(is_port);
    }
    // Where a port is longer, its colon is taken for a part of the name, which is none then.
    let tail = &text[text.len().saturating_sub(LONGEST_PORT)..];
    let port = tail.iter().rposition(|octet| *octet == b':').map_or(&[][..], |at| &tail[at..]);
    is_name(&text[..text.len() - port.len()]) && is_port(port)
}

/// A host without its port; the text as it is if that is none.
pub(super) fn without_port(host: &str) -> &str {
    let tail = host.len().saturating_sub(LONGEST_PORT);
    match host.as_bytes()[tail..].iter().rposition(|octet| matches!(octet, b':' | b']')) {
        Some(at) if host.as_bytes()[tail + at] == b':' => &host[..tail + at],
        _ => host,
    }
}

/// What follows an IPv6 address and its bracket.
fn after_address(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b']')?;
    let address = std::str::from_utf8(&text[..end]).ok()?;
    address.parse::<Ipv6Addr>().ok()?;
    Some(&text[end + 1..])
}

fn is_name(text: &[u8]) -> bool {
    // Without a way out at the first octet that is none of a name, there is less to do.
    let is_of_name = text.iter().fold(true, |is, octet| is & NAME[usize::from(*octet)]);
    is_of_name && (1..=LONGEST_NAME).contains(&text.len())
}

/// Which octets may stand in a name; looked up, as this is asked for each.
static NAME: [bool; 256] = {
    let mut name = [false; 256];
    let mut octet = 0_u8;
    while octet < 128 {
        name[octet as usize] =
            octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~');
        octet += 1;
    }
    name
};

/// Whether a text is empty, or a colon and the number of a port, which may be missing (RFC 3986,
/// 3.2.3).
fn is_port(text: &[u8]) -> bool {
    let [colon, digits @ ..] = text else { return true };
    let is_short = text.len() <= LONGEST_PORT;
    let number = || {
        let digit = |digit: &u8| digit.is_ascii_digit().then(|| u32::from(digit - b'0'));
        digits.iter().try_fold(0, |number, octet| Some(number * 10 + digit(octet)?))
    };
    *colon == b':' && is_short && number().is_some_and(|number| number <= 65535)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_addresses_with_and_without_a_port() {
        for host in [
            "a",
            "a.example",
            "A-1_b~.example.",
            "127.0.0.1",
            "127.0.0.1:9696",
            "a:",
            "a:0",
            "a:65535",
            "a:00080",
            "[::1]",
            "[::1]:80",
            "[::ffff:192.0.2.1]:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn a_port_is_taken_off() {
        for (host, expected) in [
            ("a.example:9696", "a.example"),
            ("a.example:", "a.example"),
            ("a.example", "a.example"),
            ("a:65535", "a"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(without_port(host), expected);
        }
    }

    #[test]
    fn refuses_what_others_may_read_differently() {
        for text in [
            "",
            ":80",
            "a:65536",
            "a:000080",
            "a:99999999999999999999",
            "a:8o",
            "a:-1",
            "a:80:80",
            "a,b",
            "a b",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a@b",
            "u:p@a",
            "a%41",
            "a%zz",
            "\"a\"",
            "<a>",
            "a'b",
            "[",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "a[b]",
            "[v1.x]",
            "[::1%25eth0]",
            "[::1]:99999999999",
            "[127.0.0.1]",
            "\u{e9}",
            "a\0",
        ] {
            assert!(!is_host(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_name_is_as_long_as_names_can_be() {
        let name = "a".repeat(LONGEST_NAME);
        assert!(is_host(name.as_bytes()));
        assert!(is_host(format!("{name}:80").as_bytes()));
        assert!(!is_host(format!("{name}a").as_bytes()));
    }
}
