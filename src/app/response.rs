//! Makes the common responses.

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
    /// The form that a client asks for: the first of the types in `Accept` that there is one for.
    pub fn asked(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = |range: &str| match range.split(';').next().map(str::trim) {
            Some("application/json") => Some(Self::Json),
            Some("text/html") => Some(Self::Html),
            Some("text/plain" | "text/*" | "*/*") => Some(Self::Text),
            _ => None,
        };
        accept.split(',').find_map(form).unwrap_or(Self::Text)
    }

    /// A refusal in this form.
    pub fn refusal(self, status: StatusCode, detail: &str) -> Response {
        let title = status.canonical_reason().unwrap_or("Unknown");
        let code = format!("{} {title}", status.as_u16());
        match self {
            Self::Html => {
                let detail = escape(detail);
                let page = format!(
                    "<!doctype html>\n<title>{code}</title>\n<h1>{code}</h1>\n<p>{detail}</p>\n"
                );
                html(status, page)
            }
            Self::Json => json(status, &json!({"message": detail, "code": code, "title": title})),
            Self::Text => text(status, format!("{code}\n\n{detail}\n")),
        }
    }
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
    json(status, &value)
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
    }
}
