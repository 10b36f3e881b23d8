//! What sockets are opened for: the addresses of the settings, resolved.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use tokio::net::lookup_host;

use super::address::Address;
use super::bind::BindError;
use super::unix_name::UnixName;

/// What one socket is opened for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) enum Target {
    /// To take over what the service manager has opened.
    Inherited(Handed),
    /// An IP address and port; for port 0 the system chooses one.
    Network {
        at: SocketAddr,
        /// Whether a socket for all IPv6 addresses leaves those of IPv4 to another.
        only_v6: bool,
    },
    /// A name of this machine.
    Unix(UnixName),
}

/// A descriptor that the service manager has handed over, and the name it gave to it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) struct Handed {
    pub(super) name: String,
    pub(super) descriptor: usize,
}

/// A target, and the address in the settings that it stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    pub(super) asked: Address,
    pub(super) target: Target,
}

/// What the addresses of the settings stand for, given what was handed over.
pub(super) async fn resolve(
    addresses: Vec<Address>,
    handed: &[Handed],
) -> Result<Vec<Wanted>, BindError> {
    let mut resolved = Vec::new();
    for asked in addresses {
        let targets = match &asked {
            Address::Network { host, port } => look_up(host, *port).await,
            Address::Systemd(name) => take_over(name.as_deref(), handed),
            Address::Unix(name) => Ok(vec![Target::Unix(name.clone())]),
        };
        let targets = targets.map_err(|cause| BindError::unresolved(&asked, cause))?;
        resolved.extend(targets.into_iter().map(|target| Wanted { asked: asked.clone(), target }));
    }
    Ok(plan(resolved))
}

async fn look_up(host: &str, port: u16) -> io::Result<Vec<Target>> {
    let found = lookup_host((host, port)).await?;
    let found: Vec<_> = found.map(|at| Target::Network { at, only_v6: false }).collect();
    if found.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, "it has no address"));
    }
    Ok(found)
}

fn take_over(name: Option<&str>, handed: &[Handed]) -> io::Result<Vec<Target>> {
    let matching = handed.iter().filter(|handed| name.is_none_or(|name| name == handed.name));
    let found: Vec<_> = matching.cloned().map(Target::Inherited).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names: Vec<_> = handed.iter().map(|handed| format!("`{}`", handed.name)).collect();
    Err(io::Error::other(match &*names {
        [] => "the service manager has handed over no socket".to_owned(),
        names => format!("the service manager has handed over only {}", names.join(", ")),
    }))
}

const ALL_V4: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const ALL_V6: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Leaves out what is there twice and what another address covers, as the system would refuse it
/// as in use, and parts `0.0.0.0` and `[::]` where both are given.
fn plan(resolved: Vec<Wanted>) -> Vec<Wanted> {
    let network = |wanted: &Wanted| match wanted.target {
        Target::Network { at, .. } => Some(at),
        _ => None,
    };
    let all: Vec<_> = resolved.iter().filter_map(network).collect();
    let has = |ip, port| all.contains(&SocketAddr::new(ip, port));
    let mut planned: Vec<Wanted> = Vec::new();
    for Wanted { asked, mut target } in resolved {
        let mut is_covered = false;
        if let Target::Network { at, only_v6 } = &mut target {
            let port = at.port();
            *only_v6 = at.ip() == ALL_V6 && has(ALL_V4, port);
            let by_wildcard = has(ALL_V6, port) || at.is_ipv4() && has(ALL_V4, port);
            is_covered = !at.ip().is_unspecified() && by_wildcard;
        }
        is_covered |= planned.iter().any(|wanted| wanted.target == target);
        // For each 0 the system chooses another port.
        let is_chosen = matches!(target, Target::Network { at, .. } if at.port() == 0);
        if is_chosen || !is_covered {
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
            let asked: Address = text.parse().unwrap();
            let target = Target::Network { at: text.parse().unwrap(), only_v6: false };
            Wanted { asked, target }
        };
        let show = |wanted: Wanted| match wanted.target {
            Target::Network { at, only_v6: true } => format!("{at} only v6"),
            Target::Network { at, .. } => at.to_string(),
            other => format!("{other:?}"),
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

    #[tokio::test]
    async fn what_was_handed_over_is_found_by_name() {
        let handed = ["web", "admin", "web"].into_iter().enumerate();
        let handed: Vec<_> =
            handed.map(|(at, name)| Handed { name: name.to_owned(), descriptor: 3 + at }).collect();
        let found = async |asked: &str| {
            let addresses = asked.split(' ').map(|address| address.parse().unwrap()).collect();
            let wanted = resolve(addresses, &handed).await.map_err(|error| error.to_string())?;
            let descriptor = |wanted: &Wanted| match &wanted.target {
                Target::Inherited(handed) => handed.descriptor,
                other => panic!("{other:?}"),
            };
            Ok::<Vec<_>, String>(wanted.iter().map(descriptor).collect())
        };
        assert_eq!(found("systemd").await.unwrap(), [3, 4, 5]);
        assert_eq!(found("systemd:web").await.unwrap(), [3, 5]);
        assert_eq!(found("systemd:admin systemd").await.unwrap(), [4, 3, 5]);
        let expected = "Could not bind to systemd:api: the service manager has handed over only \
                        `web`, `admin`, `web`";
        assert_eq!(found("systemd:api").await.unwrap_err(), expected);
    }
}
