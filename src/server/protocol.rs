//! Which protocol a connection speaks, and how hyper is to speak it.

use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;

use super::activity::Activity;
use super::answer::Answerer;
use super::settings::Settings;
use super::stream::Stream;
use super::streams::Streams;
use crate::settings::{Form, Rejected, Setting};

/// How much of a connection over HTTP/1 is gathered in memory each way, or as much as a head may be
/// where that is more; and how much of each stream over HTTP/2. Of a response that comes in smaller
/// pieces, no more is asked for until the client has taken so much.
const BUFFER_LIMIT: usize = 32 * 1024;

/// How many times the largest head of HTTP/2 h2 reads. What is past that it refuses on its own, and
/// nobody sees what was asked for; what is less can be logged with its line.
const HEAD_MARGIN: u32 = 2;

/// What a client that speaks HTTP/2 sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The name of HTTP/2 where a protocol is agreed on (ALPN).
const HTTP2: &[u8] = b"h2";

/// Where HTTP/2 is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Http2 {
    /// Over TLS, with clients that ask for it.
    Alpn,
    /// Nowhere.
    Off,
    /// Over TLS, and in clear with clients that begin with it.
    On,
}

impl Setting for Http2 {
    const EXPECTED: &'static str = "`alpn`, `on` or `off`";
    const FORM: Form = Form::Words(&["alpn", "on", "off"]);

    fn parse(text: &str) -> Result<Self, Rejected> {
        match text {
            "alpn" => Ok(Self::Alpn),
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            _ => Err(Rejected::default()),
        }
    }
}

impl Http2 {
    /// The protocols that are offered over TLS, the best one first.
    pub(super) fn offered(self) -> Vec<Vec<u8>> {
        let http1 = b"http/1.1".to_vec();
        if self == Self::Off { vec![http1] } else { vec![HTTP2.to_vec(), http1] }
    }
}

/// What is known of the protocol of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    /// Its first bytes tell.
    AsItBegins,
    Http1,
    Http2,
}

impl Protocol {
    /// What the first bytes tell; none if they are too few.
    pub(super) fn told_by(self, beginning: &[u8]) -> Option<Self> {
        match self {
            Self::AsItBegins if beginning.starts_with(PREFACE) => Some(Self::Http2),
            Self::AsItBegins if PREFACE.starts_with(beginning) => None,
            Self::AsItBegins => Some(Self::Http1),
            known => Some(known),
        }
    }
}

pub(super) type Http1Connection = http1::Connection<Stream, Answerer>;
pub(super) type Http2Connection = http2::Connection<Stream, Answerer, Streams>;

/// How hyper is to speak the protocols.
///
/// Each is begun by itself, as hyper-util's builder, which finds out the protocol, waits for the
/// first bytes for ever, and speaks HTTP/2 even where it is told not to.
#[derive(Debug)]
pub(super) struct Protocols {
    http1: http1::Builder,
    settings: Settings,
    in_clear: Protocol,
}

impl Protocols {
    pub(super) fn new(settings: Settings) -> Self {
        let in_clear = match settings.http2 {
            Http2::Alpn | Http2::Off => Protocol::Http1,
            Http2::On => Protocol::AsItBegins,
        };
        Self { http1: http1(&settings), settings, in_clear }
    }

    /// What is known of the protocol of a connection that is not encrypted.
    pub(super) fn in_clear(&self) -> Protocol {
        self.in_clear
    }

    /// The protocol that was agreed on when a connection was encrypted.
    pub(super) fn agreed(name: Option<&[u8]>) -> Protocol {
        if name == Some(HTTP2) { Protocol::Http2 } else { Protocol::Http1 }
    }

    /// How long the target of a request may be.
    pub(super) fn longest_target(&self) -> usize {
        self.settings.max_target_size
    }

    /// Speaks HTTP/1.
    pub(super) fn http1(&self, stream: Stream, answerer: Answerer) -> Box<Http1Connection> {
        Box::new(self.http1.serve_connection(stream, answerer))
    }

    /// Speaks HTTP/2.
    pub(super) fn http2(&self, stream: Stream, answerer: Answerer) -> Box<Http2Connection> {
        let activity = Arc::clone(answerer.activity());
        Box::new(http2(&self.settings, activity).serve_connection(stream, answerer))
    }
}

fn http1(settings: &Settings) -> http1::Builder {
    let mut protocol = http1::Builder::new();
    // What hyper leaves as it is, and why: a client that closes its sending half counts as gone
    // (`half_close`), as there is no other sign that work for it is in vain; and responses to
    // pipelined requests are written one by one (`pipeline_flush`), as gathering them would copy
    // every body once more.
    protocol.keep_alive(!settings.keep_alive_timeout.0.is_zero());
    protocol.max_header_size(settings.max_head_size);
    protocol.max_buf_size(BUFFER_LIMIT.max(settings.max_head_size));
    // Its own limit is the default, and is free; any other has it allocate for each request.
    if settings.max_fields != 100 {
        protocol.max_headers(settings.max_fields);
    }
    // hyper would make a timer for each head: 1,500 instructions a request, a fifth of all that
    // it spends on one. The roster keeps the same deadline for nothing.
    protocol.header_read_timeout(None);
    protocol
}

fn http2(settings: &Settings, activity: Arc<Activity>) -> http2::Builder<Streams> {
    let mut protocol = http2::Builder::new(Streams::new(activity));
    protocol.max_concurrent_streams(settings.http2_max_streams);
    protocol.max_header_list_size(settings.http2_max_header_list.saturating_mul(HEAD_MARGIN));
    protocol.initial_stream_window_size(settings.http2_stream_window);
    protocol.initial_connection_window_size(settings.http2_connection_window);
    protocol.max_local_error_reset_streams(settings.http2_max_resets);
    protocol.max_pending_accept_reset_streams(settings.http2_max_resets.min(20));
    protocol.max_send_buf_size(BUFFER_LIMIT);
    if !settings.http2_ping_interval.0.is_zero() {
        protocol.timer(TokioTimer::new());
        protocol.keep_alive_interval(settings.http2_ping_interval.0);
        protocol.keep_alive_timeout(settings.http2_ping_timeout.0);
    }
    protocol
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_protocol_as_soon_as_they_can() {
        let told = |beginning: &[u8]| Protocol::AsItBegins.told_by(beginning);
        for length in 1..PREFACE.len() {
            assert_eq!(told(&PREFACE[..length]), None, "{length}");
        }
        assert_eq!(told(PREFACE), Some(Protocol::Http2));
        assert_eq!(told(&[PREFACE, b"\0\0\0"].concat()), Some(Protocol::Http2));
        for other in [&b"GET / HTTP/1.1"[..], b"PRI / HTTP/1.1", b"PUT"] {
            assert_eq!(told(other), Some(Protocol::Http1));
        }
        assert_eq!(Protocol::Http1.told_by(PREFACE), Some(Protocol::Http1));
    }
}
