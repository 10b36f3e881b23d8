//! Has filters share what they count in memcached.

mod ring;
#[cfg(test)]
mod tests;

pub(super) use self::ring::Ring;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use self::ring::Server;
use crate::app::{Filter, Phase, Request, Response};
use crate::builtin::memcached::Limits;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader, Seconds};

pub(super) const DEFINITION: Definition = Definition::filter::<SwiftCache>("memcache")
    .aliases(ALIASES)
    .outside_of(&[("ratelimit", "each worker would count for itself")]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:swift#memcache").dialect(SWIFT).note(NOTE),
    Alias::of("swift.common.middleware.memcache:filter_factory").dialect(SWIFT).note(NOTE),
];

const SWIFT: Dialect = Dialect::lenient()
    .older(&[("max_connections", "memcache_max_connections")])
    .globals(&["memcache_max_connections", "memcache_servers"])
    .ignored(&[
        ("error_suppression_limit", "a server is left alone after its first failure"),
        ("item_size_warning_threshold", "only numbers are stored"),
        ("log_address", super::LOG),
        ("log_facility", super::LOG),
        ("log_headers", super::LOG),
        ("log_level", super::LOG),
        ("log_name", super::LOG),
        ("memcache_serialization_support", "only numbers are stored"),
        ("swift_dir", "no `memcache.conf` is read; give its options here"),
        ("tls_cafile", TLS),
        ("tls_certfile", TLS),
        ("tls_keyfile", TLS),
    ]);

const TLS: &str = "connections to memcached are not encrypted";

const NOTE: &str = "The original is a cache for all of Swift; here `ratelimit` alone counts in it, \
    under the same names as Swift does, so that both count together. What is not given here it \
    reads from `memcache.conf`, which is not read.";

settings! {
    /// Has the filters behind it share what they count in memcached, so that all workers and machines
    /// count together: `ratelimit` does.
    ///
    /// Servers are chosen and names are written as Swift's own memcache filter does, so that its
    /// processes may share them. While no server answers, each worker counts for itself.
    ///
    /// ```ini
    /// [filter:cache]
    /// use = egg:pasteline#memcache
    /// memcache_servers = 192.0.2.10:11211, 192.0.2.11:11211
    /// ```
    struct SwiftCache {
        /// The servers: `host:port`, `[address]:port` or `unix:/path`.
        memcache_servers: Vec<Server> = "127.0.0.1:11211",
        /// How many connections to each server there are at most; more than 0.
        memcache_max_connections: usize = "2",
        /// How many seconds it may take to connect to a server.
        connect_timeout: Seconds = "0.3",
        /// How many seconds it is waited for a connection that is free.
        pool_timeout: Seconds = "1",
        /// How many seconds a server may take to answer; more than 0.
        io_timeout: Seconds = "2",
        /// How many servers are tried, one after another; more than 0.
        tries: usize = "3",
        /// How many seconds a server that failed is not asked.
        error_suppression_interval: Seconds = "60",
        /// Whether connections are encrypted, which is not possible.
        tls_enabled: bool = "false",
    }
}

impl FilterFactory for SwiftCache {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.tls_enabled {
            reader.reject("tls_enabled", TLS);
        }
        if self.memcache_servers.is_empty() {
            reader.reject("memcache_servers", "at least one server must be named");
        }
        for (name, count) in
            [("memcache_max_connections", self.memcache_max_connections), ("tries", self.tries)]
        {
            if !(1..=MOST).contains(&count) {
                reader.reject(name, format!("it must be from 1 to {MOST}"));
            }
        }
        if self.io_timeout.0.is_zero() {
            reader.reject("io_timeout", "it must be more than no time");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let limits = Limits {
            dead_time: self.error_suppression_interval.0,
            connections: self.memcache_max_connections,
            timeout: self.io_timeout.0 + self.connect_timeout.0,
            idle_time: IDLE,
            wait: self.pool_timeout.0,
        };
        let ring = Ring::new(self.memcache_servers, limits, self.tries);
        Ok(Filter::phase(Sharing(Shared(Arc::new(ring)))))
    }
}

/// More than a server of memcached takes by default.
const MOST: usize = 10_000;

/// How long a connection is kept while nobody uses it.
const IDLE: Duration = Duration::from_secs(60);

/// Where filters count together, as a request knows it.
#[derive(Clone)]
pub(super) struct Shared(pub(super) Arc<Ring>);

struct Sharing(Shared);

impl Phase for Sharing {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        request.extensions_mut().insert(self.0.clone());
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), _: &mut Response) {}
}
