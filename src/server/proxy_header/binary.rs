//! Version 2 of the PROXY protocol: bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::checksum::crc32c;
use super::{LONGEST, NoHeader, ProxyHeader, Step};

/// What a header begins with.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The length of what comes before the addresses: the signature, the version with the command,
/// the family, and the length of the rest.
const FIXED: usize = 16;

/// The kind of the field with the checksum of the header.
const CHECKSUM: u8 = 3;

pub(super) fn read(bytes: &[u8]) -> Result<Step, NoHeader> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else {
        return Ok(Step::Needs(FIXED - bytes.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + length > LONGEST {
        return Err(NoHeader("it is longer than 4096 bytes"));
    }
    match length.checked_sub(rest.len()) {
        None => Err(NoHeader("it is shorter than what was read")),
        Some(0) => header((command, family), rest, bytes).map(Step::Done),
        Some(more) => Ok(Step::Needs(more)),
    }
}

fn header((command, family): (u8, u8), rest: &[u8], whole: &[u8]) -> Result<ProxyHeader, NoHeader> {
    let is_own = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(NoHeader("it is of an unknown version or command")),
    };
    let (header, fields) = match family {
        // What a proxy says of itself is ignored, whatever it is.
        _ if is_own => return Ok(ProxyHeader::Own),
        0x00 => (ProxyHeader::Unknown, rest),
        0x11 => passed::<4, 12>(rest, |octets| Ipv4Addr::from(octets).into())?,
        0x21 => passed::<16, 36>(rest, |octets| Ipv6Addr::from(octets).into())?,
        0x31 => {
            let (_, fields) = rest.split_at_checked(216).ok_or(TOO_SHORT)?;
            (ProxyHeader::Unknown, fields)
        }
        _ => return Err(NoHeader("it is of a family that no stream has")),
    };
    check(fields, whole)?;
    Ok(header)
}

const TOO_SHORT: NoHeader = NoHeader("it is too short for its addresses");

/// Two addresses of so many octets with two ports, and what follows on them.
fn passed<const OCTETS: usize, const LENGTH: usize>(
    rest: &[u8],
    address: impl Fn([u8; OCTETS]) -> IpAddr,
) -> Result<(ProxyHeader, &[u8]), NoHeader> {
    let (addresses, fields) = rest.split_first_chunk::<LENGTH>().ok_or(TOO_SHORT)?;
    let octets = |at: usize| {
        let octets = addresses[at..at + OCTETS].try_into();
        address(octets.expect("the range is as long as the array"))
    };
    let port = |at: usize| u16::from_be_bytes([addresses[at], addresses[at + 1]]);
    let peer = SocketAddr::new(octets(0), port(2 * OCTETS));
    let local = SocketAddr::new(octets(OCTETS), port(2 * OCTETS + 2));
    Ok((ProxyHeader::Passed { peer, local }, fields))
}

/// Checks the fields behind the addresses, of which only a checksum says something about the
/// header.
fn check(mut fields: &[u8], whole: &[u8]) -> Result<(), NoHeader> {
    while let Some(([kind, high, low], rest)) = fields.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) =
            rest.split_at_checked(length).ok_or(NoHeader("a field is longer than the header"))?;
        if *kind == CHECKSUM {
            let start = whole.len() - rest.len() - value.len();
            let told: [u8; 4] = value.try_into().map_err(|_| WRONG_CHECKSUM)?;
            let mut blank = whole.to_vec();
            blank[start..start + told.len()].fill(0);
            if crc32c(&blank) != u32::from_be_bytes(told) {
                return Err(WRONG_CHECKSUM);
            }
        }
        fields = rest;
    }
    let is_end = fields.is_empty();
    if is_end { Ok(()) } else { Err(NoHeader("it ends within a field")) }
}

