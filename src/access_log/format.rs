//! How a line is written.

mod field;
mod template;

use std::fmt::{self, Write};

use self::field::Field;
use super::record::Record;
use super::swift::Swift;

/// How lines are written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Format(Layout);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Layout {
    /// An object a line, for programs.
    Json,
    /// What Swift's `proxy_logging` writes.
    Swift,
    /// Texts and fields in turn.
    Template(Box<[Piece]>),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Field(Field),
    Text(Box<str>),
}

/// A line of the log, with its end.
pub(super) struct Line<'a> {
    pub(super) format: &'a Format,
    pub(super) record: &'a Record,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.format.0 {
            Layout::Json => self.json(f)?,
            Layout::Swift => write!(f, "{}", Swift(self.record))?,
            Layout::Template(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => f.write_str(text)?,
                        Piece::Field(field) => field.write(self.record, &mut Escaped::text(f))?,
                    }
                }
            }
        }
        f.write_char('\n')
    }
}

impl Line<'_> {
    fn json(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = '{';
        for (name, field) in JSON {
            write!(f, "{separator}\"{name}\":")?;
            separator = ',';
            if !field.is_known(self.record) {
                f.write_str("null")?;
            } else if field.is_number() {
                field.write(self.record, f)?;
            } else {
                f.write_char('"')?;
                field.write(self.record, &mut Escaped::json(f))?;
                f.write_char('"')?;
            }
        }
        f.write_char('}')
    }
}

/// The keys of a line in JSON, in their order.
const JSON: [(&str, Field); 12] = [
    ("time", Field::IsoTime),
    ("client_ip", Field::ClientIp),
    ("host", Field::Host),
    ("method", Field::Method),
    ("target", Field::Target),
    ("protocol", Field::Protocol),
    ("status", Field::Status),
    ("length", Field::Length),
    ("seconds", Field::Seconds(7)),
    ("referer", Field::Referer),
    ("user_agent", Field::UserAgent),
    ("request_id", Field::RequestId),
];

/// Passes on what a client has sent so that it can end neither a field nor a line, nor do
/// anything to a terminal.
struct Escaped<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    json: bool,
}

impl<'a, 'b> Escaped<'a, 'b> {
    fn text(out: &'a mut fmt::Formatter<'b>) -> Self {
        Self { out, json: false }
    }

    fn json(out: &'a mut fmt::Formatter<'b>) -> Self {
        Self { out, json: true }
    }

