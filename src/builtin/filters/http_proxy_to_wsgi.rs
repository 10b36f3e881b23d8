//! Believes what trusted proxies tell of a request.

use std::ops::ControlFlow;

use crate::app::{Filter, Phase, Request, RequestExt, Response};
use crate::forwarded::{ProxyHeaders, Trust};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Network, Settings as _};

pub(super) const DEFINITION: Definition =
    Definition::filter::<HttpProxyToWsgi>("http_proxy_to_wsgi")
        .aliases(ALIASES)
        .turned_on_by("enable_proxy_headers_parsing")
        .outside_of(&[
            ("access_log", "the proxy's address would be logged for the client's"),
            ("rate_limit", "all clients of a proxy would be counted as one"),
            ("grantip", "the proxy's address would be taken for the client's"),
        ]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:c2cwsgiutils#client_info").dialect(CLIENT_INFO).note(CLIENT_INFO_NOTE),
    Alias::of("egg:oslo.middleware#http_proxy_to_wsgi").dialect(OSLO).note(NOTE),
    Alias::of("egg:oslo.middleware#ssl").dialect(SSL).note(SSL_NOTE).retired(REMOVED, SUCCESSOR),
    Alias::of("heat.api.openstack:sslmiddleware_filter")
        .dialect(SSL)
        .note(SSL_NOTE)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("murano.api.middleware.ssl:SSLMiddleware.factory")
        .dialect(SSL)
        .note(SSL_NOTE)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("oslo.middleware.ssl:SSLMiddleware.factory")
        .dialect(SSL)
        .note(SSL_NOTE)
        .retired(REMOVED, SUCCESSOR),
    Alias::of("oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory")
        .dialect(OSLO)
        .note(NOTE),
    Alias::of("oslo_middleware.ssl:SSLMiddleware.factory")
        .dialect(SSL)
        .note(SSL_NOTE)
        .retired(REMOVED, SUCCESSOR),
    Alias::of("oslo_middleware:HTTPProxyToWSGI.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:SSLMiddleware.factory")
        .dialect(SSL)
        .note(SSL_NOTE)
        .retired(REMOVED, SUCCESSOR),
];

const OSLO: Dialect = Dialect::lenient()
    .ignored(super::OSLO_CONFIG)
    .globals(&["enable_proxy_headers_parsing"])
    .group(super::OSLO_MIDDLEWARE);

/// The one that only took the scheme, and was always on.
const SSL: Dialect = Dialect::lenient()
    .ignored(&[
        ("oslo_config_file", super::ONE_CONFIG),
        ("oslo_config_program", super::ONE_CONFIG),
        ("oslo_config_project", super::ONE_CONFIG),
        ("secure_proxy_ssl_header", "the scheme is taken from `Forwarded` or `X-Forwarded-Proto`"),
    ])
    .defaults(&[("enable_proxy_headers_parsing", "true")])
    .group(super::OSLO_MIDDLEWARE);

const CLIENT_INFO: Dialect =
    Dialect::lenient().defaults(&[("enable_proxy_headers_parsing", "true")]);

const CLIENT_INFO_NOTE: &str = "The original believes whoever connects, and is always on; here only \
    trusted proxies are believed.";

const REMOVED: &str = "was removed from oslo.middleware 6.0.0";

const SUCCESSOR: &str = "oslo_middleware:HTTPProxyToWSGI.factory";

const SSL_NOTE: &str = "The original took the scheme alone, from whoever connects, and was always \
    on; here trusted proxies are believed, as to the client's address and the host too.";

const NOTE: &str = "The original believes whoever connects, and of a list the first address, \
    which is the client's own word; here only trusted proxies are believed.";

