//! The fields of a line.

use std::fmt::{self, Write};

use http::HeaderValue;

use super::super::date::{Combined, DateTime, Iso};
use super::super::record::Record;
use crate::app::ClientCertificate;

/// A field of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Field {
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
pub(super) const FIELDS: [(&str, Field); 19] = [
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
pub(super) const PYTHON_FIELDS: [(&str, Field); 17] = [
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
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Length | Self::Seconds(_) | Self::Status)
    }

    pub(super) fn is_known(self, record: &Record) -> bool {
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
    pub(super) fn write(self, record: &Record, out: &mut impl Write) -> fmt::Result {
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
