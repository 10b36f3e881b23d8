#!/usr/bin/env python3
"""Keeps a server at full load for long, with reloads and crashes, and fails if it does not stay as it was.

    tests/operation/soak.py [--bin target/release/pasteline] [--workers 2] [--minutes 30]

wrk asks over 64 connections without a pause. Each 5 s the file changes and the server is told to reload; each 10 s a
worker is killed (SIGKILL). Only connections of that worker may fail. From the second minute to the last the memory of
all processes may grow by 5 % at most, the descriptors of the supervisor not at all, and no process may be left that has
ended. It needs wrk, and Linux.
"""
import argparse
import itertools
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

from upgrade import Server, load

CONNECTIONS, ROUND = 64, 30


def children(process):
    """The ids of the processes that a process has started, with their states."""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == process:
            found[int(stat.parent.name)] = state
    return found


def memory(process):
    """The memory in KiB of a process and of all that it has started, what they share counted once."""
    total = 0
    for one in (process, *children(process)):
        try:
            lines = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def descriptors(process):
    return len(os.listdir(f"/proc/{process}/fd"))


class Trouble(threading.Thread):
    """Reloads and kills, until it is told to end."""

    def __init__(self, server):
        super().__init__()
        self.server, self.ended, self.reloads, self.kills = server, threading.Event(), 0, 0

    def run(self):
        file = self.server.pid_file.with_name("api-paste.ini")
        text, supervisor = file.read_text(), self.server.process()
        for turn in itertools.count():
            if self.ended.wait(5):
                return
            file.write_text(text.replace("hello", f"hello {turn}"))
            os.kill(supervisor, signal.SIGHUP)
            self.reloads += 1
            if turn % 2:
                workers = sorted(children(supervisor))
                os.kill(workers[turn // 2 % len(workers)], signal.SIGKILL)
                self.kills += 1


def soak(server, minutes):
    supervisor, trouble = server.process(), Trouble(server)
    trouble.start()
    requests = failed = 0
    seen = []
    try:
        for _ in range(max(int(minutes * 60 / ROUND), 4)):
            asked, lost = load(server.port, ROUND, False)
            requests, failed = requests + asked, failed + lost
            seen.append((memory(supervisor), descriptors(supervisor)))
            print(f"{requests} requests, {failed} failed, {seen[-1][0]} KiB, {seen[-1][1]} descriptors", flush=True)
    finally:
        trouble.ended.set()
        trouble.join()
    # A worker that has just been replaced has not got all its memory yet.
    time.sleep(1)
    ended = [state for state in children(supervisor).values() if state == "Z"]
    middle = len(seen[1:]) // 2
    first, last = (max(part) for part in (seen[1:][:middle], seen[1:][middle:]))
    descriptors_grow = max(count for _, count in seen[1:][middle:]) - max(count for _, count in seen[1:][:middle])
    return [
        (f"{failed} of {requests} requests failed in {trouble.reloads} reloads and {trouble.kills} kills",
         requests > 0 and failed <= trouble.kills * CONNECTIONS),
        (f"memory of all: {first[0]} KiB at most in the first half, {last[0]} KiB in the second", last[0] <= first[0] * 1.05),
        (f"descriptors of the supervisor: {descriptors_grow} more", descriptors_grow <= 0),
        (f"processes that have ended and are left: {len(ended)}", not ended),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", default="target/release/pasteline")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=30)
    arguments = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        server = Server(os.path.abspath(arguments.bin), arguments.workers, pathlib.Path(directory))
        try:
            judged = soak(server, arguments.minutes)
        finally:
            server.stop()
    for what, holds in judged:
        print("ok  " if holds else "FAIL", what)
    sys.exit(not all(holds for _, holds in judged))


if __name__ == "__main__":
    main()
