//! Logs what passes, without its secrets.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::{Filter, Phase, Request, RequestExt, Response};
use crate::builtin::secrets::Masked;
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Reader};

pub(super) const DEFINITION: Definition = Definition::filter::<Debug>("debug").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("egg:oslo.middleware#debug").dialect(OSLO).note(NOTE),
    Alias::of("keystone.common.wsgi:Debug.factory")
        .dialect(OSLO)
        .note(NOTE)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("keystonelight.wsgi:Debug.factory")
        .dialect(OSLO)
        .note(NOTE)
        .retired(super::COPIED, SUCCESSOR),
    Alias::of("oslo.middleware.debug:Debug.factory")
        .dialect(OSLO)
        .note(NOTE)
        .retired(super::NAMESPACE, SUCCESSOR),
    Alias::of("oslo_middleware.debug:Debug.factory").dialect(OSLO).note(NOTE),
    Alias::of("oslo_middleware:Debug.factory").dialect(OSLO).note(NOTE),
];

const SUCCESSOR: &str = "oslo_middleware:Debug.factory";

const OSLO: Dialect = Dialect::lenient().ignored(super::OSLO_CONFIG);

const NOTE: &str = "The original prints the whole environment, tokens and passwords included, and \
    the bodies of responses; here they are log lines without secrets and bodies.";

settings! {
    /// Logs the head of each request and of its response, at the level INFO.
    ///
    /// The values of headers that may hold secrets, by the words in their names, are hidden, and
    /// so is the query. Bodies are not logged. Both lines of a request have its id, if
    /// `request_id` stands before this filter.
    ///
    /// ```ini
    /// [filter:debug]
    /// use = egg:pasteline#debug
    /// one_of = 100
    /// ```
    pub(super) struct Debug {
        /// Of how many requests one is logged: 1 for all of them.
        one_of: u64 = "1",
    }
}

impl FilterFactory for Debug {
    fn check(&self, reader: &mut Reader<'_>) {
        if self.one_of == 0 {
            reader.reject("one_of", "it is at least 1; leave the filter out to log nothing");
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        Ok(Filter::phase(Told { one_of: self.one_of.max(1), passed: AtomicU64::new(0) }))
    }
}

struct Told {
    one_of: u64,
    passed: AtomicU64,
}

impl Phase for Told {
    /// The id of a request that is logged.
    type Memo = Option<Box<Option<http::HeaderValue>>>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        if !self.passed.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.one_of) {
            return ControlFlow::Continue(None);
        }
        let id = request.context().request_id.clone();
        tracing::info!(
            request_id = id.as_ref().and_then(|id| id.to_str().ok()),
            client = request.context().client().map(tracing::field::display),
            scheme = request.context().scheme().name(),
            method = %request.method(),
            script_name = request.script_name(),
            path_info = request.path_info(), // the query may hold secrets
            version = ?request.version(),
            headers = %Masked(request.headers()),
            "request"
        );
        ControlFlow::Continue(Some(Box::new(id)))
    }

    fn response(&self, told: Self::Memo, response: &mut Response) {
        let Some(id) = told else { return };
        tracing::info!(
            request_id = id.as_ref().as_ref().and_then(|id| id.to_str().ok()),
            status = response.status().as_u16(),
            headers = %Masked(response.headers()),
            "response"
        );
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use http::header::{AUTHORIZATION, HeaderValue, SET_COOKIE};

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter, logged};

    /// What is logged of so many requests with secrets.
    async fn told(options: &str, requests: usize) -> Vec<String> {
        let section = format!("[filter:d]\nuse = egg:oslo.middleware#debug\n{options}");
        logged(|| async {
            let app = app().behind(&[filter(&section)]);
            for _ in 0..requests {
                app.answer(request()).await;
            }
        })
        .await
    }

    fn app() -> App {
        App::ready(|_| {
            let mut response = response::text(StatusCode::IM_A_TEAPOT, "body lemon");
            response.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("s=lemon"));
            response
        })
    }

    fn request() -> Request {
        let mut request = Request::new(Body::from("body lemon"));
        *request.uri_mut() = "/a%20b?token=lemon".parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic lemon"));
        headers.insert("x-auth-token", HeaderValue::from_static("lemon"));
        headers.insert("x-other", HeaderValue::from_bytes(b"line\tend \xe9").unwrap());
        request
    }

    #[tokio::test]
    async fn heads_are_logged_and_no_secret() {
        let lines = told("", 1).await;
        let told = lines.join("\n");
        assert!(told.contains("path_info=\"/a%20b\"") && told.contains("status=418"), "{told}");
        assert!(told.contains("authorization: ****") && told.contains("x-other: "), "{told}");
        assert!(!told.contains("lemon"), "{told}");
        assert_eq!(lines.len(), 2, "{told}");
    }

    #[tokio::test]
    async fn one_of_so_many_is_logged() {
        assert_eq!(told("one_of = 3", 7).await.len(), 6);
    }

    #[test]
    fn one_of_none_is_refused() {
        let section = "[filter:d]\nuse = egg:pasteline#debug\none_of = 0";
        let refused = "test.ini:3:10: error[bad-value]: `one_of` is refused: it is at least 1; \
            leave the filter out to log nothing";
        assert_eq!(faults(section), [refused]);
    }
}
