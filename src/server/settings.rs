//! The settings of a server.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;

use super::account::{Account, Mode, Owner};
use super::address::{Address, Host};
use super::gate::Names;
use super::path::{Leave, Paths, Rule};
use super::protocol::Http2;
use super::tls::{Ciphers, ClientAuth, Tls, UnknownName, Version};
use crate::access_log::{Destination, Format};
use crate::app::Scheme;
use crate::forwarded::ProxyHeaders;
use crate::settings::{Network, Reader, Seconds, Settings as _, Words};

crate::settings! {
    /// Serves the app over HTTP/1.1 and HTTP/2.
    ///
    /// ```ini
    /// [server:main]
    /// use = egg:pasteline#http
    /// bind = 127.0.0.1:9696, [::1]:9696
    /// ```
    #[derive(PartialEq)]
    pub struct Settings {
        /// The addresses to listen at. A name stands for every address that it resolves to, `*`
        /// for every IPv4 address and `[::]` for every address of both kinds, or for every IPv6
        /// address if `*` is given with the same port. `unix:/path` is a Unix socket, `unix:@name`
        /// one without a file. `systemd` stands for all sockets that the service manager has
        /// opened (`LISTEN_FDS`), `systemd:name` for those that it calls so; one that listens at an
        /// address that is given here is used for it. Without `bind`, `host` and `port` it is
        /// `systemd` if there are such sockets, else `127.0.0.1:9696`.
        bind: Words<Address>,
        /// The host to listen at, where `bind` is not given: `127.0.0.1` unless set.
        host: Vec<Host>,
        /// The port to listen at, where `bind` is not given: 9696 unless set.
        port: Option<u16>,
        /// How many connections the system may hold before they are accepted. What is more than
        /// `net.core.somaxconn` has no effect, and a warning at start says so.
        backlog: u32 = "4096",
        /// After how many seconds of silence a connection is probed, from 1 to 32767: a client
        /// that has gone without a word is noticed.
        tcp_keepidle: u16 = "600",
        /// For how many seconds an address that is in use is tried again at start. With 0 it is
        /// tried once.
        retry_until_window: Seconds = "30",
        /// The permissions of Unix sockets that are made: whoever may write may connect.
        socket_mode: Mode = "0660",
        /// Whom Unix sockets that are made belong to, as `user`, `user:group` or `:group`; else
        /// whoever starts the server.
        socket_owner: Option<Owner>,
        /// The user that those who serve become before they serve anything, by name or number. Only
        /// root can become another. A process that has workers stays root, to start further ones
        /// and to listen elsewhere after a reload, and reads nothing that a client sends.
        user: Option<Account>,
        /// The group to become with it: that of `user` unless set.
        group: Option<Account>,
        /// A file to write the id of the process into once it listens, and to remove at the end.
        pid_file: Option<PathBuf>,
        /// The number of worker processes. With 0 the process that was started serves itself.
        /// Unless set, as many as this process may use CPUs and as have 256 MiB of its memory
        /// each, at least one.
        workers: Option<u16>,
        /// The number of threads of each worker, each with connections of its own.
        worker_threads: u16 = "1",
        /// The certificates by which connections are encrypted (TLS); without any they are not. Each
        /// is a file in PEM, with the certificates that lead from it to its authority below it. The
        /// one is taken that has the name which a client asks for (SNI), and of several the first
        /// whose kind of key the client knows.
        tls_cert: Vec<PathBuf>,
        /// The private keys of the certificates, in their order: files in PEM, as PKCS#8, PKCS#1 or
        /// SEC1. Unless set, each is in the file of its certificate.
        tls_key: Vec<PathBuf>,
        /// What the authorities say of the certificates (OCSP), in their order: files in DER, which
        /// clients are given with them.
        tls_staple: Vec<PathBuf>,
        /// What becomes of clients that ask for a name which no certificate has, or for none: they
        /// get the `first` certificate, or the server is to `refuse` them.
        tls_unknown_name: UnknownName = "first",
        /// The versions of TLS that are spoken: `1.2`, `1.3`. Unless set, both.
        tls_versions: Words<Version>,
        /// The cipher suites that may be used, by the names of OpenSSL or IANA. Those of TLS 1.3
        /// may be used in any case unless one of them is named. Unless set, all that are safe.
        tls_ciphers: Ciphers,
        /// Whether clients show certificates: `off`, `optional`, which means that one that is shown
        /// must be right, or `required`. Unless set, it is `required` with `ca_file`, else `off`.
        client_auth: Option<ClientAuth>,
        /// The authorities that certify clients: a file in PEM.
        ca_file: Option<PathBuf>,
        /// The lists of the certificates of clients that their authorities have revoked: a file in
        /// PEM.
        crl_file: Option<PathBuf>,
        /// How many seconds a client may take to agree on encryption.
        tls_handshake_timeout: Seconds = "10",
        /// The networks of load balancers that speak the PROXY protocol: each connection from them
        /// begins with a header, of version 1 or 2, that tells the client's address, or it is
        /// closed. From elsewhere no connection may begin so. A Unix socket counts as `loopback`.
        proxy_protocol_from: Vec<Network>,
        /// The networks of proxies that are believed what they tell of a request by `Forwarded` or
        /// `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix`, as CIDR, `loopback` (which a Unix
        /// socket counts as), `private` or `any`: the log, limits and all filters see the client's
        /// address then. Of a list of addresses the last that is no trusted proxy counts. From
        /// elsewhere these headers are removed. Unless set, nobody looks at them but the filter
        /// `http_proxy_to_wsgi`.
        trusted_proxies: Vec<Network>,
        /// Which headers these proxies write: `forwarded`, `x-forwarded`, or `any` of them. The
        /// others are removed. With `any`, a request that has both is refused with 400 unless they
        /// tell the same.
        proxy_headers: ProxyHeaders = "any",
        /// The app to serve. Unless set, it is the one that the command line names, `main` if it
        /// names none.
        app: Option<String>,
        /// Where HTTP/2 is spoken: `alpn` is over TLS with clients that ask for it, `on` also in
        /// clear with clients that begin with it (prior knowledge), `off` nowhere.
        http2: Http2 = "alpn",
        /// How many seconds a client may take for the head of a request, from its first byte or,
        /// for the first request, from the start of the connection.
        head_timeout: Seconds = "10",
        /// How many seconds a client may take for the next KiB of a request's body while it is
        /// waited for; then the answer is 408.
        body_timeout: Seconds = "30",
        /// How many seconds a client may take for the next 4 KiB of a response; then its
        /// connection is closed, or its stream reset.
        write_timeout: Seconds = "30",
        /// How many seconds a connection may wait for the next request. With 0 it is closed after
        /// each response.
        keep_alive_timeout: Seconds = "60",
        /// The longest head of a request in bytes, from 1024 on, its first line included; past it
        /// the answer is 431.
        max_head_size: usize = "32768",
        /// The most fields that a head may have; past them the answer is 431.
        max_fields: usize = "100",
        /// The longest line of a head in bytes; past it the answer is 431. Unless set, only
        /// `max_head_size` counts.
        max_header_line: Option<usize>,
        /// The longest path and query of a request in bytes; past it the answer is 414.
        max_target_size: usize = "16384",
        /// The longest trailers of a request's body in bytes; past them the answer is 431.
        max_trailer_size: usize = "8192",
        /// The most connections of a worker. Further ones are answered 503 and closed at once.
        /// Unless set, 45 % of the files that it may open (`ulimit -n`); with 0 there is no limit.
        max_connections: Option<usize>,
        /// The most connections of a worker with one address. Further ones are answered 503 and
        /// closed at once. Of those from `proxy_protocol_from` the address of the client counts
        /// that is told. With 0 there is no limit.
        max_connections_per_address: usize = "0",
        /// The most requests that a worker answers at a time. Further ones are answered 503. With 0
        /// there is no limit.
        max_requests_in_flight: usize = "10000",
        /// The most streams that an HTTP/2 connection may have open at a time.
        http2_max_streams: u32 = "100",
        /// How many bytes of a request's body an HTTP/2 client may send before any of it is read,
        /// from 65535 to 2147483647.
        http2_stream_window: u32 = "65536",
        /// How many bytes of all bodies together it may send so, from 65535 to 2147483647.
        http2_connection_window: u32 = "1048576",
        /// The size in bytes from which on the head of an HTTP/2 request is refused with 431, each
        /// field counted with 32 more.
        http2_max_header_list: u32 = "16384",
        /// How many streams of an HTTP/2 connection may be reset because of what the client does
        /// wrong; then it is closed.
        http2_max_resets: usize = "128",
        /// After how many seconds of silence an HTTP/2 client is asked whether it is there. With 0
        /// it is not.
        http2_ping_interval: Seconds = "30",
        /// How many seconds it may take to answer that.
        http2_ping_timeout: Seconds = "20",
        /// How many seconds what has begun may take when the server stops; after them the rest is
        /// cut off and the exit status is 1. With 0 it may take as long as it does.
        graceful_shutdown_timeout: Seconds = "60",
        /// How many seconds connections that wait for a request live on when the server stops,
        /// as a request may be on its way. The answer to it ends the connection.
        drain_linger: Seconds = "5",
        /// How many seconds connections that go on in another protocol (WebSocket) live on when the
        /// server stops or its settings change; then they are closed. With 0 they may go on for
        /// `graceful_shutdown_timeout`, and be cut off. Unless set, 10, or half of that if it is
        /// less.
        upgrade_drain_timeout: Option<Seconds>,
        /// How many seconds the program may take to accept connections that is to take over by an
        /// upgrade (SIGUSR2); then it is ended, and the one that runs goes on.
        successor_timeout: Seconds = "60",
        /// Where every request is logged in a line: `stdout`, `stderr`, or the path of a file, to
        /// which it is added. Unless set, nowhere. So are requests that no filter sees: a head
        /// that is no HTTP (400), took too long (408) or is too long (431). What a filter
        /// `access_log` logs is left to it. The client's address is that of the connection, unless
        /// `http_proxy_to_wsgi` believes another one.
        access_log: Option<Destination>,
        /// How a line of `access_log` is written, as the option `format` of the filter of that
        /// name has it.
        access_format: Format = "combined",
        /// The path of the socket at which `pasteline reload` and `pasteline status` ask, which
        /// only the owner may. Unless set, it is named for the process and lies in
        /// `$RUNTIME_DIRECTORY`, in `/run/pasteline` for root, in `$XDG_RUNTIME_DIR/pasteline`, or
        /// else in a directory of the user's own among temporary files.
        control: Option<PathBuf>,
        /// The addresses at which `/metrics` tells numbers to Prometheus, `/health` that the
        /// server lives, and `/ready` whether all of its processes accept connections. Unless
        /// set, there are none. Of several servers, that of the first one counts.
        admin_bind: Words<Address>,
        /// Whether `admin_bind` may name addresses that other machines reach.
        admin_exposed: bool = "false",
        /// What becomes of segments `.` and `..` in the path of a request, also those written with
        /// `%2e`: `resolve` them, `reject` the request with 400, or `pass` them on. What would
        /// lead out of the root is refused unless they pass. This and the next options decide
        /// once for composites, files and proxies: what one sees, all see.
        path_dots: Rule = "resolve",
        /// What becomes of several slashes in a row: `resolve` makes one of them, which object
        /// stores may not want; else `reject` or `pass`.
        path_slashes: Rule = "resolve",
        /// What becomes of escapes of letters, digits, `-`, `.`, `_` and `~`, which need none:
        /// `resolve` writes `/%61` as `/a`; else `reject` or `pass`.
        path_escapes: Rule = "resolve",
        /// What becomes of slashes that are written `%2f`, `%5c` or `\`, which are a part of a
        /// name to some and separate names to others: `reject`, `pass`, or `resolve` them to `/`.
        path_escaped_slashes: Rule = "reject",
        /// What becomes of escapes of escapes, such as `%252e`, which those read otherwise who
        /// decode twice: `reject` or `pass`.
        path_double_escapes: Leave = "reject",
        /// What becomes of `;` and what follows it in a segment, which some servers cut off before
        /// they look at it: `reject`, `pass`, or `resolve`, which cuts it off.
        path_parameters: Rule = "reject",
        /// What becomes of `%00`, at which a path ends for some: `reject` or `pass`.
        path_nul: Leave = "reject",
        /// What becomes of header fields with an underscore in their names, which CGI and WSGI
        /// take for those with a dash: `drop` them, `reject` the request, or `pass` them on.
        underscore_headers: Names = "drop",
        /// What becomes of header fields that tell who a client is, such as `X-User-Id`, `X-Roles`,
        /// `Remote-User` and `X-Client-Cert`, or that have a request mean another, such as
        /// `X-HTTP-Method-Override` and `X-Original-URL`, where they come from outside: `drop`
        /// them, `reject` the request, or `pass` them on, if only a gateway can reach this server
        /// or nobody's identity counts, as with the strategy `noauth`. What filters set stays, also where `Connection` names it.
        identity_headers: Names = "drop",
        /// Methods that are answered with 501 before anything looks at the request.
        refused_methods: Words<Method> = "CONNECT, TRACE",
    }
}

