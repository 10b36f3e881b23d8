//! What is wrong with settings that the types of the options cannot say.

use std::collections::HashSet;

use super::Settings;
use crate::diagnostic::Diagnostic;
use crate::server::{Address, Tls};
use crate::settings::Reader;
use crate::source::Span;

impl Settings {
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
        self.check_admin(reader);
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
    /// Notes where the server that tells how this one is would listen where this one does.
    fn check_admin(&self, reader: &mut Reader<'_>) {
        let own = self.addresses();
        let meets = |address: &&Address| own.iter().any(|own| own.meets(address));
        let Some(address) = self.admin_bind.0.iter().find(meets) else { return };
        // Where nothing says where it listens, the command line may, or the service manager.
        let Some(bound) = Self::bound_at(reader) else { return };
        let message = format!("`admin_bind` names `{address}`, where the server itself listens");
        let found = Diagnostic::error("shared-address", message)
            .label("it would listen here, too")
            .related(Some(bound), "the server listens here")
            .help("give it a port of its own, or a Unix socket");
        reader.note("admin_bind", found);
    }

    /// The place that says where the server listens; none where nothing does.
    pub fn bound_at(reader: &Reader<'_>) -> Option<Span> {
        let given = ["bind", "host", "port"].into_iter().find_map(|name| reader.given(name));
        given.and_then(|value| value.span)
    }

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
            ("max_header_line", self.max_header_line, 1, LARGEST),
            ("max_target_size", self.max_target_size, 1, LONGEST_TARGET),
        ] {
            if !(least..=most).contains(&size) {
                reader.reject(name, format!("it goes from {least} to {most}"));
            }
        }
        // hyper has one limit for both.
        let is_given = reader.given("max_trailer_size").is_some();
        if is_given && self.max_trailer_size > self.max_head_size {
            let reason = format!(
                "trailers are at most as long as a head; set `max_head_size`, which is {}, too",
                self.max_head_size
            );
            reader.reject("max_trailer_size", reason);
        }
    }
}

/// The longest target that hyper takes.
const LONGEST_TARGET: usize = 65_534;

/// The largest window of HTTP/2.
const LARGEST: usize = (1 << 31) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::{Conf, Value};
    use crate::settings::{Dialect, Settings as _, Subject};
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
    fn refuses_limits_that_nothing_would_reach() {
        assert!(addresses(&[("max_target_size", "65534")]).is_ok());
        let noted = addresses(&[("max_target_size", "65535")]).unwrap_err();
        assert_eq!(noted, ["`max_target_size` is refused: it goes from 1 to 65534"]);
        let both = [("max_trailer_size", "40000"), ("max_head_size", "40000")];
        assert!(addresses(&both).is_ok());
        let noted = addresses(&both[..1]).unwrap_err();
        let expected = "`max_trailer_size` is refused: trailers are at most as long as a head; \
            set `max_head_size`, which is 32768, too";
        assert_eq!(noted, [expected]);
        assert!(addresses(&[("max_head_size", "1024")]).is_ok(), "the default gives way");
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
