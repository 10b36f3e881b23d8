//! What sockets are opened for: the addresses of the settings, resolved.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use tokio::net::lookup_host;

use super::address::Address;
use super::bind::BindError;
use super::endpoint::Endpoint;

/// What one socket is opened for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) enum Target {
    /// An IP address and port; for port 0 the system chooses one.
    Network {
        at: SocketAddr,
        /// Whether a socket for all IPv6 addresses leaves those of IPv4 to another.
        only_v6: bool,
    },
}

impl Target {
    /// The same with the port that the system has chosen.
    pub(super) fn at(&self, endpoint: &Endpoint) -> Self {
        let Self::Network { only_v6, .. } = *self;
        let Endpoint::Network(at) = *endpoint;
        Self::Network { at, only_v6 }
    }
}

/// A target, and the address in the settings that it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    pub(super) asked: Address,
    pub(super) target: Target,
}

/// What the addresses of the settings stand for.
pub(super) async fn resolve(addresses: Vec<Address>) -> Result<Vec<Wanted>, BindError> {
    let mut resolved = Vec::new();
    for asked in addresses {
        let before = resolved.len();
        match lookup_host((asked.host(), asked.port())).await {
            Ok(found) => resolved.extend(found.map(|at| (asked.clone(), at))),
            Err(cause) => return Err(BindError::unresolved(&asked, cause)),
        }
        if resolved.len() == before {
            let cause = io::Error::new(ErrorKind::NotFound, "it has no address");
            return Err(BindError::unresolved(&asked, cause));
        }
    }
    Ok(plan(resolved))
}

const ALL_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ALL_V6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Leaves out what another address covers, as the system would refuse it as in use, and parts
/// `0.0.0.0` and `[::]` where both are given.
fn plan(resolved: Vec<(Address, SocketAddr)>) -> Vec<Wanted> {
    let all: Vec<_> = resolved.iter().map(|(_, at)| *at).collect();
    let has = |ip, port| all.contains(&SocketAddr::new(ip, port));
    let mut planned: Vec<Wanted> = Vec::new();
    for (asked, at) in resolved {
        let only_v6 = at.ip() == ALL_V6 && has(ALL_V4, at.port());
        let target = Target::Network { at, only_v6 };
        let is_wildcard = at.ip().is_unspecified();
        let is_covered = !is_wildcard
            && (has(ALL_V6, at.port()) || at.is_ipv4() && has(ALL_V4, at.port()))
            || planned.iter().any(|wanted| wanted.target == target);
        if at.port() == 0 || !is_covered {
            planned.push(Wanted { asked, target });
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is planned for addresses, each as in `[::] only v6`.
    fn planned(addresses: &str) -> String {
        let resolve = |text: &str| {
            let at: SocketAddr = text.parse().unwrap();
            (Address::new(at.ip().to_string(), at.port()), at)
        };
        let show = |wanted: Wanted| match wanted.target {
            Target::Network { at, only_v6: true } => format!("{at} only v6"),
            Target::Network { at, .. } => at.to_string(),
        };
        let planned = plan(addresses.split(", ").map(resolve).collect());
        planned.into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_another_address_covers_is_left_out() {
        for (given, expected) in [
            ("127.0.0.1:1, [::1]:1", "127.0.0.1:1, [::1]:1"),
            ("127.0.0.1:1, 127.0.0.1:1, 127.0.0.1:2", "127.0.0.1:1, 127.0.0.1:2"),
            ("127.0.0.1:1, 0.0.0.0:1, [::1]:1", "0.0.0.0:1, [::1]:1"),
            ("127.0.0.1:1, [::1]:1, [::]:1", "[::]:1"),
            ("[::]:1, 127.0.0.1:2", "[::]:1, 127.0.0.1:2"),
            ("127.0.0.1:0, 127.0.0.1:0, 0.0.0.0:0", "127.0.0.1:0, 127.0.0.1:0, 0.0.0.0:0"),
        ] {
            assert_eq!(planned(given), expected, "{given}");
        }
    }

    #[test]
    fn all_addresses_of_both_kinds_are_parted_where_both_are_given() {
        assert_eq!(planned("[::]:1"), "[::]:1");
        assert_eq!(planned("[::]:1, 0.0.0.0:1"), "[::]:1 only v6, 0.0.0.0:1");
        assert_eq!(planned("[::]:1, 0.0.0.0:2"), "[::]:1, 0.0.0.0:2");
    }
}
