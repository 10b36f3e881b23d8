//! Tells statsd how long requests take.

mod name;

use std::net::UdpSocket;
use std::ops::ControlFlow;
use std::time::Instant;

use self::name::{Names, Prefix};
use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition =
    Definition::filter::<Statistics>("stats").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("oslo_middleware.stats:StatsMiddleware").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware.stats:StatsMiddleware.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:StatsMiddleware.factory").dialect(OSLO).note(NOTE),
];

const OSLO: Dialect = Dialect::lenient().ignored(super::OSLO_CONFIG).globals(&[
    "name",
    "remove_short_uuid",
    "remove_uuid",
    "stats_host",
]);

const NOTE: &str = "The original removes a UUID only if an `a` follows it, and only the last one, \
    and takes any text for true, `False` too.";

settings! {
    /// Sends to statsd, over UDP, how long each request took: a timer called
    /// `NAME.METHOD.path.with.dots`.
    ///
    /// The dot in a version at the start of the path is left out: `/v2.0/servers` is
    /// `v20.servers`. What would mean something to statsd in a path, or is no visible ASCII
    /// character, is `_`, and 200 bytes of a path are told at most. Nothing waits for statsd, and
    /// what it does not hear is lost.
    ///
    /// Clients choose paths, so this can make any number of names: the figures of `admin_bind`
    /// cannot.
    ///
    /// ```ini
    /// [filter:stats]
    /// use = egg:pasteline#stats
    /// name = glance
    /// stats_host = 127.0.0.1
    /// remove_uuid = true
    /// ```
    struct Statistics {
        /// What all names begin with.
        name: Prefix,
        /// The host that statsd listens at; its name is resolved at start.
        stats_host: String,
        /// The port that statsd listens at.
        stats_port: u16 = "8125",
        /// Whether parts of the path that are a UUID are left out.
        remove_uuid: bool = "false",
        /// Whether parts of the path that are 32 hexadecimal digits are left out.
        remove_short_uuid: bool = "false",
    }
}

impl FilterFactory for Statistics {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.stats_host.is_empty() {
            reader.reject("stats_host", "it names a host");
        }
        if self.stats_port == 0 {
            reader.reject("stats_port", "nothing listens at port 0");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let address = (&*self.stats_host, self.stats_port);
        let socket = connect(address).map_err(|error| {
            Error::new(format!("cannot reach statsd at `{}:{}`", address.0, address.1))
                .caused_by(error)
        })?;
        let names = Names {
            prefix: self.name,
            without_uuid: self.remove_uuid,
            without_short_uuid: self.remove_short_uuid,
        };
        Ok(Filter::phase(Timer { socket, names }))
    }
}

/// A socket that sends to an address and never waits.
fn connect(address: (&str, u16)) -> std::io::Result<UdpSocket> {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};

    let mut last = std::io::Error::other("the host has no address");
    for address in address.to_socket_addrs()? {
        let any = match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((any, 0))?;
        match socket.connect(address) {
            Ok(()) => return socket.set_nonblocking(true).map(|()| socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

struct Timer {
    socket: UdpSocket,
    names: Names,
}

/// What is kept of a request until it is answered.
struct Begun {
    name: String,
    at: Instant,
}

impl Phase for Timer {
    type Memo = Box<Begun>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let name = self.names.of(request.method(), request.uri().path());
        ControlFlow::Continue(Box::new(Begun { name, at: Instant::now() }))
    }

    fn response(&self, begun: Self::Memo, _: &mut Response) {
        let milliseconds = begun.at.elapsed().as_secs_f64() * 1000.0;
        let line = format!("{}:{milliseconds:.6}|ms", begun.name);
        // Where statsd is gone, or behind, figures are lost and requests are not.
        let _ = self.socket.send(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter};

    #[tokio::test]
    async fn a_timer_goes_to_statsd() {
        let statsd = UdpSocket::bind("127.0.0.1:0").unwrap();
        statsd.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let port = statsd.local_addr().unwrap().port();
        let section = format!(
            "[filter:s]\npaste.filter_factory = oslo_middleware.stats:StatsMiddleware.factory\n\
            name = glance\nstats_host = 127.0.0.1\nstats_port = {port}\n"
        );
        let app = App::ready(|_| response::text(StatusCode::OK, "")).behind(&[filter(&section)]);
        let request = http::Request::post("/v2.0/images?a=b").body(Body::empty()).unwrap();
        app.answer(request).await;
        let mut line = [0; 512];
        let length = statsd.recv(&mut line).unwrap();
        let line = String::from_utf8_lossy(&line[..length]).into_owned();
        let time =
            line.strip_prefix("glance.POST.v20.images:").and_then(|rest| rest.strip_suffix("|ms"));
        assert!(time.is_some_and(|time| time.parse::<f64>().is_ok()), "{line}");
    }

    #[tokio::test]
    async fn requests_pass_where_nobody_listens() {
        let section = "[filter:s]\nuse = egg:pasteline#stats\nname = a\nstats_host = 127.0.0.1\nstats_port = 9";
        let app = App::ready(|_| response::text(StatusCode::OK, "")).behind(&[filter(section)]);
        for _ in 0..3 {
            let response = app.answer(Request::new(Body::empty())).await;
            assert_eq!(response.status(), StatusCode::OK);
        }
    }

    #[test]
    fn a_name_and_a_host_must_be_given() {
        let section =
            "[filter:s]\npaste.filter_factory = oslo_middleware.stats:StatsMiddleware.factory";
        let [first, second] = &*faults(section) else { panic!("two faults") };
        assert!(first.contains("needs the option `name`"), "{first}");
        assert!(second.contains("needs the option `stats_host`"), "{second}");
    }
}
