//! How a line is written.

use std::fmt::{self, Write};

use http::HeaderValue;

use super::date::{Combined, DateTime, Iso};
use super::record::Record;
use super::swift::Swift;
use crate::app::ClientCertificate;
use crate::diagnostic::nearest;
use crate::settings::{Rejected, Setting};

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

/// What Apache and nginx call by that name. There is no `identd`, and the log stands outside of
/// what knows users.
const COMBINED: &str = "{client_ip} - - [{time}] \"{request_line}\" {status} {length} \
    \"{referer}\" \"{user_agent}\"";

/// The default of `wsgi_log_format` in oslo.service.
const OSLO: &str = "%(client_ip)s \"%(request_line)s\" status: %(status_code)s  \
    len: %(body_length)s time: %(wall_seconds).7f";

impl Setting for Format {
    const EXPECTED: &'static str =
        "`combined`, `json`, `oslo`, `swift`, or a line with fields such as `{client_ip} {status}`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "combined" => template(COMBINED),
            "json" => Ok(Self(Layout::Json)),
            "oslo" => oslo(OSLO),
            "swift" => Ok(Self(Layout::Swift)),
            line if line.contains("%(") => oslo(line),
            line => template(line),
        }
    }
}

/// Reads a line with fields such as `{status}`.
fn template(line: &str) -> Result<Format, Rejected> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        let start = line.len() - rest.len() + open;
        let Some(length) = rest[open..].find('}') else {
            return Err(Rejected::because("`{` has no `}`").at(start, start + 1));
        };
        let name = &rest[open + 1..open + length];
        let field = named(name, &FIELDS)
            .map_err(|reason| Rejected::because(reason).at(start, start + length + 1))?;
        pieces.push(Piece::Text(rest[..open].into()));
        pieces.push(Piece::Field(field));
        rest = &rest[open + length + 1..];
    }
    if pieces.is_empty() {
        let reason = "it has no field; fields are written `{client_ip}`";
        return Err(Rejected::because(reason));
    }
    pieces.push(Piece::Text(rest.into()));
    Ok(Format(Layout::Template(pieces.into())))
}

/// Reads a line with fields such as `%(status_code)s`, as Python writes them.
fn oslo(line: &str) -> Result<Format, Rejected> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(percent) = rest.find('%') {
        let start = line.len() - rest.len() + percent;
        pieces.push(Piece::Text(rest[..percent].into()));
        let after = &rest[percent + 1..];
        if let Some(after) = after.strip_prefix('%') {
            pieces.push(Piece::Text("%".into()));
            rest = after;
            continue;
        }
        let reject = |reason| Rejected::because(reason).at(start, start + 1);
        let inner = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        let Some((name, after)) = inner else {
            let reason = "`%` is followed by neither `(NAME)s` nor another `%`";
            return Err(reject(reason.to_owned()));
        };
        let field = named(name, &PYTHON_FIELDS).map_err(reject)?;
        let (field, after) = converted(field, after).ok_or_else(|| {
            reject(format!("`%({name})` is followed by none of `s`, `d` and `.7f`"))
        })?;
        pieces.push(Piece::Field(field));
        rest = after;
    }
    pieces.push(Piece::Text(rest.into()));
    Ok(Format(Layout::Template(pieces.into())))
}

/// A field as what follows it says, and the rest: `s`, `d`, or the number of digits of a fraction.
fn converted(field: Field, text: &str) -> Option<(Field, &str)> {
    let Some(digits) = text.strip_prefix('.') else {
        let rest = text.strip_prefix(['s', 'd', 'f'])?;
        return Some((field, rest));
    };
    let (digits, rest) = digits.split_once('f')?;
    let digits = digits.parse().ok()?;
    matches!(field, Field::Seconds(_)).then_some((Field::Seconds(digits), rest))
}

/// The field of a name.
fn named(name: &str, fields: &[(&str, Field)]) -> Result<Field, String> {
    if let Some((_, field)) = fields.iter().find(|(known, _)| *known == name) {
        return Ok(*field);
    }
    let names: Vec<_> = fields.iter().map(|(known, _)| *known).collect();
    Err(match nearest(name, names.iter().copied()) {
        Some(near) => format!("there is no field `{name}`; did you mean `{near}`?"),
        None => format!("there is no field `{name}`; the fields are {}", names.join(", ")),
    })
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

/// A field of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    ClientFingerprint,
    ClientIp,
    ClientPort,
    ClientSubject,
    DateTime,
    Host,
    IsoTime,
    Length,
    Method,
    /// Who has logged in, which is not known.
    Nobody,
    Protocol,
    Referer,
    RequestId,
    RequestLine,
    /// With so many digits of a fraction.
    Seconds(u8),
    Status,
    Target,
    Time,
    TlsCipher,
    TlsVersion,
    UserAgent,
}