settings! {
    /// Takes the client's address, the scheme, the host and the path's prefix from the headers
    /// of trusted proxies.
    ///
    /// Without it the client is whoever connects. With it, a connection from a network of
    /// `trusted_proxies` may tell otherwise, by `Forwarded` (RFC 7239) or `X-Forwarded-For`,
    /// `-Proto` and `-Host`, and `X-Forwarded-Prefix`. Of a list of addresses the last that is
    /// no trusted proxy counts, as every address before it may be made up; of a list of schemes
    /// or hosts the last item, and of several prefixes the last. From other networks these
    /// headers are removed.
    ///
    /// Where both kinds are there and do not tell the same, what one of them tells may be the
    /// client's: the request is refused with 400. `proxy_headers` says which kind the proxies
    /// write, and the other is then no more than what a client sent.
    ///
    /// ```ini
    /// [filter:http_proxy_to_wsgi]
    /// use = egg:pasteline#http_proxy_to_wsgi
    /// enable_proxy_headers_parsing = true
    /// trusted_proxies = loopback, 10.0.0.0/8
    /// ```
    pub(super) struct HttpProxyToWsgi {
        /// Whether it does anything. It must be turned on, as in OpenStack.
        enable_proxy_headers_parsing: bool = "false",
        /// Networks of the proxies that are believed: in CIDR notation, `loopback` (which a Unix
        /// socket counts as), `private` (RFC 1918 and `fc00::/7`) or `any`. Unless set, those of
        /// the server count, and `loopback, private` if that names none.
        trusted_proxies: Option<Vec<Network>>,
        /// Which headers the proxies write: `forwarded`, `x-forwarded`, or `any` of them. The
        /// others are removed. With `any`, a request that has both is refused with 400 unless they
        /// tell the same.
        proxy_headers: ProxyHeaders = "any",
    }
}

impl HttpProxyToWsgi {
    /// One that reads `X-Forwarded-*` and has the default for whom it believes.
    pub(super) fn for_x_forwarded() -> Self {
        let defaults = Self::defaults().expect("no option is required, and defaults can be read");
        Self {
            enable_proxy_headers_parsing: true,
            proxy_headers: ProxyHeaders::XForwarded,
            ..defaults
        }
    }
}

impl FilterFactory for HttpProxyToWsgi {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        if !self.enable_proxy_headers_parsing {
            return Ok(Filter::pass());
        }
        let is_own = self.trusted_proxies.is_some();
        let networks = self.trusted_proxies.unwrap_or_else(|| DEFAULT.to_vec());
        let trust = Trust::new(&networks, self.proxy_headers);
        Ok(Filter::phase(Proxied { trust, is_own }))
    }
}

/// Whose word counts where nobody says.
const DEFAULT: [Network; 2] = [Network::Loopback, Network::Private];

struct Proxied {
    trust: Trust,
    /// Whether it names networks itself; if not, those of the server count before its own.
    is_own: bool,
}

