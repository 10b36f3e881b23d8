//! What is allowed to whom, and how responses say so.

use std::ops::ControlFlow;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};

use super::Cors;
use super::origin::Origin;
use crate::app::{Body, Phase, Request, Response};

/// Headers that a page may always send, as in oslo.middleware; more than browsers hold safe.
const SIMPLE: [&str; 8] = [
    "accept",
    "accept-language",
    "cache-control",
    "content-language",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// What is allowed to whom, with the values of headers as they are sent.
pub(super) struct Policy {
    /// Sorted.
    origins: Box<[HeaderValue]>,
    any_origin: bool,
    credentials: bool,
    methods: Box<[Method]>,
    headers: Box<[HeaderName]>,
    exposed: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

const ANY: HeaderValue = HeaderValue::from_static("*");

impl Policy {
    pub(super) fn new(settings: Cors) -> Self {
        let any_origin = settings.allowed_origin.contains(&Origin::Any);
        let one = |origin| match origin {
            Origin::Any => None,
            Origin::One(origin) => Some(origin),
        };
        let mut origins: Vec<_> = settings.allowed_origin.into_iter().filter_map(one).collect();
        origins.sort();
        let simple = SIMPLE.map(HeaderName::from_static);
        let exposed: Vec<_> = settings.expose_headers.iter().map(|name| &*name.0).collect();
        Self {
            origins: origins.into(),
            any_origin,
            credentials: settings.allow_credentials,
            methods: settings.allow_methods.into(),
            headers: settings.allow_headers.into_iter().chain(simple).collect(),
            exposed: exposed.join(",").parse().ok().filter(|_| !exposed.is_empty()),
            max_age: Some(settings.max_age).filter(|age| *age > 0).map(HeaderValue::from),
        }
    }

    /// The origin to be named in the response, if that of the request is allowed.
    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = only(headers, ORIGIN)?;
        match self.origins.binary_search(origin) {
            Ok(index) => Some(self.origins[index].clone()),
            Err(_) => self.any_origin.then_some(ANY),
        }
    }

    /// The answer to a preflight, if what it asks for is allowed.
    fn preflight(&self, headers: &HeaderMap, origin: &HeaderValue) -> Option<Response> {
        let method = only(headers, ACCESS_CONTROL_REQUEST_METHOD)?;
        self.methods.iter().find(|allowed| allowed.as_str() == method)?;
        let asked = asked_headers(headers)?;
        if !asked.iter().all(|name| self.allows_header(name)) {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::OK;
        let answer = response.headers_mut();
        self.name(origin.clone(), answer);
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
        if let Ok(names) = HeaderValue::try_from(asked.join(","))
            && !names.is_empty()
        {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        if let Some(age) = &self.max_age {
            answer.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        let vary = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
        answer.insert(VARY, HeaderValue::from_static(vary));
        Some(response)
    }

    fn allows_header(&self, name: &str) -> bool {
        self.headers.iter().any(|allowed| name.eq_ignore_ascii_case(allowed.as_str()))
    }

    /// Says which origin may read the response, and whether with credentials.
    fn name(&self, origin: HeaderValue, headers: &mut HeaderMap) {
        if self.credentials && origin != ANY {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

impl Phase for Policy {
    type Memo = Option<HeaderValue>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let allowed = self.allowed(request.headers());
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let Some(origin) = allowed.as_ref().filter(|_| is_preflight) else {
            return ControlFlow::Continue(allowed);
        };
        match self.preflight(headers, origin) {
            Some(answer) => ControlFlow::Break(answer),
            // What the app says to it is not for the page.
            None => ControlFlow::Continue(None),
        }
    }

    fn response(&self, allowed: Self::Memo, response: &mut Response) {
        let headers = response.headers_mut();
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        // Even where no origin is named, or all are: a cache must not give a response that was made
        // without this header to a page that needs it.
        if self.any_origin || !self.origins.is_empty() {
            vary_by_origin(headers);
        }
        let Some(origin) = allowed else { return };
        self.name(origin, headers);
        if let Some(exposed) = &self.exposed {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }
}

/// The names of headers that a page asks to send, of one list or several; none if they cannot be
/// read.
fn asked_headers(headers: &HeaderMap) -> Option<Vec<&str>> {
    let lists = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let lists: Option<Vec<_>> = lists.map(|names| names.to_str().ok()).collect();
    let names = lists?.into_iter().flat_map(|names| names.split(',').map(str::trim));
    Some(names.filter(|name| !name.is_empty()).collect())
}

/// The value of a header that stands once; none if it stands more often.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Adds `Origin` to what a response varies by, unless it does already.
fn vary_by_origin(headers: &mut HeaderMap) {
    let names = |value: &HeaderValue| {
        let mut names = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.any(|name| name == b"*" || name.eq_ignore_ascii_case(b"origin"))
    };
    if !headers.get_all(VARY).iter().any(names) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}
