//! The line that Swift's `proxy_logging` writes.

use std::fmt::{self, Display, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

use super::date::DateTime;
use super::record::Record;

/// The line of a request as Swift writes it: fields between blanks, all but letters, digits and a
/// few signs of which are percent-encoded, so that it can be split at the blanks. What is not
/// known is a dash, tokens among it.
pub(super) struct Swift<'a>(pub(super) &'a Record);

impl Display for Swift<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.0;
        let ended = record.started + record.elapsed;
        let date = DateTime(ended).to_string().replace([' ', ':'], "/");
        let length = (record.length > 0).then(|| record.length.to_string());
        let took = format!("{:.4}", record.elapsed.as_secs_f64());
        let fields = [
            ("client_ip", record.client.map(|client| client.to_string())),
            ("remote_addr", record.peer.map(|peer| peer.to_string())),
            ("end_time.datetime", Some(date)),
            ("method", Some(record.head.method().to_owned())),
            ("path", Some(record.head.target().to_owned())),
            ("protocol", Some(record.head.protocol().to_owned())),
            ("status_int", Some(record.status().to_string())),
            ("referer", text(record.referer.as_ref())),
            ("user_agent", text(record.user_agent.as_ref())),
            ("auth_token", None),
            ("bytes_recvd", None),
            ("bytes_sent", length),
            ("client_etag", None),
            ("transaction_id", text(record.request_id.as_ref())),
            ("headers", None),
            ("request_time", Some(took)),
            ("source", None),
            ("log_info", None),
            ("start_time", Some(seconds(record.started))),
            ("end_time", Some(seconds(ended))),
            ("policy_index", None),
            ("access_user_id", None),
        ];
        for (number, (_, value)) in fields.iter().enumerate() {
            if number > 0 {
                f.write_char(' ')?;
            }
            write!(f, "{}", Quoted(value.as_deref().unwrap_or("-")))?;
        }
        Ok(())
    }
}

fn text(header: Option<&HeaderValue>) -> Option<String> {
    let text = String::from_utf8_lossy(header?.as_bytes()).into_owned();
    (!text.is_empty()).then_some(text)
}

/// A moment in seconds since 1970.
fn seconds(moment: SystemTime) -> String {
    let since: Duration = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:09}", since.as_secs(), since.subsec_nanos())
}

/// A text as Python's `quote` has it with `:/{}` safe.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => f.write_char(char::from(byte))?,
                b'_' | b'.' | b'-' | b'~' | b':' | b'/' | b'{' | b'}' => {
                    f.write_char(char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::app::{Body, Request};

    #[test]
    fn writes_the_line_of_swift() {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = "/v1/AUTH_a/c%20d?x=1&y".parse().unwrap();
        let agent = HeaderValue::from_static("curl/8 (x86 64)");
        request.headers_mut().insert("user-agent", agent);
        let mut record = Record::begin(&request);
        record.started = UNIX_EPOCH + Duration::from_millis(971_186_136_250);
        record.elapsed = Duration::from_millis(750);
        record.status = Some(StatusCode::OK);
        record.length = 12;
        let expected = "- - 10/Oct/2000/13/55/37 GET /v1/AUTH_a/c%2520d%3Fx%3D1%26y HTTP/1.1 200 \
            - curl/8%20%28x86%2064%29 - - 12 - - - 0.7500 - - 971186136.250000000 \
            971186137.000000000 - -";
        assert_eq!(Swift(&record).to_string(), expected);
    }
}
