//! A client that writes and reads frames of HTTP/2 as they are.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A client that writes and reads frames of HTTP/2 as they are.
pub(super) struct Frames(TcpStream);

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
/// Ends the head, and the stream.
pub(super) const END: u8 = 5;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

impl Frames {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let mut frames = Self(TcpStream::connect(address).await.unwrap());
        frames.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        frames
    }

    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.write(&frame(kind, flags, stream, payload)).await;
    }

    pub(super) async fn write(&mut self, frames: &[u8]) {
        // A server that has had enough may have closed its end.
        let _ = self.0.write_all(frames).await;
    }

    /// Asks for `/` of the host `h`, with a field of so long a value.
    pub(super) async fn get(&mut self, stream: u32, value: usize) {
        // The literal has the name `x`, and a length of seven bits and two times seven more.
        let rest = value - 127;
        let digit = |bits: usize| u8::try_from(bits & 0x7f).unwrap();
        let length = [0x7f, digit(rest) | 0x80, digit(rest >> 7)];
        let field = [&[0, 1, b'x'][..], &length, &vec![b'v'; value]].concat();
        let head = [&[0x82, 0x86, 0x84, 0x41, 1, b'h'], &*field].concat();
        self.send(HEADERS, END, stream, &head).await;
    }

    /// Begins a request for `/` of the host `h` that has a body.
    pub(super) async fn post(&mut self, stream: u32) {
        self.send(HEADERS, 4, stream, &[0x83, 0x86, 0x84, 0x41, 1, b'h']).await;
    }

    /// Sends so much of a body.
    pub(super) async fn body(&mut self, stream: u32, mut length: usize) {
        while length > 0 {
            let portion = length.min(16 * 1024);
            self.send(DATA, 0, stream, &vec![b'b'; portion]).await;
            length -= portion;
        }
    }

    /// Agrees to the settings of the server.
    pub(super) async fn agree(&mut self) {
        self.send(SETTINGS, 0, 0, &[]).await;
        self.next(&[SETTINGS]).await;
        self.send(SETTINGS, 1, 0, &[]).await;
    }

    /// The next frame of some kinds: which, its stream, and what it holds.
    pub(super) async fn next(&mut self, kinds: &[u8]) -> (u8, u32, Vec<u8>) {
        loop {
            let length = self.0.read_u24().await;
            let kind = self.0.read_u8().await.unwrap();
            self.0.read_u8().await.unwrap();
            let stream = self.0.read_u32().await.unwrap();
            let mut payload = vec![0; length as usize];
            self.0.read_exact(&mut payload).await.unwrap();
            if kinds.contains(&kind) {
                return (kind, stream, payload);
            }
        }
    }
}

trait ReadLength {
    async fn read_u24(&mut self) -> u32;
}

impl ReadLength for TcpStream {
    async fn read_u24(&mut self) -> u32 {
        let high = u32::from(self.read_u16().await.unwrap());
        high << 8 | u32::from(self.read_u8().await.unwrap())
    }
}
