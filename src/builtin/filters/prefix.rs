//! Tells an app under which path, port and scheme the world knows it.

use std::ops::ControlFlow;

use http::HeaderValue;

use super::http_proxy_to_wsgi::HttpProxyToWsgi;
use crate::app::{Filter, Phase, Request, RequestExt, Response, Scheme};
use crate::builtin::host::set_port;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Form, Rejected, Setting};

pub(super) const DEFINITION: Definition = Definition::filter::<KnownAs>("prefix").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:PasteDeploy#prefix").dialect(PASTE).note(NOTE),
    Alias::of("paste.deploy.config:make_prefix_middleware").dialect(PASTE).note(NOTE),
];

const PASTE: Dialect = Dialect::new().defaults(&[("translate_forwarded_server", "true")]);

const NOTE: &str = "The original believes whoever connects; here only proxies at loopback and \
    private addresses are believed (`http_proxy_to_wsgi` lets others be named), \
    `X-Forwarded-Server` and `X-Forwarded-Scheme` are not read, and `/api` is no prefix of `/apis`.";

settings! {
    /// Tells an app under which path, port and scheme the world knows it, where a proxy in front
    /// of the server has taken the path away or has ports of its own.
    ///
    /// What the app says of itself (links, redirects, `X-Forwarded-Prefix` for an upstream)
    /// begins with `prefix`. A request that still has the prefix is passed on as well, its path
    /// as it is.
    ///
    /// ```ini
    /// [filter:behind-proxy]
    /// use = egg:pasteline#prefix
    /// prefix = /network
    /// scheme = https
    /// ```
    struct KnownAs {
        /// The path under which the app is known.
        prefix: MountedAt = "/",
        /// Whether `X-Forwarded-For`, `-Proto` and `-Host` of a proxy at a loopback or private
        /// address count too.
        translate_forwarded_server: bool = "false",
        /// The port under which the app is known: a number, or `default` for the one of the
        /// scheme.
        force_port: Option<Port>,
        /// The scheme under which the app is known: `http` or `https`.
        scheme: Option<KnownScheme>,
    }
}

/// A path without its last slash, so that the root is nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
struct MountedAt(HeaderValue);

impl Setting for MountedAt {
    const EXPECTED: &'static str = "a path that begins with `/`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        let path = text.trim_end_matches('/');
        let is_path = path.is_empty() || path.starts_with('/') && !path.contains(['?', '#', ' ']);
        match HeaderValue::from_str(path) {
            Ok(path) if is_path && !text.is_empty() => Ok(Self(path)),
            _ => Err(Rejected::default()),
        }
    }
}

/// A port that is always told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Port {
    /// The one of the scheme, which is not written.
    Default,
    Number(u16),
}

impl Setting for Port {
    const EXPECTED: &'static str = "a port from 1 to 65535, or `default`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "" | "default" => Ok(Self::Default),
            number => match number.parse() {
                Ok(0) | Err(_) => Err(Rejected::default()),
                Ok(number) => Ok(Self::Number(number)),
            },
        }
    }
}

/// A scheme that is always told.
#[derive(Clone, Copy, Debug)]
struct KnownScheme(Scheme);

impl Setting for KnownScheme {
    const EXPECTED: &'static str = "`http` or `https`";
    const FORM: Form = Form::Words(&["http", "https"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "http" => Ok(Self(Scheme::Http)),
            "https" => Ok(Self(Scheme::Https)),
            _ => Err(Rejected::default()),
        }
    }
}

impl FilterFactory for KnownAs {
    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        let proxied = self.translate_forwarded_server.then(HttpProxyToWsgi::for_x_forwarded);
        let own = Filter::phase(Known {
            prefix: Some(self.prefix.0).filter(|prefix| !prefix.is_empty()),
            port: self.force_port,
            scheme: self.scheme.map(|scheme| scheme.0),
        });
        let Some(proxied) = proxied else { return Ok(own) };
        let filters = [proxied.build(site)?, own];
        Ok(Filter::wrap(move |app| app.behind(&filters)))
    }
}

