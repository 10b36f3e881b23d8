//! The keys of the tickets by which sessions are resumed, in whichever process.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;
use serde::{Deserialize, Serialize};

/// For how long a key makes tickets. It reads them for as long again.
pub const TICKET_PERIOD: Duration = Duration::from_secs(6 * 60 * 60);

/// The length of the name of a key, which a ticket begins with.
const NAME: usize = 16;

/// The keys of tickets, secret as they are: one that is about to make them, so that every process
/// can read what the quickest makes; the one that makes them; and the one that did before.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct TicketKeys([Key; 3]);

#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
struct Key {
    name: [u8; NAME],
    secret: [u8; 32],
}

impl Key {
    fn random() -> Self {
        let (mut name, mut secret) = ([0; NAME], [0; 32]);
        for bytes in [&mut name[..], &mut secret[..]] {
            rand::fill(bytes).expect("the system has randomness, or nothing can be encrypted");
        }
        Self { name, secret }
    }
}

impl TicketKeys {
    /// New ones.
    pub fn random() -> Self {
        Self([Key::random(), Key::random(), Key::random()])
    }

    /// The keys of the next period. What is older than two is forgotten.
    #[must_use]
    pub fn next(self) -> Self {
        let [next, current, _] = self.0;
        Self([Key::random(), next, current])
    }
}

/// They are secret.
impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys")
    }
}

/// Makes tickets and reads them. All servers of a process share one.
#[derive(Debug)]
pub struct Tickets(ArcSwap<Ring>);

#[derive(Debug)]
struct Ring([(Name, RandomizedNonceKey); 3]);

type Name = [u8; NAME];

/// Those of this process, by keys of its own until it is given others.
static TICKETS: LazyLock<Arc<Tickets>> = LazyLock::new(Arc::default);

impl Tickets {
    /// Those of this process.
    pub fn of_this_process() -> Arc<Self> {
        Arc::clone(&TICKETS)
    }

    /// Makes and reads them by these keys.
    pub fn new(keys: &TicketKeys) -> Self {
        Self(ArcSwap::from_pointee(Ring::new(keys)))
    }

    /// Goes on with other keys.
    pub fn replace(&self, keys: &TicketKeys) {
        self.0.store(Arc::new(Ring::new(keys)));
    }
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new(&TicketKeys::random())
    }
}

impl Ring {
    fn new(keys: &TicketKeys) -> Self {
        let key = |key: &Key| {
            let secret = RandomizedNonceKey::new(&AES_256_GCM, &key.secret);
            (key.name, secret.expect("the key is as long as the cipher's"))
        };
        Self(keys.0.each_ref().map(key))
    }
}

/// Makes and reads the tickets of one server.
#[derive(Debug)]
pub(super) struct Ticketer {
    tickets: Arc<Tickets>,
    /// Stands for what a client has shown of itself when the session began. Tickets of a server
    /// that asks for less are of no use at one that asks for more.
    binding: [u8; 32],
}

impl Ticketer {
    pub(super) fn new(tickets: Arc<Tickets>, binding: [u8; 32]) -> Self {
        Self { tickets, binding }
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(TICKET_PERIOD.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let ring = self.tickets.0.load();
        let [_, (name, key), _] = &ring.0;
        let mut sealed = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(self.binding), &mut sealed).ok()?;
        Some([name, &nonce.as_ref()[..], &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let ring = self.tickets.0.load();
        let (_, key) = ring.0.iter().find(|(own, _)| own == name)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key.open_in_place(nonce, Aad::from(self.binding), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticketer(keys: &TicketKeys, binding: u8) -> Ticketer {
        Ticketer::new(Arc::new(Tickets::new(keys)), [binding; 32])
    }

    #[test]
    fn every_process_with_the_keys_reads_a_ticket() {
        let keys = TicketKeys::random();
        let handed_over = serde_json::to_string(&keys).unwrap();
        let other = ticketer(&serde_json::from_str(&handed_over).unwrap(), 1);
        let ticket = ticketer(&keys, 1).encrypt(b"session").unwrap();
        assert_eq!(other.decrypt(&ticket).unwrap(), b"session");
        let strange = ticketer(&TicketKeys::random(), 1);
        assert_eq!(strange.decrypt(&ticket), None);
    }

    #[test]
    fn a_ticket_is_of_no_use_under_other_rules() {
        let keys = TicketKeys::random();
        let ticket = ticketer(&keys, 1).encrypt(b"session").unwrap();
        assert_eq!(ticketer(&keys, 2).decrypt(&ticket), None);
    }

    #[test]
    fn a_ticket_lives_for_a_period_and_is_dead_after_two() {
        let keys = TicketKeys::random();
        let ticket = ticketer(&keys, 1).encrypt(b"session").unwrap();
        let next = keys.clone().next();
        let ahead = ticketer(&next, 1).encrypt(b"quick").unwrap();
        assert_eq!(ticketer(&keys, 1).decrypt(&ahead).unwrap(), b"quick");
        assert_eq!(ticketer(&next, 1).decrypt(&ticket).unwrap(), b"session");
        assert_eq!(ticketer(&next.next(), 1).decrypt(&ticket), None);
    }

    #[test]
    fn what_is_no_ticket_is_none() {
        let ticketer = ticketer(&TicketKeys::random(), 1);
        let mut ticket = ticketer.encrypt(b"session").unwrap();
        let last = ticket.len() - 1;
        ticket[last] ^= 1;
        assert_eq!(ticketer.decrypt(&ticket), None);
        for length in [0, NAME, NAME + NONCE_LEN, last] {
            assert_eq!(ticketer.decrypt(&ticket[..length]), None);
        }
    }
}
