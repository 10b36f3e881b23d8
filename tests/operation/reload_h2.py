#!/usr/bin/env python3
"""Reloads a server again and again under HTTP/2, and fails if a request failed.

    tests/operation/reload_h2.py [--bin target/release/pasteline] [--workers 2] [--reloads 30]

In clear (prior knowledge) and over TLS, clients keep four streams open on each of sixteen connections. Meanwhile
`pasteline reload` is asked, so many times with another pipeline, which is swapped under the connections, and so many
times with other settings, for which other workers take over and the old ones tell their clients to go away (GOAWAY).

A request has failed if its connection was refused, if its stream was reset, if its response is not the one of a
pipeline that is or was in force, or if its connection ended before it was answered. A client does as RFC 9113 asks (6.8):
after GOAWAY it begins no stream on that connection, and asks on another one; streams past the last one that GOAWAY
names were not looked at, and are asked for again. Those are counted apart. A client that cannot write forgets what it has
yet to read, as many do, so that a connection must not be reset under it. h2load is of no use here: it counts as failed what it
would have begun after GOAWAY, which it never sends, and connects to nobody anew. It needs openssl, and Linux.
"""
import argparse
import asyncio
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 20
CONNECTIONS, STREAMS = 16, 4
DATA, HEADERS, _, RESET, SETTINGS, _, PING, GOAWAY, WINDOW, _ = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, REFUSED_STREAM = 0, 7
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# What the static table of HPACK has: GET, the path `/`, the status 200; and the host as it is.
HEAD = {"http": b"\x82\x84\x86\x01\x01x", "https": b"\x82\x84\x87\x01\x01x"}
STATUS_200 = 0x88


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Tally:
    """What became of all requests."""

    def __init__(self):
        self.answered, self.again, self.goaways, self.connections = 0, 0, 0, 0
        self.failed = []
        self.bodies = set()

    def fail(self, reason, count=1):
        self.failed += [reason] * count


class Connection:
    """A connection with streams that are open, until it is told to go away and all have ended."""

    def __init__(self, scheme, tally, stop):
        self.scheme, self.tally, self.stop = scheme, tally, stop
        self.open, self.next, self.last = {}, 1, None

    async def run(self, port, context):
        try:
            reader, self.writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        except OSError as error:
            self.tally.fail(f"no connection: {error}")
            return
        self.tally.connections += 1
        self.writer.write(PREFACE + frame(SETTINGS))
        try:
            self.fill()
            while self.open:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                self.take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
                self.fill()
        except (OSError, asyncio.IncompleteReadError) as error:
            what = "after GOAWAY" if self.last is not None else "without GOAWAY"
            self.tally.fail(f"the connection ended {what}: {type(error).__name__}", len(self.open))
        finally:
            self.writer.close()

    def fill(self):
        """Begins as many streams as there may be."""
        while len(self.open) < STREAMS and self.last is None and not self.stop.is_set():
            flags = END_STREAM | END_HEADERS
            self.writer.write(frame(HEADERS, flags, self.next, HEAD[self.scheme]))
            self.open[self.next] = [None, b""]
            self.next += 2

    def take(self, kind, flags, stream, payload):
        tally = self.tally
        if kind == SETTINGS and not flags & ACK:
            self.writer.write(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.writer.write(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            last, code = struct.unpack(">II", payload[:8])
            tally.goaways += self.last is None
            self.last = last
            if code != NO_ERROR:
                tally.fail(f"GOAWAY with the error {code}")
            # Nobody has looked at these: they are asked for on another connection.
            for late in [stream for stream in self.open if stream > last]:
                del self.open[late]
                tally.again += 1
        elif kind == RESET and stream in self.open:
            code = int.from_bytes(payload, "big")
            del self.open[stream]
            if code == REFUSED_STREAM:
                tally.again += 1
            else:
                tally.fail(f"RST_STREAM with the error {code}")
        elif kind == HEADERS and stream in self.open:
            skipped = (1 if flags & PADDED else 0) + (5 if flags & PRIORITY else 0)
            self.open[stream][0] = payload[skipped] == STATUS_200
        elif kind == DATA and stream in self.open:
            self.open[stream][1] += payload
            if payload:
                self.writer.write(frame(WINDOW, 0, 0, struct.pack(">I", len(payload))))
        if kind in (HEADERS, DATA) and flags & END_STREAM and stream in self.open:
            good, body = self.open.pop(stream)
            tally.bodies.add(body)
            if good:
                tally.answered += 1
            else:
                tally.fail(f"another status, with the body {body[:40]!r}")


async def client(port, scheme, context, tally, stop):
    while not stop.is_set():
        failed = len(tally.failed)
        await Connection(scheme, tally, stop).run(port, context)
        if len(tally.failed) > failed:
            # Not as fast as it can.
            await asyncio.sleep(0.01)


class Server:
    """The program with a file that is written anew for each reload."""

    def __init__(self, program, workers, scheme, directory):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program, self.workers, self.scheme = program, workers, scheme
        self.directory, self.file = directory, directory / "api-paste.ini"
        self.body, self.backlog = 0, 1000
        self.write()
        self.log = directory / "log"
        self.environment = {"RUNTIME_DIRECTORY": str(directory), "PATH": "/usr/bin:/bin"}
        with self.log.open("wb") as log:
            command = [program, "serve", self.file]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        end = time.monotonic() + PATIENCE
        while b"ready: " not in self.log.read_bytes() and workers or b"listening" not in self.log.read_bytes():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"the server does not start: {self.log.read_text()}")
            time.sleep(0.01)

    def write(self):
        tls = "tls_cert = pair.pem\ntls_key = pair.key\n" if self.scheme == "https" else "http2 = on\n"
        beside = self.file.with_suffix(".beside")
        beside.write_text(
            f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{self.port}\n"
            f"workers = {self.workers}\nbacklog = {self.backlog}\n{tls}"
            f"[app:main]\nuse = egg:pasteline#respond\nbody = body {self.body}\n"
        )
        beside.replace(self.file)

    async def reload(self):
        """Asks for a reload and waits until it is in force."""
        self.write()
        command = [self.program, "reload", str(self.file)]
        asked = await asyncio.create_subprocess_exec(*command, env=self.environment, stdout=subprocess.PIPE)
        told, _ = await asked.communicate()
        if asked.returncode != 0:
            raise SystemExit(f"not reloaded: {self.log.read_text()}")
        return told.decode()

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE * 5)


