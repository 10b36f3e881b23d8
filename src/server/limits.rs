//! What a server bears at a time, and what it takes of a request.

use std::num::NonZeroUsize;

use http::Version;
use http::uri::{Authority, PathAndQuery};
use rustix::process::{Resource, getrlimit};

use super::settings::Settings;
use crate::app::Request;
use crate::metrics::Refusal;

/// What a server bears at a time, and what it takes of a request.
#[derive(Debug)]
pub(super) struct Limits {
    /// How many connections at a time.
    pub(super) connections: usize,
    /// How many of them from one address; none if that does not matter.
    pub(super) connections_per_address: Option<usize>,
    /// How many requests at a time.
    requests: usize,
    /// How long the target of a request.
    target: usize,
    /// How long its head.
    head: usize,
    /// How many fields that has.
    fields: usize,
    /// How long a line of it.
    header_line: usize,
    /// From which size on that of an HTTP/2 request is too large, each field counted with
    /// [`FIELD`] more.
    header_list: usize,
    /// How long its trailers.
    pub(super) trailers: usize,
}

impl Limits {
    /// The limits of one of so many servers of a process.
    pub(super) fn new(settings: &Settings, servers: NonZeroUsize) -> Self {
        let unless_zero = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let connections = settings.max_connections.unwrap_or_else(|| most_connections(servers));
        Self {
            connections: unless_zero(connections),
            connections_per_address: Some(settings.max_connections_per_address)
                .filter(|limit| *limit != 0),
            requests: unless_zero(settings.max_requests_in_flight),
            target: settings.max_target_size,
            head: settings.max_head_size,
            fields: settings.max_fields,
            header_line: settings.max_header_line,
            header_list: usize::try_from(settings.http2_max_header_list).unwrap_or(usize::MAX),
            trailers: settings.max_trailer_size,
        }
    }

    /// Why a request is not taken, if it is one of so many; none if it is.
    pub(super) fn refuse(&self, request: &Request, requests: usize) -> Option<Refusal> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.target {
            return Some(Refusal::TargetSize);
        }
        let fields = request.headers();
        let (mut lines, mut longest) = (0, 0);
        for (name, value) in fields {
            let line = name.as_str().len() + LINE + value.len();
            (lines, longest) = (lines + line, longest.max(line));
        }
        let head = first_line(request, target) + lines + 2;
        if longest > self.header_line {
            Some(Refusal::HeaderLine)
        } else if head > self.head
            || fields.len() > self.fields
            || self.is_listed_long(request, lines)
        {
            // hyper sees only a head that is not complete when the limit is reached.
            Some(Refusal::HeadSize)
        } else {
            (requests > self.requests).then_some(Refusal::Requests)
        }
    }

    /// Whether the head of an HTTP/2 request is too large, as that protocol counts it, with fields
    /// that are so long as lines. hyper takes more, as it does not say what it refuses.
    fn is_listed_long(&self, request: &Request, lines: usize) -> bool {
        request.version() == Version::HTTP_2 && listed(request, lines) >= self.header_list
    }
}

/// What is added to each field of a head where it is a line.
const LINE: usize = ": \r\n".len();

/// What is added to each field of a head where its size is counted as HTTP/2 has it.
const FIELD: usize = 32;

/// How large the head of an HTTP/2 request was, with fields that are so long as lines.
fn listed(request: &Request, lines: usize) -> usize {
    let uri = request.uri();
    let first = [
        (":method", Some(request.method().as_str())),
        (":scheme", uri.scheme_str()),
        (":authority", uri.authority().map(Authority::as_str)),
        (":path", uri.path_and_query().map(PathAndQuery::as_str)),
    ];
    let first =
        first.into_iter().filter_map(|(name, value)| Some(name.len() + value?.len() + FIELD));
    first.sum::<usize>() + lines + request.headers().len() * (FIELD - LINE)
}

/// How long the first line of a head was, or would have been.
fn first_line(request: &Request, target: usize) -> usize {
    request.method().as_str().len() + target + "  HTTP/1.1\r\n".len()
}

/// The most files that count for how many connections there may be where nobody says it. Systems
/// grant half a million and more; the clients of 45 % of these, if they read nothing, hold 12 GiB.
const MOST_FILES: u64 = 65_536;

/// How many connections one of the servers of a process can have. All of them together have a bit
/// less than half of the files that the process may open, as each connection may need another one
/// to an upstream. Each server has a part of its own, so that clients of a public one cannot keep
/// out those of an internal one.
fn most_connections(servers: NonZeroUsize) -> usize {
    most_of(getrlimit(Resource::Nofile).current, servers)
}

