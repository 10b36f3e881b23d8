//! Makes the common responses.

use std::cmp::Reverse;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Body, Response};

/// A response of plain text in UTF-8.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Response {
    typed(status, "text/plain; charset=utf-8", text.into())
}

/// A response of JSON, in one line.
pub fn json(status: StatusCode, value: &Value) -> Response {
    typed(status, "application/json", value.to_string().into())
}

/// A page of HTML in UTF-8.
pub fn html(status: StatusCode, page: impl Into<Bytes>) -> Response {
    typed(status, "text/html; charset=utf-8", page.into())
}

/// A refusal in the form that the client asks for by `Accept`.
pub fn refusal(status: StatusCode, detail: &str, asked: &HeaderMap) -> Response {
    Form::asked(asked).refusal(status, detail)
}

/// A refusal with 404, in the form that the client asks for.
pub fn not_found(asked: &HeaderMap) -> Response {
    refusal(StatusCode::NOT_FOUND, "The resource could not be found.", asked)
}

/// The form of a refusal: JSON with the keys `message`, `code` and `title`, HTML, or plain text.
///
/// This is what OpenStack's clients know from WebOb's exceptions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A page for people.
    Html,
    /// An object for programs.
    Json,
    /// What a client gets that asks for neither.
    Text,
}

impl Form {
    /// The form that a client asks for by `Accept`: the one that it weighs most, and of several
    /// the one that it names first. Whatever else it asks for, it gets text.
    pub fn asked(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let ranges: Vec<_> = accept.split(',').filter_map(Range::parse).collect();
        let weights = [Self::Text, Self::Html, Self::Json].map(|form| {
            let own = ranges.iter().enumerate().filter(|(_, range)| range.precision(form) > 0);
            // The most precise range decides, the first of several.
            let own = own.min_by_key(|(at, range)| (Reverse(range.precision(form)), *at));
            own.map_or((0, 0, form), |(at, range)| (range.weight, usize::MAX - at, form))
        });
        // Of those that one range stands for, the first of the three.
        let best = weights.into_iter().rev().max_by_key(|(weight, place, _)| (*weight, *place));
        best.filter(|(weight, ..)| *weight > 0).map_or(Self::Text, |(.., form)| form)
    }

    /// A refusal in this form.
    pub fn refusal(self, status: StatusCode, detail: &str) -> Response {
        let title = match status {
            // What WebOb calls it, and clients may look for.
            StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
            _ => status.canonical_reason().unwrap_or("Unknown"),
        };
        let code = format!("{} {title}", status.as_u16());
        let mut response = match self {
            Self::Html => {
                let detail = escape(detail);
                let page = format!(
                    "<!doctype html>\n<title>{code}</title>\n<h1>{code}</h1>\n<p>{detail}</p>\n"
                );
                html(status, page)
            }
            Self::Json => json(status, &json!({"message": detail, "code": code, "title": title})),
            Self::Text => text(status, format!("{code}\n\n{detail}\n")),
        };
        response.extensions_mut().insert(Fault { detail: detail.into() });
        response
    }
}

/// An item of `Accept`.
struct Range<'a> {
    kind: &'a str,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| kind.contains('/'))?;
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok())?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
        Some(Self { kind, weight })
    }

    /// How precisely it names a form: 3 by its own name, 0 not at all.
    fn precision(&self, form: Form) -> u8 {
        let (own, family) = match form {
            Form::Html => ("text/html", "text/*"),
            Form::Json => ("application/json", "application/*"),
            Form::Text => ("text/plain", "text/*"),
        };
        [("*/*", 1), (family, 2), (own, 3)]
            .into_iter()
            .find(|(kind, _)| self.kind.eq_ignore_ascii_case(kind))
            .map_or(0, |(_, precision)| precision)
    }
}

/// What a refusal or a failure says, for a filter that gives it another form. It is among the
/// extensions of such a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is wrong, for people.
    pub detail: Box<str>,
}

/// A failure of the server or of what is behind it, as JSON whatever the client asks for: the
/// keys of a [`refusal`], and `request_id`, by which operators find it in the log, if there is one.
pub fn failure(status: StatusCode, detail: &str, request_id: Option<&HeaderValue>) -> Response {
    let title = status.canonical_reason().unwrap_or("Unknown");
    let code = format!("{} {title}", status.as_u16());
    let mut value = json!({"message": detail, "code": code, "title": title});
    if let Some(request_id) = request_id {
        value["request_id"] = String::from_utf8_lossy(request_id.as_bytes()).into();
    }
    let mut response = json(status, &value);
    response.extensions_mut().insert(Fault { detail: detail.into() });
    response
}

/// A response of any one type.
pub(crate) fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A text as HTML has it between tags.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn content_type(accept: &'static str) -> HeaderValue {
        let mut asked = HeaderMap::new();
        asked.insert(ACCEPT, HeaderValue::from_static(accept));
        let response = refusal(StatusCode::PAYLOAD_TOO_LARGE, "too <large>", &asked);
        response.headers()[CONTENT_TYPE].clone()
    }

    #[tokio::test]
    async fn a_failure_names_the_request() {
        let request_id = HeaderValue::from_static("req-1");
        let response = failure(StatusCode::BAD_GATEWAY, "No upstream.", Some(&request_id));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let expected = r#"{"message":"No upstream.","code":"502 Bad Gateway","title":"Bad Gateway","request_id":"req-1"}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn a_refusal_takes_the_form_that_is_asked_for() {
        assert_eq!(content_type("application/json"), "application/json");
        assert_eq!(content_type("image/png, text/html;q=0.9"), "text/html; charset=utf-8");
        assert_eq!(content_type("*/*"), "text/plain; charset=utf-8");
        assert_eq!(content_type("image/png"), "text/plain; charset=utf-8");
        for (accept, expected) in [
            ("application/json;q=0.5, text/html", "text/html; charset=utf-8"),
            ("text/html;q=0.5, application/json;q=0.9", "application/json"),
            ("application/json;q=0", "text/plain; charset=utf-8"),
            ("application/json;q=0, */*", "text/plain; charset=utf-8"),
            ("text/plain;q=0.1, */*", "text/html; charset=utf-8"),
            ("APPLICATION/JSON", "application/json"),
            ("application/*", "application/json"),
            ("application/json, text/plain, */*", "application/json"),
            ("*/*;q=nan, application/json;q=x", "text/plain; charset=utf-8"),
            (",;q, /", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(content_type(accept), expected, "{accept}");
        }
    }
}
