#!/usr/bin/env python3
"""Moves a server's clock by an hour to and fro, and fails if a connection ends or a limit of time does not hold.

    tests/operation/clock.py [--bin target/release/pasteline] [--workers 2]

libfaketime tells the server another time of day (CLOCK_REALTIME, as an operator or NTP would); what counts the seconds that
have passed stays as it is. The header `Date` proves that the server believes it. Through all jumps clients ask over
connections that stay open, and none may fail; a request whose answer takes its time is answered; and a client that sends
half a head, one that is idle, and one whose upstream is silent are ended after the time that is set, no sooner and no later.
It needs libfaketime (Debian's `faketime`), and Linux.
"""
import argparse
import email.utils
import glob
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 30
HEAD, IDLE, UPSTREAM = 3, 4, 3
# A limit is kept within a second and a tick; the upstream's within a quarter of it.
LATE = 2.5
JUMPS = ["+3600", "-3600", "+0", "+3600", "+0", "-3600"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, program, workers, directory):
        self.port, self.silent = free_port(), socket.create_server(("127.0.0.1", 0))
        library = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + [None])[0]
        if library is None:
            raise SystemExit("there is no libfaketime")
        self.offset, file, self.log = directory / "offset", directory / "api-paste.ini", directory / "log"
        self.jump("+0")
        file.write_text(
            f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{self.port}\nworkers = {workers}\n"
            f"head_timeout = {HEAD}\nkeep_alive_timeout = {IDLE}\naccess_log = {directory / 'access.log'}\n"
            "[composite:main]\nuse = egg:pasteline#urlmap\n/ = hello\n/silent = silent\n"
            "[app:hello]\nuse = egg:pasteline#respond\nbody = hello\n"
            "[app:silent]\nuse = egg:pasteline#proxy\n"
            f"upstream = http://127.0.0.1:{self.silent.getsockname()[1]}\nresponse_timeout = {UPSTREAM}\n"
        )
        environment = os.environ | {
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }
        with self.log.open("wb") as log:
            command = [program, "serve", file]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wanted = "ready: " if workers else "listening on"
        wait_for("the server", lambda: wanted in self.log.read_text(errors="replace"))

    def jump(self, offset):
        new = self.offset.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self.offset)


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.02)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def send(self, text):
        self.socket.sendall(text.encode())

    def ask(self, path="/"):
        """The status, and the time of day in the header `Date`."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"hello"):
            read = self.socket.recv(4096)
            if not read:
                raise ConnectionError(f"closed after {answer!r}")
            answer += read
        fields = dict(line.split(": ", 1) for line in answer.decode().split("\r\n\r\n")[0].split("\r\n")[1:])
        return answer.split()[1], email.utils.parsedate_to_datetime(fields["date"]).timestamp()

    def seconds_to_end(self, begun):
        """The first bytes that come, and how long it takes until the server closes the connection."""
        first = b""
        while read := self.socket.recv(4096):
            first = first or read
        return first, time.monotonic() - begun


def keep_asking(port, stop, failures, counts):
    client, count = Client(port), 0
    while not stop.is_set():
        try:
            status, _ = client.ask()
            if status != b"200":
                failures.append(status)
            count += 1
        except OSError as error:
            failures.append(error)
            return
        time.sleep(0.01)
    counts.append(count)


def limits(server, faults):
    """Has the clock jump while clients are late, and notes who is not ended when it is time."""
    for offset in ("+3600", "-3600"):
        begun = time.monotonic()
        half, idle, silent = (Client(server.port) for _ in range(3))
        half.send("GET / HT")
        idle.ask()
        silent.send("GET /silent HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        time.sleep(1)
        server.jump(offset)
        for name, client, limit, status in (
            ("half a head", half, HEAD, b"408"),
            ("a silent upstream", silent, UPSTREAM, b"504"),
            ("an idle client", idle, IDLE, None),
        ):
            first, seconds = client.seconds_to_end(begun)
            found = first.split()[1] if first else None
            print(f"  {offset}: {name} ended after {seconds:.1f} s with {found}")
            if found != status or not limit - 0.1 <= seconds <= limit + LATE:
                faults.append(f"{name} ended after {seconds:.1f} s with {found}")


def run(arguments, directory):
    server, faults = Server(arguments.bin.resolve(), arguments.workers, directory), []
    try:
        stop, failures, counts = threading.Event(), [], []
        threads = [
            threading.Thread(target=keep_asking, args=(server.port, stop, failures, counts)) for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for offset in JUMPS:
            server.jump(offset)
            seen = lambda: abs(Client(server.port).ask()[1] - time.time() - int(offset)) < 5
            wait_for(f"the server to believe {offset}", seen)
            time.sleep(1.5)  # longer than a server takes to look at its clock
        stop.set()
        for thread in threads:
            thread.join()
        faults += [f"a request failed: {failure}" for failure in failures]
        print(f"{arguments.workers} workers, {len(JUMPS)} jumps: {sum(counts)} requests, {len(failures)} failed")
        limits(server, faults)
        # The worker processes are looked after by the same clock.
        if "killed" in server.log.read_text() or "has ended" in server.log.read_text():
            faults.append(f"a process was ended: {server.log.read_text()}")
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(PATIENCE) != 0:
            faults.append("the server did not end well")
    finally:
        server.process.kill()
        server.process.wait()
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/release/pasteline"))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        return run(arguments, pathlib.Path(directory))


if __name__ == "__main__":
    sys.exit(main())
