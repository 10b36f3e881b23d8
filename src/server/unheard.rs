//! Which requests over HTTP/2 are refused without that anybody hears of it.

use std::mem;

use super::framing::{CONTINUATION, DATA, Frame, Framing, GOAWAY, HEADERS, RST_STREAM};
use crate::metrics::Refusal;

/// Why h2 resets a stream (RFC 9113, 7).
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const REFUSED_STREAM: u32 = 7;

/// How many streams are remembered that were opened of late.
const MOST_OPENED: usize = 1024;

/// Which requests over HTTP/2 are refused without that anybody hears of it.
///
/// A head that is larger than h2 takes it answers by itself, and the stream of one that is no request
/// it resets. The service is not asked, and hyper does not tell. But the frames do: what is said on a
/// stream before any request has begun since it was opened, h2 says by itself.
#[derive(Debug)]
pub(super) struct Unheard {
    received: Framing,
    sent: Framing,
    /// Whether the next frame of the client has to go on with a head.
    is_within_head: bool,
    /// The stream whose head comes, and the last one that the client has opened.
    opening: u32,
    last: u32,
    /// The last one that counts, as the connection ends.
    end: u32,
    /// The streams that were opened since all was accounted for, in the order of their numbers.
    opened: Vec<Opened>,
    /// How many were opened whose requests have not begun, and are not known to be refused. It lags
    /// behind, and what the end of a connection leaves behind counts as begun.
    unknown: u64,
    /// How many requests had begun when all was accounted for.
    begun: u64,
    /// Responses and resets of which it is not sure yet who has made them.
    responses: u64,
    resets: u64,
    refused: Refused,
}

/// A stream of which it is not known yet whether its request begins.
#[derive(Clone, Copy, Debug)]
struct Opened {
    stream: u32,
    /// How many requests had begun before.
    begun: u64,
    /// Whether something has followed its head.
    has_more: bool,
}

/// How many requests were refused.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Refused {
    /// Without that anybody has heard of them: as their heads were too large,
    too_large: u64,
    /// as they were none,
    malformed: u64,
    /// or as there were too many streams.
    streams: u64,
    /// How many that had begun went past a window.
    pub(super) overflowing: u64,
}

impl Refused {
    /// Those that nobody has heard of.
    pub(super) fn unheard(self) -> [(Refusal, u64); 3] {
        [
            (Refusal::HeadSize, self.too_large),
            (Refusal::Malformed, self.malformed),
            (Refusal::Http2Streams, self.streams),
        ]
    }

    fn known(&self) -> u64 {
        self.too_large + self.malformed + self.streams
    }
}

impl Unheard {
    /// That of a connection of which nothing was read.
    pub(super) fn new() -> Self {
        Self {
            received: Framing::of_client(),
            sent: Framing::of_server(),
            is_within_head: false,
            opening: 0,
            last: 0,
            end: u32::MAX,
            opened: Vec::new(),
            unknown: 0,
            begun: 0,
            responses: 0,
            resets: 0,
            refused: Refused::default(),
        }
    }

    /// Notes what the client has sent, when so many requests have begun.
    pub(super) fn receive(&mut self, mut bytes: &[u8], begun: u64) {
        while let Some(frame) = self.received.next(&mut bytes) {
            self.is_received(frame, begun);
        }
    }

    fn is_received(&mut self, frame: Frame, begun: u64) {
        match frame.kind {
            DATA => return self.has_more(frame.stream),
            HEADERS => self.opening = frame.stream,
            CONTINUATION => {}
            _ => return,
        }
        self.is_within_head = !frame.ends_head();
        if self.is_within_head {
            return;
        }
        if self.opening <= self.last {
            return self.has_more(self.opening);
        }
        self.last = self.opening;
        if self.last > self.end {
            return;
        }
        self.unknown += 1;
        if self.opened.len() < MOST_OPENED {
            self.opened.push(Opened { stream: self.opening, begun, has_more: false });
        }
    }

    fn has_more(&mut self, stream: u32) {
        if let Some(at) = self.find(stream) {
            self.opened[at].has_more = true;
        }
    }

    fn find(&self, stream: u32) -> Option<usize> {
        self.opened.binary_search_by_key(&stream, |opened| opened.stream).ok()
    }

    /// Notes what the client is sent, when so many requests have begun.
    pub(super) fn send(&mut self, mut bytes: &[u8], begun: u64) {
        while let Some(frame) = self.sent.next(&mut bytes) {
            match (frame.kind, frame.word) {
                (HEADERS, _) => self.answers(frame, begun),
                (RST_STREAM, PROTOCOL_ERROR) => self.resets(frame.stream, begun),
                (RST_STREAM, REFUSED_STREAM) => {
                    self.forget(frame.stream);
                    self.refused.streams += 1;
                }
                (GOAWAY, last) => self.ends(last),
                // A client that goes past the window of one stream.
                (RST_STREAM, FLOW_CONTROL_ERROR) => self.refused.overflowing += 1,
                _ => {}
            }
        }
    }

