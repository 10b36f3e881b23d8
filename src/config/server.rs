//! What the settings say for a server, in the names of its own options.

use super::types::python_integer;
use super::{Chosen, Config};
use crate::ini::{Conf, Value};
use crate::settings::{Dialect, Form, Seconds, Setting as _};

/// Options that a server has under the same name, or another one.
const SAME: [(&str, &str); 17] = [
    ("access_log", "access_log"),
    ("admin_bind", "admin_bind"),
    ("admin_exposed", "admin_exposed"),
    ("api_workers", "workers"),
    ("backlog", "backlog"),
    ("bind_host", "host"),
    ("bind_port", "port"),
    ("control", "control"),
    ("graceful_shutdown_timeout", "graceful_shutdown_timeout"),
    ("group", "group"),
    ("max_header_line", "max_header_line"),
    ("pid_file", "pid_file"),
    ("retry_until_window", "retry_until_window"),
    ("tcp_keepidle", "tcp_keepidle"),
    ("user", "user"),
    ("wsgi_default_pool_size", "max_requests_in_flight"),
    ("wsgi_log_format", "access_format"),
];

/// Options of `[ssl]`, with those that a server has in their place.
const SSL: [(&str, &str); 5] = [
    ("ca_file", "ca_file"),
    ("cert_file", "tls_cert"),
    ("ciphers", "tls_ciphers"),
    ("key_file", "tls_key"),
    ("version", "tls_versions"),
];

/// Options of a server that say more of the certificates of clients.
const CLIENTS: [&str; 2] = ["client_auth", "crl_file"];

impl Config {
    /// Whether an option stands for one of a server: where it is not given, that of the section
    /// counts.
    pub fn is_of_server(name: &str) -> bool {
        SAME.iter().chain(&SSL).any(|(known, _)| *known == name)
    }

    /// Lays what is given over the options of `[server:NAME]`, whose names are those of a dialect.
    pub fn lay_over(&self, options: &mut Conf, dialect: &Dialect) {
        if self.is_given("bind_host") || self.is_given("bind_port") {
            // It names host and port at once.
            options.retain(|key, _| dialect.native(key) != "bind");
        }
        for (name, server) in SAME {
            if let Some(chosen) = self.given(name) {
                options.retain(|key, _| dialect.native(key) != server);
                options.insert(server.into(), chosen.value());
            }
        }
        let has_host = options.keys().any(|key| dialect.native(key) == "host");
        if let Some(port) = self.given("bind_port").filter(|_| !has_host) {
            options.insert("host".into(), port.with("0.0.0.0"));
        }
        if let Some(chosen) = self.given("client_socket_timeout") {
            // As upstream: one limit for all, and 0 is none.
            let is_limit = self.main.client_socket_timeout.is_some_and(|seconds| seconds.0 > 0);
            let never = || chosen.with(&Seconds::MOST.as_secs().to_string());
            let timeout = if is_limit { chosen.value() } else { never() };
            for name in ["body_timeout", "head_timeout", "keep_alive_timeout", "write_timeout"] {
                options.insert(name.into(), timeout.clone());
            }
        }
        self.lay_encryption_over(options, dialect);
        if let Some(chosen) = self.given("wsgi_keep_alive") {
            if !self.main.wsgi_keep_alive.0 {
                options.insert("keep_alive_timeout".into(), chosen.with("0"));
            } else if Self::keeps_none_alive(options) {
                options.shift_remove("keep_alive_timeout");
            }
        }
    }

    /// Whether options say that no connection stays open for another request.
    fn keeps_none_alive(options: &Conf) -> bool {
        let timeout = options.get("keep_alive_timeout").map(|value| Seconds::parse(&value.text));
        matches!(timeout, Some(Ok(Seconds(timeout))) if timeout.is_zero())
    }

    /// Lays over what `use_ssl` says: all of `[ssl]`, or that nothing is encrypted.
    fn lay_encryption_over(&self, options: &mut Conf, dialect: &Dialect) {
        if !self.is_given("use_ssl") {
            return;
        }
        options.retain(|key, _| {
            let native = dialect.native(key);
            let is_ours = SSL.iter().any(|(_, server)| *server == native);
            let is_idle = CLIENTS.contains(&native) && !self.main.use_ssl.0;
            !native.starts_with("tls_") && !is_ours && !is_idle
        });
        for (name, server) in SSL.iter().filter(|_| self.main.use_ssl.0) {
            if let Some(chosen) = self.given(name) {
                options.insert((*server).into(), chosen.value());
            }
        }
    }
}

impl Chosen {
    /// The value, in the spelling of the server's options, and its place.
    fn value(&self) -> Value {
        let text = self.text.as_deref().unwrap_or_default();
        let number =
            python_integer(text).filter(|_| matches!(self.option.form, Form::Whole { .. }));
        self.with(&number.map_or_else(|| text.to_owned(), |number| number.to_string()))
    }

    /// Another text at the same place.
    fn with(&self, text: &str) -> Value {
        Value { text: text.into(), key_span: self.span, span: self.span }
    }
}
