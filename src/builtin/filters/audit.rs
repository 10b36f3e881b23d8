//! Writes down who asked for what and what became of it, for auditors.

mod event;
mod map;

use std::future::ready;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http_body::Frame;
use http_body_util::{BodyExt, Full, Limited};

use self::event::Event;
use self::map::Map;
use crate::access_log::{Destination, Writer};
use crate::app::{App, Body, BoxError, Filter, Handler, Request, RequestExt, Response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Group};
use crate::source::describe;

pub(super) const DEFINITION: Definition = Definition::filter::<AuditLog>("audit").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:keystonemiddleware#audit").dialect(KEYSTONE).note(NOTE),
    Alias::of("keystonemiddleware.audit:filter_factory").dialect(KEYSTONE).note(NOTE),
];

const KEYSTONE: Dialect = Dialect::lenient()
    .group(Group::Own("audit_middleware_notifications"))
    .globals(&["audit_map_file", "ignore_path_list", "ignore_req_list"])
    .ignored(&[
        ("driver", MESSAGING),
        ("log_name", "the lines go to `destination`"),
        ("service_name", "the original does not use it either"),
        ("topics", MESSAGING),
        ("transport_url", MESSAGING),
        ("use_oslo_messaging", MESSAGING),
    ]);

const MESSAGING: &str = "events are lines of JSON, which go to `destination`";

const NOTE: &str = "The original sends events over a message bus, or logs them as Python writes \
    dictionaries, with a part of the token.";

settings! {
    /// Writes down who asked for what and what became of it, as CADF events in lines of JSON.
    ///
    /// There is a line when a request comes, `{"event_type": "audit.http.request", "payload": …}`,
    /// and one when it is answered, `audit.http.response`, with the same `id` (DSP0262).
    ///
    /// It stands behind `auth_token`, from which it learns who asks and, by the catalog of services,
    /// which of them is asked. No token is written. The lines are written as those of `access_log`
    /// are, by a thread of their own.
    ///
    /// ```ini
    /// [filter:audit]
    /// use = egg:pasteline#audit
    /// destination = /var/log/neutron/audit.log
    /// ignore_req_list = GET, HEAD
    /// ```
    pub(super) struct AuditLog {
        /// Where the lines go: `stdout`, `stderr`, or the path of a file, to which they are added.
        destination: Destination = "stdout",
        /// A file that says what paths mean, in the sections `[path_keywords]`, `[custom_actions]`
        /// and `[service_endpoints]`, as those of pyCADF.
        audit_map_file: Option<PathBuf>,
        /// Methods of requests that are not written down.
        ignore_req_list: Vec<Method>,
        /// Paths, as the app sees them, of requests that are not written down.
        ignore_path_list: Vec<String>,
    }
}

impl FilterFactory for AuditLog {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let destination = self.destination.to_string();
        let writer = Writer::open(self.destination).map_err(|error| {
            Error::new(format!("cannot open the audit log {destination}: {}", describe(&error)))
        })?;
        let map = match &self.audit_map_file {
            Some(path) => Map::read(path)?,
            None => Map::default(),
        };
        Ok(Filter::handler(Auditor {
            writer,
            map,
            methods: self.ignore_req_list,
            paths: self.ignore_path_list,
        }))
    }
}

struct Auditor {
    writer: Writer,
    map: Map,
    /// Of requests that are not written down.
    methods: Vec<Method>,
    paths: Vec<String>,
}

/// The longest body that is read for the name of an action.
const LONGEST: usize = 64 * 1024;

impl Handler for Auditor {
    async fn handle(&self, mut request: Request, next: App) -> Response {
        let is_ignored = self
            .methods
            .iter()
            .any(|method| method.as_str().eq_ignore_ascii_case(request.method().as_str()));
        if is_ignored || self.paths.iter().any(|path| path == request.path_info()) {
            return next.answer(request).await;
        }
        let named = if self.map.names_action(&request) {
            let body = std::mem::take(request.body_mut());
            let (body, named) = first_key(body, request.headers()).await;
            *request.body_mut() = body;
            named
        } else {
            None
        };
        let event = Event::of(&request, &self.map, named.as_deref());
        self.writer.append(event.line("audit.http.request"));
        let mut trail = Trail { writer: &self.writer, event };
        let response = next.answer(request).await;
        trail.event.end(response.status());
        response
    }
}

