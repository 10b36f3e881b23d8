//! What the threads of a worker bear together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;
use super::seldom::Seldom;
use crate::metrics::Refusal;

/// What a server bears at the moment. Clones share it: the threads of a worker take connections
/// from one socket, in no even shares, so that limits can only hold for all of them.
#[derive(Clone, Debug)]
pub struct Load {
    /// Among how many servers the files of the process are divided.
    servers: NonZeroUsize,
    borne: Arc<Borne>,
}

#[derive(Debug, Default)]
struct Borne {
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// How many connections each address has, as far as they are counted.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    turned_away: Seldom,
}

impl Load {
    /// The same, as what one of so many servers of a process bears, at least one: what the process
    /// can bear is divided among them, where their settings do not say how much it is.
    #[must_use]
    pub fn among(&self, servers: usize) -> Self {
        let servers = NonZeroUsize::new(servers).unwrap_or(NonZeroUsize::MIN);
        Self { servers, borne: Arc::clone(&self.borne) }
    }

    /// Among how many servers the files of the process are divided.
    pub(super) fn servers(&self) -> NonZeroUsize {
        self.servers
    }

    /// Takes in a connection, from an address if it has one that counts.
    ///
    /// # Errors
    ///
    /// There are as many as there may be.
    pub(super) fn admit(&self, peer: Option<IpAddr>, limits: &Limits) -> Result<Held, Refusal> {
        let mut held = Held { load: self.clone(), peer: None };
        if self.borne.connections.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            return Err(Refusal::Connections);
        }
        peer.map_or(Ok(()), |peer| held.count_for(peer, limits))?;
        Ok(held)
    }

    /// Notes that a request begins.
    pub(super) fn begin_request(&self) {
        self.borne.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a request has ended.
    pub(super) fn end_request(&self) {
        self.borne.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many requests are being answered.
    pub(super) fn requests(&self) -> usize {
        self.borne.requests.load(Ordering::Relaxed)
    }

    /// Which connections are logged that are ended before their first requests.
    pub(super) fn turned_away(&self) -> &Seldom {
        &self.borne.turned_away
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A panic between two changes of the map leaves it whole.
        self.borne.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That of the only server of a process.
impl Default for Load {
    fn default() -> Self {
        Self { servers: NonZeroUsize::MIN, borne: Arc::default() }
    }
}

/// The share that a connection has in a load, until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    load: Load,
    /// The address that the connection counts for, if it does.
    peer: Option<IpAddr>,
}

impl Held {
    /// Has the connection count for an address, unless it does for one already.
    ///
    /// # Errors
    ///
    /// That has as many as it may.
    pub(super) fn count_for(&mut self, peer: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let Some(most) = limits.connections_per_address.filter(|_| self.peer.is_none()) else {
            return Ok(());
        };
        let mut addresses = self.load.addresses();
        let count = addresses.entry(peer).or_default();
        if *count >= most {
            return Err(Refusal::AddressConnections);
        }
        *count += 1;
        drop(addresses);
        self.peer = Some(peer);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.borne.connections.fetch_sub(1, Ordering::Relaxed);
        let Some(peer) = self.peer else { return };
        let mut addresses = self.load.addresses();
        if let Some(count) = addresses.get_mut(&peer) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::server::Settings;

    #[test]
    fn threads_share_what_their_worker_bears() {
        let mut settings = Settings { max_connections: Some(3), ..Settings::default() };
        settings.max_connections_per_address = 1;
        settings.worker_threads = 4;
        let load = Load::default();
        let limits = Limits::new(&settings, load.servers());
        let peer = |last| Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, last)));
        let admit = |last: Option<u8>| load.clone().admit(last.and_then(peer), &limits);
        let first = admit(Some(1)).unwrap();
        assert_eq!(admit(Some(1)).unwrap_err(), Refusal::AddressConnections);
        let others = [admit(Some(2)).unwrap(), admit(None).unwrap()];
        assert_eq!(admit(None).unwrap_err(), Refusal::Connections);
        drop(first);
        let again = admit(Some(1)).unwrap();
        drop((others, again));
        assert!(load.addresses().is_empty());
        assert_eq!(load.borne.connections.load(Ordering::Relaxed), 0);
    }
}