impl Settings {
    /// The addresses to listen at, at least one.
    pub fn addresses(&self) -> Vec<Address> {
        if !self.bind.0.is_empty() {
            return self.bind.0.clone();
        }
        let port = self.port.unwrap_or(9696);
        if self.host.is_empty() {
            return vec![Address::new("127.0.0.1", port)];
        }
        let address = |host: &Host| Address::new(&*host.name, host.port.unwrap_or(port));
        self.host.iter().map(address).collect()
    }

    /// Whether any address is given; if not, there is a default.
    pub fn names_addresses(&self) -> bool {
        !self.bind.0.is_empty() || !self.host.is_empty() || self.port.is_some()
    }

    /// Makes these the addresses to listen at, whatever was set before.
    pub fn bind_to(&mut self, addresses: Vec<Address>) {
        self.bind = Words(addresses);
    }

    /// The settings of the server that tells how this one is; none if there is to be none.
    pub fn admin(&self) -> Option<Self> {
        let bind = self.admin_bind.clone();
        let (socket_mode, socket_owner) = (self.socket_mode, self.socket_owner.clone());
        let retry_until_window = self.retry_until_window;
        (!bind.0.is_empty()).then(|| Self {
            bind,
            retry_until_window,
            socket_mode,
            socket_owner,
            ..Self::default()
        })
    }

