//! The server for HTTP/1.1, under its own name and those of Python's servers.

use crate::registry::{Alias, Definition, ServerSettings};
use crate::server::Settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition = Definition::server::<Settings>("http").aliases(&[
    Alias::of("egg:Paste#http")
        .dialect(PASTE)
        .note("The original listens at the port 4443 where `ssl_pem` is given and no port."),
    Alias::of("egg:PasteScript#cherrypy").dialect(CHERRYPY),
    Alias::of("egg:PasteScript#wsgiutils").dialect(WSGIUTILS),
    Alias::of("egg:gunicorn#main").dialect(GUNICORN).note(LIMITS),
    Alias::of("egg:pyramid#cherrypy").dialect(CHERRYPY),
    Alias::of("egg:pyramid#wsgiref").dialect(WSGIREF),
    Alias::of("egg:waitress#main").dialect(WAITRESS).note(LIMITS),
]);

const LIMITS: &str = "Limits that are given hold; those that are not are the native ones, not the \
    original's, and those of connections are for each worker.";

impl ServerSettings for Settings {
    fn check(&self, reader: &mut Reader<'_>) {
        self.check(reader);
    }
}

// What only sets how fast a Python server works has no effect, and a note says so. What would
// make it answer elsewhere or to others (sockets by number, contexts of TLS that Python makes) is
// refused as unknown as long as there is nothing like it: to pass over it would open a door.

const THREADS: &str = "requests are not bound to threads here";
const BUFFERS: &str = "buffers are sized by what passes through them";
const NAME: &str = "no `Server` header is sent";
const LIFETIME: &str = "workers are not replaced after a time or a number of requests";
const LOG: &str = "the log is set up by the command line, and `access_log` is a filter here";
const PROXIES: &str = "`trusted_proxies` names the networks of proxies here, which are believed all \
    that they tell of a request";
const TIMES: &str = "`head_timeout`, `body_timeout`, `write_timeout` and `keep_alive_timeout` say how \
    long a client may take for what";
const IDLE: &str = "set `keep_alive_timeout` instead";
const BODIES: &str = "put the filter `sizelimit` before the app instead";
const DRAIN: &str = "what has begun is finished within `graceful_shutdown_timeout`";
const PROCESS: &str = "the service manager or the command line sees to it";
const PYTHON: &str = "no Python runs here";
const STRICT: &str = "what is not valid HTTP is refused";
const PROXY_PROTOCOL: &str =
    "`proxy_protocol_from` names the networks that speak the PROXY protocol";
const UNDERSCORES: &str =
    "`underscore_headers` and `identity_headers` say what becomes of such names";
const STATSD: &str = "`admin_bind` tells numbers to Prometheus, the filter `stats` to statsd";
const FAMILIES: &str = "`listen` names the addresses: `0.0.0.0` has IPv4 alone, `[::]` both";

const PASTE: Dialect = Dialect::new()
    .renamed(&[("request_queue_size", "backlog"), ("ssl_pem", "tls_cert")])
    .defaults(&[("host", "127.0.0.1"), ("port", "8080")])
    .ignored(&[
        ("daemon_threads", DRAIN),
        ("protocol_version", "HTTP/1.1 is spoken with all who speak it"),
        ("server_version", NAME),
        ("socket_timeout", TIMES),
        ("start_loop", PYTHON),
        ("threadpool_dying_limit", THREADS),
        ("threadpool_error_email", "no mail is sent; whoever watches the log may"),
        ("threadpool_hung_check_period", THREADS),
        ("threadpool_hung_thread_limit", THREADS),
        ("threadpool_kill_thread_limit", THREADS),
        ("threadpool_logger", LOG),
        ("threadpool_max_requests", THREADS),
        ("threadpool_max_zombie_threads_before_die", THREADS),
        ("threadpool_spawn_if_under", THREADS),
        ("threadpool_workers", THREADS),
        ("use_threadpool", THREADS),
    ]);

