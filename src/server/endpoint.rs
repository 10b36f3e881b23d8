//! Where a socket listens.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use socket2::Socket;

use super::unix_name::UnixName;
use crate::app::Scheme;

/// Where a socket listens.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Endpoint {
    /// At an IP address and port.
    Network(SocketAddr),
    /// At a name of this machine.
    Unix(UnixName),
}

impl Endpoint {
    /// Where a socket listens.
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        let address = socket.local_addr()?;
        if let Some(network) = address.as_socket() {
            return Ok(Self::Network(network));
        }
        UnixName::of(&address).map(Self::Unix).ok_or_else(|| ErrorKind::Unsupported.into())
    }

    /// The IP address and port; none for a Unix socket.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Network(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// What a client is given to reach it: a URL, or the name of a Unix socket.
    pub fn url(&self, scheme: Scheme) -> String {
        match self {
            Self::Network(address) => format!("{}://{address}", scheme.name()),
            Self::Unix(name) => name.to_string(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Unix(name) => name.fmt(f),
        }
    }
}