    /// How the paths of requests are made plain.
    pub fn paths(&self) -> Paths {
        Paths {
            dots: self.path_dots,
            double_escapes: self.path_double_escapes,
            escaped_slashes: self.path_escaped_slashes,
            escapes: self.path_escapes,
            nul: self.path_nul,
            parameters: self.path_parameters,
            slashes: self.path_slashes,
        }
    }

    /// The scheme of the URLs that clients come by.
    pub fn scheme(&self) -> Scheme {
        if self.tls_cert.is_empty() { Scheme::Http } else { Scheme::Https }
    }

    /// How long connections that go on in another protocol live on when the server ends; as long
    /// as they do if there is no limit.
    pub(super) fn upgrade_drain(&self) -> Option<Duration> {
        const USUAL: Duration = Duration::from_secs(10);
        let grace = Some(self.graceful_shutdown_timeout.0).filter(|grace| !grace.is_zero());
        let usual = grace.map_or(USUAL, |grace| USUAL.min(grace / 2));
        let span = self.upgrade_drain_timeout.map_or(usual, |Seconds(span)| span);
        Some(span).filter(|span| !span.is_zero())
    }

    /// Notes with the reader what the types of the options cannot say.
    pub fn check(&self, reader: &mut Reader<'_>) {
        for other in ["host", "port"] {
            if reader.given("bind").is_some() && reader.given(other).is_some() {
                reader.reject(other, "`bind` names the address already");
            }
        }
        let mut seen = HashSet::new();
        for address in self.bind.0.iter().filter(|address| !seen.insert(*address)) {
            reader.reject("bind", format!("it names `{address}` twice"));
        }
        if reader.given("port").is_some() && self.host.iter().any(|host| host.port.is_some()) {
            reader.reject("port", "`host` names a port already");
        }
        let exposed = self.admin_bind.0.iter().find(|address| !address.is_local());
        if let (Some(address), false) = (exposed, self.admin_exposed) {
            let reason = format!(
                "other machines reach `{address}`; if they may see the numbers of this server, \
                 write `admin_exposed = true`"
            );
            reader.reject("admin_bind", reason);
        }
        if self.backlog == 0 {
            reader.reject("backlog", "at least one connection must fit");
        }
        if !(1..=32767).contains(&self.tcp_keepidle) {
            reader.reject("tcp_keepidle", "the system takes from 1 to 32767 seconds");
        }
        let grace = self.graceful_shutdown_timeout.0;
        if !grace.is_zero() && self.upgrade_drain().is_some_and(|span| span > grace) {
            let reason = "what has begun is cut off before, after `graceful_shutdown_timeout`";
            reader.reject("upgrade_drain_timeout", reason);
        }
        self.check_limits(reader);
        Tls::check(self, reader);
        if self.worker_threads == 0 {
            reader.reject("worker_threads", "at least one thread must serve");
        }
    }