const CHERRYPY: Dialect = Dialect::new()
    .renamed(&[("request_queue_size", "backlog")])
    .defaults(&[("host", "127.0.0.1"), ("port", "8080")])
    .ignored(&[
        ("max", THREADS),
        ("numthreads", THREADS),
        ("protocol_version", "HTTP/1.1 is spoken with all who speak it"),
        ("server_name", NAME),
        ("timeout", IDLE),
    ]);

const WSGIUTILS: Dialect = Dialect::new().defaults(&[("host", "127.0.0.1"), ("port", "8080")]);

const WSGIREF: Dialect = Dialect::lenient().defaults(&[("host", "0.0.0.0"), ("port", "8080")]);

const GUNICORN: Dialect = Dialect::new()
    .renamed(&[
        ("ca_certs", "ca_file"),
        ("cert_reqs", "client_auth"),
        ("certfile", "tls_cert"),
        ("ciphers", "tls_ciphers"),
        ("graceful_timeout", "graceful_shutdown_timeout"),
        ("keepalive", "keep_alive_timeout"),
        ("keyfile", "tls_key"),
        ("limit_request_field_size", "max_header_line"),
        ("limit_request_fields", "max_fields"),
        ("limit_request_line", "max_target_size"),
        ("pidfile", "pid_file"),
        ("ssl_version", "tls_versions"),
        ("worker-connections", "max_connections"),
        ("worker_connections", "max_connections"),
    ])
    .defaults(&[("host", "127.0.0.1"), ("port", "8000")])
    .ignored(&[
        ("access_log_format", LOG),
        ("accesslog", LOG),
        ("capture_output", LOG),
        ("casefold_http_method", STRICT),
        ("chdir", "a relative path counts from the directory of its file"),
        ("check_config", "`pasteline validate` does that"),
        ("config", PYTHON),
        ("daemon", PROCESS),
        ("default_proc_name", PROCESS),
        ("disable_redirect_access_to_syslog", LOG),
        ("do_handshake_on_connect", "`tls_handshake_timeout` says how long it may take"),
        ("dogstatsd_tags", STATSD),
        ("enable_stdio_inheritance", PROCESS),
        ("errorlog", LOG),
        ("forwarded_allow_ips", PROXIES),
        ("forwarder_headers", UNDERSCORES),
        ("header_map", UNDERSCORES),
        ("initgroups", "the groups of `user` are taken"),
        ("logconfig", LOG),
        ("logconfig_dict", LOG),
        ("logconfig_json", LOG),
        ("logger_class", LOG),
        ("loglevel", LOG),
        ("max_requests", LIFETIME),
        ("max_requests_jitter", LIFETIME),
        ("paste", "the file that is served says it"),
        ("permit_obsolete_folding", STRICT),
        ("permit_unconventional_http_method", STRICT),
        ("permit_unconventional_http_version", STRICT),
        ("preload_app", "the app is built once before it is served"),
        ("print_config", "`pasteline show` does that"),
        ("proc_name", PROCESS),
        ("proxy_allow_ips", PROXY_PROTOCOL),
        ("proxy_protocol", PROXY_PROTOCOL),
        ("pythonpath", PYTHON),
        ("raw_env", PROCESS),
        ("raw_paste_global_conf", "the command line gives global options"),
        ("reload", "SIGHUP reloads the file"),
        ("reload_engine", "SIGHUP reloads the file"),
        ("reload_extra_files", "SIGHUP reloads the file"),
        ("reuse_port", "each worker has a socket of its own in any case"),
        ("secure_scheme_headers", PROXIES),
        ("sendfile", BUFFERS),
        ("spew", PYTHON),
        ("statsd_host", STATSD),
        ("statsd_prefix", STATSD),
        ("strip_header_spaces", STRICT),
        ("suppress_ragged_eofs", STRICT),
        ("syslog", LOG),
        ("syslog_addr", LOG),
        ("syslog_facility", LOG),
        ("syslog_prefix", LOG),
        ("threads", THREADS),
        ("timeout", LIFETIME),
        ("tmp_upload_dir", BUFFERS),
        ("umask", "`socket_mode` says who may connect to Unix sockets"),
        ("worker-class", THREADS),
        ("worker_class", THREADS),
        ("worker_tmp_dir", PROCESS),
        ("wsgi_app", "the file that is served says it"),
    ]);

