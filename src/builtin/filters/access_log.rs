//! Logs every request.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as _;

use crate::access_log::{Destination, Entry, Format, Log};
use crate::app::{Body, Filter, Phase, Request, Response, Tunnel};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::Dialect;
use crate::source::describe;

pub(super) const DEFINITION: Definition =
    Definition::filter::<AccessLog>("access_log").aliases(ALIASES).outside_of(&[
        ("basic_auth", "what is refused would not be logged"),
        ("compress", "lengths would be logged as they are before they are compressed"),
        ("sizelimit", "what is refused would not be logged"),
        ("timeout", "what takes too long would be logged as if the client had left"),
    ]);

const ALIASES: &[Alias] = &[
    Alias::of("egg:Paste#translogger").dialect(PASTE).note(PASTE_NOTE),
    Alias::of("egg:swift#proxy_logging").dialect(SWIFT).note(SWIFT_NOTE),
    Alias::of("keystone.contrib.access:AccessLogMiddleware.factory").dialect(KEYSTONE).note(
        "The original writes to the logger `access`, and the whole URL; `destination` says where \
             lines go here.",
    ),
    Alias::of("nova.api.ec2:RequestLogging.factory")
        .dialect(Dialect::lenient())
        .note("What only Nova knows of a request, the action and the controller, is not logged."),
    Alias::of("nova.api.openstack.requestlog:RequestLog.factory")
        .dialect(NOVA)
        .note("The version of Nova's API is not logged."),
    Alias::of("paste.translogger:make_filter").dialect(PASTE).note(PASTE_NOTE),
    Alias::of("swift.common.middleware.proxy_logging:filter_factory")
        .dialect(SWIFT)
        .note(SWIFT_NOTE),
];

const SWIFT_NOTE: &str = "What only Swift knows of a request (policies, its own notes, the bytes \
    received) is a dash, and so is the token; the id is that of `request_id`.";

const SWIFT: Dialect = Dialect::lenient().defaults(&[("format", "swift")]).ignored(&[
    ("access_log_address", LOGGERS),
    ("access_log_facility", LOGGERS),
    ("access_log_headers", "headers are not logged"),
    ("access_log_headers_only", "headers are not logged"),
    ("access_log_level", LOGGERS),
    ("access_log_name", LOGGERS),
    ("access_log_udp_host", LOGGERS),
    ("access_log_udp_port", LOGGERS),
    ("log_anonymization_method", "addresses are logged as they are"),
    ("log_anonymization_salt", "addresses are logged as they are"),
    ("log_msg_template", "`format` says how a line is written"),
    ("reveal_sensitive_prefix", "no part of a token is logged"),
]);

const KEYSTONE: Dialect = Dialect::lenient().defaults(&[(
    "format",
    "{client_ip} - - [{time}] \"{method} {target} {protocol}\" {status} {length}",
)]);

const PASTE_NOTE: &str = "The original logs when the response begins, takes the length that the app \
    announces, and believes whatever `X-Forwarded-For` says.";

const PASTE: Dialect = Dialect::new().ignored(&[
    ("logger_name", LOGGERS),
    ("logging_level", LOGGERS),
    ("set_logger_level", LOGGERS),
    ("setup_console_handler", LOGGERS),
]);

const LOGGERS: &str = "lines do not pass through loggers; `destination` says where they go";

const NOVA: Dialect = Dialect::lenient().defaults(&[(
    "format",
    "{client_ip} \"{method} {target}\" status: {status} len: {length} time: {seconds}",
)]);

settings! {
    /// Logs every request, in one line, when its response has been sent.
    ///
    /// One whose connection goes on in another protocol, such as WebSocket, is logged when that
    /// ends, with all bytes that the client was sent.
    ///
    /// A client that leaves before there is a response is logged with the status 499. The
    /// client's address is that of the connection, unless `http_proxy_to_wsgi` stands outside of
    /// this filter and a trusted proxy tells another one. What the client sent is escaped.
    ///
    /// The lines are written by a thread of their own, at most a tenth of a second later, one for
    /// all filters with the same destination. A destination that is slow, full or gone keeps no
    /// request waiting: what cannot be written is tried again each second, lines past 4 MiB are
    /// dropped, and the application's log says how many. A file that was moved away is opened
    /// anew. Several processes may write to one file.
    ///
    /// A server can have a log of its own, by its option `access_log`: that one also has the
    /// requests that no app has seen, as they were refused, and leaves to this filter what it
    /// logs.
    ///
    /// ```ini
    /// [filter:access_log]
    /// use = egg:pasteline#access_log
    /// destination = /var/log/api/access.log
    /// format = {iso_time} {client_ip} {request_id} "{request_line}" {status} {length} {seconds}
    /// ```
    pub(super) struct AccessLog {
        /// Where the lines go: `stdout`, `stderr`, or the path of a file, to which they are
        /// added.
        destination: Destination = "stdout",
        /// How a line is written: `combined`, as Apache and nginx do, `json`, `oslo`, as
        /// oslo.service did, `swift`, as Swift's `proxy_logging` does, or a text with the fields `{client_ip}`, `{client_port}`, `{host}`,
        /// `{iso_time}`, `{length}` (bytes of the response's body that were sent), `{method}`,
        /// `{protocol}`, `{referer}`, `{request_id}`, `{request_line}`, `{seconds}`, `{status}`,
        /// `{target}`, `{time}`, `{user_agent}`, and of an encrypted connection `{tls_version}`,
        /// `{tls_cipher}` and, where clients show certificates, `{client_subject}` and
        /// `{client_fingerprint}` (SHA-256). What is not known is a dash. A text with
        /// fields such as `%(status_code)s` is read as `wsgi_log_format` of oslo.service or as
        /// `format` of Paste's `translogger`, its percent signs doubled where the file
        /// interpolates.
        format: Format = "combined",
    }
}