    /// Notes with the reader what only the first of several servers can say, as it is about
    /// processes, which all of them share.
    pub fn check_beside(&self, first: &Self, reader: &mut Reader<'_>) {
        let (grace, linger) = (self.graceful_shutdown_timeout, self.drain_linger);
        for (name, is_same) in [
            ("admin_bind", self.admin_bind == first.admin_bind),
            ("control", self.control == first.control),
            ("drain_linger", linger == first.drain_linger),
            ("graceful_shutdown_timeout", grace == first.graceful_shutdown_timeout),
            ("group", self.group == first.group),
            ("pid_file", self.pid_file == first.pid_file),
            ("successor_timeout", self.successor_timeout == first.successor_timeout),
            ("user", self.user == first.user),
            ("worker_threads", self.worker_threads == first.worker_threads),
            ("workers", self.workers == first.workers),
        ] {
            if !is_same && reader.given(name).is_some() {
                let reason = "the servers share their processes, and the first one says it for \
                              all; remove it here, or say the same";
                reader.reject(name, reason);
            }
        }
    }
}

impl Settings {
    fn check_limits(&self, reader: &mut Reader<'_>) {
        for (name, time) in [
            ("body_timeout", self.body_timeout),
            ("head_timeout", self.head_timeout),
            ("http2_ping_timeout", self.http2_ping_timeout),
            ("successor_timeout", self.successor_timeout),
            ("tls_handshake_timeout", self.tls_handshake_timeout),
            ("write_timeout", self.write_timeout),
        ] {
            if time.0.is_zero() {
                reader.reject(name, "nobody can do anything in no time");
            }
        }
        for (name, size, least, most) in [
            ("http2_connection_window", self.http2_connection_window as usize, 65_535, LARGEST),
            ("http2_max_header_list", self.http2_max_header_list as usize, 1024, LARGEST),
            ("http2_max_streams", self.http2_max_streams as usize, 1, LARGEST),
            ("http2_stream_window", self.http2_stream_window as usize, 65_535, LARGEST),
            ("max_fields", self.max_fields, 1, 32_768),
            ("max_head_size", self.max_head_size, 1024, 1 << 24),
            ("max_header_line", self.max_header_line.unwrap_or(1), 1, LARGEST),
            ("max_target_size", self.max_target_size, 1, LARGEST),
        ] {
            if !(least..=most).contains(&size) {
                reader.reject(name, format!("it goes from {least} to {most}"));
            }
        }
    }
}

