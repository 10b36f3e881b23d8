//! Counts what one server does, at the cost of a few additions a request.

use std::array;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::filters::Filters;
use super::snapshot::{BOUNDS, Served};

/// Statuses are three digits, and the first is not zero.
const STATUSES: std::ops::RangeInclusive<u16> = 100..=999;

/// Counts what one server does.
///
/// A request that nobody waits for any more is counted as 499, as the access log has it.
#[derive(Debug)]
pub struct Meter {
    begun: AtomicU64,
    statuses: Box<[AtomicU64]>,
    /// The last one is for what took longer than all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    accepted: AtomicU64,
    closed: AtomicU64,
    upgraded: AtomicU64,
    upgraded_closed: AtomicU64,
    refusals: [AtomicU64; Refusal::ALL.len()],
    filters: Filters,
}

/// Why the server refused a request, or a connection, or ended one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// One address had as many connections as the limit.
    AddressConnections,
    /// Its body came slower than the limit.
    BodyTimeout,
    /// There were as many connections as the limit.
    Connections,
    /// It had a field with a name that looks like another one.
    FieldName,
    /// What proxies told of it contradicted itself.
    Forwarded,
    /// It did not say in one way where its body ends.
    Framing,
    /// Its head was longer than the limit.
    HeadSize,
    /// Its head took longer than the limit.
    HeadTimeout,
    /// A line of its head was longer than the limit.
    HeaderLine,
    /// It did not name one valid host.
    Host,
    /// Its HTTP/2 connection was ended as the client did too much of what is cheap for it only:
    /// opening and resetting streams, for instance.
    Http2Flood,
    /// Its HTTP/2 client did not answer in time whether it is still there.
    Http2Ping,
    /// Its client had as many streams of HTTP/2 open as the limit.
    Http2Streams,
    /// It was no HTTP.
    Malformed,
    /// It had a method that is not served.
    Method,
    /// It was for a host that has another certificate than its connection.
    Misdirected,
    /// Its path could be read in several ways.
    Path,
    /// There were as many requests as the limit.
    Requests,
    /// Its target was not valid.
    Target,
    /// Its target was longer than the limit.
    TargetSize,
    /// Its trailers were longer than the limit.
    TrailerSize,
    /// Its response was taken slower than the limit.
    WriteTimeout,
    /// Its connection began with no header of a proxy, as it had to, or with a wrong one.
    ProxyHeader,
    /// Its connection could not be encrypted.
    TlsHandshake,
    /// It took the client too long to agree on encryption.
    TlsTimeout,
}

impl Refusal {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 25] = [
        Self::AddressConnections,
        Self::BodyTimeout,
        Self::Connections,
        Self::FieldName,
        Self::Forwarded,
        Self::Framing,
        Self::HeadSize,
        Self::HeadTimeout,
        Self::HeaderLine,
        Self::Host,
        Self::Http2Flood,
        Self::Http2Ping,
        Self::Http2Streams,
        Self::Malformed,
        Self::Method,
        Self::Misdirected,
        Self::Path,
        Self::ProxyHeader,
        Self::Requests,
        Self::Target,
        Self::TargetSize,
        Self::TlsHandshake,
        Self::TlsTimeout,
        Self::TrailerSize,
        Self::WriteTimeout,
    ];

    /// The limit, as metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressConnections => "address_connections",
            Self::BodyTimeout => "body_timeout",
            Self::Connections => "connections",
            Self::FieldName => "field_name",
            Self::Forwarded => "forwarded",
            Self::Framing => "framing",
            Self::HeadSize => "head_size",
            Self::HeadTimeout => "head_timeout",
            Self::HeaderLine => "header_line",
            Self::Host => "host",
            Self::Http2Flood => "http2_flood",
            Self::Http2Ping => "http2_ping_timeout",
            Self::Http2Streams => "http2_streams",
            Self::Malformed => "malformed",
            Self::Method => "method",
            Self::Misdirected => "misdirected",
            Self::Path => "path",
            Self::Requests => "requests",
            Self::Target => "target",
            Self::TargetSize => "target_size",
            Self::TrailerSize => "trailer_size",
            Self::WriteTimeout => "write_timeout",
            Self::ProxyHeader => "proxy_header",
            Self::TlsHandshake => "tls_handshake",
            Self::TlsTimeout => "tls_timeout",
        }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            begun: AtomicU64::default(),
            statuses: STATUSES.map(|_| AtomicU64::default()).collect(),
            buckets: array::from_fn(|_| AtomicU64::default()),
            nanoseconds: AtomicU64::default(),
            accepted: AtomicU64::default(),
            closed: AtomicU64::default(),
            upgraded: AtomicU64::default(),
            upgraded_closed: AtomicU64::default(),
            refusals: array::from_fn(|_| AtomicU64::default()),
            filters: Filters::default(),
        }
    }
}

