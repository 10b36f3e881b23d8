//! The options that settings files have for the server.

use std::path::PathBuf;

use super::types::{Flag, LoggerLevel, Port, Title, Whole};
use crate::settings::{OptionSpec, Settings};

/// The most that a number of seconds or connections may be.
const MANY: u64 = u32::MAX as u64;

crate::settings! {
    /// What OpenStack's services have for their API servers.
    pub struct Main {
        /// The host or IP address to listen at. Unless set, it is that of `[server:NAME]` in the
        /// paste file; where `bind_port` is set and no host anywhere, every IPv4 address, as for
        /// the services that read such files.
        bind_host: Option<String>,
        /// The port to listen at; for 0 the system chooses one. Unless set, it is that of
        /// `[server:NAME]` in the paste file, or 9696.
        bind_port: Option<Port>,
        /// The number of worker processes. With 0 the process that was started serves itself.
        /// Unless set, as many as this process may use CPUs and as have 256 MiB of its memory
        /// each, at least one.
        api_workers: Option<Whole<0, 65535>>,
        /// How many connections the system may hold before they are accepted. Unless set, what
        /// `[server:NAME]` in the paste file says, or 4096.
        backlog: Option<Whole<1, MANY>>,
        /// After how many seconds of silence a connection is probed. Unless set, what
        /// `[server:NAME]` in the paste file says, or 600.
        tcp_keepidle: Option<Whole<1, 32767>>,
        /// For how many seconds an address that is in use is tried again at start. With 0 it is
        /// tried once. Unless set, what `[server:NAME]` in the paste file says, or 30.
        retry_until_window: Option<Whole<0, MANY>>,
        /// The most bytes that a field in the head of a request may have, the end of its line
        /// included. Unless set, what `[server:NAME]` in the paste file says, or 16384.
        max_header_line: Option<Whole<1, MANY>>,
        /// How many seconds a client may be silent: while a head or a body is sent or an answer is
        /// read, and between requests; with 0 for ever. Unless set, the limits of `[server:NAME]`
        /// in the paste file hold, a limit each.
        client_socket_timeout: Option<Whole<0, MANY>>,
        /// Whether a connection stays open for another request.
        wsgi_keep_alive: Flag = "true",
        /// The most requests that one worker answers at a time. Unless set, what `[server:NAME]` in
        /// the paste file says for `max_requests_in_flight`, or 10000. Upstream it counts
        /// connections, idle ones included, and is 100.
        wsgi_default_pool_size: Option<Whole<1, MANY>>,
        /// How a line of `access_log` in `[pasteline]` is written, with names such as
        /// `%(client_ip)s`.
        wsgi_log_format: Option<String>,
        /// How many seconds what has begun may take when the server stops; after them the rest is
        /// cut off. With 0 it may take as long as it does. Unless set, what `[server:NAME]` in the
        /// paste file says, or 60.
        graceful_shutdown_timeout: Option<Whole<0, MANY>>,
        /// Whether connections are encrypted, with what `[ssl]` says.
        use_ssl: Flag = "false",
        /// The paste file. A relative path is looked for in the directories of `--config-dir`,
        /// beside the files of `--config-file`, the last one first, where services have their
        /// files, and here. Unless anything is set, the file that is here is taken, if one is.
        api_paste_config: String = "api-paste.ini",
        /// Which of the pipelines a composite such as OpenStack's `pipeline_factory` takes.
        auth_strategy: Option<String>,
        /// Whether all settings are logged at start, at the level DEBUG, secrets hidden.
        log_options: Flag = "true",
        /// Whether lines of the level DEBUG are logged too.
        debug: Flag = "false",
        /// The file that the log is appended to, in `log_dir` if the path is relative. Unless set,
        /// the log goes to standard error.
        log_file: Option<String>,
        /// The directory of the log; without `log_file` the file is `pasteline.log`.
        log_dir: Option<PathBuf>,
        /// Whether each line of the log is a JSON object.
        use_json: Flag = "false",
        /// From which level on the lines of single loggers are written.
        default_log_levels: Vec<LoggerLevel>,
        /// What stands in the titles of workers: with `on` the number of the worker and the command
        /// line of the server, with `brief` the number only, with `off` nothing but the name of
        /// the program.
        setproctitle: Title = "on",
    }
}

