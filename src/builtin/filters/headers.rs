//! Sets, adds and removes headers.

use std::ops::ControlFlow;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};

use crate::app::{Filter, Phase, Request, Response};
use crate::registry::{Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{HeaderLines, HeaderPattern, Reader};

pub(super) const DEFINITION: Definition = Definition::filter::<Headers>("headers");

settings! {
    /// Sets, adds and removes headers of requests and responses.
    ///
    /// Headers are written `Name: value`, one a line; names to be removed are separated by
    /// commas or line ends. What is to be removed goes first, then headers are set, then added.
    /// `Content-Length` and `Transfer-Encoding` belong to the server and cannot be given.
    ///
    /// ```ini
    /// [filter:harden]
    /// use = egg:pasteline#headers
    /// remove_request = X-User*, X-Roles
    /// set_response =
    ///     X-Content-Type-Options: nosniff
    ///     Referrer-Policy: no-referrer
    /// remove_response = Server
    /// ```
    pub(super) struct Headers {
        /// Names of headers to remove from requests. A `*` at the end matches whatever follows;
        /// `-` and `_` count as the same, as they do to a WSGI server.
        remove_request: Vec<HeaderPattern>,
        /// Headers to set on requests, in place of those that the client sent.
        set_request: HeaderLines,
        /// Headers to add to requests, beside those that the client sent.
        add_request: HeaderLines,
        /// Names of headers to remove from responses, as for `remove_request`.
        remove_response: Vec<HeaderPattern>,
        /// Headers to set on responses that have none of that name.
        default_response: HeaderLines,
        /// Headers to set on responses, in place of those of the app.
        set_response: HeaderLines,
        /// Headers to add to responses, beside those of the app.
        add_response: HeaderLines,
    }
}

impl FilterFactory for Headers {
    fn check(&self, reader: &mut Reader<'_>) {
        let given = [
            ("set_request", &self.set_request),
            ("add_request", &self.add_request),
            ("default_response", &self.default_response),
            ("set_response", &self.set_response),
            ("add_response", &self.add_response),
        ];
        for (option, lines) in given {
            for (name, _) in &lines.0 {
                if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING {
                    reader.reject(option, format!("`{name}` belongs to the server"));
                }
            }
        }
    }

    fn build(self, _: &Site<'_>) -> Result<Filter, Error> {
        let request = Changes::default()
            .remove(self.remove_request)
            .each(self.set_request, Change::Set)
            .each(self.add_request, Change::Add);
        let response = Changes::default()
            .remove(self.remove_response)
            .each(self.default_response, Change::Default)
            .each(self.set_response, Change::Set)
            .each(self.add_response, Change::Add);
        Ok(Filter::phase(Editor { request, response }))
    }
}

/// Changes the headers of requests and of responses.
struct Editor {
    request: Changes,
    response: Changes,
}

impl Phase for Editor {
    type Memo = ();

    fn request(&self, request: &mut Request) -> ControlFlow<Response> {
        self.request.apply(request.headers_mut());
        ControlFlow::Continue(())
    }

    fn response(&self, (): (), response: &mut Response) {
        self.response.apply(response.headers_mut());
    }

    fn join(&self, inner: &Self) -> Option<Self> {
        let request = self.request.then(&inner.request);
        Some(Self { request, response: inner.response.then(&self.response) })
    }
}

/// Changes of headers, in the order in which they are made.
#[derive(Default)]
struct Changes(Vec<Change>);

#[derive(Clone)]
enum Change {
    Add(HeaderName, HeaderValue),
    Default(HeaderName, HeaderValue),
    Remove(Vec<HeaderPattern>),
    Set(HeaderName, HeaderValue),
}

impl Changes {
    fn remove(mut self, patterns: Vec<HeaderPattern>) -> Self {
        if !patterns.is_empty() {
            self.0.push(Change::Remove(patterns));
        }
        self
    }

    fn each(mut self, lines: HeaderLines, change: fn(HeaderName, HeaderValue) -> Change) -> Self {
        self.0.extend(lines.0.into_iter().map(|(name, value)| change(name, value)));
        self
    }

    /// These changes and others after them.
    fn then(&self, others: &Self) -> Self {
        Self([&*self.0, &*others.0].concat())
    }

    fn apply(&self, headers: &mut HeaderMap) {
        // A map that grows with each header moves all of them again and again. One that cannot
        // grow so far is left to do what it can.
        if self.0.len() > 1 {
            let _ = headers.try_reserve(self.0.len());
        }
        for change in &self.0 {
            match change {
                Change::Add(name, value) => {
                    headers.append(name, value.clone());
                }
                Change::Default(name, value) => {
                    headers.entry(name).or_insert_with(|| value.clone());
                }
                Change::Remove(patterns) => HeaderPattern::remove_all(patterns, headers),
                Change::Set(name, value) => {
                    headers.insert(name, value.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::app::{App, Body, response};
    use crate::builtin::fixture::{faults, filter, values};
    use crate::settings::Setting;

    fn section(options: &str) -> String {
        format!("[filter:test]\nuse = egg:pasteline#headers\n{options}")
    }

    /// The headers of the request as the app sees them behind filters with such options, then
    /// those of the response.
    async fn seen(
        options: &[&str],
        sent: &[(&str, &str)],
        answered: &[(&str, &str)],
    ) -> (HeaderMap, HeaderMap) {
        let map = |pairs: &[(&str, &str)]| {
            let parsed = pairs.iter().map(|(name, value)| {
                (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
            });
            parsed.fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
        };
        let answered = map(answered);
        let app = App::ready(move |request: Request| {
            let mut response = response::text(StatusCode::OK, "");
            *response.headers_mut() = answered.clone();
            response.extensions_mut().insert(request.headers().clone());
            response
        });
        let mut request = Request::new(Body::empty());
        *request.headers_mut() = map(sent);
        let filters: Vec<_> = options.iter().map(|options| filter(&section(options))).collect();
        let app = app.behind(&filters);
        let mut response = app.answer(request).await;
        (response.extensions_mut().remove().unwrap(), response.headers().clone())
    }

    #[tokio::test]
    async fn sets_in_place_of_what_was_there_and_adds_beside_it() {
        let options = "set_request =\n X-A: new\n X-B: b, c\nadd_request = X-C: new\n\
            set_response = X-D: new\nadd_response = X-E: new\n\
            default_response =\n X-F: new\n X-G: new";
        let sent = [("x-a", "old"), ("x-a", "older"), ("x-c", "old")];
        let answered = [("x-d", "old"), ("x-e", "old"), ("x-f", "old")];
        let (request, response) = seen(&[options], &sent, &answered).await;
        let request = ["x-a", "x-b", "x-c"].map(|name| values(&request, name));
        assert_eq!(request, ["new", "b, c", "old | new"]);
        let response = ["x-d", "x-e", "x-f", "x-g"].map(|name| values(&response, name));
        assert_eq!(response, ["new", "old | new", "old", "new"]);
    }

    #[tokio::test]
    async fn strips_identity_headers_in_every_spelling() {
        let options = "remove_request = X-User*, X-Roles\nset_request = X-Roles: guest";
        let sent = [
            ("X-User-Id", "root"),
            ("x_user_id", "root"),
            ("X_USER-NAME", "root"),
            ("X-Roles", "admin"),
            ("X_Roles", "admin"),
            ("X-Used", "kept"),
        ];
        let (request, _) = seen(&[options], &sent, &[]).await;
        let mut left: Vec<_> = request.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["x-roles", "x-used"]);
        assert_eq!(values(&request, "x-roles"), "guest");
    }

    #[tokio::test]
    async fn removes_from_responses_what_the_app_says() {
        let options = "remove_response = Server, X-Debug-*";
        let answered = [("server", "a"), ("server", "b"), ("x-debug-sql", "c"), ("x-d", "d")];
        let (_, response) = seen(&[options], &[], &answered).await;
        assert_eq!(response.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-d"]);
    }

    #[tokio::test]
    async fn neighbours_act_in_their_order() {
        let options = |name| {
            format!(
                "remove_request = X-Gone-{name}\nset_request = X-A: {name}\n\
                add_request = X-B: {name}\nset_response = X-C: {name}\n\
                add_response = X-D: {name}\ndefault_response = X-E: {name}"
            )
        };
        let options = ["outer", "middle", "inner"].map(options);
        let sent = [("x-gone-outer", ""), ("x-gone-inner", ""), ("x-b", "sent")];
        let (request, response) = seen(&options.each_ref().map(|text| &**text), &sent, &[]).await;
        assert_eq!(request.len(), 5);
        assert_eq!(values(&request, "x-a"), "inner");
        assert_eq!(values(&request, "x-b"), "sent | outer | middle | inner");
        let response = ["x-c", "x-d", "x-e"].map(|name| values(&response, name));
        assert_eq!(response, ["outer", "inner | middle | outer", "inner"]);
    }

    #[test]
    fn refuses_headers_that_frame_a_message() {
        let options = "set_response = Content-Length: 5\nadd_request = TE: x";
        let refused = "`set_response` is refused: `content-length` belongs to the server";
        let refused = format!("test.ini:3:16: error[bad-value]: {refused}");
        assert_eq!(faults(&section(options)), [refused]);
    }

    #[test]
    fn a_value_cannot_carry_a_second_header() {
        let refused = HeaderLines::parse("X-A: 1\rX-B: 2").unwrap_err();
        assert_eq!(
            refused.reason.as_deref(),
            Some("a header's value is visible ASCII in one line")
        );
    }
}
