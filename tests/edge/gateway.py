#!/usr/bin/env python3
"""gateway.py PASTELINE [--aborts 1000] [--kills 5]: what becomes of upstream connections when others break off. After as
many requests that clients have given up in the middle, as many good ones get their own answers and nobody else's. And
of an upstream that is killed under load, no request that is not idempotent comes to it twice. Needs nothing."""
import argparse
import collections
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from support import Judge, Server, free_port, read_answer

# Larger than what fits into the buffers of the system on the way.
LARGE = 4 << 20


class Upstream:
    """Answers each request with its body or with a large one, and writes down what it is asked for."""

    def __init__(self, port, journal):
        self.journal = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024, reuse_port=True)

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        try:
            with client, client.makefile("rb") as read:
                while line := read.readline():
                    method, target, _ = line.split(b" ")
                    os.write(self.journal, method + b" " + target + b"\n")
                    length = 0
                    while (field := read.readline()) != b"\r\n":
                        name, _, value = field.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    body = read.read(length)
                    if len(body) < length:
                        return
                    if target == b"/large":
                        body = b"x" * LARGE
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            # Whoever asked has left.
            return


class Process:
    """An upstream in a process of its own, which can be killed and started anew at the same port."""

    def __init__(self, journal):
        self.port, self.journal = free_port(), journal
        self.start()

    def start(self):
        command = [sys.executable, __file__, "--upstream", str(self.port), self.journal]
        self.process = subprocess.Popen(command)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def post(target, body, length=None):
    head = f"POST {target} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


def ask(client, request):
    """The status and the body of an answer; none if the connection has ended before."""
    client.sendall(request)
    head, _, body = read_answer(client).partition(b"\r\n\r\n")
    return (int(head.split(b" ")[1]), body) if head else None


def aborts(judge, server, count):
    """Clients that leave in the middle of their body, or of the answer, in turn."""
    for number in range(count):
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            if number % 2:
                client.sendall(post("/half", b"a wrong body", 100))
            else:
                client.sendall(b"GET /large HTTP/1.1\r\nHost: a.example\r\n\r\n")
                client.recv(1000)
    wrong = 0
    with socket.create_connection(("127.0.0.1", server.port), 10) as client:
        for number in range(count):
            body = f"the body of {number}".encode()
            wrong += ask(client, post("/good", body)) != (200, body)
    judge.holds(f"{count} aborts, then {count} requests: {wrong} wrong answers", wrong == 0)


def kills(judge, server, upstream, count):
    """An upstream that dies again and again under load."""
    over, statuses = threading.Event(), collections.Counter()

    def load(name):
        number = 0
        while not over.is_set():
            number += 1
            try:
                with socket.create_connection(("127.0.0.1", server.port), 10) as client:
                    found = ask(client, post(f"/once/{name}/{number}", b"x" * 100))
            except OSError as error:
                found = (str(error), b"")
            statuses[found[0] if found else "broken off"] += 1

    threads = [threading.Thread(target=load, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(count):
        time.sleep(0.5)
        upstream.kill()
        time.sleep(0.2)
        upstream.start()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()
    with open(upstream.journal, encoding="ascii") as file:
        times = collections.Counter(line for line in file if "/once/" in line)
    most = max(times.values(), default=0)
    judge.holds(f"{count} kills, {len(times)} requests: one came {most} times at most", most == 1)
    known = {200, 502, 504}
    told = dict(sorted(statuses.items(), key=str))
    judge.holds(f"clients were told {told}", set(statuses) <= known and statuses[200] > 0)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("binary", nargs="?")
    arguments.add_argument("--aborts", type=int, default=1000)
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--upstream", nargs=2, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.upstream:
        port, journal = options.upstream
        Upstream(int(port), journal).serve()
    judge = Judge()
    with tempfile.TemporaryDirectory() as directory:
        upstream = Process(os.path.join(directory, "journal"))
        app = f"use = egg:pasteline#proxy\nupstream = http://127.0.0.1:{upstream.port}"
        try:
            with Server(options.binary, app, {"workers": 1}) as server:
                aborts(judge, server, options.aborts)
                kills(judge, server, upstream, options.kills)
        finally:
            upstream.kill()
    judge.end()


if __name__ == "__main__":
    main()
