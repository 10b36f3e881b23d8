//! Ranges of addresses, as Paste writes them.

use std::net::{IpAddr, Ipv4Addr};

use crate::settings::{Network, Rejected, Setting};

/// Some addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Range {
    Network(Network),
    /// From the first to the last, both included.
    Span(Ipv4Addr, Ipv4Addr),
}

impl Range {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::Network(network), address) => network.contains(address),
            (Self::Span(first, last), IpAddr::V4(address)) => (first..=last).contains(&&address),
            (Self::Span(..), IpAddr::V6(_)) => false,
        }
    }
}

impl Setting for Range {
    const EXPECTED: &'static str = "an address, a network, the begin of addresses or a range";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if let Some((first, last)) = text.split_once("<->") {
            return span(first, last).ok_or_else(Rejected::default);
        }
        if let Some((address, mask)) = text.split_once('/')
            && mask.contains('.')
        {
            let mask: Ipv4Addr = mask.parse().map_err(|_| Rejected::default())?;
            let length = mask.to_bits().leading_ones();
            if mask.to_bits().count_ones() != length {
                return Err(Rejected::because(format!("`{mask}` is not the mask of a network")));
            }
            return Network::parse(&format!("{address}/{length}")).map(Self::Network);
        }
        match Network::parse(text) {
            Err(Rejected { reason: None, .. }) => span(text, text).ok_or_else(Rejected::default),
            parsed => parsed.map(Self::Network),
        }
    }
}

/// The addresses from one to another, of each of which only the begin may be given; of the last,
/// also the end alone.
fn span(first: &str, last: &str) -> Option<Range> {
    let (first, last) = (parts(first)?, parts(last)?);
    let missing = first.len().checked_sub(last.len())?;
    let whole: Vec<_> = first[..missing].iter().chain(&last).copied().collect();
    let (first, last) = (filled(&first, 0), filled(&whole, u8::MAX));
    (first <= last).then_some(Range::Span(first, last))
}

fn parts(text: &str) -> Option<Vec<u8>> {
    let parts: Option<Vec<_>> = text.trim().split('.').map(|part| part.parse().ok()).collect();
    parts.filter(|parts| parts.len() <= 4)
}

fn filled(parts: &[u8], rest: u8) -> Ipv4Addr {
    let mut octets = [rest; 4];
    octets[..parts.len()].copy_from_slice(parts);
    Ipv4Addr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_paste_says_that_it_holds() {
        for (range, first, last) in [
            ("1.2.3.4", "1.2.3.4", "1.2.3.4"),
            ("1.2.3", "1.2.3.0", "1.2.3.255"),
            ("1.2.3<->5", "1.2.3.0", "1.2.5.255"),
            ("1.2.3.4<->6.7", "1.2.3.4", "1.2.6.7"),
            ("1.2.0.0/16", "1.2.0.0", "1.2.255.255"),
            ("1.2.0.0/255.255.0.0", "1.2.0.0", "1.2.255.255"),
        ] {
            let parsed = Range::parse(range).unwrap();
            let [first, last]: [Ipv4Addr; 2] = [first, last].map(|text| text.parse().unwrap());
            let near = |address: Ipv4Addr, step: i64| {
                let bits = u32::try_from(i64::from(address.to_bits()) + step).unwrap();
                parsed.contains(Ipv4Addr::from_bits(bits).into())
            };
            assert_eq!([near(first, -1), near(first, 0)], [false, true], "{range}");
            assert_eq!([near(last, 0), near(last, 1)], [true, false], "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["", "a", "1.2.3.4.5", "1.2<->1.2.3", "1.2.3.4<->1.2.3.3", "1.2.0.0/255.0.255.0"]
        {
            assert!(Range::parse(text).is_err(), "{text}");
        }
    }
}