const WRONG_CHECKSUM: NoHeader = NoHeader("its checksum is wrong");

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of a command and a family, with what follows on its length.
    fn bytes(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family][..], &length, rest].concat()
    }

    /// What a header says: `client proxy`, or what is wrong.
    fn told(bytes: &[u8]) -> String {
        match read(bytes) {
            Ok(Step::Done(ProxyHeader::Passed { peer, local })) => format!("{peer} {local}"),
            Ok(step) => format!("{step:?}"),
            Err(error) => error.to_string(),
        }
    }

    const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0x9c, 0x40, 1, 0xbb];

    #[test]
    fn a_header_tells_the_addresses() {
        assert_eq!(told(&bytes(0x21, 0x11, &IPV4)), "192.0.2.1:40000 198.51.100.1:443");
        let ipv6 = [&[0x20; 16][..], &[0; 15], &[1], &[0, 80, 1, 0xbb]].concat();
        let expected = "[2020:2020:2020:2020:2020:2020:2020:2020]:80 [::1]:443";
        assert_eq!(told(&bytes(0x21, 0x21, &ipv6)), expected);
    }

    #[test]
    fn a_header_may_tell_nothing() {
        assert_eq!(told(&bytes(0x20, 0x11, &IPV4)), "Done(Own)");
        assert_eq!(told(&bytes(0x20, 0, b"any")), "Done(Own)");
        assert_eq!(told(&bytes(0x21, 0, &[])), "Done(Unknown)");
        assert_eq!(told(&bytes(0x21, 0x31, &[0; 216])), "Done(Unknown)");
    }

    #[test]
    fn fields_are_passed_over() {
        let fields = [&IPV4[..], &[1, 0, 2, b'h', b'2'], &[0x20, 0, 0]].concat();
        assert_eq!(told(&bytes(0x21, 0x11, &fields)), "192.0.2.1:40000 198.51.100.1:443");
        let fault = |fields: &[u8]| told(&bytes(0x21, 0x11, &[&IPV4[..], fields].concat()));
        assert_eq!(fault(&[1, 0, 3, b'h', b'2']), "a field is longer than the header");
        assert_eq!(fault(&[1, 0]), "it ends within a field");
    }

    #[test]
    fn a_checksum_must_be_right() {
        let mut header = bytes(0x21, 0x11, &[&IPV4[..], &[CHECKSUM, 0, 4, 0, 0, 0, 0]].concat());
        assert_eq!(told(&header), "its checksum is wrong");
        let (checksum, start) = (crc32c(&header), header.len() - 4);
        header[start..].copy_from_slice(&checksum.to_be_bytes());
        assert_eq!(told(&header), "192.0.2.1:40000 198.51.100.1:443");
        header[20] ^= 1;
        assert_eq!(told(&header), "its checksum is wrong");
        let short = [&IPV4[..], &[CHECKSUM, 0, 1, 0]].concat();
        assert_eq!(told(&bytes(0x21, 0x11, &short)), "its checksum is wrong");
    }

    #[test]
    fn what_is_no_header_of_a_stream_is_refused() {
        assert_eq!(told(&bytes(0x21, 0x11, &IPV4[..11])), "it is too short for its addresses");
        assert_eq!(told(&bytes(0x21, 0x31, &[0; 215])), "it is too short for its addresses");
        assert_eq!(told(&bytes(0x21, 0x12, &IPV4)), "it is of a family that no stream has");
        assert_eq!(told(&bytes(0x11, 0x11, &IPV4)), "it is of an unknown version or command");
        let longer = [&bytes(0x21, 0x11, &IPV4)[..], b"G"].concat();
        assert_eq!(told(&longer), "it is shorter than what was read");
    }

    #[test]
    fn a_header_has_its_length() {
        let whole = bytes(0x21, 0, &vec![0; LONGEST - FIXED - 2]);
        assert_eq!(told(&whole[..1]), "Needs(15)");
        assert_eq!(told(&whole[..FIXED]), format!("Needs({})", LONGEST - FIXED - 2));
        let longest = bytes(0x20, 0, &vec![0; LONGEST - FIXED]);
        assert_eq!(told(&longest), "Done(Own)");
        let longer = bytes(0x20, 0, &vec![0; LONGEST - FIXED + 1]);
        assert_eq!(told(&longer[..FIXED]), "it is longer than 4096 bytes");
    }
}