struct Known {
    prefix: Option<HeaderValue>,
    port: Option<Port>,
    scheme: Option<Scheme>,
}

impl Phase for Known {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        if let Some(prefix) = &self.prefix {
            place_under(prefix, request);
        }
        if let Some(scheme) = self.scheme {
            request.context_mut().forwarded_scheme = Some(scheme);
        }
        match self.port {
            None => {}
            Some(Port::Default) => set_port(request, None),
            Some(Port::Number(port)) => set_port(request, Some(port)),
        }
        ControlFlow::Continue(())
    }
}

/// Has a request's app believe that it is mounted at a prefix: one that the path has is matched,
/// and one that it lacks stands before it.
fn place_under(prefix: &HeaderValue, request: &mut Request) {
    let rest = request.path_info().as_bytes().strip_prefix(prefix.as_bytes());
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
        request.mount(prefix.len());
    } else {
        request.context_mut().forwarded_prefix = Some(prefix.clone());
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::HOST;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter, text};

    /// What an app sees of a request: scheme, host, prefix, script name and path.
    async fn seen(options: &str, path: &str, headers: &[(&'static str, &'static str)]) -> String {
        let app = App::ready(|request: Request| {
            let context = request.context();
            let prefix = context.forwarded_prefix.as_ref().map_or("-", |it| it.to_str().unwrap());
            let told = format!(
                "{} {} {prefix} {} {}",
                context.scheme().name(),
                request.host().unwrap(),
                request.script_name(),
                request.path_info(),
            );
            response::text(StatusCode::OK, told)
        });
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert(HOST, HeaderValue::from_static("test:81"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        let section = format!("[filter:f]\nuse = egg:PasteDeploy#prefix\n{options}");
        text(app.behind(&[filter(&section)]).answer(request).await).await
    }

    #[tokio::test]
    async fn a_prefix_stands_before_the_path_or_is_matched() {
        for (prefix, path, expected) in [
            ("/", "/a", "http test:81 -  /a"),
            ("/api", "/a", "http test:81 /api  /a"),
            ("/api", "/api", "http test:81 - /api "),
            ("/api/", "/api/a", "http test:81 - /api /a"),
            ("/api", "/apis", "http test:81 /api  /apis"),
        ] {
            assert_eq!(seen(&format!("prefix = {prefix}"), path, &[]).await, expected);
        }
    }

    #[tokio::test]
    async fn port_and_scheme_are_those_that_are_given() {
        for (options, expected) in [
            ("force_port = 8443\nscheme = https", "https test:8443 -  /a"),
            ("force_port = default", "http test -  /a"),
            ("scheme = http", "http test:81 -  /a"),
        ] {
            assert_eq!(seen(options, "/a", &[]).await, expected, "{options}");
        }
    }

    #[tokio::test]
    async fn a_proxy_is_believed_unless_that_is_turned_off() {
        let told = [("x-forwarded-host", "public"), ("x-forwarded-proto", "https")];
        assert_eq!(seen("", "/a", &told).await, "https public -  /a");
        let off = "translate_forwarded_server = false";
        assert_eq!(seen(off, "/a", &told).await, "http test:81 -  /a");
    }

    #[test]
    fn tells_what_is_no_path_port_or_scheme() {
        let section = "[filter:f]\nuse = egg:pasteline#prefix\n";
        for option in ["prefix = api", "prefix = /a?b", "force_port = 0", "scheme = ftp"] {
            assert_eq!(faults(&format!("{section}{option}\n")).len(), 1, "{option}");
        }
        for option in ["prefix = /a", "force_port = 1", "force_port = 65535", "scheme = https"] {
            assert_eq!(faults(&format!("{section}{option}\n")), [""; 0], "{option}");
        }
    }
}
