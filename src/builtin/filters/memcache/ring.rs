//! Servers of memcached, used as Swift uses them.

use std::collections::BTreeMap;
use std::fmt::Write;

use md5::{Digest, Md5};

use crate::builtin::memcached::{Act, Command, Limits, Pool, Server as Address};
use crate::settings::{Rejected, Setting};

/// A server, and how it is written, by which it has its places on the ring.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Server {
    text: String,
    address: Address,
}

impl Setting for Server {
    const EXPECTED: &'static str = Address::EXPECTED;

    fn parse(text: &str) -> Result<Self, Rejected> {
        Address::parse(text).map(|address| Self { text: text.to_owned(), address })
    }
}

/// Servers of memcached, each with its places on a ring; a name belongs to the one behind it.
pub(in crate::builtin::filters) struct Ring {
    pools: Vec<Pool>,
    /// Which server has which place.
    places: Vec<(String, usize)>,
    /// How many servers are tried at most.
    tries: usize,
}

/// How many places a server has.
const WEIGHT: usize = 50;

impl Ring {
    pub(super) fn new(servers: Vec<Server>, limits: Limits, tries: usize) -> Self {
        let mut sorted = servers;
        sorted.sort_by(|one, other| one.text.cmp(&other.text));
        // One that is named twice has its places once.
        sorted.dedup_by(|one, other| one.text == other.text);
        let mut places = BTreeMap::new();
        for (number, server) in sorted.iter().enumerate() {
            for place in 0..WEIGHT {
                places.insert(hash(&format!("{}-{place}", server.text)), number);
            }
        }
        let tries = tries.min(sorted.len());
        let pools = sorted.into_iter().map(|server| Pool::new(server.address, limits));
        Self { pools: pools.collect(), places: places.into_iter().collect(), tries }
    }

    /// Raises a number, which begins with what it is raised by; none if no server answers.
    pub(in crate::builtin::filters) async fn raise(&self, name: &str, by: u64) -> Option<u64> {
        number(&self.run(name, Act::Raise(by)).await?)
    }

    /// Lowers a number, as far as 0.
    pub(in crate::builtin::filters) async fn lower(&self, name: &str, by: u64) {
        self.run(name, Act::Lower(by)).await;
    }

    /// Sets a number.
    pub(in crate::builtin::filters) async fn set(&self, name: &str, value: u64) {
        let value = value.to_string();
        self.run(name, Act::Store { value: value.as_bytes(), seconds: 0 }).await;
    }

    /// Does something with the server that has a name; the next one if it cannot be reached.
    async fn run(&self, name: &str, act: Act<'_>) -> Option<Vec<u8>> {
        let name = hash(name);
        for number in self.turns(&name) {
            let pool = &self.pools[number];
            if pool.is_dead() {
                continue;
            }
            match pool.run(&Command { name: &name, act }).await {
                Ok(found) => return found,
                Err(error) => pool.bury(&error),
            }
        }
        None
    }

    /// The servers that are tried for a name, in their order.
    fn turns(&self, name: &str) -> Vec<usize> {
        let mut turns = Vec::with_capacity(self.tries);
        let place = self.places.partition_point(|(place, _)| **place <= *name);
        let places = self.places.iter().cycle().skip(place + 1).take(self.places.len());
        for (_, number) in places {
            if turns.len() < self.tries && !turns.contains(number) {
                turns.push(*number);
            }
        }
        turns
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// The MD5 of a text, in hexadecimal: it is Swift's, and keeps nothing safe.
fn hash(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::with_capacity(32), |mut hash, byte| {
        // A text takes whatever is written.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ring(names: &[&str]) -> Ring {
        let second = Duration::from_secs(1);
        let limits = Limits {
            dead_time: second,
            connections: 1,
            timeout: second,
            idle_time: second,
            wait: second,
        };
        Ring::new(names.iter().map(|name| Server::parse(name).unwrap()).collect(), limits, 9)
    }

    #[test]
    fn a_server_that_is_named_twice_is_one() {
        let ring = ring(&["192.0.2.2:11211", "192.0.2.1:11211", "192.0.2.2:11211"]);
        let mut turns = ring.turns(&hash("x"));
        turns.sort_unstable();
        assert_eq!(turns, [0, 1]);
    }

    /// Computed by Swift 2.36.
    #[test]
    fn servers_are_chosen_as_swift_does() {
        let ring = ring(&["cache", "192.0.2.2:11211", "192.0.2.1:11211"]);
        for (name, expected) in EXPECTED {
            assert_eq!(ring.turns(&hash(name)), expected, "{name}");
        }
    }

    const EXPECTED: [(&str, [usize; 3]); 5] = [
        ("ratelimit/a", [0, 2, 1]),
        ("ratelimit/b", [1, 2, 0]),
        ("ratelimit/a/c", [1, 0, 2]),
        ("ratelimit_listing/a/c", [0, 2, 1]),
        ("x", [0, 1, 2]),
    ];
}
