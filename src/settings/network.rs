//! Networks of addresses.

use std::net::IpAddr;

use super::{Rejected, Setting};

/// A network of addresses.
///
/// An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) counts as what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Network {
    /// Every address.
    Any,
    /// This machine: `127.0.0.0/8` and `::1`.
    Loopback,
    /// Networks that are not routed: those of RFC 1918, and `fc00::/7`.
    Private,
    /// The addresses that begin as one does.
    Range {
        /// The first address.
        first: IpAddr,
        /// How many bits are the same in all of them.
        length: u8,
    },
}

impl Network {
    /// Whether an address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::Any, _) => true,
            (Self::Loopback, address) => address.is_loopback(),
            (Self::Private, IpAddr::V4(address)) => address.is_private(),
            (Self::Private, IpAddr::V6(address)) => address.is_unique_local(),
            (Self::Range { first, length }, address) => {
                first.is_ipv4() == address.is_ipv4()
                    && (bits(*first) ^ bits(address)).leading_zeros() >= u32::from(*length)
            }
        }
    }

    fn range(text: &str) -> Result<Self, Rejected> {
        let (address, length) =
            text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let first: IpAddr = address.parse().map_err(|_| Rejected::default())?;
        if first.to_canonical() != first {
            return Err(Rejected::because(format!("write `{}` as IPv4", first.to_canonical())));
        }
        let longest = if first.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(longest), str::parse).map_err(|_| Rejected::default())?;
        if length > longest {
            return Err(Rejected::because(format!("an address has only {longest} bits")));
        }
        if bits(first).trailing_zeros() < 128 - u32::from(length) {
            let reason = format!("`{first}` has bits set past the first {length}");
            return Err(Rejected::because(reason).at(0, address.len()));
        }
        Ok(Self::Range { first, length })
    }
}

/// The bits of an address, from the highest on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Setting for Network {
    const EXPECTED: &'static str = "a network such as `10.0.0.0/8` or `2001:db8::/32`, an address, `loopback`, `private` or \
         `any`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "any" => Ok(Self::Any),
            "loopback" => Ok(Self::Loopback),
            "private" => Ok(Self::Private),
            range => Self::range(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::parse(network).unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn holds_the_addresses_that_begin_alike() {
        assert!(contains("10.0.0.0/8", "10.255.255.255") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("192.0.2.128/25", "192.0.2.128"));
        assert!(!contains("192.0.2.128/25", "192.0.2.127"));
        assert!(contains("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!contains("2001:db8::/33", "2001:db8:8000::1"));
        assert!(contains("192.0.2.1", "192.0.2.1") && !contains("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn all_addresses_of_a_version_are_a_network_too() {
        assert!(contains("0.0.0.0/0", "203.0.113.9") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn an_address_counts_in_whichever_version_it_is_written() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("loopback", "::ffff:127.0.0.1") && contains("loopback", "::1"));
    }

    #[test]
    fn private_networks_are_those_that_are_not_routed() {
        let private = ["10.0.0.1", "172.31.0.1", "192.168.0.1", "fd00::1"];
        assert!(private.iter().all(|address| contains("private", address)));
        let routed = ["172.32.0.1", "169.254.0.1", "127.0.0.1", "2001:db8::1"];
        assert!(!routed.iter().any(|address| contains("private", address)));
    }

    #[test]
    fn says_what_is_wrong_with_a_network() {
        let reason = |text| Network::parse(text).unwrap_err().reason;
        let because = |reason: &str| Some(reason.to_owned());
        assert_eq!(reason("10.0.0.1/8"), because("`10.0.0.1` has bits set past the first 8"));
        assert_eq!(reason("10.0.0.0/33"), because("an address has only 32 bits"));
        assert_eq!(reason("::ffff:10.0.0.0/104"), because("write `10.0.0.0` as IPv4"));
        assert_eq!(reason("example.com"), None);
        assert_eq!(reason("10.0.0.0/"), None);
    }
}
