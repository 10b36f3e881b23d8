//! Passes requests on to another HTTP server.

mod body;
mod circuit;
mod exchange;
mod fault;
mod fields;
mod link;
mod pool;
mod silence;
mod switch;
#[cfg(test)]
mod tests;
mod told;
mod upstream;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

use self::circuit::Circuit;
use self::exchange::Exchange;
use self::fields::{Fields, Host};
use self::pool::{Limits, Pool};
use self::upstream::Upstream;
use crate::app::{Answer, App, Request, RequestExt, Response, ResponseFuture, response};
use crate::registry::{Alias, AppFactory, Definition, Error, Site};
use crate::settings;
use crate::settings::{Dialect, HeaderPattern, Reader, Seconds, Words};

pub(super) const DEFINITION: Definition = Definition::app::<Proxy>("proxy")
    .stand_in("and `upstream = http://…` passes requests on to where the Python app runs")
    .aliases(&[
        Alias::of("egg:Paste#proxy").dialect(PASTE).note(NOTE),
        Alias::of("paste.proxy:make_proxy").dialect(PASTE).note(NOTE),
    ]);

const NOTE: &str = "Without a path in `address`, the path of the mount is passed on too: end it with \
    a slash. The original drops the last part of a path that does not end with one, answers 400 for \
    a method that is not allowed, holds bodies in memory, and waits for the upstream without a \
    limit.";

const PASTE: Dialect = Dialect::new()
    .renamed(&[
        ("address", "upstream"),
        ("allowed_request_methods", "methods"),
        ("suppress_http_headers", "suppress_headers"),
    ])
    .defaults(&[("preserve_host", "false")]);

settings! {
    /// Passes requests on to another HTTP server and its responses back, as they come.
    ///
    /// Without a path in `upstream` the target of a request is passed on as the client sent it,
    /// byte for byte. With one, what composites above have matched gives way to that path: with
    /// `http://127.0.0.1:9797/api`, mounted at `/v2`, a request for `/v2/ports` becomes one for
    /// `/api/ports`.
    ///
    /// Header fields that concern one connection only are not passed on, either way, but for a
    /// change of protocol that `upgrades` allows and the upstream agrees to. The upstream
    /// learns of the client by `X-Forwarded-For`, `-Proto`, `-Host` and, where a mount gave way,
    /// `-Prefix`. What the client itself says by `Forwarded`, `X-Forwarded-*` and `X-Real-IP` is
    /// dropped, unless a filter such as `http_proxy_to_wsgi` has believed it; then this server adds
    /// its own to it.
    ///
    /// An upstream that cannot be reached or gives no valid response is answered for with 502, one
    /// that is too slow with 504, one that is left alone after many failures with 503.
    ///
    /// ```ini
    /// [app:neutron]
    /// use = egg:pasteline#proxy
    /// upstream = http://127.0.0.1:9797
    /// response_timeout = 60
    /// ```
    struct Proxy {
        /// The server: `http://host:port` or `http://host:port/path`.
        upstream: Upstream,
        /// Whether the upstream sees the host that the client asked for, from which OpenStack's
        /// services make links, or its own.
        preserve_host: bool = "true",
        /// The methods that are passed on, in upper or lower case; all but `CONNECT` if none is
        /// given.
        methods: Words<Method>,
        /// Headers of requests that are not passed on.
        suppress_headers: Words<HeaderPattern>,
        /// How many seconds it may take to connect.
        connect_timeout: Seconds = "2",
        /// How many seconds the upstream may take from the end of a request, or the part of its
        /// body that it took last, to the head of the response.
        response_timeout: Seconds = "30",
        /// How many seconds the upstream may be silent within the body of a response.
        read_timeout: Seconds = "30",
        /// The protocols that a connection may go on in where client and upstream agree on it
        /// (`Upgrade`); none if this is empty. A client asks for one alone, by GET over HTTP/1.1.
        upgrades: Words<String> = "websocket",
        /// How many seconds a connection that goes on in another protocol may be silent both ways,
        /// or a quarter more. When the server stops, `upgrade_drain_timeout` of the server counts.
        upgrade_timeout: Seconds = "3600",
        /// After how many requests in a row to which no valid response came in time, or no
        /// connection was made, the upstream is left alone for `fail_timeout`: requests are
        /// answered 503 at once. Then one of them tries for all. Each worker counts by itself. With
        /// 0 it is always asked.
        max_fails: u32 = "0",
        /// For how many seconds it is left alone.
        fail_timeout: Seconds = "10",
        /// How many connections are kept for later requests.
        idle_connections: usize = "256",
        /// How many seconds a connection is kept at most while no request uses it.
        idle_timeout: Seconds = "30",
    }
}