/// All fields with the names by which lines know them.
const FIELDS: [(&str, Field); 19] = [
    ("client_fingerprint", Field::ClientFingerprint),
    ("client_ip", Field::ClientIp),
    ("client_port", Field::ClientPort),
    ("client_subject", Field::ClientSubject),
    ("host", Field::Host),
    ("iso_time", Field::IsoTime),
    ("length", Field::Length),
    ("method", Field::Method),
    ("protocol", Field::Protocol),
    ("referer", Field::Referer),
    ("request_id", Field::RequestId),
    ("request_line", Field::RequestLine),
    ("seconds", Field::Seconds(7)),
    ("status", Field::Status),
    ("target", Field::Target),
    ("time", Field::Time),
    ("tls_cipher", Field::TlsCipher),
    ("tls_version", Field::TlsVersion),
    ("user_agent", Field::UserAgent),
];

/// The fields of lines as Python writes them: of `wsgi_log_format`, by the names that eventlet has
/// for them, and of Paste's `translogger`.
const PYTHON_FIELDS: [(&str, Field); 17] = [
    ("HTTP_REFERER", Field::Referer),
    ("HTTP_USER_AGENT", Field::UserAgent),
    ("HTTP_VERSION", Field::Protocol),
    ("REMOTE_ADDR", Field::ClientIp),
    ("REMOTE_USER", Field::Nobody),
    ("REQUEST_METHOD", Field::Method),
    ("REQUEST_URI", Field::Target),
    ("body_length", Field::Length),
    ("bytes", Field::Length),
    ("client_ip", Field::ClientIp),
    ("client_port", Field::ClientPort),
    ("date_time", Field::DateTime),
    ("request_line", Field::RequestLine),
    ("status", Field::Status),
    ("status_code", Field::Status),
    ("time", Field::Time),
    // What Python writes for a number that is given no digits.
    ("wall_seconds", Field::Seconds(6)),
];

impl Field {
    fn is_number(self) -> bool {
        matches!(self, Self::Length | Self::Seconds(_) | Self::Status)
    }

    fn is_known(self, record: &Record) -> bool {
        match self {
            Self::ClientIp => record.client.is_some(),
            Self::Host => record.host.is_some(),
            Self::Referer => record.referer.is_some(),
            Self::RequestId => record.request_id.is_some(),
            Self::UserAgent => record.user_agent.is_some(),
            _ => true,
        }
    }

    /// Writes the field; a dash if it is not known.
    fn write(self, record: &Record, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::ClientFingerprint => {
                text(record.client_certificate().map(ClientCertificate::fingerprint), out)
            }
            Self::ClientIp => match record.client {
                Some(client) => write!(out, "{client}"),
                None => out.write_char('-'),
            },
            Self::ClientPort => match record.port {
                Some(port) => write!(out, "{port}"),
                None => out.write_char('-'),
            },
            Self::ClientSubject => {
                text(record.client_certificate().map(ClientCertificate::subject), out)
            }
            Self::DateTime => write!(out, "{}", DateTime(record.started)),
            Self::Host => header(record.host.as_ref(), out),
            Self::IsoTime => write!(out, "{}", Iso(record.started)),
            Self::Length => write!(out, "{}", record.length),
            Self::Method => out.write_str(record.head.method()),
            Self::Nobody => out.write_char('-'),
            Self::Protocol => out.write_str(record.head.protocol()),
            Self::Referer => header(record.referer.as_ref(), out),
            Self::RequestId => header(record.request_id.as_ref(), out),
            Self::RequestLine => record.head.write(out),
            Self::Seconds(digits) => {
                write!(out, "{:.*}", usize::from(digits), record.elapsed.as_secs_f64())
            }
            Self::Status => write!(out, "{}", record.status()),
            Self::Target => out.write_str(record.head.target()),
            Self::Time => write!(out, "{}", Combined(record.started)),
            Self::TlsCipher => text(record.encryption().map(|it| it.cipher), out),
            Self::TlsVersion => text(record.encryption().map(|it| it.version), out),
            Self::UserAgent => header(record.user_agent.as_ref(), out),
        }
    }
}

/// Writes a text; a dash if there is none.
fn text(text: Option<&str>, out: &mut impl Write) -> fmt::Result {
    out.write_str(text.unwrap_or("-"))
}

/// Writes the value of a header; what is not UTF-8 is taken for Latin-1.
fn header(value: Option<&HeaderValue>, out: &mut impl Write) -> fmt::Result {
    let Some(value) = value else { return out.write_char('-') };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => out.write_str(text),
        Err(_) => value.as_bytes().iter().try_for_each(|byte| out.write_char(char::from(*byte))),
    }
}

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

    use http::StatusCode;

    use super::*;
    use crate::app::{Body, Connection, Request};

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
