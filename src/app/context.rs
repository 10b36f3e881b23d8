//! What is known of a request beyond its head.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use http::HeaderValue;
use http::header::{HOST, HeaderName};
use http::uri::Authority;

use super::{ClientCertificate, Request};

/// The connection that a request came by.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The address of the other end; none for a Unix socket or outside a server.
    pub peer: Option<SocketAddr>,
    /// The address of this end.
    pub local: Option<SocketAddr>,
    /// Whether it is encrypted.
    pub scheme: Scheme,
    /// How it is encrypted, where the server does that itself.
    pub encryption: Option<Encryption>,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// The version of TLS, such as `TLSv1_3`.
    pub version: &'static str,
    /// The cipher suite, by the name of IANA.
    pub cipher: &'static str,
    /// The protocol that was agreed on (ALPN), such as `h2`; none if the client names none.
    pub protocol: Option<Box<[u8]>>,
    /// The host that the client asked for (SNI), in lower case; none if it did not.
    pub server_name: Option<Box<str>>,
    /// The certificate that the client has shown; none unless the server asks for one.
    pub client: Option<ClientCertificate>,
}

/// The scheme by which a client reached the server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scheme {
    /// In clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The header in which a response tells the id of its request, and a request that of the whole
/// operation that it is a part of.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// What is known of a request beyond its head. It travels in the request's extensions; the
/// server puts it there, filters refine it.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The connection that the request came by.
    pub connection: Arc<Connection>,
    /// Whether the server has looked at what proxies tell, by its own setting of whom to trust. What
    /// follows says so then, and nothing else tells of the client.
    pub has_heard_proxies: bool,
    /// Whether a trusted proxy has told something of the request. What follows may also come from
    /// settings, which say nothing of whom to trust.
    pub has_told_proxy: bool,
    /// The client's address as a trusted proxy tells it.
    pub forwarded_for: Option<IpAddr>,
    /// The scheme as a trusted proxy tells it.
    pub forwarded_scheme: Option<Scheme>,
    /// The path before everything that this server sees, as a trusted proxy tells it: without a
    /// slash at its end.
    pub forwarded_prefix: Option<HeaderValue>,
    /// The id that `request_id` gave to the request.
    pub request_id: Option<HeaderValue>,
    /// What the server's own access log learns of the request; none if there is no such log.
    pub journal: Option<Arc<Journal>>,
    /// How many bytes of the URI's path the composites above have matched (WSGI's
    /// `SCRIPT_NAME`). The URI itself stays as the client sent it.
    mount: usize,
}

impl Context {
    /// The context of a request that came by a connection.
    pub fn new(connection: Arc<Connection>) -> Self {
        // Not filled up from the default, which would make a connection to throw it away.
        Self {
            connection,
            has_heard_proxies: false,
            has_told_proxy: false,
            forwarded_for: None,
            forwarded_scheme: None,
            forwarded_prefix: None,
            request_id: None,
            journal: None,
            mount: 0,
        }
    }

    /// The client's address: what a trusted proxy tells, else the other end of the connection.
    pub fn client(&self) -> Option<IpAddr> {
        self.forwarded_for.or_else(|| self.connection.peer.map(|peer| peer.ip()))
    }

    /// The scheme the client used: what a trusted proxy tells, else that of the connection.
    pub fn scheme(&self) -> Scheme {
        self.forwarded_scheme.unwrap_or(self.connection.scheme)
    }
}

/// What the access log of a server, which stands outside of all filters, learns from them.
#[derive(Debug, Default)]
pub struct Journal {
    client: OnceLock<IpAddr>,
    taken_over: AtomicBool,
}

impl Journal {
    /// Notes the client's address as a trusted proxy tells it. The first to tell is believed.
    pub fn tell_client(&self, client: IpAddr) {
        self.client.get_or_init(|| client);
    }

    /// The client's address as a trusted proxy tells it.
    pub fn client(&self) -> Option<IpAddr> {
        self.client.get().copied()
    }

    /// Notes that a filter logs the request, so that the server does not.
    pub fn take_over(&self) {
        self.taken_over.store(true, Ordering::Relaxed);
    }

    /// Whether a filter logs the request.
    pub fn is_taken_over(&self) -> bool {
        self.taken_over.load(Ordering::Relaxed)
    }
}

