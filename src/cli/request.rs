//! The arguments that describe a request.

use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::app::{Body, Connection, Context, Request as AppRequest, RequestExt, Scheme};
use crate::server::Settings;

/// A request as a client would send it.
#[derive(Args, Debug)]
pub(super) struct Request {
    /// The method, such as GET
    #[arg(value_parser = method)]
    method: Method,

    /// A path, or a URL that names the host too: `/v2.0/networks`, `https://example.org/v2.0`
    #[arg(value_name = "URL")]
    target: Target,

    /// A header of the request; repeatable
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
struct Target {
    scheme: Scheme,
    /// The host, with a port if there is one; none if only a path is given.
    host: Option<HeaderValue>,
    path: PathAndQuery,
}

impl Request {
    /// The head of the request as a server would hand it to an app.
    pub(super) fn head(self) -> Parts {
        let Self { method, target: Target { scheme, host, path }, headers } = self;
        let mut request = AppRequest::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from(path);
        let connection = Connection { scheme, ..Connection::default() };
        *request.context_mut() = Context::new(Arc::new(connection));
        let given_host = headers.iter().any(|(name, _)| name == HOST);
        let host = host.filter(|_| !given_host).map(|host| (HOST, host));
        for (name, value) in host.into_iter().chain(headers) {
            request.headers_mut().append(name, value);
        }
        request.into_parts().0
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a path that begins with `/`, or http://HOST/PATH";
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let path = uri.path_and_query().cloned();
        let path = plain(path.unwrap_or_else(|| PathAndQuery::from_static("/")))?;
        let scheme = match uri.scheme_str() {
            None if uri.authority().is_none() => {
                return Ok(Self { scheme: Scheme::Http, host: None, path });
            }
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(EXPECTED),
        };
        // What stands before `@` is not for the server to see.
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = HeaderValue::from_str(host).map_err(|_| EXPECTED)?;
        Ok(Self { scheme, host: Some(host), path })
    }
}

/// The path as a server with no settings of its own makes it before an app sees it.
fn plain(target: PathAndQuery) -> Result<PathAndQuery, &'static str> {
    const REFUSED: &str = "a server refuses this path unless its `path_` options let it pass";
    let path = Settings::default().paths().plain(target.path()).map_err(|_| REFUSED)?;
    if *path == *target.path() {
        return Ok(target);
    }
    let query = target.query().map_or(String::new(), |query| format!("?{query}"));
    PathAndQuery::try_from(format!("{path}{query}")).map_err(|_| REFUSED)
}

/// A method that a server takes: methods are told apart by case (RFC 9110, 9.1), and all that there
/// are have capitals.
fn method(text: &str) -> Result<Method, String> {
    if text.contains(|letter: char| letter.is_ascii_lowercase()) {
        let meant = text.to_ascii_uppercase();
        return Err(format!(
            "methods are told apart by case, so that a server answers 501; did you mean {meant}?"
        ));
    }
    text.parse().map_err(|_| "expected a method, such as GET".to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    const EXPECTED: &str = "expected NAME: VALUE";
    let (name, value) = text.split_once(':').ok_or(EXPECTED)?;
    let name = name.trim().parse().map_err(|_| EXPECTED)?;
    Ok((name, value.trim().parse().map_err(|_| EXPECTED)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(target: &str, headers: &[&str]) -> Parts {
        let headers = headers.iter().map(|text| header(text).unwrap()).collect();
        Request { method: Method::GET, target: target.parse().unwrap(), headers }.head()
    }

    #[test]
    fn the_path_is_as_the_server_makes_it() {
        assert_eq!(head("/a/../b//c?d=/../e", &[]).uri, "/b/c?d=/../e");
        assert!("/a%2fb".parse::<Target>().unwrap_err().starts_with("a server refuses"));
    }

    #[test]
    fn a_method_has_capitals() {
        for (text, expected) in [("get", "mean GET?"), ("Post", "mean POST?"), ("G T", "such as")] {
            let refused = method(text).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        assert_eq!(method("COPY").unwrap(), "COPY");
    }

    #[test]
    fn a_url_names_the_host_and_the_scheme() {
        let head = head("https://me:lemon@example.org:8443/a?b#c", &[]);
        assert_eq!(
            (&head.headers[HOST], head.uri.to_string()),
            (&"example.org:8443".parse().unwrap(), "/a?b".to_owned())
        );
        let request = AppRequest::from_parts(head, Body::empty());
        assert_eq!(request.context().scheme(), Scheme::Https);
    }

    #[test]
    fn a_path_names_no_host() {
        for path in ["/", "/a%20b?c", "*", "/ü"] {
            let head = head(path, &[]);
            assert_eq!((head.uri.to_string(), head.headers.len()), (path.to_owned(), 0));
        }
        assert_eq!(head("http://example.org", &[]).uri, "/");
    }

    #[test]
    fn a_host_header_comes_before_that_of_the_url() {
        let head = head("http://example.org/", &["host: other.org", "X-A: 1", "X-A:2"]);
        assert_eq!(head.headers[HOST], "other.org");
        assert_eq!(head.headers.get_all("x-a").iter().count(), 2);
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for target in ["", "example.org", "v2/x", "ftp://example.org/", "http://", "/a b"] {
            assert!(target.parse::<Target>().is_err(), "{target}");
        }
    }
}