/// The largest window of HTTP/2.
const LARGEST: usize = (1 << 31) - 1;

/// What a server is like that no section describes.
impl Default for Settings {
    fn default() -> Self {
        Self::defaults().expect("no option is required, and every default can be read")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::{Conf, Value};
    use crate::settings::{Dialect, Subject};
    use crate::source::Sources;

    /// The addresses that options give, or what is wrong with them.
    fn addresses(options: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let value = |text: &str| Value { text: text.into(), key_span: None, span: None };
        let local: Conf = options.iter().map(|(key, text)| ((*key).into(), value(text))).collect();
        let (dialect, global, sources) = (Dialect::new(), Conf::default(), Sources::default());
        let subject = Subject { factory: "http", place: None, dialect: &dialect };
        let mut reader = Reader::new(subject, &local, &global, &sources);
        let settings = Settings::read(&mut reader).unwrap();
        settings.check(&mut reader);
        let noted: Vec<_> = reader.finish().into_iter().map(|noted| noted.message).collect();
        let addresses = settings.addresses().iter().map(Address::to_string).collect();
        if noted.is_empty() { Ok(addresses) } else { Err(noted) }
    }

    #[test]
    fn binds_to_what_is_given_and_else_to_the_default() {
        let given = [
            (&[][..], &["127.0.0.1:9696"][..]),
            (&[("bind", "127.0.0.1:1, [::1]:2")], &["127.0.0.1:1", "[::1]:2"]),
            (&[("host", "*")], &["0.0.0.0:9696"]),
            (&[("port", "80")], &["127.0.0.1:80"]),
            (&[("host", "::1"), ("port", "80")], &["[::1]:80"]),
            (&[("host", "localhost:8081")], &["localhost:8081"]),
        ];
        for (options, expected) in given {
            assert_eq!(addresses(options).unwrap(), expected, "{options:?}");
        }
    }

    #[test]
    fn refuses_two_ways_to_name_an_address() {
        let noted = addresses(&[("bind", "a:1"), ("host", "a"), ("port", "1")]).unwrap_err();
        let expected =
            ["host", "port"].map(|o| format!("`{o}` is refused: `bind` names the address already"));
        assert_eq!(noted, expected);
        let noted = addresses(&[("bind", "a:1 b:1 a:1")]).unwrap_err();
        assert_eq!(noted, ["`bind` is refused: it names `a:1` twice"]);
        let noted = addresses(&[("host", "a:1"), ("port", "1")]).unwrap_err();
        assert_eq!(noted, ["`port` is refused: `host` names a port already"]);
    }

    #[test]
    fn numbers_are_told_to_other_machines_only_if_that_is_meant() {
        for local in ["127.0.0.1:9100", "[::1]:9100", "localhost:9100", "unix:/run/api.sock"] {
            assert!(addresses(&[("admin_bind", local)]).is_ok(), "{local}");
        }
        let noted = addresses(&[("admin_bind", "127.0.0.1:9100 *:9100")]).unwrap_err();
        let expected = "`admin_bind` is refused: other machines reach `0.0.0.0:9100`; if they may \
            see the numbers of this server, write `admin_exposed = true`";
        assert_eq!(noted, [expected]);
        assert!(addresses(&[("admin_bind", "*:9100"), ("admin_exposed", "yes")]).is_ok());
    }
}