impl FilterFactory for AccessLog {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let destination = self.destination.to_string();
        let log = Log::open(self.destination, self.format).map_err(|error| {
            Error::new(format!("cannot open the access log {destination}: {}", describe(&error)))
        })?;
        Ok(Filter::phase(Logger(Arc::new(log))))
    }
}

struct Logger(Arc<Log>);

impl Phase for Logger {
    type Memo = Box<Entry>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        ControlFlow::Continue(Box::new(self.0.begin(request)))
    }

    fn response(&self, mut entry: Self::Memo, response: &mut Response) {
        entry.answered(response);
        if let Some(tunnel) = response.extensions_mut().remove::<Tunnel>() {
            response.extensions_mut().insert(entry.follow(tunnel));
            return;
        }
        if !response.body().is_end_stream() {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = Body::observed(body, move |polled| {
                if let Poll::Ready(Some(Ok(frame))) = polled {
                    entry.sent(frame.data_ref().map_or(0, Bytes::len));
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::app::{
        App, Connection, Context as RequestContext, Journal, REQUEST_ID, RequestExt, response,
    };
    use crate::builtin::fixture::{Directory, filter, get, text, try_filter};

    fn section(directory: &Directory) -> String {
        let log = directory.path("log");
        let format = "{client_ip} {method} {target} {status} {length} {request_id}";
        let options = format!("destination = {}\nformat = {format}", log.display());
        format!("[filter:access_log]\nuse = egg:pasteline#access_log\n{options}")
    }

    fn behind(app: App, directory: &Directory) -> App {
        app.behind(&[filter(&section(directory))])
    }

    /// The log, which has so many lines.
    fn logged(directory: &Directory, lines: usize) -> String {
        crate::access_log::flush(Duration::from_secs(600));
        let text = directory.read("log");
        assert_eq!(text.lines().count(), lines, "{text}");
        text
    }

    fn hello() -> App {
        App::ready(|_| response::text(StatusCode::OK, "hello"))
    }

    #[tokio::test]
    async fn a_request_is_logged_when_its_response_was_sent() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        assert_eq!(text(get(&app, "/a?b").await).await, "hello");
        drop(app);
        assert_eq!(logged(&directory, 1), "- GET /a?b 200 5 -\n");
    }

    #[tokio::test]
    async fn only_what_was_sent_is_counted() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        drop(get(&app, "/").await);
        drop(app);
        assert_eq!(logged(&directory, 1), "- GET / 200 0 -\n");
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_logged() {
        let directory = Directory::new();
        let app = behind(App::from_fn(|_| pending()), &directory);
        let mut asked = Box::pin(get(&app, "/"));
        assert!(poll_once(asked.as_mut()).is_pending());
        drop(asked);
        drop(app);
        assert_eq!(logged(&directory, 1), "- GET / 499 0 -\n");
    }

    fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn the_peer_is_the_client_whatever_it_says() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        let mut request = Request::new(Body::empty());
        let spoofed = HeaderValue::from_static("203.0.113.9");
        request.headers_mut().insert("x-forwarded-for", spoofed);
        let peer = Some(SocketAddr::from(([192, 0, 2, 1], 5000)));
        let connection = Connection { peer, ..Connection::default() };
        *request.context_mut() = RequestContext::new(Arc::new(connection));
        drop(app.answer(request).await);
        drop(app);
        assert_eq!(logged(&directory, 1), "192.0.2.1 GET / 200 0 -\n");
    }

    #[tokio::test]
    async fn the_id_of_the_request_is_found_on_either_side() {
        let directory = Directory::new();
        let app = App::ready(|_| {
            let mut response = Response::new(Body::empty());
            let id = HeaderValue::from_static("req-inside");
            response.headers_mut().insert(REQUEST_ID, id);
            response
        });
        let app = behind(app, &directory);
        get(&app, "/").await;
        let mut request = Request::new(Body::empty());
        request.context_mut().request_id = Some(HeaderValue::from_static("req-outside"));
        app.answer(request).await;
        drop(app);
        assert_eq!(logged(&directory, 2), "- GET / 200 0 req-inside\n- GET / 200 0 req-outside\n");
    }

    #[tokio::test]
    async fn the_log_of_the_server_leaves_the_request_to_the_filter() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        let mut request = Request::new(Body::empty());
        let journal = Arc::new(Journal::default());
        request.context_mut().journal = Some(Arc::clone(&journal));
        drop(app.answer(request).await);
        drop(app);
        assert!(journal.is_taken_over());
        // The line is written before its directory goes.
        logged(&directory, 1);
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_an_error() {
        let section = "[filter:access_log]\nuse = egg:pasteline#access_log\n\
            destination = /no/such/directory/log";
        let expected = "cannot open the access log `/no/such/directory/log`: \
            no such file or directory";
        assert_eq!(try_filter(section).unwrap_err().to_string(), expected);
    }
}