    /// Notes a response, or trailers, or a part of one.
    fn answers(&mut self, frame: Frame, begun: u64) {
        let Some(opened) = self.forget(frame.stream) else { return };
        if opened.begun == begun {
            self.refused.too_large += 1;
        } else if frame.ends_stream() {
            self.responses += 1;
        }
    }

    /// Notes that a stream is reset as what the client has sent there is wrong: its head, or what has
    /// followed.
    fn resets(&mut self, stream: u32, begun: u64) {
        let Some(opened) = self.forget(stream) else { return };
        if opened.begun == begun && !opened.has_more {
            self.refused.malformed += 1;
        } else {
            self.resets += 1;
        }
    }

    /// Notes that streams past this one do not count, as the connection ends.
    fn ends(&mut self, last: u32) {
        self.end = last;
        let before = self.opened.len();
        self.opened.retain(|opened| opened.stream <= last);
        let gone = u64::try_from(before - self.opened.len()).unwrap_or_default();
        self.unknown = self.unknown.saturating_sub(gone);
    }

    /// Takes a stream out of those that were opened of late.
    fn forget(&mut self, stream: u32) -> Option<Opened> {
        self.find(stream).map(|at| self.opened.remove(at))
    }

    /// Whether a frame of any kind may come next from the client.
    pub(super) fn is_between_frames(&self) -> bool {
        self.received.is_between_frames() && !self.is_within_head
    }

    /// Which requests were refused since this was last asked, as far as that is sure.
    pub(super) fn take(&mut self) -> Refused {
        let refused = mem::take(&mut self.refused);
        self.unknown = self.unknown.saturating_sub(refused.known());
        refused
    }

    /// The same, where all that was received is looked at, all that is to be sent was, and so many
    /// requests have begun: then that is sure of all.
    pub(super) fn settle(&mut self, begun: u64) -> Refused {
        let news = begun.saturating_sub(mem::replace(&mut self.begun, begun));
        if self.unknown == 0 && self.refused == Refused::default() {
            return Refused::default();
        }
        let missing = (self.unknown - self.refused.known().min(self.unknown)).saturating_sub(news);
        let malformed = missing.min(mem::take(&mut self.resets));
        let too_large = (missing - malformed).min(mem::take(&mut self.responses));
        self.refused.malformed += malformed;
        self.refused.too_large += too_large;
        // What is left the client has reset itself.
        self.opened.clear();
        self.unknown = 0;
        mem::take(&mut self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn a_frame_of_any_kind_may_come_between_frames_but_not_within_a_head() {
        let mut unheard = Unheard::new();
        unheard.receive(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0);
        for (sent, may) in [
            (frame(HEADERS, 0, 1, b"h"), false),
            (frame(CONTINUATION, 0, 1, b"h"), false),
            (frame(CONTINUATION, 4, 1, b"h"), true),
            (frame(DATA, 0, 1, b"body"), true),
            (b"\0\0\x02\0".to_vec(), false),
            (b"\0\0\0\0\x01b".to_vec(), false),
            (b"b".to_vec(), true),
        ] {
            unheard.receive(&sent, 0);
            assert_eq!(unheard.is_between_frames(), may, "{sent:?}");
        }
    }

    /// What is refused where three streams are opened and then one says something, when so many
    /// requests have begun; in the end two have.
    fn refused(said: &[u8], begun: u64, has_body: bool) -> Refused {
        let mut unheard = Unheard::new();
        unheard.receive(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0);
        for stream in [1, 3, 5] {
            unheard.receive(&frame(HEADERS, 4, stream, b""), 0);
        }
        if has_body {
            unheard.receive(&frame(DATA, 1, 3, b"body"), 0);
        }
        unheard.send(said, begun);
        unheard.settle(2)
    }

    #[test]
    fn what_is_told_late_is_told_from_what_apps_say_by_how_many_have_begun() {
        let reset = frame(RST_STREAM, 0, 3, &[0, 0, 0, 1]);
        let malformed = Refused { malformed: 1, ..Refused::default() };
        let head = frame(HEADERS, 5, 3, b"");
        let too_large = Refused { too_large: 1, ..Refused::default() };
        for (said, begun, has_body, expected) in [
            (&reset, 0, false, malformed),
            (&reset, 0, true, malformed),
            (&reset, 2, true, malformed),
            (&head, 0, false, too_large),
            (&head, 2, false, too_large),
        ] {
            assert_eq!(refused(said, begun, has_body), expected, "{said:?} {begun} {has_body}");
        }
    }

    #[test]
    fn what_comes_past_the_end_is_not_counted() {
        let mut unheard = Unheard::new();
        unheard.receive(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0);
        for stream in [3, 5] {
            unheard.receive(&frame(HEADERS, 5, stream, b""), 0);
        }
        // While it was held up, one has begun and was answered by a head.
        unheard.send(&frame(HEADERS, 5, 3, b""), 1);
        unheard.send(&frame(GOAWAY, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 0]), 1);
        unheard.receive(&frame(HEADERS, 5, 7, b""), 1);
        assert_eq!(unheard.settle(1), Refused::default());
    }
}
