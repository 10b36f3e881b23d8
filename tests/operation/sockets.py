#!/usr/bin/env python3
"""Looks at what a server asks of the system for its sockets, and fails if an option is missing or comes too late.

    tests/operation/sockets.py [--bin target/release/pasteline]

The server runs under strace, with one process and with two workers. Of each listening socket SO_REUSEADDR, SO_KEEPALIVE and
TCP_KEEPIDLE must be set before it listens, SO_REUSEADDR before it is bound, and `listen` must be given `backlog`. Of each
connection TCP_NODELAY must be set before anything is read. It needs strace, and Linux.
"""
import argparse
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 30
BACKLOG, KEEPIDLE = 77, 33


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port):
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")


def wait_for(what, look):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if look():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit(f"waited in vain for {what}")


def trace(program, workers, directory):
    """What the server asks of the system for its sockets, in a line each."""
    port, file, calls = free_port(), directory / "api-paste.ini", directory / f"calls{workers}"
    file.write_text(
        f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{port}\nworkers = {workers}\n"
        f"backlog = {BACKLOG}\ntcp_keepidle = {KEEPIDLE}\n"
        "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n"
    )
    log = directory / f"log{workers}"
    with log.open("wb") as output:
        command = ["strace", "-f", "-q", "-e", "trace=network,read,readv", "-o", calls, program, "serve", file]
        strace = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for("the server", lambda: ask(port))
        if workers:
            wait_for("the workers", lambda: "ready: " in log.read_text())
        assert all(ask(port) for _ in range(8))
        server = calls.read_text().split(None, 1)[0]
        subprocess.run(["kill", "-TERM", server], check=True)
        assert strace.wait(PATIENCE) == 0, log.read_text()
    finally:
        strace.send_signal(signal.SIGKILL)
        strace.wait()
    return port, list(whole(calls.read_text().splitlines()))


def whole(lines):
    """The lines, those joined that strace has parted as something came between."""
    begun = {}
    for line in lines:
        process, call = line.split(None, 1)
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)$", call):
            yield f"{process} {begun.pop(process, '')}{resumed[1]}"
        else:
            yield line


def check(port, calls):
    """The faults of what was asked, and how many sockets there were."""
    faults, listeners, connections = [], 0, 0
    known = {}  # what was asked of each socket so far, by process and descriptor
    accepted = {}  # connections of which nothing is read yet
    for line in calls:
        process, call = line.split(None, 1)
        made = re.match(r"socket\(AF_INET, SOCK_STREAM.* = (\d+)$", call)
        asked = re.match(r"(setsockopt|bind|listen)\((\d+), (.*)\)\s+= 0$", call)
        taken = re.match(r"accept4\(.* = (\d+)$", call)
        read = re.match(r"(?:recvfrom|recvmsg|recv|read|readv)\((\d+), ", call)
        if made:
            known[process, made[1]] = []
        elif asked and (process, asked[2]) in known:
            done = known[process, asked[2]]
            done.append(f"{asked[1]} {asked[3]}")
            if asked[1] == "bind" and f"htons({port})" in asked[3]:
                if not any("SO_REUSEADDR, [1]" in step for step in done):
                    faults.append(f"bound before SO_REUSEADDR: {done}")
            if asked[1] == "listen" and any(f"htons({port})" in step for step in done):
                listeners += 1
                for option in ("SO_REUSEADDR, [1]", "SO_KEEPALIVE, [1]", f"TCP_KEEPIDLE, [{KEEPIDLE}]"):
                    if not any(option in step for step in done):
                        faults.append(f"listens without {option}: {done}")
                if asked[3] != str(BACKLOG):
                    faults.append(f"listen was given {asked[3]} and not {BACKLOG}")
        elif asked and "TCP_NODELAY, [1]" in asked[3]:
            accepted.pop((process, asked[2]), None)
        elif taken:
            connections += 1
            accepted[process, taken[1]] = True
        elif read and accepted.get((process, read[1])):
            faults.append(f"read before TCP_NODELAY: {line}")
    return faults, listeners, connections


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/release/pasteline"))
    program = parser.parse_args().bin.resolve()
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        for workers in (0, 2):
            faults, listeners, connections = check(*trace(program, workers, pathlib.Path(directory)))
            print(f"{workers} workers: {listeners} listening sockets, {connections} connections, {len(faults)} faults")
            print("".join(f"  {fault}\n" for fault in faults), end="")
            failed |= bool(faults) or listeners < max(1, workers) or connections < 9
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
