#!/usr/bin/env python3
"""h2_conformance.py PASTELINE [--only WORD]: what RFC 9113 and RFC 7541 ask of a server, frame by frame, each case on a
connection of its own. A case fails where a fault does not end the stream or the connection, and where what is right
is not answered. The code of a fault may be another one than the RFC names, as it may for h2spec. Needs hpack (pip)."""
import argparse
import socket
import struct

from hpack import Encoder

from support import Judge, Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
LARGEST = (1 << 31) - 1


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def fields(*more, method="GET", path="/", leave=()):
    """A head as it goes over the wire, without the pseudo-fields that are left out."""
    pseudo = {":method": method, ":scheme": "http", ":path": path, ":authority": "a.example"}
    encoder = Encoder()
    return encoder.encode([field for field in pseudo.items() if field[0] not in leave] + list(more))


def get(stream=1, flags=END_STREAM | END_HEADERS, head=None):
    return frame(HEADERS, flags, stream, fields() if head is None else head)


def post(stream=1, *more):
    return get(stream, END_HEADERS, fields(*more, method="POST"))


def setting(name, value):
    return frame(SETTINGS, 0, 0, struct.pack(">HI", name, value))


def window(stream, by):
    return frame(WINDOW, 0, stream, struct.pack(">I", by))


def reset(stream):
    return frame(RESET, 0, stream, struct.pack(">I", 8))


class Client:
    """A connection that has begun as the RFC asks, and what comes back on it."""

    def __init__(self, port, beginning=PREFACE + frame(SETTINGS)):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.read = b""
        self.send(beginning)

    def send(self, frames):
        try:
            self.socket.sendall(frames)
        except OSError:
            # The server has had enough; what it said before can still be read.
            pass

    def frames(self):
        """The frames that come, until the connection ends or is silent."""
        while True:
            while len(self.read) < 9 or len(self.read) < 9 + int.from_bytes(self.read[:3], "big"):
                try:
                    chunk = self.socket.recv(65536)
                except socket.timeout:
                    return
                except OSError:
                    chunk = b""
                if not chunk:
                    yield GOAWAY, 0, 0, None
                    return
                self.read += chunk
            length = int.from_bytes(self.read[:3], "big")
            kind, flags = self.read[3], self.read[4]
            stream = int.from_bytes(self.read[5:9], "big")
            payload, self.read = self.read[9 : 9 + length], self.read[9 + length :]
            yield kind, flags, stream, payload


def outcome(client, kinds):
    """The first frame of some kinds: `closed`, or its kind, its stream and its code or payload."""
    for kind, flags, stream, payload in client.frames():
        if kind == GOAWAY and payload is None:
            return "closed"
        if kind in kinds and not (kind in (SETTINGS, PING) and not flags & ACK):
            code = payload[4:8] if kind == GOAWAY else payload
            return kind, stream, int.from_bytes(code, "big") if kind in (GOAWAY, RESET) else payload
    return "silence"


def ends_connection(client):
    """A fault of the connection, which ends, with any code but that of no fault."""
    found = outcome(client, (GOAWAY,))
    return found == "closed" or found[0] == GOAWAY and found[2] != 0, found


def ends_stream(client):
    """A fault of a stream, which may be taken for one of the connection; or a refusal in HTTP."""
    while True:
        found = outcome(client, (GOAWAY, RESET, HEADERS))
        # An app may have answered before the fault came.
        if found[0] != HEADERS or found[2][:1] != b"\x88":
            is_refused = found[0] == HEADERS or found[0] in (GOAWAY, RESET) and found[2] != 0
            return found == "closed" or is_refused, found


def answers(client):
    """A response of 200 to the last stream."""
    found = outcome(client, (GOAWAY, RESET, HEADERS))
    return found[0] == HEADERS and found[2][:1] == b"\x88", found


def ends_or_answers(client):
    """A fault that may be ignored; then the next stream is answered."""
    for kind, _, of, payload in client.frames():
        if kind == GOAWAY or kind == HEADERS and of == 3:
            return True, "as it may be"
    return False, "silence"


def ends_or_pings(client):
    found = outcome(client, (GOAWAY, PING))
    return found != "silence", found


def gives_data(client):
    """A body comes once there is room for it."""
    found = outcome(client, (GOAWAY, RESET, DATA))
    return found[0] == DATA, found


def acknowledges(kind, payload):
    def is_met(client):
        found = outcome(client, (GOAWAY, kind))
        return found[0] == kind and found[2] == payload, found

    return is_met


def continued(*parts, stream=1):
    """A head in several frames."""
    first, *rest = parts
    frames = frame(HEADERS, END_STREAM, stream, first)
    for number, part in enumerate(rest):
        frames += frame(CONTINUATION, END_HEADERS if number == len(rest) - 1 else 0, stream, part)
    return frames