    fn is_special(&self, byte: u8) -> bool {
        matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f) || byte > 0x7f && !self.json
    }
}

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.bytes().any(|byte| self.is_special(byte)) {
            return self.out.write_str(text);
        }
        for character in text.chars() {
            let bytes = &mut [0; 4];
            let encoded = character.encode_utf8(bytes);
            if !encoded.bytes().any(|byte| self.is_special(byte)) {
                self.out.write_str(encoded)?;
            } else if self.json {
                write!(self.out, "\\u{:04x}", u32::from(character))?;
            } else {
                encoded.bytes().try_for_each(|byte| write!(self.out, "\\x{byte:02x}"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::{HeaderValue, StatusCode};

    use super::field::FIELDS;
    use super::*;
    use crate::app::{Body, Connection, Request};
    use crate::settings::Setting;

    fn record(request: &Request) -> Record {
        let mut record = Record::begin(request);
        record.started = UNIX_EPOCH + Duration::from_millis(971_186_136_123);
        record.elapsed = Duration::from_micros(1234);
        record.status = Some(StatusCode::OK);
        record.length = 13;
        record
    }

    fn bare() -> Record {
        record(&Request::new(Body::empty()))
    }

    /// A request from which a client tries to break out of its line.
    fn hostile() -> Record {
        let request = http::Request::get("/a\"b?c=\\d")
            .header("user-agent", HeaderValue::from_bytes(b"a\"\t\xff\xc3\xa9").unwrap())
            .header("referer", "http://a/");
        record(&request.body(Body::empty()).unwrap())
    }

    fn line(format: &str, record: &Record) -> String {
        Line { format: &Format::parse(format).unwrap(), record }.to_string()
    }

    #[test]
    fn writes_the_combined_format() {
        let expected = "- - - [10/Oct/2000:13:55:36 +0000] \"GET / HTTP/1.1\" 200 13 \"-\" \"-\"\n";
        assert_eq!(line("combined", &bare()), expected);
    }

    #[test]
    fn writes_what_oslo_writes() {
        let expected = "- \"GET / HTTP/1.1\" status: 200  len: 13 time: 0.0012340\n";
        assert_eq!(line("oslo", &bare()), expected);
    }

    #[test]
    fn reads_the_formats_of_python() {
        let eventlet = "%(client_ip)s - - [%(date_time)s] \"%(request_line)s\" %(status_code)s \
            %(body_length)s %(wall_seconds).6f %(client_port)s 100%%";
        let expected = "- - - [10/Oct/2000 13:55:36] \"GET / HTTP/1.1\" 200 13 0.001234 - 100%\n";
        assert_eq!(line(eventlet, &bare()), expected);
        let paste = "%(REMOTE_ADDR)s - %(REMOTE_USER)s [%(time)s] \
            \"%(REQUEST_METHOD)s %(REQUEST_URI)s %(HTTP_VERSION)s\" %(status)s %(bytes)s \
            \"%(HTTP_REFERER)s\" \"%(HTTP_USER_AGENT)s\"";
        assert_eq!(line(paste, &bare()), line("combined", &bare()));
        let wrong = |text: &str| Format::parse(text).unwrap_err().reason.unwrap();
        assert_eq!(
            wrong("%(statuscode)s"),
            "there is no field `statuscode`; did you mean `status_code`?"
        );
        assert_eq!(
            wrong("%(client_ip)s 100%"),
            "`%` is followed by neither `(NAME)s` nor another `%`"
        );
        assert_eq!(
            wrong("%(status_code).2f"),
            "`%(status_code)` is followed by none of `s`, `d` and `.7f`"
        );
    }

    #[test]
    fn a_head_that_is_refused_is_written_as_it_came() {
        let connection = Connection::default();
        let refused = |head: &[u8]| {
            let record = Record::refused(head, &connection, StatusCode::BAD_REQUEST);
            line("{method} {target} {protocol} \"{request_line}\" {status}", &record)
        };
        assert_eq!(
            refused(b"\r\nGET /a HTTP/1.1\r\n\x01"),
            "GET /a HTTP/1.1 \"GET /a HTTP/1.1\" 400\n"
        );
        assert_eq!(refused(b"\x16\x03\x01"), "\\x16\\x03\\x01 - - \"\\x16\\x03\\x01\" 400\n");
        assert_eq!(refused(b""), "- - - \"-\" 400\n");
    }

    #[test]
    fn what_a_client_sent_stays_in_its_field() {
        let written = line("\"{request_line}\" \"{user_agent}\" {referer}", &hostile());
        let expected =
            r#""GET /a\x22b?c=\x5cd HTTP/1.1" "a\x22\x09\xc3\xbf\xc3\x83\xc2\xa9" http://a/"#;
        assert_eq!(written, format!("{expected}\n"));
    }

    #[test]
    fn json_is_json_whatever_the_client_sent() {
        let json: serde_json::Value = serde_json::from_str(&line("json", &hostile())).unwrap();
        let expected = serde_json::json!({
            "time": "2000-10-10T13:55:36.123Z",
            "client_ip": null,
            "host": null,
            "method": "GET",
            "target": "/a\"b?c=\\d",
            "protocol": "HTTP/1.1",
            "status": 200,
            "length": 13,
            "seconds": 0.001_234,
            "referer": "http://a/",
            "user_agent": "a\"\t\u{ff}\u{c3}\u{a9}",
            "request_id": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn every_field_has_a_name() {
        for (name, _) in FIELDS {
            let written = line(&format!("<{{{name}}}>"), &bare());
            assert!(written.starts_with('<') && written.ends_with(">\n"), "{written}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        let wrong = |text: &str| {
            let rejected = Format::parse(text).unwrap_err();
            (rejected.reason.unwrap(), rejected.part)
        };
        let (reason, part) = wrong("a {statsu} b");
        assert_eq!(reason, "there is no field `statsu`; did you mean `status`?");
        assert_eq!(part, Some((2, 10)));
        assert_eq!(wrong("{status} {").1, Some((9, 10)));
        let reason = "it has no field; fields are written `{client_ip}`";
        assert_eq!(wrong("GET"), (reason.to_owned(), None));
    }
}
