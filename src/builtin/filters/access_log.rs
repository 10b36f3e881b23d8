//! Logs every request.

mod date;
mod format;
mod record;
mod writer;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as _;

use self::format::{Format, Line};
use self::record::Record;
use self::writer::{Destination, Writer};
use super::request_id;
use crate::app::{Body, Filter, Phase, Request, Response};
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
    Alias::of("egg:Paste#translogger").dialect(PASTE).note(
        "The original logs when the response begins, takes the length that the app announces, \
         and believes whatever `X-Forwarded-For` says.",
    ),
    Alias::of("nova.api.openstack.requestlog:RequestLog.factory")
        .dialect(NOVA)
        .note("The version of Nova's API is not logged."),
];

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
    /// A client that leaves before there is a response is logged with the status 499. The
    /// client's address is that of the connection, unless `http_proxy_to_wsgi` stands outside of
    /// this filter and a trusted proxy tells another one. What the client sent is escaped.
    ///
    /// The lines are written by a thread of their own, at most a tenth of a second later. A
    /// destination that is slow or full keeps no request waiting: lines past 4 MiB are dropped,
    /// and the application's log says how many. A file that was moved away is opened anew.
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
        /// oslo.service did, or a text with the fields `{client_ip}`, `{host}`, `{iso_time}`,
        /// `{length}` (bytes of the response's body that were sent), `{method}`, `{protocol}`,
        /// `{referer}`, `{request_id}`, `{request_line}`, `{seconds}`, `{status}`, `{target}`,
        /// `{time}` and `{user_agent}`. What is not known is a dash.
        format: Format = "combined",
    }
}

impl FilterFactory for AccessLog {
    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let destination = self.destination.to_string();
        let writer = Writer::open(self.destination).map_err(|error| {
            Error::new(format!("cannot open the access log {destination}: {}", describe(&error)))
        })?;
        Ok(Filter::phase(Logger(Arc::new(Log { writer, format: self.format }))))
    }
}

struct Log {
    writer: Writer,
    format: Format,
}

struct Logger(Arc<Log>);

impl Phase for Logger {
    type Memo = Box<Entry>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let (log, record) = (Arc::clone(&self.0), Record::begin(request));
        ControlFlow::Continue(Box::new(Entry { log, record }))
    }

    fn response(&self, mut entry: Self::Memo, response: &mut Response) {
        let record = &mut entry.record;
        record.status = Some(response.status().as_u16());
        if record.request_id.is_none() {
            record.request_id = response.headers().get(request_id::HEADER).cloned();
        }
        if !response.body().is_end_stream() {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = Body::observed(body, move |polled| {
                if let Poll::Ready(Some(Ok(frame))) = polled {
                    entry.record.length += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
            });
        }
    }
}

/// A request that is to be logged, which happens wherever it ends: when its body has been sent or
/// given up, or when it is dropped without a response.
struct Entry {
    log: Arc<Log>,
    record: Record,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.record.end();
        self.log.writer.append(Line { format: &self.log.format, record: &self.record });
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use http::{HeaderValue, StatusCode};

    use super::*;
    use crate::app::{App, Connection, Context as RequestContext, RequestExt, response};
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

    fn hello() -> App {
        App::ready(|_| response::text(StatusCode::OK, "hello"))
    }

    #[tokio::test]
    async fn a_request_is_logged_when_its_response_was_sent() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        assert_eq!(text(get(&app, "/a?b").await).await, "hello");
        drop(app);
        assert_eq!(directory.read("log"), "- GET /a?b 200 5 -\n");
    }

    #[tokio::test]
    async fn only_what_was_sent_is_counted() {
        let directory = Directory::new();
        let app = behind(hello(), &directory);
        drop(get(&app, "/").await);
        drop(app);
        assert_eq!(directory.read("log"), "- GET / 200 0 -\n");
    }

    #[tokio::test]
    async fn a_client_that_leaves_is_logged() {
        let directory = Directory::new();
        let app = behind(App::from_fn(|_| pending()), &directory);
        let mut asked = Box::pin(get(&app, "/"));
        assert!(poll_once(asked.as_mut()).is_pending());
        drop(asked);
        drop(app);
        assert_eq!(directory.read("log"), "- GET / 499 0 -\n");
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
        assert_eq!(directory.read("log"), "192.0.2.1 GET / 200 0 -\n");
    }

    #[tokio::test]
    async fn the_id_of_the_request_is_found_on_either_side() {
        let directory = Directory::new();
        let app = App::ready(|_| {
            let mut response = Response::new(Body::empty());
            let id = HeaderValue::from_static("req-inside");
            response.headers_mut().insert(request_id::HEADER, id);
            response
        });
        let app = behind(app, &directory);
        get(&app, "/").await;
        let mut request = Request::new(Body::empty());
        request.context_mut().request_id = Some(HeaderValue::from_static("req-outside"));
        app.answer(request).await;
        drop(app);
        assert_eq!(directory.read("log"), "- GET / 200 0 req-inside\n- GET / 200 0 req-outside\n");
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
