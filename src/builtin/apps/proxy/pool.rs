//! The connections to an upstream: those that wait for a request are kept, others are made.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{self, Instant};

use super::fault::Fault;
use super::link::Link;
use super::upstream::Upstream;

/// The longest head of a response, and the most that is kept in memory of a body each way. With
/// twice as much, slow readers would cost twice the memory, and large bodies a bit more time.
const BUFFER_LIMIT: usize = 32 * 1024;

/// The connections to one upstream.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) upstream: Upstream,
    limits: Limits,
    protocol: http1::Builder,
    idle: Mutex<Idle>,
}

/// The connections that wait for a request.
#[derive(Debug, Default)]
struct Idle {
    /// The one that was used last is at the end, and taken first, so that those which are too
    /// many grow old.
    links: Vec<Link>,
    /// How many times the old ones were cleared out.
    round: u32,
    /// Whether a task clears them out.
    is_watched: bool,
}

/// What a pool keeps to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect_timeout: Duration,
    pub(super) idle_connections: usize,
    pub(super) idle_timeout: Duration,
}

impl Pool {
    pub(super) fn new(upstream: Upstream, limits: Limits) -> Self {
        let mut protocol = http1::Builder::new();
        protocol.max_buf_size(BUFFER_LIMIT);
        Self { upstream, limits, protocol, idle: Mutex::default() }
    }

    /// A connection that waits for a request, if there is one. The upstream may have closed it
    /// meanwhile, which shows when it is used.
    pub(super) fn take(&self) -> Option<Link> {
        self.idle().links.pop()
    }

    /// Takes back a connection whose response has ended.
    pub(super) fn put(self: &Arc<Self>, mut link: Link) {
        // It is not ready where more came than the response, or the request has not ended.
        let is_ready = link.sender.is_ready();
        let mut idle = self.idle();
        if !is_ready || idle.links.len() >= self.limits.idle_connections {
            return;
        }
        link.round = idle.round;
        idle.links.push(link);
        if !idle.is_watched {
            idle.is_watched = true;
            tokio::spawn(clear_out(Arc::downgrade(self), self.limits.idle_timeout / 2));
        }
    }

    /// Connects to the upstream, at any of the addresses that its name stands for.
    pub(super) async fn connect(&self) -> Result<Link, Fault> {
        let connected = time::timeout(self.limits.connect_timeout, self.dial()).await;
        let socket = connected.map_err(|_| Fault::ConnectTimeout)?.map_err(|error| {
            let is_late = error.kind() == io::ErrorKind::TimedOut;
            if is_late { Fault::ConnectTimeout } else { Fault::Unreachable(error) }
        })?;
        Link::begin(socket, &self.protocol).await.map_err(Fault::Broken)
    }

    async fn dial(&self) -> io::Result<TcpStream> {
        let until = Instant::now() + self.limits.connect_timeout;
        let addresses = lookup_host((self.upstream.host(), self.upstream.port())).await?;
        let socket = first(addresses.collect(), until, TcpStream::connect).await?;
        // A request is written as a whole; waiting for more would only delay it.
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // A panic between two changes of the list leaves it whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first of several addresses that can be connected to, one after another. Each but the last has
/// a share of the time that is left, so that one which does not answer leaves some to the others.
async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    until: Instant,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut failure = io::Error::other("the name has no address");
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let now = Instant::now();
        let share = (until - now) / u32::try_from(left).unwrap_or(u32::MAX);
        let end = if left == 1 { until } else { now + share };
        match time::timeout_at(end, connect(*address)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

/// Closes connections that were not used between two rounds, until there are none.
async fn clear_out(pool: Weak<Pool>, interval: Duration) {
    loop {
        time::sleep(interval).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        let round = idle.round;
        idle.links.retain(|link| link.round == round);
        idle.round = round.wrapping_add(1);
        if idle.links.is_empty() {
            idle.is_watched = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of addresses of these ports: 1 does not answer, 2 refuses, others connect.
    async fn connected(ports: &[u16]) -> Result<u16, io::ErrorKind> {
        let addresses = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port)));
        let until = Instant::now() + Duration::from_secs(2);
        let connect = async |address: SocketAddr| match address.port() {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            port => Ok(port),
        };
        let found = first(addresses.collect(), until, connect).await;
        assert!(Instant::now() <= until, "{ports:?}");
        found.map_err(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_leaves_time_to_the_others() {
        assert_eq!(connected(&[1, 3]).await, Ok(3));
        assert_eq!(connected(&[1, 2, 1, 4]).await, Ok(4));
        assert_eq!(connected(&[2, 1]).await, Err(io::ErrorKind::TimedOut));
        assert_eq!(connected(&[1, 2]).await, Err(io::ErrorKind::ConnectionRefused));
        assert_eq!(connected(&[]).await, Err(io::ErrorKind::Other));
    }
}
