//! Where a socket listens.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use socket2::Socket;

/// Where a socket listens.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum Endpoint {
    /// At an IP address and port.
    Network(SocketAddr),
}

impl Endpoint {
    /// Where a socket listens.
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        let address = socket.local_addr()?.as_socket();
        address.map(Self::Network).ok_or_else(|| ErrorKind::Unsupported.into())
    }

    /// The IP address and port; none for a Unix socket.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        let Self::Network(address) = self;
        Some(*address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
        }
    }
}
