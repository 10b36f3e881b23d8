//! Where a server of memcached is.

use std::fmt;
use std::path::PathBuf;

use crate::settings::{Rejected, Setting};

/// Where a server of memcached is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::builtin) enum Server {
    Network(String, u16),
    Unix(PathBuf),
}

/// The port of memcached.
const PORT: u16 = 11211;

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Setting for Server {
    const EXPECTED: &'static str = "`host:port`, `[address]:port` or `unix:/path`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path = path.starts_with('/');
            return if is_path { Ok(Self::Unix(path.into())) } else { Err(Rejected::default()) };
        }
        let text = text.strip_prefix("inet6:").or(text.strip_prefix("inet:")).unwrap_or(text);
        let (host, port) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            Some((host, rest)) => {
                (host, rest.strip_prefix(':').or((rest.is_empty()).then_some("")))
            }
            None => {
                text.split_once(':').map_or((text, Some("")), |(host, port)| (host, Some(port)))
            }
        };
        let is_name = !host.is_empty() && !host.contains(['/', '[', ']', '@', ' ']);
        let port = match port {
            Some("") if !text.ends_with(':') => Some(PORT),
            Some(port) => port.parse().ok().filter(|port| *port > 0),
            None => None,
        };
        match port {
            Some(port) if is_name => Ok(Self::Network(host.to_owned(), port)),
            _ => Err(Rejected::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_python_memcached_has_it() {
        let network = |host: &str, port| Ok(Server::Network(host.to_owned(), port));
        assert_eq!(Server::parse("192.0.2.1:11212"), network("192.0.2.1", 11212));
        assert_eq!(Server::parse("cache"), network("cache", 11211));
        assert_eq!(Server::parse("inet:cache:1"), network("cache", 1));
        assert_eq!(Server::parse("inet6:[::1]:11211"), network("::1", 11211));
        assert_eq!(Server::parse("[::1]"), network("::1", 11211));
        assert_eq!(Server::parse("unix:/run/memcached"), Ok(Server::Unix("/run/memcached".into())));
        let refused = ["", ":1", "cache:", "cache:0", "cache:65536", "::1", "[::1]x", "unix:run"];
        for text in refused {
            assert!(Server::parse(text).is_err(), "{text}");
        }
    }
}
