//! What requests are counted by.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use http::HeaderName;

use crate::app::{Request, RequestExt};
use crate::settings::{Rejected, Setting};

/// What requests are counted by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    All,
    Client,
    Header(HeaderName),
    Host,
}

impl Key {
    /// The kind of it, in a word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Client => "client",
            Self::Header(_) => "header",
            Self::Host => "host",
        }
    }
}

impl Setting for Key {
    const EXPECTED: &'static str = "`client`, `host`, `header:` and the name of one, or `all`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "all" => Ok(Self::All),
            "client" => Ok(Self::Client),
            "host" => Ok(Self::Host),
            _ => {
                let name = text.strip_prefix("header:").ok_or_else(Rejected::default)?;
                let at = (text.len() - name.len(), text.len());
                let wrong = || Rejected::because("it is no name of a header").at(at.0, at.1);
                name.trim().parse().map(Self::Header).map_err(|_| wrong())
            }
        }
    }
}

/// Tells keys apart by a number each, so that none costs more to keep than another. A client cannot
/// choose a value that has the number of another: how numbers are made is drawn anew each time.
pub(super) struct Keys {
    key: Key,
    numbers: RandomState,
}

impl Keys {
    pub(super) fn new(key: Key) -> Self {
        Self { key, numbers: RandomState::new() }
    }

    pub(super) fn of(&self, request: &Request) -> u64 {
        let mut number = self.numbers.build_hasher();
        match &self.key {
            Key::All => {}
            Key::Client => request.context().client().map(network).hash(&mut number),
            Key::Header(name) => {
                let values = request.headers().get_all(name).iter();
                values.for_each(|value| value.as_bytes().hash(&mut number));
            }
            Key::Host => name_of_host(request).hash(&mut number),
        }
        number.finish()
    }
}

/// What one client has at the least: an address, or 64 bits of one of IPv6.
fn network(client: IpAddr) -> (bool, u64) {
    match client.to_canonical() {
        IpAddr::V4(address) => (false, address.to_bits().into()),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments().map(u64::from);
            (true, a << 48 | b << 32 | c << 16 | d)
        }
    }
}

/// The host in lower case, without its port.
fn name_of_host(request: &Request) -> Option<String> {
    let host = request.host()?;
    // The colons of an IPv6 address stand in brackets.
    let name = host.rsplit_once(':').map_or(
        host,
        |(name, port)| {
            if port.contains(']') { host } else { name }
        },
    );
    Some(name.to_ascii_lowercase())
}
