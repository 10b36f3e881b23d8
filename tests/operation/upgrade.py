#!/usr/bin/env python3
"""Upgrades a server again and again at full load, and fails if a request failed.

    tests/operation/upgrade.py [--bin target/release/pasteline] [--workers 2] [--seconds 10]

SIGUSR2 is sent each half second, to whichever process the pid file names; the next one follows once that is another
process. wrk asks meanwhile: over 64 connections that stay open, and then over a new one for each request. What it counts
as failed is a connect, read, write or timeout error, and any status but 200. It needs wrk, and Linux.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise SystemExit(f"waited in vain for {what}")


class Server:
    """A server that is known by its pid file only: it is another process after each upgrade."""

    def __init__(self, program, workers, directory):
        self.port, self.pid_file = free_port(), directory / "pid"
        file = directory / "api-paste.ini"
        file.write_text(
            "[server:main]\nuse = egg:pasteline#http\n"
            f"bind = 127.0.0.1:{self.port}\nworkers = {workers}\npid_file = {self.pid_file}\n"
            "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n"
        )
        self.log = directory / "log"
        with self.log.open("wb") as log:
            self.first = subprocess.Popen([program, "serve", file], stdout=log, stderr=log)
        wait_for("the server", self.answers)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return client.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def process(self):
        try:
            return int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None

    def upgrade(self):
        before = self.process()
        os.kill(before, signal.SIGUSR2)
        wait_for("a successor", lambda: self.process() not in (None, before))

    def stop(self):
        last = self.process()
        if last is not None:
            os.kill(last, signal.SIGTERM)
            wait_for("the end", lambda: self.process() is None)
        self.first.wait(PATIENCE)


def load(port, seconds, closes):
    """How many requests there were, and how many of them failed."""
    header = ["-H", "Connection: close"] if closes else []
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", *header, f"http://127.0.0.1:{port}/"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = sum(map(int, errors.groups())) if errors else 0
    return int(re.search(r"(\d+) requests in", text)[1]), failed + (int(other[1]) if other else 0)


def check(server, seconds, closes):
    ended, upgrades = threading.Event(), []

    def again():
        while not ended.wait(0.5):
            server.upgrade()
            upgrades.append(server.process())

    thread = threading.Thread(target=again)
    thread.start()
    requests, failed = load(server.port, seconds, closes)
    ended.set()
    thread.join()
    good = failed == 0 and len(set(upgrades)) >= 3 and requests > 0
    kind = "a connection a request" if closes else "connections that stay open"
    mark = "ok  " if good else "FAIL"
    print(f"{mark} {kind}: {failed} of {requests} requests failed over {len(upgrades)} upgrades")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", default="target/release/pasteline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    with tempfile.TemporaryDirectory(prefix="upgrade-") as directory:
        directory = pathlib.Path(directory)
        # A copy, as the program is to be found at its path for as long as this runs.
        program = shutil.copy(arguments.bin, directory / "pasteline")
        server = Server(program, arguments.workers, directory)
        try:
            good = [check(server, arguments.seconds, closes) for closes in (False, True)]
        finally:
            server.stop()
        if not all(good):
            print(server.log.read_text()[-2000:], file=sys.stderr)
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
