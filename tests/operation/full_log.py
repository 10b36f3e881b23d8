#!/usr/bin/env python3
"""Has a server log to a disk that is full, and fails if a request waits for it or the log does not go on.

    tests/operation/full_log.py [--bin target/release/pasteline] [--workers 2]

The access log lies on a file system of 1 MiB in memory. Clients ask, with long lines, until the disk and what is kept for it
are full, so that lines are dropped; all requests must be answered as before, and the numbers must tell how many lines were
lost. Then there is room again: the log must go on, and the log of the program say what was lost. It needs root, and Linux.
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE, CLIENTS = 60, 8
# A line with its target comes to 2 KiB: 4 MiB that are kept for each process, and 1 MiB, are 2,600 of them.
PADDING = "x" * 1900


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.05)
    return found


def ask(client, target):
    """The body that is answered."""
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(1 << 16)
    head, body = answer.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    while len(body) < length:
        body += client.recv(1 << 16)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return body.decode()


class Server:
    def __init__(self, program, workers, directory, disk):
        self.port, self.admin, self.log, self.access = free_port(), free_port(), directory / "log", disk / "access.log"
        file = directory / "api-paste.ini"
        file.write_text(
            f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{self.port}\nworkers = {workers}\n"
            f"admin_bind = 127.0.0.1:{self.admin}\naccess_log = {self.access}\n"
            "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n"
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, "serve", file], stdout=log, stderr=log)
        wait_for("the server", lambda: ("ready: " if workers else "listening on") in self.log.read_text())

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def lost(self):
        with socket.create_connection(("127.0.0.1", self.admin), PATIENCE) as client:
            return int(re.search(r"^pasteline_access_log_lines_lost_total (\d+)$", ask(client, "/metrics"), re.M)[1])


def load(server, stop, times):
    """Asks again and again, over one connection after the other, and notes how long each answer takes."""
    while not stop.is_set():
        with server.connect() as client:
            for _ in range(50):
                begun = time.monotonic()
                assert ask(client, f"/{PADDING}") == "hello"
                times.append(time.monotonic() - begun)


def run(arguments, directory, disk):
    server, faults = Server(arguments.bin.resolve(), arguments.workers, directory, disk), []
    try:
        stop, times = threading.Event(), []
        threads = [threading.Thread(target=load, args=(server, stop, times)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            wait_for("lines to be lost", lambda: server.lost() > 100)
            answered = len(times)
            wait_for("more answers", lambda: len(times) > answered + 500)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        lost, longest = server.lost(), max(times)
        assert os.statvfs(disk).f_bavail == 0, "the disk is not full"
        # There is room again.
        before = server.access.stat().st_size
        os.truncate(server.access, 0)

        def goes_on():
            with server.connect() as client:
                ask(client, "/room")
            text = server.access.read_text(errors="replace")
            if len(text) > 500_000:
                os.truncate(server.access, 0)
            return "GET /room HTTP/1.1" in text

        wait_for("the log to go on", goes_on)
        wait_for("a word of what was lost", lambda: re.search("lines.*(lost|dropped)", server.log.read_text()))
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(PATIENCE) != 0:
            faults.append("the server did not end well")
        if longest > 2:
            faults.append("a request waited for the disk")
    finally:
        server.process.kill()
        server.process.wait()
    told = [line for line in server.log.read_text().splitlines() if "access log" in line or "lines" in line]
    print(f"{arguments.workers} workers: {len(times)} requests answered, the longest in {longest * 1000:.0f} ms; "
          f"{before} bytes logged, {lost} lines lost and counted; the log goes on")
    print("".join(f"  {line}\n" for line in told[-2:]), end="")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/release/pasteline"))
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
        try:
            return run(arguments, pathlib.Path(directory), pathlib.Path(disk))
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    sys.exit(main())
