#!/usr/bin/env python3
"""Stops a server while it answers, and fails if an answer is cut off.

    tests/operation/stop.py [--bin target/release/pasteline] [--workers 2] [--seconds 10]

At SIGTERM there are a request whose answer takes ten seconds, one more over HTTP/2, and a response that has begun and is
sent in pieces for ten seconds by an upstream. All must be whole, a new client must be refused meanwhile, and the status
must be 0 within a second of the last answer. A second SIGTERM must end such a server at once, with the status 1.
"""
import argparse
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30
GET = "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def listener():
    return socket.create_server(("127.0.0.1", 0))


def free_port():
    with listener() as probe:
        return probe.getsockname()[1]


def wait_for(what, look, patience=PATIENCE):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if look():
            return
        time.sleep(0.01)
    raise SystemExit(f"waited in vain for {what}")


class Upstream(threading.Thread):
    """Answers each connection with a piece a second."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.listener, self.seconds = listener(), seconds
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with client:
            client.recv(65536)
            try:
                client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in range(self.seconds):
                    client.sendall(b"5\r\npiece\r\n")
                    time.sleep(1)
                client.sendall(b"0\r\n\r\n")
            except OSError:
                # The server was ended at once.
                pass


class Asker(threading.Thread):
    """Asks for something, and keeps what comes until the connection ends."""

    def __init__(self, port, request):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(request)
        self.answer, self.ended, self.is_heard = b"", None, False
        self.start()

    def run(self):
        try:
            while piece := self.socket.recv(65536):
                self.answer += piece
                self.hear()
        except OSError:
            pass
        self.ended = time.monotonic()

    def hear(self):
        """What a client of HTTP/1.1 has to say to what comes: nothing."""


class Http2Asker(Asker):
    """The same over HTTP/2, where a server that ends asks whether it has been heard (RFC 9113, 6.8)."""

    PING = b"\0\0\x08\x06\0\0\0\0\0"

    def hear(self):
        _, found, ping = self.answer.partition(self.PING)
        if found and len(ping) >= 8 and not self.is_heard:
            self.is_heard = True
            self.socket.sendall(b"\0\0\x08\x06\x01\0\0\0\0" + ping[:8])


def over_http2(path):
    """A request as a client with prior knowledge sends it: GET and the host, by HPACK's static table."""
    head = b"\x82\x86\x04" + bytes([len(path)]) + path.encode() + b"\x01\x01x"
    frame = struct.pack(">I", len(head))[1:] + b"\x01\x05" + struct.pack(">I", 1) + head
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0" + frame


def ini(port, workers, seconds, upstream):
    return f"""[server:main]
use = egg:pasteline#http
bind = 127.0.0.1:{port}
workers = {workers}
http2 = on

[composite:main]
use = egg:pasteline#urlmap
/slow = slow
/stream = stream

[app:slow]
use = egg:pasteline#respond
body = all of it
delay = {seconds}

[app:stream]
use = egg:pasteline#proxy
upstream = http://{upstream}
"""


class Server:
    def __init__(self, arguments, directory):
        self.port = free_port()
        upstream = Upstream(arguments.seconds)
        upstream.start()
        file, log = directory / "api-paste.ini", directory / "log"
        file.write_text(ini(self.port, arguments.workers, arguments.seconds, upstream.address))
        with log.open("wb") as told:
            self.process = subprocess.Popen([arguments.bin, "serve", file], stdout=told, stderr=told)
        self.log = log
        wait_for("the server", lambda: not self.refuses())

    def refuses(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return False
        except ConnectionRefusedError:
            return True

    def is_asked(self):
        """Has everything begun that is to be finished."""
        slow = Asker(self.port, GET.format("/slow").encode())
        second = Http2Asker(self.port, over_http2("/slow"))
        stream = Asker(self.port, GET.format("/stream/").encode())
        # The settings of the server, after which it has read the request that came with ours.
        wait_for("the server over HTTP/2", lambda: second.answer)
        wait_for("the first piece", lambda: b"piece" in stream.answer)
        return slow, second, stream

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)


def finishes(arguments, directory):
    server = Server(arguments, directory)
    slow, second, stream = server.is_asked()
    server.terminate()
    wait_for("refusal", server.refuses)
    early = [asker for asker in (slow, second, stream) if asker.ended]
    status = server.process.wait(PATIENCE)
    ended = time.monotonic()
    for asker in (slow, second, stream):
        asker.join(PATIENCE)
    late = ended - max(asker.ended for asker in (slow, second, stream))
    whole = {
        "HTTP/1.1": slow.answer.startswith(b"HTTP/1.1 200") and slow.answer.endswith(b"all of it"),
        "HTTP/2": b"all of it" in second.answer,
        "a stream": stream.answer.count(b"piece") == arguments.seconds and stream.answer.endswith(b"0\r\n\r\n"),
    }
    good = all(whole.values()) and not early and status == 0 and late <= 1
    faults = "".join(f"; {name} was cut off" for name, is_whole in whole.items() if not is_whole)
    print(f"{'ok  ' if good else 'FAIL'} SIGTERM with {arguments.seconds} s to go: status {status}, {late:.2f} s after "
          f"the last answer{faults}")
    if not good:
        print(server.log.read_text()[-2000:], file=sys.stderr)
    return good


def ends_at_once(arguments, directory):
    server = Server(arguments, directory)
    server.is_asked()
    server.terminate()
    wait_for("refusal", server.refuses)
    begin = time.monotonic()
    server.terminate()
    status = server.process.wait(PATIENCE)
    took = time.monotonic() - begin
    good = status == 1 and took <= 1
    print(f"{'ok  ' if good else 'FAIL'} a second SIGTERM: status {status} after {took:.2f} s")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", default="target/release/pasteline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    good = []
    for check in (finishes, ends_at_once):
        with tempfile.TemporaryDirectory(prefix="stop-") as directory:
            good.append(check(arguments, pathlib.Path(directory)))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