impl Phase for Proxied {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        if !self.is_own && request.context().has_heard_proxies {
            return ControlFlow::Continue(());
        }
        match self.trust.apply(request) {
            Ok(()) => ControlFlow::Continue(()),
            Err(refusal) => ControlFlow::Break(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Arc;

    use http::StatusCode;
    use http::header::{HOST, HeaderName, HeaderValue};

    use super::*;
    use crate::app::{App, Body, Connection, Context, Journal, response};
    use crate::builtin::fixture::{faults, filter, text, values};

    const ON: &str = "[filter:proxies]\nuse = egg:pasteline#http_proxy_to_wsgi\n\
        enable_proxy_headers_parsing = true\n";

    const ALL: [(&str, &str); 4] = [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "api.example"),
        ("x-forwarded-prefix", "/cloud/"),
    ];

    /// What an app sees of a request from a peer: `client scheme host prefix`, and the headers
    /// of proxies that are left.
    async fn seen(section: &str, peer: Option<&str>, headers: &[(&str, &str)]) -> String {
        let app = App::ready(|request: Request| {
            let context = request.context();
            let client =
                context.client().map_or_else(|| "-".to_owned(), |client| client.to_string());
            let prefix =
                context.forwarded_prefix.as_ref().map_or("-", |prefix| prefix.to_str().unwrap());
            let names = request.headers().keys().map(HeaderName::as_str);
            let left = names.filter(|name| name.contains("forwarded")).count();
            let host = values(request.headers(), "host");
            let seen = format!("{client} {} {host} {prefix} +{left}", context.scheme().name());
            response::text(StatusCode::OK, seen)
        });
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(HOST, HeaderValue::from_static("own"));
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let peer = peer.map(|peer| SocketAddr::new(peer.parse().unwrap(), 5000));
        let connection = Connection { peer, ..Connection::default() };
        *request.context_mut() = Context::new(Arc::new(connection));
        text(app.behind(&[filter(section)]).answer(request).await).await
    }

    #[tokio::test]
    async fn a_trusted_proxy_is_believed() {
        for peer in [Some("127.0.0.1"), Some("10.0.0.1"), Some("::ffff:10.0.0.1"), None] {
            assert_eq!(seen(ON, peer, &ALL).await, "192.0.2.1 https api.example /cloud +4");
        }
    }

    #[tokio::test]
    async fn no_one_else_is_and_the_app_does_not_see_the_headers() {
        let headers = [&ALL[..], &[("forwarded", "for=a"), ("x_forwarded_for", "b")]].concat();
        assert_eq!(seen(ON, Some("198.51.100.1"), &headers).await, "198.51.100.1 http own - +0");
        let only = format!("{ON}trusted_proxies = 10.1.0.0/16");
        assert_eq!(seen(&only, Some("10.2.0.1"), &headers).await, "10.2.0.1 http own - +0");
    }

    #[tokio::test]
    async fn it_is_off_unless_it_is_turned_on() {
        let section =
            "[filter:proxies]\npaste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory";
        assert_eq!(seen(section, Some("127.0.0.1"), &ALL).await, "127.0.0.1 http own - +4");
    }

    #[tokio::test]
    async fn contradictions_are_refused_unless_it_is_told_which_headers_count() {
        let headers = [("forwarded", "for=192.0.2.9"), ("x-forwarded-for", "192.0.2.1")];
        let refused = "400 Bad Request\n\n\
            The headers Forwarded and X-Forwarded do not tell the same.\n";
        assert_eq!(seen(ON, None, &headers).await, refused);
        let forwarded = format!("{ON}proxy_headers = forwarded");
        assert_eq!(seen(&forwarded, None, &headers).await, "192.0.2.9 http own - +1");
        let x_forwarded = format!("{ON}proxy_headers = x-forwarded");
        assert_eq!(seen(&x_forwarded, None, &headers).await, "192.0.2.1 http own - +1");
    }

    #[tokio::test]
    async fn a_prefix_is_a_path() {
        for prefix in ["//evil", "cloud", "/", "", "/a, /b", "/\\evil", "https://evil"] {
            let headers = [("x-forwarded-prefix", prefix)];
            assert_eq!(seen(ON, None, &headers).await, "- http own - +1", "{prefix}");
        }
    }

    #[tokio::test]
    async fn the_host_of_a_url_is_replaced_too() {
        let app = App::ready(|request: Request| {
            response::text(StatusCode::OK, request.uri().to_string())
        });
        let request =
            http::Request::get("https://own/a?b").header("x-forwarded-host", "api.example");
        let request = request.body(Body::empty()).unwrap();
        let response = app.behind(&[filter(ON)]).answer(request).await;
        assert_eq!(text(response).await, "https://api.example/a?b");
    }

    #[test]
    fn says_what_a_network_is() {
        let section = format!("{ON}trusted_proxies = loopback, 10.0.0.1/8");
        let expected = "test.ini:4:29: error[bad-value]: `trusted_proxies` is refused: \
            `10.0.0.1` has bits set past the first 8";
        assert_eq!(faults(&section), [expected]);
    }

    #[tokio::test]
    async fn what_the_server_has_heard_counts_unless_networks_are_named() {
        let seen = async |section: &str| {
            let app = App::ready(|request: Request| {
                let client = request.context().client().map(|client| client.to_string());
                response::text(StatusCode::OK, client.unwrap_or_default())
            });
            let mut request = Request::new(Body::empty());
            request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
            request.context_mut().has_heard_proxies = true;
            text(app.behind(&[filter(section)]).answer(request).await).await
        };
        assert_eq!(seen(ON).await, "");
        assert_eq!(seen(&format!("{ON}trusted_proxies = loopback")).await, "192.0.2.7");
    }

    #[tokio::test]
    async fn the_log_of_the_server_is_told_the_client() {
        let journal = Arc::new(Journal::default());
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
        request.context_mut().journal = Some(Arc::clone(&journal));
        let app = App::ready(|_| response::text(StatusCode::OK, ""));
        app.behind(&[filter(ON)]).answer(request).await;
        assert_eq!(journal.client(), Some(IpAddr::from([192, 0, 2, 7])));
    }
}
