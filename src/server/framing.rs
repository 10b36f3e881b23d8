//! Where the frames begin of what one end of HTTP/2 sends (RFC 9113, 4.1).

/// What a client sends before its first frame, in bytes.
const PREFACE: usize = 24;

/// The head of a frame: a length of three bytes, its kind, its flags, and its stream.
const HEAD: usize = 9;

/// How much is looked at of the body of a frame that ends something.
const WORD: usize = 4;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

/// A frame, as far as it is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
    /// Why the stream is reset (`RST_STREAM`), or the last one that counts (`GOAWAY`); else 0.
    pub(super) word: u32,
}

impl Frame {
    /// Whether a head or its continuation is all there with this frame.
    pub(super) fn ends_head(self) -> bool {
        self.flags & 4 != 0
    }

    /// Whether the stream ends with a head.
    pub(super) fn ends_stream(self) -> bool {
        self.flags & 1 != 0
    }
}

/// Where the frames begin of what one end sends.
#[derive(Debug)]
pub(super) struct Framing {
    /// How many bytes are to come before the next frame.
    rest: usize,
    /// What has come of the beginning of a frame.
    head: [u8; HEAD + WORD],
    had: usize,
}

impl Framing {
    /// That of a client of whom nothing has come.
    pub(super) fn of_client() -> Self {
        Self { rest: PREFACE, ..Self::of_server() }
    }

    /// That of a server that has said nothing.
    pub(super) fn of_server() -> Self {
        Self { rest: 0, head: [0; HEAD + WORD], had: 0 }
    }

    /// Takes from the bytes what comes up to the body of the next frame, and gives that frame; none
    /// if the bytes end before.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let (passed, more) = bytes.split_at(self.rest.min(bytes.len()));
        *bytes = more;
        self.rest -= passed.len();
        while self.had < self.wanted() {
            let (first, more) = bytes.split_first()?;
            self.head[self.had] = *first;
            self.had += 1;
            *bytes = more;
        }
        let [_, _, _, kind, flags, first, second, third, fourth, word @ ..] = self.head;
        // The first bit of a stream is reserved, and no reason needs it.
        let number = |bytes| u32::from_be_bytes(bytes) & u32::MAX >> 1;
        let stream = number([first, second, third, fourth]);
        let word = if self.had > HEAD { number(word) } else { 0 };
        self.rest = HEAD + self.length() - self.had;
        self.had = 0;
        Some(Frame { kind, flags, stream, word })
    }

    /// Whether the next byte is the first of a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        self.rest == 0 && self.had == 0
    }

    /// How much of a frame is looked at.
    fn wanted(&self) -> usize {
        let has_word = self.had >= HEAD
            && matches!(self.head[3], RST_STREAM | GOAWAY)
            && self.length() >= WORD;
        if has_word { HEAD + WORD } else { HEAD }
    }

    fn length(&self) -> usize {
        let [first, second, third, ..] = self.head;
        usize::from(first) << 16 | usize::from(second) << 8 | usize::from(third)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &[&[u8]] = &[
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\x04\0\0\0\0\0",
        // A body whose length has more than a byte.
        b"\0\x01\x02\0\0\0\0\0\x01",
        &[b'b'; 0x102],
        b"\0\0\x02\x01\x05\x80\0\0\x03hh",
        b"\0\0\x04\x03\0\0\0\0\x03\0\0\0\x07",
        b"\0\0\x0a\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\0hi",
        // Too short to say why.
        b"\0\0\x01\x03\0\0\0\0\x05x",
    ];

    #[test]
    fn frames_are_found_however_they_come() {
        let sent = SENT.concat();
        let expected = [
            Frame { kind: 4, flags: 0, stream: 0, word: 0 },
            Frame { kind: 0, flags: 0, stream: 1, word: 0 },
            Frame { kind: HEADERS, flags: 5, stream: 3, word: 0 },
            Frame { kind: RST_STREAM, flags: 0, stream: 3, word: 7 },
            Frame { kind: GOAWAY, flags: 0, stream: 0, word: u32::MAX >> 1 },
            Frame { kind: RST_STREAM, flags: 0, stream: 5, word: 0 },
        ];
        for portion in [1, 2, 10, 13, sent.len()] {
            let mut framing = Framing::of_client();
            let mut found = Vec::new();
            for mut bytes in sent.chunks(portion) {
                found.extend(std::iter::from_fn(|| framing.next(&mut bytes)));
            }
            assert_eq!(found, expected, "{portion}");
            assert!(framing.is_between_frames());
        }
        let mut framing = Framing::of_server();
        assert_eq!(framing.next(&mut &sent[24..]), Some(expected[0]));
    }

    #[test]
    fn nothing_is_between_frames_that_is_within_one() {
        let mut framing = Framing::of_client();
        let mut found = Vec::new();
        for (number, byte) in SENT.concat().iter().enumerate() {
            let mut byte = std::slice::from_ref(byte);
            while framing.next(&mut byte).is_some() {}
            if framing.is_between_frames() {
                found.push(number + 1);
            }
        }
        assert_eq!(found, [24, 33, 300, 311, 324, 343, 353]);
    }
}
