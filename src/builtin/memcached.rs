//! Servers of memcached, in which filters share what they know and count.

mod connection;
mod pool;
mod server;

pub(super) use self::connection::{Act, Command};
pub(super) use self::pool::Pool;
pub(super) use self::server::Server;

use std::time::Duration;

/// What is kept to with each server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) dead_time: Duration,
    pub(super) connections: usize,
    /// For each exchange.
    pub(super) timeout: Duration,
    pub(super) idle_time: Duration,
    /// For a connection that is free.
    pub(super) wait: Duration,
}