impl AppFactory for Proxy {
    fn check(&self, reader: &mut Reader<'_>) {
        let spans = [
            ("connect_timeout", self.connect_timeout),
            ("response_timeout", self.response_timeout),
            ("read_timeout", self.read_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("idle_timeout", self.idle_timeout),
            ("fail_timeout", self.fail_timeout),
        ];
        for (name, _) in spans.iter().filter(|(_, Seconds(span))| span.is_zero()) {
            reader.reject(name, "it must be more than no time");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<App, Error> {
        let limits = Limits {
            connect_timeout: self.connect_timeout.0,
            idle_connections: self.idle_connections,
            idle_timeout: self.idle_timeout.0,
        };
        let methods: Vec<_> = self.methods.0.iter().map(in_upper_case).collect();
        let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        Ok(App::new(Passing(Arc::new(Route {
            pool: Arc::new(Pool::new(self.upstream, limits)),
            circuit: Circuit::new(self.max_fails, self.fail_timeout.0),
            fields: Fields {
                host: if self.preserve_host { Host::Client } else { Host::Upstream },
                suppressed: self.suppress_headers.0.into(),
            },
            methods,
            allow: HeaderValue::try_from(allow).expect("methods are made of visible ASCII"),
            response_timeout: self.response_timeout.0,
            read_timeout: self.read_timeout.0,
            upgrades: self.upgrades.0,
            upgrade_timeout: self.upgrade_timeout.0,
        }))))
    }
}

fn in_upper_case(method: &Method) -> Method {
    let upper = method.as_str().to_ascii_uppercase();
    Method::from_bytes(upper.as_bytes()).unwrap_or_else(|_| method.clone())
}

/// The way of requests to an upstream.
#[derive(Debug)]
struct Route {
    pool: Arc<Pool>,
    circuit: Circuit,
    fields: Fields,
    /// None of them if all are passed on.
    methods: Vec<Method>,
    /// The same for the eye of the client.
    allow: HeaderValue,
    response_timeout: Duration,
    read_timeout: Duration,
    upgrades: Vec<String>,
    upgrade_timeout: Duration,
}

struct Passing(Arc<Route>);

impl Answer for Passing {
    fn answer(&self, mut request: Request) -> ResponseFuture {
        if let Some(refusal) = self.0.refuse(&request) {
            return ResponseFuture::ready(refusal);
        }
        let Some(target) = self.0.pool.upstream.target(&request) else {
            let detail = "The target of the request cannot be passed on.";
            return ResponseFuture::ready(failure(StatusCode::BAD_REQUEST, detail, &request));
        };
        let body = std::mem::take(request.body_mut());
        let exchange = Exchange { route: Arc::clone(&self.0), request, target };
        ResponseFuture::new(exchange.run(body))
    }
}

impl Route {
    fn refuse(&self, request: &Request) -> Option<Response> {
        if request.method() == Method::CONNECT {
            let detail = "This server makes no tunnels.";
            return Some(failure(StatusCode::NOT_IMPLEMENTED, detail, request));
        }
        if self.methods.is_empty() || self.methods.contains(request.method()) {
            return None;
        }
        let detail = "The method is not allowed here.";
        let mut refusal = failure(StatusCode::METHOD_NOT_ALLOWED, detail, request);
        refusal.headers_mut().insert(ALLOW, self.allow.clone());
        Some(refusal)
    }
}

fn failure(status: StatusCode, detail: &str, request: &Request) -> Response {
    response::failure(status, detail, request.context().request_id.as_ref())
}