HEAD = fields()
LENGTH = ("content-length", "1")
# What the RFC says where, what is sent after the preface and the settings, and what must come of it.
CASES = [
    ("3.4 a connection that begins as it should", get(), answers),
    ("4.1 a kind of frame that nobody knows", frame(22, 0, 0, b"12345678") + get(), answers),
    ("4.1 flags that mean nothing", frame(PING, 0xFE, 0, b"12345678"), acknowledges(PING, b"12345678")),
    ("4.1 a reserved bit", frame(PING, 0, 1 << 31, b"12345678"), acknowledges(PING, b"12345678")),
    ("4.2 data as large as may be", post() + frame(DATA, END_STREAM, 1, b"x" * 16384), answers),
    ("4.2 data that is larger", post() + frame(DATA, END_STREAM, 1, b"x" * 16385), ends_stream),
    ("4.2 a head that is larger", get(head=b"\0" * 16385), ends_connection),
    ("4.3 a head that cannot be decoded", get(head=b"\x40"), ends_connection),
    ("4.3 a head in two frames", continued(HEAD[:3], HEAD[3:]), answers),
    ("4.3 another frame within a head", frame(HEADERS, END_STREAM, 1, HEAD) + frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), ends_connection),
    ("4.3 another stream within a head", frame(HEADERS, END_STREAM, 1, HEAD) + get(3), ends_connection),
    ("5.1 idle: data", frame(DATA, END_STREAM, 1, b"x"), ends_connection),
    ("5.1 idle: a reset", reset(1), ends_connection),
    ("5.1 idle: a window", window(1, 100), ends_connection),
    ("5.1 idle: a continuation", frame(CONTINUATION, END_HEADERS, 1, HEAD), ends_connection),
    ("5.1 ended by the client: data", get() + frame(DATA, END_STREAM, 1, b"x"), ends_stream),
    ("5.1 ended by the client: a head", get() + get(), ends_stream),
    ("5.1 ended by the client: a continuation", get() + frame(CONTINUATION, END_HEADERS, 1, HEAD), ends_connection),
    ("5.1 reset: data", post() + reset(1) + frame(DATA, END_STREAM, 1, b"x") + get(3), ends_or_answers),
    ("5.1 reset: a head", post() + reset(1) + get(1), ends_stream),
    ("5.1.1 an even number", get(2), ends_connection),
    ("5.1.1 a smaller number", get(5) + get(3), ends_connection),
    ("5.3 a stream that depends on itself", frame(PRIORITY, 0, 1, struct.pack(">IB", 1, 10)) + get(3), ends_or_answers),
    ("5.3 a head with a priority", frame(HEADERS, END_STREAM | END_HEADERS | HAS_PRIORITY, 1, struct.pack(">IB", 0, 10) + HEAD), answers),
    ("5.5 an unknown frame within a head", frame(HEADERS, END_STREAM, 1, HEAD) + frame(22, 0, 1), ends_connection),
    ("6.1 data on no stream", frame(DATA, END_STREAM, 0, b"x"), ends_connection),
    ("6.1 data with padding", post() + frame(DATA, END_STREAM | PADDED, 1, b"\x03x\0\0\0"), answers),
    ("6.1 data with more padding than there is", post() + frame(DATA, END_STREAM | PADDED, 1, b"\x05x\0\0\0"), ends_connection),
    ("6.2 a head on no stream", get(0), ends_connection),
    ("6.2 a head with padding", frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\x02" + HEAD + b"\0\0"), answers),
    ("6.2 a head with more padding than there is", frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\xff" + HEAD), ends_connection),
    ("6.3 a priority on no stream", frame(PRIORITY, 0, 0, b"\0\0\0\0\x10"), ends_connection),
    ("6.3 a priority of another length", post() + frame(PRIORITY, 0, 1, b"\0\0\0\0"), ends_stream),
    ("6.4 a reset on no stream", reset(0), ends_connection),
    ("6.4 a reset of another length", post() + frame(RESET, 0, 1, b"\0\0\0"), ends_connection),
    ("6.5 settings are acknowledged", b"", acknowledges(SETTINGS, b"")),
    ("6.5 an acknowledgement with settings", frame(SETTINGS, ACK, 0, struct.pack(">HI", 3, 100)), ends_connection),
    ("6.5 settings on a stream", frame(SETTINGS, 0, 1), ends_connection),
    ("6.5 settings of another length", frame(SETTINGS, 0, 0, b"\0\3\0"), ends_connection),
    ("6.5.2 push that is neither on nor off", setting(2, 2), ends_connection),
    ("6.5.2 a window that is too large", setting(4, 1 << 31), ends_connection),
    ("6.5.2 frames that are too small", setting(5, 16383), ends_connection),
    ("6.5.2 frames that are too large", setting(5, 1 << 24), ends_connection),
    ("6.5.2 a setting that nobody knows", setting(99, 1) + get(), answers),
    ("6.6 a push of the client's", get(flags=END_HEADERS) + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + HEAD), ends_connection),
    ("6.7 a ping is answered", frame(PING, 0, 0, b"12345678"), acknowledges(PING, b"12345678")),
    ("6.7 a ping that is an answer is not", frame(PING, ACK, 0, b"87654321") + frame(PING, 0, 0, b"12345678"), acknowledges(PING, b"12345678")),
    ("6.7 a ping on a stream", frame(PING, 0, 1, b"12345678"), ends_connection),
    ("6.7 a ping of another length", frame(PING, 0, 0, b"1234567"), ends_connection),
    ("6.8 a goodbye on a stream", frame(GOAWAY, 0, 1, b"\0" * 8), ends_connection),
    ("6.9 a window that grows by nothing", window(0, 0), ends_connection),
    ("6.9 a window of a stream that grows by nothing", post() + window(1, 0), ends_stream),
    ("6.9 a window of another length", frame(WINDOW, 0, 0, b"\0\0\1"), ends_connection),
    ("6.9.1 a window of all that grows too large", window(0, LARGEST) + window(0, LARGEST), ends_connection),
    ("6.9.1 a window of a stream that grows too large", post() + window(1, LARGEST) + window(1, LARGEST), ends_stream),
    ("6.9.2 a window that is opened later", setting(4, 0) + get() + setting(4, 1000), gives_data),
    ("6.9.2 a window that was below nothing", setting(4, 3) + get() + setting(4, 2) + window(1, 100), gives_data),
    ("6.10 two continuations", continued(HEAD[:1], HEAD[1:2], HEAD[2:]), answers),
    ("6.10 a continuation of a head that has ended", get() + frame(CONTINUATION, END_HEADERS, 1, HEAD), ends_connection),
    ("6.10 a continuation on no stream", frame(HEADERS, END_STREAM, 1, HEAD) + frame(CONTINUATION, END_HEADERS, 0, HEAD), ends_connection),
    ("6.10 data within a head", frame(HEADERS, 0, 1, HEAD) + frame(DATA, END_STREAM, 1, b"x"), ends_connection),
    ("7 a goodbye with a code that nobody knows", frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\xff") + frame(PING, 0, 0, b"12345678"), ends_or_pings),
    ("7 a reset with a code that nobody knows", post() + frame(RESET, 0, 1, b"\0\0\0\xff") + get(3), ends_or_answers),
    ("8.1 trailers that do not end the stream", post() + frame(HEADERS, END_HEADERS, 1, Encoder().encode([("x-a", "b")])), ends_stream),
    ("8.2.1 a name with capitals", get(head=HEAD + b"\0\3X-A\1b"), ends_stream),
    ("8.2.2 a field about the connection", get(head=fields(("connection", "keep-alive"))), ends_stream),
    ("8.2.2 a `te` that is not `trailers`", get(head=fields(("te", "trailers, deflate"))), ends_stream),
    ("8.3 a pseudo-field that nobody knows", get(head=fields((":test", "a"))), ends_stream),
    ("8.3 a pseudo-field of responses", get(head=fields((":status", "200"))), ends_stream),
    ("8.3 a pseudo-field after another one", get(head=Encoder().encode([("x-a", "b")]) + HEAD), ends_stream),
    ("8.3.1 no path", get(head=fields(leave=[":path"])), ends_stream),
    ("8.3.1 an empty path", get(head=fields(path="")), ends_stream),
    ("8.3.1 no method", get(head=fields(leave=[":method"])), ends_stream),
    ("8.3.1 no scheme", get(head=fields(leave=[":scheme"])), ends_stream),
    ("8.3.1 two paths", get(head=fields((":path", "/"))), ends_stream),
    ("8.3.1 two methods", get(head=fields((":method", "GET"))), ends_stream),
    ("8.1.1 more data than its length", post(1, LENGTH) + frame(DATA, END_STREAM, 1, b"xy"), ends_stream),
    ("8.1.1 less data than its length", post(1, LENGTH) + frame(DATA, END_STREAM, 1), ends_stream),
    ("7541 2.3.3 an index that is not there", get(head=HEAD + b"\xff\x80\x01"), ends_connection),
    ("7541 2.3.3 the index 0", get(head=HEAD + b"\x80"), ends_connection),
    ("7541 4.2 a larger table than may be", get(head=b"\x3f\xe2\x1f" + HEAD), ends_connection),
    ("7541 4.2 a size of the table at the end", get(head=HEAD + b"\x20"), ends_connection),
    ("7541 5.2 more padding than seven bits", get(head=HEAD + b"\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), ends_connection),
    ("7541 5.2 the end of texts within one", get(head=HEAD + b"\0\x85\xf2\xb2\x4a\x87\xff\xff\xff\xff\xff\xff\xff\xff"), ends_connection),
]
# What begins in another way.
BEGINNINGS = [
    ("3.4 another preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + frame(SETTINGS), ends_connection),
]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary")
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    judge = Judge()
    with Server(options.binary, "use = egg:pasteline#echo", {"http2": "on", "workers": 0}) as server:
        for beginning, cases in ((PREFACE + frame(SETTINGS), CASES), (b"", BEGINNINGS)):
            for name, sent, is_met in cases:
                if options.only not in name:
                    continue
                client = Client(server.port, beginning)
                client.send(sent)
                met, found = is_met(client)
                judge.holds(f"{name}: {found if not met else 'as it must be'}", met)
                client.socket.close()
    judge.end()


if __name__ == "__main__":
    main()
