//! Where requests are passed on to.

use std::fmt;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use crate::app::{Request, RequestExt};
use crate::settings::{Rejected, Setting};

/// A server behind this one, and the path there that takes the place of the mount.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Upstream {
    authority: Authority,
    /// As it is written; none if paths are passed on unchanged.
    path: Option<String>,
}

impl Upstream {
    /// The host, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(80)
    }

    /// The value of `Host` for a request that is meant for the upstream itself.
    pub(super) fn authority(&self) -> HeaderValue {
        HeaderValue::from_str(self.authority.as_str()).expect("an authority is visible ASCII")
    }

    /// The target of a request, in the form that origin servers are sent.
    ///
    /// Without a path of the upstream's own it is what the client sent, byte for byte. With one,
    /// what composites have matched gives way to it. None if the result is no target.
    pub(super) fn target(&self, request: &Request) -> Option<Uri> {
        let Some(path) = &self.path else {
            return request.uri().path_and_query().cloned().map(Uri::from);
        };
        let rest = request.path_info();
        let path = match rest {
            "" => path,
            // The slash is the rest's own.
            rest if rest.starts_with('/') => path.trim_end_matches('/'),
            _ => path,
        };
        let target = match request.uri().query() {
            Some(query) => format!("{path}{rest}?{query}"),
            None => format!("{path}{rest}"),
        };
        PathAndQuery::try_from(target).ok().map(Uri::from)
    }

    /// What of a request's path the upstream does not see; empty if it sees all of it.
    pub(super) fn hidden<'a>(&self, request: &'a Request) -> &'a str {
        if self.path.is_some() { request.script_name() } else { "" }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path.as_deref().unwrap_or_default())
    }
}

impl Setting for Upstream {
    const EXPECTED: &'static str = "a URL as `http://host:port` or `http://host:port/path`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let uri: Uri = text.parse().map_err(|_| Rejected::default())?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(Rejected::default());
        };
        if scheme == Scheme::HTTPS {
            let reason = "`https` upstreams are not there yet, only `http`";
            return Err(Rejected::because(reason).at(0, "https".len()));
        }
        if scheme != Scheme::HTTP {
            let reason = format!("`{scheme}` is not a scheme that it speaks");
            return Err(Rejected::because(reason).at(0, scheme.as_str().len()));
        }
        if authority.as_str().contains('@') {
            return Err(Rejected::because("a URL with a user name cannot be used"));
        }
        if authority.host().is_empty() || authority.as_str().ends_with(':') {
            return Err(Rejected::default());
        }
        let target = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if text.contains(['?', '#']) {
            return Err(Rejected::because("a query or fragment cannot be passed on to"));
        }
        // `http::Uri` reads a missing path as `/`, and here the difference counts.
        let is_written = !text.ends_with(authority.as_str());
        Ok(Self { authority, path: is_written.then(|| target.path().to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;

    /// The target of a request for a URI of which so many bytes are matched already.
    fn target(upstream: &str, uri: &str, mount: usize) -> String {
        let mut request = http::Request::get(uri).body(Body::empty()).unwrap();
        request.mount(mount);
        Upstream::parse(upstream).unwrap().target(&request).unwrap().to_string()
    }

    #[test]
    fn without_a_path_the_target_passes_as_it_is() {
        for uri in ["/api/v2?x=%2f&y", "/api//a/../b;c", "/", "*"] {
            assert_eq!(target("http://up:9797", uri, 1), uri);
        }
        assert_eq!(target("http://up", "http://other/api?x", 4), "/api?x");
    }

    #[test]
    fn a_path_takes_the_place_of_the_mount() {
        assert_eq!(target("http://up/base", "/api/v2?x", 4), "/base/v2?x");
        assert_eq!(target("http://up/base/", "/api/v2", 4), "/base/v2");
        assert_eq!(target("http://up/", "/api/v2", 4), "/v2");
        assert_eq!(target("http://up/", "/api", 4), "/");
        assert_eq!(target("http://up/base/", "/api?x", 4), "/base/?x");
        assert_eq!(target("http://up/base/", "/v2", 0), "/base/v2");
    }

    #[test]
    fn says_why_a_url_cannot_be_used() {
        let reason = |text: &str| Upstream::parse(text).unwrap_err().reason;
        let https = "`https` upstreams are not there yet, only `http`";
        assert_eq!(reason("https://up").as_deref(), Some(https));
        assert_eq!(reason("ftp://up").as_deref(), Some("`ftp` is not a scheme that it speaks"));
        let user = "a URL with a user name cannot be used";
        assert_eq!(reason("http://a:b@up").as_deref(), Some(user));
        let query = "a query or fragment cannot be passed on to";
        assert_eq!(reason("http://up/?x").as_deref(), Some(query));
        assert_eq!(["up:9797", "/path", "http://", "http://up:"].map(reason), [const { None }; 4]);
    }

    #[test]
    fn knows_its_host_and_port() {
        let parsed = |text: &str| {
            let upstream = Upstream::parse(text).unwrap();
            (upstream.host().to_owned(), upstream.port())
        };
        assert_eq!(parsed("http://up"), ("up".to_owned(), 80));
        assert_eq!(parsed("http://[::1]:9797/x"), ("::1".to_owned(), 9797));
    }
}
