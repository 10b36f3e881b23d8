//! A name server to ask.

use std::net::{IpAddr, SocketAddr};

use crate::settings::{Rejected, Setting};

/// A name server: an address and a port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NameServer(pub(super) SocketAddr);

/// The port of DNS.
const PORT: u16 = 53;

impl Setting for NameServer {
    const EXPECTED: &'static str = "an address, with `:port` or without";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
        match address.or_else(|_| text.parse()) {
            Ok(address) if address.port() > 0 => Ok(Self(address)),
            _ => Err(Rejected::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(NameServer::parse(text).unwrap().0.to_string(), expected);
        }
        for text in ["", "dns", "dns:53", "192.0.2.1:0", "192.0.2.1:x", "192.0.2.1:"] {
            assert!(NameServer::parse(text).is_err(), "{text}");
        }
    }
}