const WAITRESS: Dialect = Dialect::new()
    .renamed(&[
        ("channel_timeout", "keep_alive_timeout"),
        ("connection_limit", "max_connections"),
        ("listen", "bind"),
        ("max_request_header_size", "max_head_size"),
        ("unix_socket", "bind"),
        ("unix_socket_perms", "socket_mode"),
    ])
    .defaults(&[("host", "0.0.0.0"), ("port", "8080"), ("socket_mode", "600")])
    .ignored(&[
        ("asyncore_loop_timeout", THREADS),
        ("asyncore_use_poll", THREADS),
        ("channel_request_lookahead", "a client that leaves is always noticed"),
        ("cleanup_interval", IDLE),
        ("clear_untrusted_proxy_headers", PROXIES),
        ("expose_tracebacks", "a failure is never shown to clients"),
        ("ident", NAME),
        ("inbuf_overflow", BUFFERS),
        ("ipv4", FAMILIES),
        ("ipv6", FAMILIES),
        ("log_socket_errors", LOG),
        ("log_untrusted_proxy_headers", LOG),
        ("max_request_body_size", BODIES),
        ("outbuf_high_watermark", BUFFERS),
        ("outbuf_overflow", BUFFERS),
        ("recv_bytes", BUFFERS),
        ("send_bytes", BUFFERS),
        ("server_name", NAME),
        ("threads", THREADS),
        ("trusted_proxy", PROXIES),
        ("trusted_proxy_count", PROXIES),
        ("trusted_proxy_headers", PROXIES),
        ("url_prefix", "mount the app under the prefix by `urlmap` instead"),
        ("url_scheme", PROXIES),
    ]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::{Conf, Value};
    use crate::registry::{Kind, Registry};
    use crate::settings::{Settings as _, Subject};
    use crate::source::Sources;

    /// The addresses that a section under the name of a Python server gives, and what is noted.
    fn addresses(spec: &str, options: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let value = |text: &str| Value { text: text.into(), key_span: None, span: None };
        let local: Conf = options.iter().map(|(key, text)| ((*key).into(), value(text))).collect();
        let (global, sources, registry) =
            (Conf::default(), Sources::default(), Registry::builtin());
        let alias = registry.find(Kind::Server, spec).and_then(|found| found.alias).unwrap();
        let subject = Subject { factory: spec, place: None, dialect: &alias.dialect };
        let mut reader = Reader::new(subject, &local, &global, &sources);
        let settings = Settings::read(&mut reader);
        if let Some(settings) = &settings {
            settings.check(&mut reader);
        }
        let addresses = settings.iter().flat_map(Settings::addresses);
        let addresses = addresses.map(|address| address.to_string()).collect();
        (addresses, reader.finish().into_iter().map(|noted| noted.slug.to_owned()).collect())
    }

    #[test]
    fn each_name_listens_where_its_server_would() {
        for (spec, expected) in [
            ("egg:Paste#http", "127.0.0.1:8080"),
            ("egg:gunicorn", "127.0.0.1:8000"),
            ("egg:pyramid#wsgiref", "0.0.0.0:8080"),
            ("egg:waitress", "0.0.0.0:8080"),
        ] {
            assert_eq!(addresses(spec, &[]).0, [expected], "{spec}");
        }
    }

    #[test]
    fn takes_addresses_in_the_form_of_each() {
        let (seen, noted) = addresses("egg:waitress", &[("listen", "127.0.0.1:6543 [::1]:6543")]);
        assert_eq!((seen.join(" "), noted), ("127.0.0.1:6543 [::1]:6543".into(), vec![]));
        let (seen, noted) = addresses("egg:Paste#http", &[("host", "127.0.0.1:8081")]);
        assert_eq!((seen.join(" "), noted), ("127.0.0.1:8081".into(), vec![]));
        let unix = [("unix_socket", "/run/api.sock"), ("unix_socket_perms", "660")];
        let (seen, noted) = addresses("egg:waitress", &unix);
        assert_eq!((seen.join(" "), noted), ("unix:/run/api.sock".into(), vec![]));
        let (seen, noted) = addresses("egg:gunicorn", &[("bind", "unix:/run/api.sock")]);
        assert_eq!((seen.join(" "), noted), ("unix:/run/api.sock".into(), vec![]));
        let (seen, noted) = addresses("egg:gunicorn", &[("host", "a:1, b")]);
        assert_eq!((seen.join(" "), noted), ("a:1 b:8000".into(), vec![]));
    }

    #[test]
    fn certificates_are_read_by_the_names_of_each() {
        let (_, noted) = addresses("egg:Paste#http", &[("ssl_pem", "/no/such.pem")]);
        assert_eq!(noted, ["bad-certificate", "bad-certificate"], "neither certificate nor key");
        let options = [("certfile", "/no/cert"), ("keyfile", "/no/key"), ("cert_reqs", "2")];
        let (_, noted) = addresses("egg:gunicorn", &options);
        assert_eq!(noted, ["bad-certificate", "bad-certificate", "bad-value"]);
    }

    #[test]
    fn notes_what_has_no_effect_and_refuses_what_would_open_a_door() {
        let (_, noted) = addresses("egg:waitress", &[("threads", "4"), ("port", "80")]);
        assert_eq!(noted, ["ignored-option"]);
        let (_, noted) = addresses("egg:Paste#http", &[("ssl_context", "own")]);
        assert_eq!(noted, ["unknown-option"]);
        let (_, noted) = addresses("egg:waitress", &[("sockets", "3")]);
        assert_eq!(noted, ["unknown-option"]);
    }

    /// What becomes of an option of a Python server: nothing is noted of those that hold.
    fn outcome(spec: &str, option: &str, value: &str) -> &'static str {
        match addresses(spec, &[(option, value)]).1.iter().map(String::as_str).collect::<Vec<_>>()[..]
        {
            [] | ["bad-certificate"] | ["bad-certificate", "bad-certificate"] => "holds",
            ["ignored-option"] => "noted",
            ["unknown-option"] => "refused",
            _ => "wrong",
        }
    }

    fn assert_outcomes(spec: &str, table: &[(&str, &str, &[&str])]) {
        for (expected, value, options) in table {
            for option in *options {
                assert_eq!(outcome(spec, option, value), *expected, "{spec}: {option} = {value}");
            }
        }
    }

    /// As its `server_runner` documents them.
    #[test]
    fn every_option_of_paste_holds_is_noted_or_is_refused() {
        const TABLE: &[(&str, &str, &[&str])] = &[
            ("holds", "127.0.0.1", &["host"]),
            ("holds", "8080", &["port", "request_queue_size"]),
            ("holds", "/no/such.pem", &["ssl_pem"]),
            (
                "noted",
                "1",
                &[
                    "daemon_threads",
                    "protocol_version",
                    "server_version",
                    "socket_timeout",
                    "start_loop",
                    "threadpool_dying_limit",
                    "threadpool_error_email",
                    "threadpool_hung_check_period",
                    "threadpool_hung_thread_limit",
                    "threadpool_kill_thread_limit",
                    "threadpool_logger",
                    "threadpool_max_requests",
                    "threadpool_max_zombie_threads_before_die",
                    "threadpool_spawn_if_under",
                    "threadpool_workers",
                    "use_threadpool",
                ],
            ),
            ("refused", "1", &["handler", "ssl_context", "threadpool_options"]),
            ("wrong", "many", &["port", "request_queue_size"]),
        ];
        assert_outcomes("egg:Paste#http", TABLE);
    }

    /// As its documentation of arguments has them.
    #[test]
    fn every_option_of_waitress_holds_is_noted_or_is_refused() {
        const TABLE: &[(&str, &str, &[&str])] = &[
            ("holds", "127.0.0.1", &["host"]),
            ("holds", "127.0.0.1:8080", &["listen"]),
            ("holds", "/run/api.sock", &["unix_socket"]),
            ("holds", "600", &["unix_socket_perms"]),
            (
                "holds",
                "2048",
                &[
                    "backlog",
                    "channel_timeout",
                    "connection_limit",
                    "max_request_header_size",
                    "port",
                ],
            ),
            (
                "noted",
                "1",
                &[
                    "asyncore_loop_timeout",
                    "asyncore_use_poll",
                    "channel_request_lookahead",
                    "cleanup_interval",
                    "clear_untrusted_proxy_headers",
                    "expose_tracebacks",
                    "ident",
                    "inbuf_overflow",
                    "ipv4",
                    "ipv6",
                    "log_socket_errors",
                    "log_untrusted_proxy_headers",
                    "max_request_body_size",
                    "outbuf_high_watermark",
                    "outbuf_overflow",
                    "recv_bytes",
                    "send_bytes",
                    "server_name",
                    "threads",
                    "trusted_proxy",
                    "trusted_proxy_count",
                    "trusted_proxy_headers",
                    "url_prefix",
                    "url_scheme",
                ],
            ),
            ("refused", "1", &["sockets", "socket_options"]),
            ("wrong", "many", &["backlog", "channel_timeout", "connection_limit", "port"]),
            ("wrong", "100", &["max_request_header_size"]),
        ];
        assert_outcomes("egg:waitress#main", TABLE);
    }

    /// As its documentation of settings has them, but for functions, which no file can name.
    #[test]
    fn every_option_of_gunicorn_holds_is_noted_or_is_refused() {
        const TABLE: &[(&str, &str, &[&str])] = &[
            ("holds", "127.0.0.1:8000", &["bind"]),
            ("holds", "/no/such.pem", &["certfile"]),
            ("holds", "root", &["group", "user"]),
            ("holds", "/run/api.pid", &["pidfile"]),
            (
                "holds",
                "64",
                &[
                    "backlog",
                    "graceful_timeout",
                    "keepalive",
                    "limit_request_field_size",
                    "limit_request_fields",
                    "limit_request_line",
                    "worker_connections",
                    "workers",
                ],
            ),
            (
                "noted",
                "1",
                &[
                    "access_log_format",
                    "accesslog",
                    "capture_output",
                    "casefold_http_method",
                    "chdir",
                    "check_config",
                    "config",
                    "daemon",
                    "default_proc_name",
                    "disable_redirect_access_to_syslog",
                    "do_handshake_on_connect",
                    "dogstatsd_tags",
                    "enable_stdio_inheritance",
                    "errorlog",
                    "forwarded_allow_ips",
                    "forwarder_headers",
                    "header_map",
                    "initgroups",
                    "logconfig",
                    "logconfig_dict",
                    "logconfig_json",
                    "logger_class",
                    "loglevel",
                    "max_requests",
                    "max_requests_jitter",
                    "paste",
                    "permit_obsolete_folding",
                    "permit_unconventional_http_method",
                    "permit_unconventional_http_version",
                    "preload_app",
                    "print_config",
                    "proc_name",
                    "proxy_allow_ips",
                    "proxy_protocol",
                    "pythonpath",
                    "raw_env",
                    "raw_paste_global_conf",
                    "reload",
                    "reload_engine",
                    "reload_extra_files",
                    "reuse_port",
                    "secure_scheme_headers",
                    "sendfile",
                    "spew",
                    "statsd_host",
                    "statsd_prefix",
                    "strip_header_spaces",
                    "suppress_ragged_eofs",
                    "syslog",
                    "syslog_addr",
                    "syslog_facility",
                    "syslog_prefix",
                    "threads",
                    "timeout",
                    "tmp_upload_dir",
                    "umask",
                    "worker_class",
                    "worker_tmp_dir",
                    "wsgi_app",
                ],
            ),
            ("refused", "1", &["on_starting", "pre_fork", "ssl_context", "when_ready"]),
            ("wrong", "many", &["backlog", "keepalive", "worker_connections", "workers"]),
            (
                "wrong",
                "0",
                &["limit_request_field_size", "limit_request_fields", "limit_request_line"],
            ),
        ];
        assert_outcomes("egg:gunicorn#main", TABLE);
        // These are taken too, and say something only where there is a certificate.
        for option in ["ca_certs", "cert_reqs", "ciphers", "keyfile", "ssl_version"] {
            let outcome = outcome("egg:gunicorn#main", option, "1");
            assert!(matches!(outcome, "holds" | "wrong"), "{option}: {outcome}");
        }
    }
}