impl Meter {
    /// Counts a request that begins, and gives the time. It is in flight until it ends.
    #[must_use = "the request is in flight until it is counted as ended"]
    pub fn begin(&self) -> Instant {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Instant::now()
    }

    /// Counts the end of a request that began at a time, with the status of its response; 499
    /// stands for a client that left before there was one, as in the access log.
    pub fn end(&self, begun: Instant, status: u16) {
        self.count(begun.elapsed(), status);
    }

    fn count(&self, elapsed: Duration, status: u16) {
        let index = usize::from(status.wrapping_sub(*STATUSES.start()));
        if let Some(counter) = self.statuses.get(index) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < nanoseconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Counts a request or a connection that was refused or ended.
    pub fn refuse(&self, refusal: Refusal) {
        self.refusals[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that a filter refused as a limit of its own was reached.
    pub fn refuse_by(&self, filter: &'static str) {
        self.filters.refuse(filter);
    }

    /// Counts a connection that is accepted.
    pub fn connect(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that has closed.
    pub fn disconnect(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection that goes on in another protocol.
    pub fn upgrade(&self) {
        self.upgraded.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts such a connection that has closed.
    pub fn disconnect_upgraded(&self) {
        self.upgraded_closed.fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub(super) fn served(&self) -> Served {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What ends between two looks must not make more that has ended than has begun.
        let buckets: Vec<_> = self.buckets.iter().map(value).collect();
        let (closed, upgraded_closed) = (value(&self.closed), value(&self.upgraded_closed));
        let ended: u64 = buckets.iter().sum();
        let statuses = STATUSES.zip(self.statuses.iter().map(value));
        let refusals = Refusal::ALL
            .map(|refusal| (refusal.name().to_owned(), value(&self.refusals[refusal as usize])));
        let mut refusals = BTreeMap::from(refusals);
        // A filter that has the name of a limit counts with it.
        self.filters.add_to(&mut refusals);
        Served {
            in_flight: value(&self.begun).saturating_sub(ended),
            statuses: statuses.filter(|(_, count)| *count > 0).collect(),
            buckets,
            nanoseconds: value(&self.nanoseconds),
            connections_open: value(&self.accepted).saturating_sub(closed),
            connections_upgraded: value(&self.upgraded).saturating_sub(upgraded_closed),
            connections: value(&self.accepted),
            refusals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_flight_until_it_ends() {
        let meter = Meter::default();
        let (first, second) = (meter.begin(), meter.begin());
        meter.end(first, 200);
        assert_eq!(meter.served().in_flight, 1);
        meter.end(second, 499);
        let served = meter.served();
        assert_eq!((served.in_flight, served.statuses), (0, [(200, 1), (499, 1)].into()));
    }

    #[test]
    fn a_request_falls_into_the_first_bucket_that_holds_it() {
        let meter = Meter::default();
        let milliseconds = [0, 1, 2, 1000, 61_000];
        for time in milliseconds {
            meter.count(Duration::from_millis(time), 200);
        }
        let served = meter.served();
        let filled: Vec<_> = (0..).zip(served.buckets).filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0, 1), (1, 1), (2, 1), (10, 1), (16, 1)]);
        assert_eq!(served.nanoseconds, 62_003_000_000);
    }

    #[test]
    fn what_is_no_status_does_no_harm() {
        let meter = Meter::default();
        for status in [0, 99, 1000, u16::MAX] {
            meter.count(Duration::ZERO, status);
        }
        assert_eq!(meter.served().statuses, [].into());
    }

    #[test]
    fn every_refusal_is_counted_by_itself() {
        let meter = Meter::default();
        for refusal in Refusal::ALL {
            meter.refuse(refusal);
        }
        let counted = meter.served().refusals;
        assert!(Refusal::ALL.iter().all(|refusal| counted[refusal.name()] == 1), "{counted:?}");
    }

    #[test]
    fn what_filters_refuse_is_counted_beside_what_the_server_refuses() {
        let meter = Meter::default();
        meter.refuse(Refusal::Path);
        for filter in ["sizelimit", "own", "path"] {
            meter.refuse_by(filter);
        }
        let refusals = meter.served().refusals;
        let counted = ["sizelimit", "own", "path"].map(|limit| refusals[limit]);
        assert_eq!(counted, [1, 1, 2], "a name that a limit has, too, counts with it");
    }
}