def make_pair(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=x", "-out", directory / "pair.pem", "-keyout", directory / "pair.key"],
        check=True, capture_output=True)


async def check(server, reloads, kind):
    """Loads the server and reloads it so often, and judges what became of the requests."""
    tally, stop = Tally(), asyncio.Event()
    context = None
    if server.scheme == "https":
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
    clients = [asyncio.create_task(client(server.port, server.scheme, context, tally, stop))
               for _ in range(CONNECTIONS)]
    first, good = server.body, True
    for _ in range(reloads):
        # Some requests lie between two reloads.
        goal = tally.answered + 10 * CONNECTIONS * STREAMS
        end = time.monotonic() + PATIENCE
        while tally.answered < goal and not tally.failed and time.monotonic() < end:
            await asyncio.sleep(0.01)
        if kind == "pipelines":
            server.body += 1
        else:
            server.backlog += 1
        told = await server.reload()
        good &= ("pipeline" in told) == (kind == "pipelines")
    goal, end = tally.answered + 10 * CONNECTIONS * STREAMS, time.monotonic() + PATIENCE
    while tally.answered < goal and not tally.failed and time.monotonic() < end:
        await asyncio.sleep(0.01)
    if tally.answered < goal:
        tally.fail("no more answers after the last reload")
    stop.set()
    _, late = await asyncio.wait(clients, timeout=PATIENCE)
    for task in late:
        task.cancel()
        tally.fail("a request without an answer")
    expected = {f"body {number}".encode() for number in range(first, server.body + 1)}
    good &= not tally.failed and expected == tally.bodies
    # Pipelines are swapped under the connections; each generation of workers says goodbye to its own.
    good &= tally.goaways == 0 if kind == "pipelines" else tally.goaways >= reloads
    mark = "ok  " if good else "FAIL"
    print(f"{mark} {server.scheme}, {reloads} reloads of {kind}: {len(tally.failed)} of {tally.answered} requests failed; "
          f"{tally.connections} connections, {tally.goaways} told to go away, {tally.again} requests asked again")
    for reason in sorted(set(tally.failed)):
        print(f"     {tally.failed.count(reason)} times: {reason}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", default="target/release/pasteline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--reloads", type=int, default=30)
    arguments = parser.parse_args()
    program, good = str(pathlib.Path(arguments.bin).resolve()), []
    for scheme in ("http", "https"):
        with tempfile.TemporaryDirectory(prefix="reload-h2-") as directory:
            directory = pathlib.Path(directory)
            make_pair(directory)
            server = Server(program, arguments.workers, scheme, directory)
            try:
                good += [asyncio.run(check(server, arguments.reloads, kind)) for kind in ("pipelines", "workers")]
            finally:
                status = server.stop()
            good.append(status == 0)
            if not all(good):
                print(f"status {status}\n{server.log.read_text()[-2000:]}", file=sys.stderr)
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
