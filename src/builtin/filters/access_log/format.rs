//! How a line is written.

use std::fmt::{self, Write};

use http::HeaderValue;

use super::date::{Combined, Iso};
use super::record::Record;
use crate::diagnostic::nearest;
use crate::settings::{Rejected, Setting};

/// How lines are written.
#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Format {
    /// An object a line, for programs.
    Json,
    /// Texts and fields in turn.
    Template(Box<[Piece]>),
}

#[derive(Clone, Debug)]
pub(in crate::builtin::filters) enum Piece {
    Field(Field),
    Text(Box<str>),
}

/// What Apache and nginx call by that name. There is no `identd`, and the log stands outside of
/// what knows users.
const COMBINED: &str = "{client_ip} - - [{time}] \"{request_line}\" {status} {length} \
    \"{referer}\" \"{user_agent}\"";

/// The default of `wsgi_log_format` in oslo.service.
const OSLO: &str = "{client_ip} \"{request_line}\" status: {status}  len: {length} time: {seconds}";

impl Setting for Format {
    const EXPECTED: &'static str =
        "`combined`, `json`, `oslo`, or a line with fields such as `{client_ip} {status}`";

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "combined" => template(COMBINED),
            "json" => Ok(Self::Json),
            "oslo" => template(OSLO),
            line => template(line),
        }
    }
}

fn template(line: &str) -> Result<Format, Rejected> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(open) = rest.find('{') {
        let start = line.len() - rest.len() + open;
        let Some(length) = rest[open..].find('}') else {
            return Err(Rejected::because("`{` has no `}`").at(start, start + 1));
        };
        let name = &rest[open + 1..open + length];
        let field = Field::named(name)
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
    Ok(Format::Template(pieces.into()))
}

/// A line of the log, with its end.
pub(super) struct Line<'a> {
    pub(super) format: &'a Format,
    pub(super) record: &'a Record,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format {
            Format::Json => self.json(f)?,
            Format::Template(pieces) => {
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
    ("seconds", Field::Seconds),
    ("referer", Field::Referer),
    ("user_agent", Field::UserAgent),
    ("request_id", Field::RequestId),
];

/// A field of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::builtin::filters) enum Field {
    ClientIp,
    Host,
    IsoTime,
    Length,
    Method,
    Protocol,
    Referer,
    RequestId,
    RequestLine,
    Seconds,
    Status,
    Target,
    Time,
    UserAgent,
}

/// All fields with the names by which lines know them.
const FIELDS: [(&str, Field); 14] = [
    ("client_ip", Field::ClientIp),
    ("host", Field::Host),
    ("iso_time", Field::IsoTime),
    ("length", Field::Length),
    ("method", Field::Method),
    ("protocol", Field::Protocol),
    ("referer", Field::Referer),
    ("request_id", Field::RequestId),
    ("request_line", Field::RequestLine),
    ("seconds", Field::Seconds),
    ("status", Field::Status),
    ("target", Field::Target),
    ("time", Field::Time),
    ("user_agent", Field::UserAgent),
];

impl Field {
    fn named(name: &str) -> Result<Self, String> {
        if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) {
            return Ok(*field);
        }
        let names = FIELDS.map(|(known, _)| known);
        Err(match nearest(name, names) {
            Some(near) => format!("there is no field `{name}`; did you mean `{near}`?"),
            None => format!("there is no field `{name}`; the fields are {}", names.join(", ")),
        })
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Length | Self::Seconds | Self::Status)
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
            Self::ClientIp => match record.client {
                Some(client) => write!(out, "{client}"),
                None => out.write_char('-'),
            },
            Self::Host => header(record.host.as_ref(), out),
            Self::IsoTime => write!(out, "{}", Iso(record.started)),
            Self::Length => write!(out, "{}", record.length),
            Self::Method => out.write_str(record.method.as_str()),
            Self::Protocol => write!(out, "{:?}", record.version),
            Self::Referer => header(record.referer.as_ref(), out),
            Self::RequestId => header(record.request_id.as_ref(), out),
            Self::RequestLine => {
                write!(out, "{} {} {:?}", record.method, record.target(), record.version)
            }
            Self::Seconds => write!(out, "{:.7}", record.elapsed.as_secs_f64()),
            Self::Status => write!(out, "{}", record.status()),
            Self::Target => out.write_str(record.target()),
            Self::Time => write!(out, "{}", Combined(record.started)),
            Self::UserAgent => header(record.user_agent.as_ref(), out),
        }
    }
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

    use super::*;
    use crate::app::{Body, Request};

    fn record(request: &Request) -> Record {
        let mut record = Record::begin(request);
        record.started = UNIX_EPOCH + Duration::from_millis(971_186_136_123);
        record.elapsed = Duration::from_micros(1234);
        record.status = Some(200);
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
        assert_eq!(wrong("%(client_ip)s"), (reason.to_owned(), None));
    }
}