/// Access to the [`Context`] of a request and to the two parts of its path.
///
/// The parts are WSGI's: what composites have matched already, and the rest, which is an app's
/// own. Routing never rewrites the URI; it moves the border between the two.
///
/// ```
/// use pasteline::app::{Body, RequestExt};
///
/// let mut request = http::Request::get("/v2.0/networks").body(Body::empty()).unwrap();
/// request.mount("/v2.0".len());
/// assert_eq!(request.script_name(), "/v2.0");
/// assert_eq!(request.path_info(), "/networks");
/// ```
pub trait RequestExt {
    /// The context; an empty one if the request did not come through a server.
    fn context(&self) -> &Context;

    /// The context, to be refined.
    fn context_mut(&mut self) -> &mut Context;

    /// The part of the path that the composites above have matched (WSGI's `SCRIPT_NAME`).
    fn script_name(&self) -> &str;

    /// The rest of the path, which is the app's own (WSGI's `PATH_INFO`); empty if the whole
    /// path was matched.
    fn path_info(&self) -> &str;

    /// The host that the client asked for, with a port if it named one: the `Host` header, which
    /// filters may have set to what a trusted proxy tells, else the authority of the URI.
    fn host(&self) -> Option<&str>;

    /// Moves the border between the two parts by this many bytes of the rest, at most to the end.
    fn mount(&mut self, length: usize);
}

impl RequestExt for Request {
    fn context(&self) -> &Context {
        static NOTHING: LazyLock<Context> = LazyLock::new(Context::default);
        self.extensions().get().unwrap_or(&NOTHING)
    }

    fn context_mut(&mut self) -> &mut Context {
        self.extensions_mut().get_or_insert_default()
    }

    fn script_name(&self) -> &str {
        split(self).0
    }

    fn path_info(&self) -> &str {
        split(self).1
    }

    fn host(&self) -> Option<&str> {
        let header = self.headers().get(HOST).and_then(|host| host.to_str().ok());
        header.or_else(|| self.uri().authority().map(Authority::as_str))
    }

    fn mount(&mut self, length: usize) {
        let longest = self.path_info().len();
        self.context_mut().mount += length.min(longest);
    }
}

/// A filter may have rewritten the URI to a shorter path, or to one in which the border falls
/// inside a character; such a path is the app's own as a whole.
fn split(request: &Request) -> (&str, &str) {
    let path = request.uri().path();
    path.split_at_checked(request.context().mount).unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Body;

    #[test]
    fn mounts_add_up_and_stop_at_the_end() {
        let mut request = http::Request::get("/a/b?c").body(Body::empty()).unwrap();
        request.mount(2);
        request.mount(1);
        assert_eq!((request.script_name(), request.path_info()), ("/a/", "b"));
        request.mount(9);
        assert_eq!((request.script_name(), request.path_info()), ("/a/b", ""));
    }

    #[test]
    fn a_rewritten_path_is_the_apps_own() {
        let mut request = http::Request::get("/long/path").body(Body::empty()).unwrap();
        request.mount(5);
        *request.uri_mut() = http::Uri::from_static("/x");
        assert_eq!((request.script_name(), request.path_info()), ("", "/x"));
    }

    #[test]
    fn the_host_is_that_of_the_header_or_of_the_uri() {
        let mut request = http::Request::get("http://a:81/").body(Body::empty()).unwrap();
        assert_eq!(request.host(), Some("a:81"));
        request.headers_mut().insert(HOST, HeaderValue::from_static("b"));
        assert_eq!(request.host(), Some("b"));
        assert_eq!(Request::new(Body::empty()).host(), None);
    }

    #[test]
    fn a_trusted_proxy_counts_before_the_connection() {
        let peer = Some(SocketAddr::from(([10, 0, 0, 1], 5000)));
        let mut context = Context::new(Arc::new(Connection { peer, ..Connection::default() }));
        assert_eq!(context.client(), Some(IpAddr::from([10, 0, 0, 1])));
        context.forwarded_for = Some(IpAddr::from([192, 0, 2, 7]));
        assert_eq!(context.client(), Some(IpAddr::from([192, 0, 2, 7])));
    }
}