fn most_of(files: Option<u64>, servers: NonZeroUsize) -> usize {
    let files = files.unwrap_or(MOST_FILES).min(MOST_FILES);
    let all = usize::try_from(files * 45 / 100).unwrap_or(usize::MAX);
    (all / servers).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;

    /// There is one server in the process.
    const ALONE: NonZeroUsize = NonZeroUsize::MIN;

    #[test]
    fn a_head_may_be_as_large_as_the_limit() {
        let settings = Settings { max_head_size: 2000, max_fields: 2, ..Settings::default() };
        let value = |head: usize| "v".repeat(head - "GET / HTTP/1.1\r\nx-a: \r\n\r\n".len());
        assert_eq!(refused(&settings, "/", &value(2000)), None);
        assert_eq!(refused(&settings, "/", &value(2001)), Some(Refusal::HeadSize));
        let request = |fields: usize| {
            let request = http::Request::get("/");
            let request = (0..fields).fold(request, |request, _| request.header("x-a", "v"));
            request.body(Body::empty()).unwrap()
        };
        let limits = Limits::new(&settings, ALONE);
        assert_eq!(limits.refuse(&request(2), 1), None);
        assert_eq!(limits.refuse(&request(3), 1), Some(Refusal::HeadSize));
    }

    fn refused(settings: &Settings, target: &str, value: &str) -> Option<Refusal> {
        let request = http::Request::get(target).header("x-a", value).body(Body::empty()).unwrap();
        Limits::new(settings, ALONE).refuse(&request, 1)
    }

    #[test]
    fn a_target_may_be_as_long_as_the_limit() {
        let settings = Settings::default();
        let target = |length: usize| format!("/{}?{}", "a".repeat(10), "q".repeat(length - 12));
        assert_eq!(refused(&settings, &target(16 * 1024), ""), None);
        let longer = target(16 * 1024 + 1);
        assert_eq!(refused(&settings, &longer, ""), Some(Refusal::TargetSize));
        assert_eq!(refused(&settings, &format!("http://h{longer}"), ""), Some(Refusal::TargetSize));
    }

    #[test]
    fn a_line_of_a_head_may_be_as_long_as_the_limit() {
        let mut settings = Settings::default();
        let value = |line: usize| "v".repeat(line - "x-a: \r\n".len());
        assert_eq!(refused(&settings, "/", &value(16_384)), None);
        assert_eq!(refused(&settings, "/", &value(16_385)), Some(Refusal::HeaderLine));
        settings.max_header_line = 1000;
        assert_eq!(refused(&settings, "/", &value(1000)), None);
        assert_eq!(refused(&settings, "/", &value(1001)), Some(Refusal::HeaderLine));
    }

    #[test]
    fn so_many_requests_are_answered_at_a_time() {
        let request = Request::new(Body::empty());
        let mut settings = Settings { max_requests_in_flight: 10, ..Settings::default() };
        let refused =
            |settings: &_, requests| Limits::new(settings, ALONE).refuse(&request, requests);
        assert_eq!(refused(&settings, 10), None);
        assert_eq!(refused(&settings, 11), Some(Refusal::Requests));
        settings.max_requests_in_flight = 0;
        assert_eq!(refused(&settings, 1_000_000), None, "there is none");
    }

    #[test]
    fn a_process_takes_less_connections_than_half_of_its_files() {
        for (files, servers) in [(256, 1), (1024, 3), (65_536, 4)] {
            let servers = NonZeroUsize::new(servers).unwrap();
            let all = most_of(Some(files), servers) as u64 * servers.get() as u64;
            assert!(all < files / 2 && all >= files / 5 * 2, "{all} of {servers}, {files} files");
        }
        let limits = Limits::new(&Settings::default(), ALONE);
        assert_eq!(limits.connections, most_of(getrlimit(Resource::Nofile).current, ALONE));
    }

    #[test]
    fn no_more_files_count_than_memory_suffices_for() {
        assert_eq!(most_of(Some(65_535), ALONE), 29_490);
        for files in [Some(65_536), Some(65_537), Some(1 << 30), None] {
            assert_eq!(most_of(files, ALONE), 29_491);
        }
        let settings = Settings { max_connections: Some(100_000), ..Settings::default() };
        assert_eq!(Limits::new(&settings, ALONE).connections, 100_000, "somebody says it");
    }
}
