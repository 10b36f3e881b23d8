//! Addresses to listen at, as operators write them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::unix_name::UnixName;
use crate::settings::{Rejected, Setting};

/// An address to listen at.
///
/// ```
/// use pasteline::server::Address;
///
/// let address: Address = "[::1]:9696".parse().unwrap();
/// assert_eq!(address, Address::new("::1", 9696));
/// assert_eq!(address.to_string(), "[::1]:9696");
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub enum Address {
    /// A host and a port.
    Network {
        /// A name or an IP address, without brackets.
        host: String,
        /// The port; for 0 the system chooses one.
        port: u16,
    },
    /// The sockets that the service manager has opened, or those that it calls by a name, written
    /// `systemd` or `systemd:name`.
    Systemd(Option<String>),
    /// A name of this machine, written `unix:/path` or `unix:@name`.
    Unix(UnixName),
}

impl Address {
    /// An address of a host, which is a name or an IP address without brackets, and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self::Network { host: host.into(), port }
    }

    /// Whether only this machine reaches it, as far as that can be told without asking for a name.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Network { host, .. } => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
            Self::Systemd(_) | Self::Unix(_) => true,
        }
    }

    /// Reads an address; the relative path of a Unix socket counts from a directory.
    fn parse_in(text: &str, directory: &Path) -> Result<Self, InvalidAddress> {
        // A bare path is how waitress has it.
        let unix = text.strip_prefix("unix:").or_else(|| text.starts_with('/').then_some(text));
        if let Some(name) = unix {
            return UnixName::parse(name, directory).map(Self::Unix);
        }
        match text.split_once(':') {
            None if text == "systemd" => return Ok(Self::Systemd(None)),
            // A port is a number, and systemd takes no name for a socket that is one.
            Some(("systemd", name)) if name.parse::<u16>().is_err() => {
                return Ok(Self::Systemd(Some(name.to_owned())));
            }
            _ => {}
        }
        let Host { name, port } = text.parse()?;
        let Some(port) = port else {
            return Err(InvalidAddress(format!("`{text}` has no port, as in `{name}:9696`")));
        };
        Ok(Self::new(name, port))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Network { host, port } => write!(f, "{host}:{port}"),
            Self::Systemd(None) => f.write_str("systemd"),
            Self::Systemd(Some(name)) => write!(f, "systemd:{name}"),
            Self::Unix(name) => name.fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        Self::parse_in(text, Path::new(""))
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl Setting for Address {
    const EXPECTED: &'static str = "an address as `host:port`, `unix:/path` or `systemd`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        <Self as Setting>::parse_in(text, Path::new(""))
    }

    fn parse_in(text: &str, directory: &Path) -> Result<Self, Rejected> {
        let parsed = Self::parse_in(text, directory);
        parsed.map_err(|InvalidAddress(reason)| Rejected::because(reason))
    }
}

/// A host to listen at, which may name its port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// The name or IP address, without brackets.
    pub name: String,
    /// The port, if the text names one.
    pub port: Option<u16>,
}

impl FromStr for Host {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if text.starts_with("unix:") {
            let reason = format!("`{text}` is a Unix socket, which belongs into `bind`");
            return Err(InvalidAddress(reason));
        }
        if let Some(bracketed) = text.strip_prefix('[') {
            return ipv6(text, bracketed);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self { name: text.to_owned(), port: None });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(parse_port(port)?)),
            None => (text, None),
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "[]/".contains(c)) {
            return Err(InvalidAddress(format!("`{name}` is not the name of a host")));
        }
        // The address that stands for all: what waitress writes as `*`.
        let name = if name == "*" { "0.0.0.0" } else { name };
        Ok(Self { name: name.to_owned(), port })
    }
}

impl Setting for Host {
    const EXPECTED: &'static str = "the name or IP address of this machine, or `*` for all";

    fn parse(text: &str) -> Result<Self, Rejected> {
        text.parse().map_err(|InvalidAddress(reason)| Rejected::because(reason))
    }
}

/// Reads an IPv6 address whose opening bracket has been cut off.
fn ipv6(text: &str, bracketed: &str) -> Result<Host, InvalidAddress> {
    let Some((name, rest)) = bracketed.split_once(']') else {
        return Err(InvalidAddress(format!("`{text}` lacks the closing bracket")));
    };
    if name.parse::<Ipv6Addr>().is_err() {
        return Err(InvalidAddress(format!("`{name}` is not an IPv6 address")));
    }
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if rest.is_empty() => None,
        None => return Err(InvalidAddress(format!("`{rest}` follows the bracket"))),
    };
    Ok(Host { name: name.to_owned(), port })
}

fn parse_port(text: &str) -> Result<u16, InvalidAddress> {
    text.parse().map_err(|_| InvalidAddress(format!("`{text}` is not a port from 0 to 65535")))
}

/// What is wrong with the text of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidAddress(pub(super) String);

impl fmt::Display for InvalidAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_both_kinds_of_ip_addresses() {
        let read = |text: &str| text.parse::<Address>().unwrap();
        assert_eq!(read("localhost:80"), Address::new("localhost", 80));
        assert_eq!(read("127.0.0.1:0"), Address::new("127.0.0.1", 0));
        assert_eq!(read("[::]:9696"), Address::new("::", 9696));
        assert_eq!(read("*:9696"), Address::new("0.0.0.0", 9696));
    }

    #[test]
    fn reads_unix_sockets() {
        for (text, expected) in [
            ("unix:/run/api.sock", "unix:/run/api.sock"),
            ("unix:@api", "unix:@api"),
            ("/run/api.sock", "unix:/run/api.sock"),
        ] {
            let address: Address = text.parse().unwrap();
            assert!(matches!(address, Address::Unix(_)), "{address:?}");
            assert_eq!(address.to_string(), expected);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        assert_eq!(wrong("localhost"), "`localhost` has no port, as in `localhost:9696`");
        assert_eq!(wrong("localhost:http"), "`http` is not a port from 0 to 65535");
        assert_eq!(wrong("[::1:80"), "`[::1:80` lacks the closing bracket");
        assert_eq!(wrong("[host]:80"), "`host` is not an IPv6 address");
        assert_eq!(wrong("[::1]80"), "`80` follows the bracket");
        assert_eq!(wrong("a b:80"), "`a b` is not the name of a host");
        let unix = "`unix:/run/api.sock` is a Unix socket, which belongs into `bind`";
        assert_eq!("unix:/run/api.sock".parse::<Host>().unwrap_err().to_string(), unix);
    }

    #[test]
    fn a_host_may_do_without_a_port_and_without_brackets() {
        let read = |text: &str| {
            let Host { name, port } = text.parse().unwrap();
            (name, port)
        };
        assert_eq!(read("::1"), ("::1".to_owned(), None));
        assert_eq!(read("[::1]"), ("::1".to_owned(), None));
        assert_eq!(read("127.0.0.1:8081"), ("127.0.0.1".to_owned(), Some(8081)));
    }
}
