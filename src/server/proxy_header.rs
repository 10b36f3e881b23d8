//! The header of the PROXY protocol, by which a proxy tells whose connection it passes on.

mod binary;
mod checksum;
mod text;

use std::fmt;
use std::net::SocketAddr;

use self::binary::SIGNATURE;

/// The longest header that is taken, in bytes. Those of load balancers that add all that they
/// know have a few hundred.
pub const LONGEST: usize = 4096;

/// The header of the PROXY protocol, by which a proxy tells whose connection it passes on, in
/// version 1 or 2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyHeader {
    /// The proxy connects for itself, to see whether the server lives.
    Own,
    /// It passes a connection on, and does not tell whose: that of a Unix socket, say.
    Unknown,
    /// It passes a connection on.
    Passed {
        /// The address of the client.
        peer: SocketAddr,
        /// The address at which the proxy took the connection.
        local: SocketAddr,
    },
}

/// What the first bytes of a connection come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// They are a whole header.
    Done(ProxyHeader),
    /// So many bytes more belong to the header in any case. After them there may be others.
    Needs(usize),
}

/// Why bytes are no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoHeader(&'static str);

impl fmt::Display for NoHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NoHeader {}

impl ProxyHeader {
    /// Reads the first bytes of a connection. Whoever takes only as many bytes as are needed, and
    /// asks again with all that it has, never takes one that stands behind the header.
    ///
    /// # Errors
    ///
    /// They cannot begin a header, or one that is longer than [`LONGEST`].
    ///
    /// ```
    /// use pasteline::server::{ProxyHeader, Step};
    ///
    /// let bytes = b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n";
    /// let mut taken = 0;
    /// while let Step::Needs(more) = ProxyHeader::read(&bytes[..taken]).unwrap() {
    ///     taken += more;
    /// }
    /// assert_eq!(taken, bytes.len());
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Step, NoHeader> {
        let shared = bytes.len().min(SIGNATURE.len());
        if bytes[..shared] == SIGNATURE[..shared] && shared > 0 {
            binary::read(bytes)
        } else {
            text::read(bytes)
        }
    }
}
