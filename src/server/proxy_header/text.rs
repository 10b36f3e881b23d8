//! Version 1 of the PROXY protocol: a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{FromStr, Split};

use super::{NoHeader, ProxyHeader, Step};

/// The longest line, its end included, as the protocol has it.
const LONGEST: usize = 107;

/// The shortest line.
const SHORTEST: &[u8] = b"PROXY UNKNOWN\r\n";

const START: &[u8] = b"PROXY ";

const NOT_A_LINE: NoHeader = NoHeader("it is no line that ends within 107 bytes");

pub(super) fn read(bytes: &[u8]) -> Result<Step, NoHeader> {
    let shared = bytes.len().min(START.len());
    if bytes[..shared] != START[..shared] {
        return Err(NoHeader("it begins neither with `PROXY` nor with the signature of version 2"));
    }
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let line = bytes.strip_suffix(b"\r\n").filter(|line| line.len() + 1 == end);
        let line = line.and_then(|line| str::from_utf8(line).ok()).ok_or(NOT_A_LINE)?;
        return header(line).map(Step::Done);
    }
    match bytes.len() {
        length if length >= LONGEST => Err(NOT_A_LINE),
        length => Ok(Step::Needs(SHORTEST.len().saturating_sub(length).max(1))),
    }
}

fn header(line: &str) -> Result<ProxyHeader, NoHeader> {
    let mut words = line.split(' ');
    // It is there, or this were not read.
    let _ = words.next();
    match words.next() {
        Some("TCP4") => addresses::<Ipv4Addr>(words),
        Some("TCP6") => addresses::<Ipv6Addr>(words),
        // Whatever follows is to be ignored.
        Some("UNKNOWN") => Ok(ProxyHeader::Unknown),
        _ => Err(NoHeader("it names neither `TCP4`, `TCP6` nor `UNKNOWN`")),
    }
}

/// The addresses of the client and of the proxy, and then their ports.
fn addresses<A: FromStr + Into<IpAddr>>(
    mut words: Split<'_, char>,
) -> Result<ProxyHeader, NoHeader> {
    let mut address = || words.next()?.parse::<A>().ok().map(Into::into);
    let addresses = address().zip(address());
    let mut port = || port(words.next()?);
    let ports = port().zip(port());
    match (addresses, ports, words.next()) {
        (Some((peer, local)), Some((from, to)), None) => Ok(ProxyHeader::Passed {
            peer: SocketAddr::new(peer, from),
            local: SocketAddr::new(local, to),
        }),
        _ => Err(NoHeader("it does not go on with two addresses and two ports")),
    }
}

/// A port in its only spelling.
fn port(word: &str) -> Option<u16> {
    word.parse().ok().filter(|port: &u16| word == port.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line says: `client proxy`, or what is wrong.
    fn told(line: &str) -> String {
        match read(line.as_bytes()) {
            Ok(Step::Done(ProxyHeader::Passed { peer, local })) => format!("{peer} {local}"),
            Ok(step) => format!("{step:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_line_tells_the_addresses() {
        let line = "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n";
        assert_eq!(told(line), "192.0.2.1:40000 198.51.100.1:443");
        let line = "PROXY TCP6 2001:db8::1 ::1 0 65535\r\n";
        assert_eq!(told(line), "[2001:db8::1]:0 [::1]:65535");
    }

    #[test]
    fn a_line_may_tell_nothing() {
        assert_eq!(told("PROXY UNKNOWN\r\n"), "Done(Unknown)");
        assert_eq!(told("PROXY UNKNOWN ffff::1 x y z\r\n"), "Done(Unknown)");
    }

    #[test]
    fn one_spelling_is_right() {
        let wrong = "it does not go on with two addresses and two ports";
        for line in [
            "PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 40000 443 \r\n",
            "PROXY TCP4 192.0.2.1  198.51.100.1 40000 443\r\n",
            "PROXY TCP4 192.0.2.01 198.51.100.1 40000 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 040000 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +4 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 ::1 ::1 1 1\r\n",
            "PROXY TCP6 192.0.2.1 198.51.100.1 40000 443\r\n",
        ] {
            assert_eq!(told(line), wrong, "{line}");
        }
        let wrong = "it names neither `TCP4`, `TCP6` nor `UNKNOWN`";
        assert_eq!(told("PROXY UDP4 192.0.2.1 198.51.100.1 1 1\r\n"), wrong);
        assert_eq!(told("PROXY \r\n"), wrong);
        assert_eq!(told("PROXY UNKNOWN\n"), NOT_A_LINE.0);
        assert_eq!(told("PROXY UNKNOWN\r\nG"), NOT_A_LINE.0);
        assert!(told("GET / HTTP/1.1\r\n").starts_with("it begins neither"));
        assert!(told("proxy").starts_with("it begins neither"));
    }

    #[test]
    fn a_line_ends_in_time() {
        let line = |length: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(length - 16));
        assert_eq!(told(&line(LONGEST)), "Done(Unknown)");
        assert_eq!(told(&line(LONGEST + 1)[..LONGEST]), NOT_A_LINE.0);
        assert_eq!(told(&line(LONGEST)[..LONGEST - 1]), "Needs(1)");
        assert_eq!(told(""), "Needs(15)");
        assert_eq!(told("PROXY "), "Needs(9)");
    }
}
