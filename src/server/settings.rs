//! The settings of a server.

mod check;
mod together;

use std::path::PathBuf;

use http::Method;

use super::account::{Account, Mode, Owner};
use super::address::{Address, Host};
use super::gate::Names;
use super::path::{Leave, Rule};
use super::protocol::Http2;
use super::tls::{Ciphers, ClientAuth, UnknownName, Version};
use crate::access_log::{Destination, Format};
use crate::forwarded::ProxyHeaders;
use crate::settings::{Network, Seconds, Settings as _, Words};

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
        /// The longest field of a head in bytes, its name and the end of its line included; past it
        /// the answer is 431.
        max_header_line: usize = "16384",
        /// The longest path and query of a request in bytes; past it the answer is 414.
        max_target_size: usize = "16384",
        /// The longest trailers of a request's body in bytes; past them the answer is 431.
        max_trailer_size: usize = "8192",
        /// The most connections of a worker. Further ones are answered 503 and closed at once;
        /// over TLS, or where `proxy_protocol_from` is set, only closed.
        /// Unless set, 45 % of the files that it may open (`ulimit -Hn`, of which 65536 count at
        /// most), divided by the number of its servers (`[server:NAME]`); with 0 there is no limit.
        max_connections: Option<usize>,
        /// The most connections of a worker with one address. Further ones are answered 503 and
        /// closed at once, or only closed, as with `max_connections`. Of those from
        /// `proxy_protocol_from` the address of the client counts that is told. With 0 there is no
        /// limit.
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
        /// field counted with 32 more. Clients are told twice of it; from there on it is refused
        /// before anybody can count or log it.
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
        /// set, there are none. Of several servers, that of the first one counts. Past 100
        /// connections at a time, further ones are answered 503.
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
        /// or nobody's identity counts, as with the strategy `noauth`. What filters set stays, also
        /// where `Connection` names it.
        identity_headers: Names = "drop",
        /// Methods that are answered with 501 before anything looks at the request.
        refused_methods: Words<Method> = "CONNECT, TRACE",
    }
}

/// What a server is like that no section describes.
impl Default for Settings {
    fn default() -> Self {
        Self::defaults().expect("no option is required, and every default can be read")
    }
}
