//! Where the frames begin of what a client of HTTP/2 sends.

/// What every client sends before its first frame, in bytes.
const PREFACE: usize = 24;

/// The head of a frame: a length of three bytes, its kind, its flags, and its stream.
const HEAD: usize = 9;

/// The kinds of frames that the head of a request consists of, and the flag of its last one.
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Where the frames begin of what a client of HTTP/2 sends.
#[derive(Debug)]
pub(super) struct Framing {
    /// How many bytes are to come before the next frame.
    rest: usize,
    /// What has come of the head of a frame.
    head: [u8; HEAD],
    had: usize,
    /// Whether the next frame has to go on with the head of a request.
    is_within_head: bool,
}

impl Framing {
    /// That of a client of whom nothing has come.
    pub(super) fn new() -> Self {
        Self { rest: PREFACE, head: [0; HEAD], had: 0, is_within_head: false }
    }

    /// Notes what comes next.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let passed = self.rest.min(bytes.len());
            self.rest -= passed;
            bytes = &bytes[passed..];
            let more = bytes.len().min(HEAD - self.had);
            self.head[self.had..self.had + more].copy_from_slice(&bytes[..more]);
            self.had += more;
            bytes = &bytes[more..];
            if self.had == HEAD {
                self.begin();
            }
        }
    }

    /// Whether a frame of any kind may come next.
    pub(super) fn is_between_frames(&self) -> bool {
        self.rest == 0 && self.had == 0 && !self.is_within_head
    }

    fn begin(&mut self) {
        let [first, second, third, kind, flags, ..] = self.head;
        self.had = 0;
        self.rest = usize::from(first) << 16 | usize::from(second) << 8 | usize::from(third);
        if kind == HEADERS || kind == CONTINUATION {
            self.is_within_head = flags & END_HEADERS == 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many bytes a frame may come.
    fn between(sent: &[u8], portion: usize) -> Vec<usize> {
        let mut framing = Framing::new();
        let mut found = Vec::new();
        for (number, bytes) in sent.chunks(portion).enumerate() {
            framing.pass(bytes);
            if framing.is_between_frames() {
                found.push(number * portion + bytes.len());
            }
        }
        found
    }

    #[test]
    fn a_frame_may_come_after_another_and_not_within_a_head() {
        let sent = [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            b"\0\0\0\x04\0\0\0\0\0",
            // A body whose length has more than a byte.
            b"\0\x01\x02\0\0\0\0\0\x01",
            &[b'b'; 0x102],
            // A head in three pieces.
            b"\0\0\x02\x01\x01\0\0\0\x03hh\0\0\0\x09\0\0\0\0\x03\0\0\x01\x09\x04\0\0\0\x03h",
            b"\0\0\x01\x01\x05\0\0\0\x05h",
        ];
        let sent = sent.concat();
        assert_eq!(between(&sent, 1), [24, 33, 300, 330, 340]);
        assert_eq!(between(&sent, 10), [300, 330, 340]);
        assert_eq!(between(&sent, sent.len()), [340]);
    }
}
