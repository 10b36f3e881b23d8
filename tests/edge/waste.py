#!/usr/bin/env python3
"""waste.py --bin PASTELINE [--long]: what clients waste is given back, and answered for no longer than it must be.

10,000 handshakes over TLS, 1,000 without --long, half of them garbage and half broken off in the middle: after them the
server has as many descriptors as before, uses no CPU, and answers. A body of 10 GiB where 112 KiB are allowed, with its
length or in chunks: 413, a connection that ends, and at most 1 MiB more of memory."""
import argparse
import os
import socket
import time

from support import REQUEST, Judge, Server

LIMIT, OFFERED = 112 * 1024, 10 << 30
GARBAGE = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
# The head of a record that holds a ClientHello of 512 bytes, and the first of them.
PARTIAL = bytes.fromhex("1603010200010001fc0303") + bytes(40)


def descriptors(server):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.processes())


def ticks(server):
    """The time of the CPU that the server has used, in hundredths of a second."""
    total = 0
    for pid in server.processes():
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        total += int(user) + int(system)
    return total


def until(holds, seconds=10):
    """Waits until something holds, and says whether it does."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def answers(server):
    with server.connect() as client:
        client.sendall(REQUEST)
        return client.recv(100).startswith(b"HTTP/1.1 200")


def handshakes(judge, count):
    settings = {"workers": 1, "max_connections": 5000}
    with Server(options.bin, "use = egg:pasteline#echo", settings, encrypted=True) as server:
        answers(server)
        # The connection of the client before is closed in its own time.
        before = descriptors(server)
        for _ in range(count // 500):
            clients = []
            for number in range(500):
                client = socket.create_connection(("127.0.0.1", server.port), 5)
                client.sendall(GARBAGE if number % 2 else PARTIAL)
                clients.append(client)
            for client in clients:
                client.close()
        judge.holds(f"{count} handshakes in vain leave no descriptor", until(lambda: descriptors(server) <= before))
        used = ticks(server)
        time.sleep(1)
        judge.at_most("CPU in the second after them", float(ticks(server) - used), 5, " %")
        judge.holds("the next client is answered", answers(server))


def offer(server, chunked):
    """Offers a body that is far too large, and gives what came back and how much was taken."""
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % OFFERED
    piece = bytes(65536)
    wire = b"10000\r\n%s\r\n" % piece if chunked else piece
    sent, answer = 0, b""
    with server.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a.example\r\n%s\r\n\r\n" % framing)
        try:
            while sent < OFFERED:
                client.sendall(wire)
                sent += len(piece)
        except OSError:
            pass
        try:
            answer = client.recv(1000)
        except OSError:
            pass
    return answer, sent


def bodies(judge):
    app = f"use = egg:pasteline#echo\nfilter-with = limit\n\n[filter:limit]\nuse = egg:pasteline#sizelimit\nmax_request_body_size = {LIMIT}"
    with Server(options.bin, app, {"workers": 1}) as server:
        answers(server)
        before = server.memory()
        for chunked in (False, True):
            how = "in chunks" if chunked else "with its length"
            answer, sent = offer(server, chunked)
            # A client that goes on to send may find the connection reset before it has read the answer.
            judge.holds(f"10 GiB {how} are refused: {answer[:12]}", not answer or answer.startswith(b"HTTP/1.1 413"))
            judge.at_most(f"of 10 GiB {how} left the client", sent / (1 << 20), 64, " MiB")
        judge.at_most("memory for all of it", (server.memory() - before) / (1 << 20), 1, " MiB")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--bin", default="target/release/pasteline")
parser.add_argument("--long", action="store_true")
options = parser.parse_args()
judge = Judge()
judge.twice(handshakes, 10_000 if options.long else 1000)
judge.twice(bodies)
judge.end()
