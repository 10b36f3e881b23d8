//! Tells failures in the form that clients of an OpenStack service know.

use std::ops::ControlFlow;

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, ETAG,
    HeaderName, LAST_MODIFIED, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value as Json, json};

use super::catch_errors::CatchErrors;
use crate::app::response::Fault;
use crate::app::{Filter, Phase, Request, RequestExt, Response, response};
use crate::registry::{Alias, Definition, Error, FilterFactory, Site};
use crate::settings;
use crate::settings::{Dialect, Form, Rejected, Setting};

pub(super) const DEFINITION: Definition =
    Definition::filter::<FaultWrap>("fault_wrap").aliases(ALIASES);

const ALIASES: &[Alias] = &[
    Alias::of("cinder.api.middleware.fault:FaultWrapper.factory").dialect(COMPUTE).note(NOTE),
    Alias::of("designate.api.middleware:FaultWrapperMiddleware.factory")
        .dialect(DESIGNATE)
        .note(NOTE),
    Alias::of("designate.api.v1:FaultWrapperMiddleware.factory").dialect(DESIGNATE).note(NOTE),
    Alias::of("heat.api.openstack:faultwrap_filter").dialect(HEAT).note(NOTE),
    Alias::of("manila.api.middleware.fault:FaultWrapper.factory").dialect(COMPUTE).note(NOTE),
    Alias::of("masakari.api.openstack:FaultWrapper.factory").dialect(COMPUTE).note(NOTE),
    Alias::of("murano.api.middleware.fault:FaultWrapper.factory").dialect(HEAT).note(NOTE),
    Alias::of("nova.api.openstack:FaultWrapper.factory").dialect(COMPUTE).note(NOTE),
    Alias::of("nova.api.openstack:fault_wrapper_factory").dialect(COMPUTE).note(NOTE),
];

const COMPUTE: Dialect = Dialect::lenient().defaults(&[("format", "compute")]);
const DESIGNATE: Dialect = Dialect::lenient().defaults(&[("format", "designate")]);
const HEAT: Dialect = Dialect::lenient().defaults(&[("format", "heat")]);

const NOTE: &str = "The original gives a form to the exceptions of the service, which now does so \
    in its own process; what is given a form here is what this server says itself.";

settings! {
    /// Tells failures in the form that clients of an OpenStack service know.
    ///
    /// What the app answers stays as it is. What this server says itself (an upstream that is
    /// gone or late, a body that is too large, a panic) becomes JSON of the service's kind, with
    /// the status that it has.
    ///
    /// ```ini
    /// [filter:faultwrap]
    /// use = egg:pasteline#fault_wrap
    /// format = compute
    /// ```
    pub(super) struct FaultWrap {
        /// The form: `compute` of Nova, Cinder and Manila (`{"itemNotFound": {"code": 404,
        /// "message": …}}`), `designate` of Designate or `heat` of Heat and Murano.
        format: FaultFormat = "compute",
    }
}

/// The form of a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FaultFormat {
    Compute,
    Designate,
    Heat,
}

impl Setting for FaultFormat {
    const EXPECTED: &'static str = "`compute`, `designate` or `heat`";
    const FORM: Form = Form::Words(&["compute", "designate", "heat"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "compute" => Ok(Self::Compute),
            "designate" => Ok(Self::Designate),
            "heat" => Ok(Self::Heat),
            _ => Err(Rejected::default()),
        }
    }
}

impl FilterFactory for FaultWrap {
    fn build(self, site: &Site<'_>) -> Result<Filter, Error> {
        // A panic is given its form too, as an exception was.
        let filters =
            [Filter::phase(Wrapper(self.format)), CatchErrors::without_ids().build(site)?];
        Ok(Filter::wrap(move |app| app.behind(&filters)))
    }
}

struct Wrapper(FaultFormat);

impl Phase for Wrapper {
    type Memo = Option<HeaderValue>;

    fn request(&self, request: &mut Request) -> ControlFlow<Response, Self::Memo> {
        let id = request.context().request_id.as_ref();
        ControlFlow::Continue(id.filter(|_| self.0 == FaultFormat::Designate).cloned())
    }

    fn response(&self, id: Self::Memo, response: &mut Response) {
        let Some(Fault { detail }) = response.extensions_mut().remove::<Fault>() else { return };
        let (status, detail) = (response.status(), &*detail);
        let told = match self.0 {
            FaultFormat::Compute => compute(status, detail, response.headers()),
            FaultFormat::Designate => designate(status, detail, id.as_ref()),
            FaultFormat::Heat => heat(status, detail),
        };
        let (parts, body) = response::json(status, &told).into_parts();
        *response.body_mut() = body;
        // What a filter inside has said of the body that was.
        for name in OF_THE_BODY {
            response.headers_mut().remove(name);
        }
        response.headers_mut().extend(parts.headers);
    }
}

/// What tells of one body and is wrong of another.
const OF_THE_BODY: [HeaderName; 7] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    LAST_MODIFIED,
];

