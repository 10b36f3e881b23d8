//! Which requests over HTTP/2 are refused without that anybody hears of it.

use std::mem;

use super::framing::{CONTINUATION, Frame, Framing, GOAWAY, HEADERS, RST_STREAM};
use crate::metrics::Refusal;

/// Why h2 resets a stream (RFC 9113, 7).
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const FLOW_CONTROL_ERROR: u32 = 3;
const REFUSED_STREAM: u32 = 7;

/// The last stream that counts, where a server says that it is about to end.
const NO_STREAM_YET: u32 = u32::MAX >> 1;

/// How many responses without a body are remembered until it is seen whether a reset follows.
const MOST_HEADS: usize = 1024;

/// Which requests over HTTP/2 are refused without that anybody hears of it.
///
/// A head that is larger than h2 takes it answers by itself, and the stream of one that is no request
/// it resets. The service is not asked, and hyper does not tell. But the frames do: a client has
/// opened more streams than requests have begun, and what it is sent says why.
#[derive(Debug)]
pub(super) struct Unheard {
    received: Framing,
    sent: Framing,
    /// Whether the next frame of the client has to go on with a head.
    is_within_head: bool,
    /// The stream whose head comes, and the last one that the client has opened.
    opening: u32,
    last: u32,
    /// How many it has opened whose heads are there.
    opened: u64,
    /// How many of those are known to have been refused.
    known: u64,
    /// The streams of late whose response is a head alone.
    heads: Vec<u32>,
    resets: Resets,
    /// Whether streams are no longer looked at, as the connection ends.
    is_over: bool,
}

/// Why streams were reset that nothing was said on.
#[derive(Clone, Copy, Debug, Default)]
struct Resets {
    protocol: u64,
    internal: u64,
    flow: u64,
    refused: u64,
}

/// Which requests were refused, and how many.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Refused {
    /// Those that nobody has heard of.
    pub(super) unheard: Vec<(Refusal, u64)>,
    /// Those that had begun, and went on as they may not.
    pub(super) broken: u64,
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
            opened: 0,
            known: 0,
            heads: Vec::new(),
            resets: Resets::default(),
            is_over: false,
        }
    }

    /// Notes what the client has sent.
    pub(super) fn receive(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.received.next(&mut bytes) {
            self.is_received(frame);
        }
    }

    fn is_received(&mut self, frame: Frame) {
        match frame.kind {
            HEADERS => self.opening = frame.stream,
            CONTINUATION => {}
            _ => return,
        }
        self.is_within_head = !frame.ends_head();
        // Others are trailers.
        if !self.is_within_head && self.opening > self.last {
            self.last = self.opening;
            self.opened += 1;
        }
    }

    /// Notes what the client is sent.
    pub(super) fn send(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.sent.next(&mut bytes) {
            self.is_sent(frame);
        }
    }

    fn is_sent(&mut self, frame: Frame) {
        let Frame { kind, stream, word, .. } = frame;
        match kind {
            HEADERS if frame.ends_stream() && self.heads.len() < MOST_HEADS => {
                self.heads.push(stream);
            }
            GOAWAY => self.is_over |= word != NO_STREAM_YET,
            // A head that is too large is answered first.
            RST_STREAM if !self.heads.contains(&stream) => self.resets.note(word),
            _ => {}
        }
    }

    /// Whether a frame of any kind may come next from the client.
    pub(super) fn is_between_frames(&self) -> bool {
        self.received.is_between_frames() && !self.is_within_head
    }

    /// Which requests were refused since this was last asked, if so many have begun. For that, all
    /// that was received must have been looked at, and all that is to be sent must have been; unless
    /// the connection has ended.
    pub(super) fn take(&mut self, begun: u64, has_ended: bool) -> Refused {
        self.heads.clear();
        let resets = mem::take(&mut self.resets);
        let missing = self.opened.saturating_sub(begun + self.known);
        if missing == 0 && resets.are_none() {
            return Refused::default();
        }
        self.explain(missing, resets, self.is_over || has_ended)
    }

    #[cold]
    fn explain(&mut self, missing: u64, resets: Resets, is_over: bool) -> Refused {
        let streams = resets.refused.min(missing);
        let protocol = resets.protocol.min(missing - streams);
        let internal = resets.internal.min(missing - streams - protocol);
        // Nothing else is answered without a reset. What comes as the connection ends is not
        // looked at, and not refused either.
        let rest = missing - streams - protocol - internal;
        let too_large = if is_over { 0 } else { rest };
        self.known += streams + protocol + internal + too_large;
        let mut unheard = vec![
            (Refusal::Http2Streams, streams),
            (Refusal::Malformed, protocol + internal),
            (Refusal::HeadSize, too_large),
        ];
        unheard.retain(|(_, count)| *count > 0);
        Refused { unheard, broken: resets.protocol - protocol + resets.flow }
    }
}

impl Resets {
    fn note(&mut self, reason: u32) {
        match reason {
            PROTOCOL_ERROR => self.protocol += 1,
            INTERNAL_ERROR => self.internal += 1,
            FLOW_CONTROL_ERROR => self.flow += 1,
            REFUSED_STREAM => self.refused += 1,
            // The end of a response that is not taken, or of a body that nobody wants.
            _ => {}
        }
    }

    fn are_none(self) -> bool {
        self.protocol + self.internal + self.flow + self.refused == 0
    }
}
