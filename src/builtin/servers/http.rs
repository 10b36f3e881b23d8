//! The server for HTTP/1.1, under its own name and those of Python's servers.

use crate::registry::{Alias, Definition, ServerSettings};
use crate::server::Settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition = Definition::server::<Settings>("http").aliases(&[
    Alias::of("egg:Paste#http").dialect(PASTE),
    Alias::of("egg:PasteScript#cherrypy").dialect(CHERRYPY),
    Alias::of("egg:PasteScript#wsgiutils").dialect(WSGIUTILS),
    Alias::of("egg:gunicorn#main").dialect(GUNICORN),
    Alias::of("egg:pyramid#cherrypy").dialect(CHERRYPY),
    Alias::of("egg:pyramid#wsgiref").dialect(WSGIREF),
    Alias::of("egg:waitress#main").dialect(WAITRESS),
]);

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
const PROXIES: &str = "name the networks of the proxies in `trusted_proxies` instead";
const IDLE: &str = "set `keep_alive_timeout` instead";
const HEADS: &str = "the head of a request is limited to 32 KiB";
const BODIES: &str = "put the filter `sizelimit` before the app instead";
const DRAIN: &str = "what has begun is finished within `graceful_shutdown_timeout`";
const PROCESS: &str = "the service manager or the command line sees to it";

const PASTE: Dialect = Dialect::new()
    .renamed(&[("request_queue_size", "backlog"), ("ssl_pem", "tls_cert")])
    .defaults(&[("host", "127.0.0.1"), ("port", "8080")])
    .ignored(&[
        ("daemon_threads", DRAIN),
        ("protocol_version", "HTTP/1.1 is spoken with all who speak it"),
        ("server_version", NAME),
        ("socket_timeout", IDLE),
        ("threadpool_dying_limit", THREADS),
        ("threadpool_hung_check_period", THREADS),
        ("threadpool_hung_thread_limit", THREADS),
        ("threadpool_kill_thread_limit", THREADS),
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
        ("keyfile", "tls_key"),
        ("pidfile", "pid_file"),
        ("ssl_version", "tls_versions"),
    ])
    .defaults(&[("host", "127.0.0.1"), ("port", "8000")])
    .ignored(&[
        ("access_log_format", LOG),
        ("accesslog", LOG),
        ("capture_output", LOG),
        ("daemon", PROCESS),
        ("errorlog", LOG),
        ("forwarded_allow_ips", PROXIES),
        ("keepalive", IDLE),
        ("limit_request_field_size", HEADS),
        ("limit_request_fields", HEADS),
        ("limit_request_line", HEADS),
        ("logconfig", LOG),
        ("loglevel", LOG),
        ("max_requests", LIFETIME),
        ("max_requests_jitter", LIFETIME),
        ("preload_app", "the app is built once before it is served"),
        ("proc_name", PROCESS),
        ("reload", "SIGHUP reloads the file"),
        ("secure_scheme_headers", PROXIES),
        ("threads", THREADS),
        ("timeout", LIFETIME),
        ("worker-class", THREADS),
        ("worker-connections", THREADS),
        ("worker_class", THREADS),
        ("worker_connections", THREADS),
        ("worker_tmp_dir", PROCESS),
    ]);

const WAITRESS: Dialect = Dialect::new()
    .renamed(&[("listen", "bind"), ("unix_socket", "bind"), ("unix_socket_perms", "socket_mode")])
    .defaults(&[("host", "0.0.0.0"), ("port", "8080"), ("socket_mode", "600")])
    .ignored(&[
        ("asyncore_loop_timeout", THREADS),
        ("asyncore_use_poll", THREADS),
        ("channel_request_lookahead", "a client that leaves is always noticed"),
        ("channel_timeout", IDLE),
        ("cleanup_interval", IDLE),
        ("clear_untrusted_proxy_headers", PROXIES),
        ("expose_tracebacks", "a failure is never shown to clients"),
        ("ident", NAME),
        ("inbuf_overflow", BUFFERS),
        ("log_socket_errors", LOG),
        ("log_untrusted_proxy_headers", LOG),
        ("max_request_body_size", BODIES),
        ("max_request_header_size", HEADS),
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
        let settings = Settings::read(&mut reader).unwrap();
        settings.check(&mut reader);
        let addresses = settings.addresses().iter().map(ToString::to_string).collect();
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
}