/// Nova's form, which others have taken over with its names.
fn compute(status: StatusCode, detail: &str, headers: &HeaderMap) -> Json {
    let name = match status.as_u16() {
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "itemNotFound",
        405 => "badMethod",
        409 => "conflictingRequest",
        413 | 429 => "overLimit",
        415 => "badMediaType",
        501 => "notImplemented",
        503 => "serviceUnavailable",
        _ => "computeFault",
    };
    let mut fault = json!({"code": status.as_u16(), "message": detail});
    let retry = headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    if let (Some(retry), "overLimit") = (retry, name) {
        fault["retryAfter"] = retry.into();
    }
    json!({ name: fault })
}

fn designate(status: StatusCode, detail: &str, id: Option<&HeaderValue>) -> Json {
    let kind = match status.as_u16() {
        404 => "not_found",
        413 => "request_too_large",
        502..=504 => "service_unavailable",
        _ => "unknown",
    };
    let mut fault = json!({"code": status.as_u16(), "type": kind, "message": detail});
    if let Some(id) = id.and_then(|id| id.to_str().ok()) {
        fault["request_id"] = id.into();
    }
    fault
}

fn heat(status: StatusCode, detail: &str) -> Json {
    let title = status.canonical_reason().unwrap_or("Unknown");
    let kind = format!("HTTP{}", title.replace(' ', ""));
    json!({
        "code": status.as_u16(),
        "title": title,
        "explanation": detail,
        "error": {"message": detail, "traceback": null, "type": kind},
    })
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::app::{App, Body};
    use crate::builtin::fixture::{faults, filter, text};

    /// The answer to a request whose app answers so.
    async fn told(format: &str, app: App) -> (StatusCode, HeaderValue, String) {
        let section = format!("[filter:f]\nuse = egg:pasteline#fault_wrap\nformat = {format}\n");
        let mut request = Request::new(Body::empty());
        request.context_mut().request_id = Some(HeaderValue::from_static("req-1"));
        let response = app.behind(&[filter(&section)]).answer(request).await;
        let (status, kind) = (response.status(), response.headers()[CONTENT_TYPE].clone());
        (status, kind, text(response).await)
    }

    fn failing(status: u16) -> App {
        let status = StatusCode::from_u16(status).unwrap();
        App::ready(move |_| response::failure(status, "No upstream.", None))
    }

    #[tokio::test]
    async fn what_was_said_of_the_body_that_was_goes_with_it() {
        let large = "No upstream. ".repeat(1000);
        let app = App::ready(move |_| response::failure(StatusCode::BAD_GATEWAY, &large, None));
        let compress = filter("[filter:c]\nuse = egg:pasteline#compress\n");
        let section = "[filter:f]\nuse = egg:pasteline#fault_wrap\nformat = compute\n";
        let request = http::Request::get("/").header("accept-encoding", "gzip");
        let request = request.body(Body::empty()).unwrap();
        let response = app.behind(&[filter(section), compress]).answer(request).await;
        for name in OF_THE_BODY {
            assert!(!response.headers().contains_key(&name), "{name}");
        }
        assert!(text(response).await.starts_with(r#"{"computeFault":{"code":502"#));
    }

    #[tokio::test]
    async fn what_the_server_says_takes_the_form_of_the_service() {
        for (format, status, expected) in [
            ("compute", 404, r#"{"itemNotFound":{"code":404,"message":"No upstream."}}"#),
            ("compute", 502, r#"{"computeFault":{"code":502,"message":"No upstream."}}"#),
            (
                "designate",
                504,
                r#"{"code":504,"type":"service_unavailable","message":"No upstream.","request_id":"req-1"}"#,
            ),
            (
                "heat",
                502,
                r#"{"code":502,"title":"Bad Gateway","explanation":"No upstream.","error":{"message":"No upstream.","traceback":null,"type":"HTTPBadGateway"}}"#,
            ),
        ] {
            let (seen, kind, text) = told(format, failing(status)).await;
            assert_eq!((seen.as_u16(), &*text), (status, expected), "{format}");
            assert_eq!(kind, "application/json");
        }
    }

    #[tokio::test]
    async fn a_refusal_says_when_to_try_again() {
        let app = App::ready(|_| {
            let asked = HeaderMap::new();
            let mut refusal =
                response::refusal(StatusCode::TOO_MANY_REQUESTS, "Slow down.", &asked);
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("7"));
            refusal
        });
        let expected = r#"{"overLimit":{"code":429,"message":"Slow down.","retryAfter":"7"}}"#;
        assert_eq!(told("compute", app).await.2, expected);
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_of_the_service() {
        let (status, _, text) = told("compute", App::ready(|_| panic!("oh"))).await;
        assert_eq!(status, 500);
        assert!(
            text.starts_with(r#"{"computeFault":{"code":500,"message":"The server has"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_the_app_says_stays_as_it_is() {
        let app = App::ready(|_| response::text(StatusCode::NOT_FOUND, "none of mine"));
        assert_eq!(told("compute", app).await.2, "none of mine");
    }

    #[test]
    fn tells_what_is_no_format() {
        assert_eq!(faults("[filter:f]\nuse = egg:pasteline#fault_wrap\nformat = xml\n").len(), 1);
    }
}