crate::settings! {
    /// Certificates, for `use_ssl`.
    pub struct Ssl {
        /// The file of the certificate, in PEM, with those that lead to its authority; several for
        /// several names.
        cert_file: Option<PathBuf>,
        /// The file of the private key, in PEM; unless set, it is in that of the certificate.
        key_file: Option<PathBuf>,
        /// The file of the authorities that clients are certified by, in PEM. With it every client
        /// must show a certificate, unless `client_auth` in `[server:NAME]` says otherwise.
        ca_file: Option<PathBuf>,
        /// The version of TLS: `TLSv1_2`, `TLSv1_3`, or `SSLv23` for both, which is meant unless
        /// set.
        version: Option<String>,
        /// The cipher suites that may be used, by the names of OpenSSL or IANA, separated by
        /// colons. Unless set, all that are safe.
        ciphers: Option<String>,
    }
}

crate::settings! {
    /// What only pasteline has.
    pub struct Own {
        /// The user to become once the addresses are taken, before anything is served, by name or
        /// number. Only root can become another.
        user: Option<String>,
        /// The group to become with it: that of `user` unless set.
        group: Option<String>,
        /// Where every request is logged in a line: `stdout`, `stderr`, or the path of a file.
        access_log: Option<String>,
        /// The address, or the Unix socket, at which figures and health are told.
        admin_bind: Option<String>,
        /// Whether `admin_bind` may name addresses that other machines reach.
        admin_exposed: Flag = "false",
        /// A file to write the id of the process into once it listens, and to remove at the end.
        pid_file: Option<PathBuf>,
        /// The Unix socket at which commands such as `reload` are taken.
        control: Option<PathBuf>,
    }
}

/// A group of options.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The name that heads it.
    pub name: &'static str,
    /// What it is for, as Markdown.
    pub doc: &'static str,
    /// Its options, in the order of their declaration.
    pub options: &'static [OptionSpec],
}

/// The groups that the server reads. What stands in others is somebody else's.
pub const GROUPS: [Group; 3] = [
    Group { name: "DEFAULT", doc: Main::DOC, options: Main::OPTIONS },
    Group { name: "ssl", doc: Ssl::DOC, options: Ssl::OPTIONS },
    Group { name: "pasteline", doc: Own::DOC, options: Own::OPTIONS },
];

/// Another name of an option.
#[derive(Clone, Copy, Debug)]
pub struct Alias {
    /// The group and the name that it has.
    pub theirs: (&'static str, &'static str),
    /// The group and the name that it should have.
    pub ours: (&'static str, &'static str),
    /// Whether its users are told to change it; some services have that name to this day.
    pub is_deprecated: bool,
}

/// An old name, which is still read.
const fn old(theirs: (&'static str, &'static str), ours: (&'static str, &'static str)) -> Alias {
    Alias { theirs, ours, is_deprecated: true }
}

/// The name that Nova has.
const fn nova(theirs: (&'static str, &'static str), ours: &'static str) -> Alias {
    Alias { theirs, ours: ("DEFAULT", ours), is_deprecated: false }
}

/// The other names of options.
pub const ALIASES: [Alias; 16] = [
    nova(("DEFAULT", "osapi_compute_listen"), "bind_host"),
    nova(("DEFAULT", "osapi_compute_listen_port"), "bind_port"),
    nova(("DEFAULT", "osapi_compute_workers"), "api_workers"),
    nova(("DEFAULT", "workers"), "api_workers"),
    nova(("wsgi", "api_paste_config"), "api_paste_config"),
    nova(("wsgi", "client_socket_timeout"), "client_socket_timeout"),
    nova(("wsgi", "default_pool_size"), "wsgi_default_pool_size"),
    nova(("wsgi", "keep_alive"), "wsgi_keep_alive"),
    nova(("wsgi", "max_header_line"), "max_header_line"),
    nova(("wsgi", "tcp_keepidle"), "tcp_keepidle"),
    nova(("wsgi", "wsgi_log_format"), "wsgi_log_format"),
    old(("DEFAULT", "logdir"), ("DEFAULT", "log_dir")),
    old(("DEFAULT", "logfile"), ("DEFAULT", "log_file")),
    old(("DEFAULT", "ssl_ca_file"), ("ssl", "ca_file")),
    old(("DEFAULT", "ssl_cert_file"), ("ssl", "cert_file")),
    old(("DEFAULT", "ssl_key_file"), ("ssl", "key_file")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known((group, name): (&str, &str)) -> bool {
        let group = GROUPS.iter().find(|known| known.name == group);
        group.is_some_and(|group| group.options.iter().any(|option| option.name == name))
    }

    #[test]
    fn the_tables_name_options() {
        for alias in ALIASES {
            assert!(is_known(alias.ours) && !is_known(alias.theirs), "{alias:?}");
        }
    }

    #[test]
    fn no_name_is_in_two_groups() {
        let mut names: Vec<_> =
            GROUPS.iter().flat_map(|group| group.options).map(|option| option.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_default_can_be_read() {
        assert!(
            Main::defaults().is_some() && Ssl::defaults().is_some() && Own::defaults().is_some()
        );
    }
}