/// Writes down how a request ends, also where its client leaves before that.
struct Trail<'a> {
    writer: &'a Writer,
    event: Event,
}

impl Drop for Trail<'_> {
    fn drop(&mut self) {
        self.event.give_up();
        self.writer.append(self.event.line("audit.http.response"));
    }
}

/// The first key of a body that is an object of JSON, and the body again. One that is long, or
/// whose length is not known, is not read.
async fn first_key(body: Body, headers: &HeaderMap) -> (Body, Option<String>) {
    let length = headers.get(CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_none_or(|length| length > LONGEST) {
        return (body, None);
    }
    match Limited::new(body, LONGEST).collect().await {
        Ok(read) => {
            let trailers = read.trailers().cloned();
            let bytes = read.to_bytes();
            let object: Option<serde_json::Map<_, _>> = serde_json::from_slice(&bytes).ok();
            let key = object.and_then(|object| object.keys().next().cloned());
            let body = match trailers {
                None => Body::from(bytes),
                trailers => Body::new(Full::new(bytes).with_trailers(ready(trailers.map(Ok)))),
            };
            (body, key)
        }
        // The app meets the same fault.
        Err(error) => (Body::new(Failed(Some(error))), None),
    }
}

/// A body that could not be read to its end.
struct Failed(Option<BoxError>);

impl http_body::Body for Failed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::task::Waker;
    use std::time::Duration;

    use http::StatusCode;
    use serde_json::Value as Json;

    use super::*;
    use crate::app::response;
    use crate::builtin::fixture::{Directory, filter, text};

    const MAP: &str = "[DEFAULT]\ntarget_endpoint_type = network\n[path_keywords]\nports = port\n\
        networks = network\n[custom_actions]\nenable/put = start\nsync = update/sync\n\
        [service_endpoints]\nnetwork = service/network\n";

    const CATALOG: &str = r#"[{"type": "network", "name": "neutron", "endpoints": [
        {"publicURL": "http://net:9696", "adminURL": "http://admin:9696"}]}]"#;

    /// The events of requests, in pairs, and what the app saw of their bodies.
    async fn events(more: &str, requests: Vec<http::request::Builder>, body: &str) -> Vec<Json> {
        let directory = Directory::new();
        let (log, map) = (directory.path("log"), directory.path("map"));
        fs::write(&map, MAP).unwrap();
        let section = format!(
            "[filter:audit]\npaste.filter_factory = keystonemiddleware.audit:filter_factory\n\
            destination = {}\naudit_map_file = {}\n{more}",
            log.display(),
            map.display()
        );
        let app = App::from_fn(async |request: Request| {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            response::text(StatusCode::ACCEPTED, body)
        });
        let app = app.behind(&[filter(&section)]);
        for request in requests {
            let request = request.header("content-length", body.len());
            let request = request.body(Body::from(body.to_owned())).unwrap();
            assert_eq!(text(app.answer(request).await).await, body);
        }
        drop(app);
        crate::access_log::flush(Duration::from_secs(30));
        let written = directory.read("log");
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn request(method: &str, path: &str) -> http::request::Builder {
        http::Request::builder().method(method).uri(path)
    }

    #[tokio::test]
    async fn who_asked_for_what_and_what_became_of_it() {
        let asked = request("GET", "/v2.0/ports/1?fields=id")
            .header("host", "net:9696")
            .header("x-auth-token", "secret-token")
            .header("x-user-id", "u1")
            .header("x-user-name", "alice")
            .header("x-project-id", "p1")
            .header("x-identity-status", "Confirmed")
            .header("x-service-catalog", CATALOG.replace('\n', " "));
        let events = events("", vec![asked], "").await;
        let [begun, ended] = &*events else { panic!("{events:#?}") };
        assert_eq!(begun["event_type"], "audit.http.request");
        assert_eq!(ended["event_type"], "audit.http.response");
        let (begun, ended) = (&begun["payload"], &ended["payload"]);
        assert_eq!((&begun["outcome"], &ended["outcome"]), (&"pending".into(), &"success".into()));
        assert_eq!(begun["id"], ended["id"]);
        assert_eq!(begun["action"], "read");
        assert_eq!(begun["requestPath"], "/v2.0/ports/1?fields=id");
        assert_eq!(begun["initiator"]["id"], "u1");
        assert_eq!(begun["initiator"]["credential"]["identity_status"], "Confirmed");
        assert_eq!(begun["target"]["typeURI"], "service/network/ports/port");
        assert_eq!(begun["target"]["name"], "neutron");
        assert_eq!(ended["reason"]["reasonCode"], "202");
        assert!(!format!("{events:?}").contains("secret-token"));
    }

    #[tokio::test]
    async fn a_client_that_leaves_has_its_second_event() {
        let directory = Directory::new();
        let log = directory.path("log");
        let section =
            format!("[filter:audit]\nuse = egg:pasteline#audit\ndestination = {}\n", log.display());
        let app = App::from_fn(|_| std::future::pending()).behind(&[filter(&section)]);
        let mut asked = Box::pin(app.answer(Request::new(Body::empty())));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(asked);
        drop(app);
        crate::access_log::flush(Duration::from_secs(600));
        let written = directory.read("log");
        let events = written.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let outcomes: Vec<_> = events.map(|event| event["payload"]["outcome"].clone()).collect();
        assert_eq!(outcomes, ["pending", "unknown"]);
    }

    #[tokio::test]
    async fn a_body_that_is_read_for_its_key_keeps_its_trailers_and_faults() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, 2.into());
        let trailers = HeaderMap::from_iter([(CONTENT_LENGTH, 1.into())]);
        let body = Full::new(Bytes::from("{}")).with_trailers(ready(Some(Ok(trailers.clone()))));
        let (body, _) = first_key(Body::new(body), &headers).await;
        let read = body.collect().await.unwrap();
        assert_eq!(read.trailers(), Some(&trailers));
        let (body, _) = first_key(Body::from("x".repeat(LONGEST + 1)), &headers).await;
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn of_services_of_the_default_type_the_last_with_endpoints_is_meant() {
        let endpoints = r#"[{"publicURL": "http://a"}]"#;
        let catalog = format!(
            r#"[{{"type": "network", "name": "first", "endpoints": {endpoints}}},
            {{"type": "network", "name": "second", "endpoints": {endpoints}}},
            {{"type": "network", "name": "third", "endpoints": []}}]"#
        );
        let asked = request("GET", "/").header("x-service-catalog", catalog.replace('\n', " "));
        let events = events("", vec![asked], "").await;
        assert_eq!(events[0]["payload"]["target"]["name"], "second");
    }

    #[tokio::test]
    async fn what_is_done_follows_from_method_path_and_body() {
        let asked = [
            ("GET", "/v2.0/ports", "read/list"),
            ("GET", "/v2.0/ports.json", "read/list"),
            ("POST", "/v2.0/ports", "create"),
            ("POST", "/v2.0/other", "update"),
            ("PUT", "/v2.0/ports/1", "update"),
            ("PUT", "/v2.0/ports/1/enable/", "start"),
            ("POST", "/v2.0/sync", "update/sync"),
            ("DELETE", "/v2.0/ports/1", "delete"),
            ("HEAD", "/", "read"),
            ("TRACE", "/", "unknown"),
            ("POST", "/servers/1/action", "update/reboot"),
        ];
        let requests = asked.map(|(method, path, _)| request(method, path)).into();
        let events = events("", requests, r#"{"reboot": {"type": "HARD"}}"#).await;
        let actions: Vec<_> =
            events.iter().step_by(2).map(|event| event["payload"]["action"].clone()).collect();
        assert_eq!(actions, asked.map(|(.., action)| action));
    }

    #[tokio::test]
    async fn some_requests_are_not_written_down() {
        let requests =
            vec![request("GET", "/ports"), request("PUT", "/health"), request("PUT", "/ports")];
        let more = "ignore_req_list = get, HEAD\nignore_path_list = /health";
        assert_eq!(events(more, requests, "").await.len(), 2);
    }
}
