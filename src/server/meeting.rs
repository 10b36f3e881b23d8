//! Addresses that cannot both be listened at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Address;

impl Address {
    /// Whether nobody can listen at both at once, as far as that can be told without asking for a
    /// name. For port 0 the system chooses one that is free.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Network { host, port }, Self::Network { host: theirs, port: other }) => {
                port == other && *port != 0 && do_meet(host, theirs)
            }
            (Self::Systemd(name), Self::Systemd(other)) => name == other,
            (Self::Unix(name), Self::Unix(other)) => name == other,
            _ => false,
        }
    }
}

fn do_meet(host: &str, other: &str) -> bool {
    let others = addresses(other);
    let meets = |ip: &IpAddr| others.iter().any(|other| covers(*ip, *other) || covers(*other, *ip));
    host.eq_ignore_ascii_case(other) || addresses(host).iter().any(meets)
}

/// What is known of a host: none for a name that would have to be asked for.
fn addresses(host: &str) -> Vec<IpAddr> {
    if host.eq_ignore_ascii_case("localhost") {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    host.parse().into_iter().collect()
}

/// Whether who listens at an address takes another one, too. One for all of IPv6 takes those of
/// IPv4 as well.
fn covers(ip: IpAddr, other: IpAddr) -> bool {
    ip == other || ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_meet_that_cannot_both_be_listened_at() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("*:80", "127.0.0.1:80", true),
            ("*:80", "[::1]:80", false),
            ("[::]:80", "[::1]:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("*:80", "[::]:80", true),
            ("localhost:80", "127.0.0.1:80", true),
            ("localhost:80", "[::1]:80", true),
            ("api.example:80", "API.example:80", true),
            ("api.example:80", "127.0.0.1:80", false),
            ("unix:/run/a", "unix:/run/a", true),
            ("unix:/run/a", "unix:/run/b", false),
            ("unix:@a", "systemd:a", false),
            ("systemd:a", "systemd:a", true),
            ("systemd:a", "systemd:b", false),
        ] {
            let [one, other] = [one, other].map(|text| text.parse::<Address>().unwrap());
            assert_eq!(one.meets(&other), expected, "{one} and {other}");
            assert_eq!(other.meets(&one), expected, "{other} and {one}");
        }
    }
}
