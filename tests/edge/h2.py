#!/usr/bin/env python3
"""h2.py --bin PASTELINE --tools DIR [--long]: every attack of h2_attacks.py ends in GOAWAY, a reset or a close, or
costs at most 0.1 s of CPU and 2 MiB, while a neighbour's p99 stays under 10 ms; what comes to a backend is clean.
Without --long, one attack of each kind, and the p99 may be higher by twice what it is alone. Attacks are made once
more where a figure is missed, as others may have kept the machine busy. Needs hpack (pip)."""
import argparse
import re
import socket
import threading

from support import Judge, Neighbour, Server, quiet, tool

LINE = re.compile(
    r"(\S+) +sent=\d+ in [\d.]+s goaway=(.*?) rst=(\{.*?\}) headers=\d+ data=\d+ acks=\d+ end=(.*?) "
    r"cpu=(-?[\d.]+)s pss=\+(-?[\d.]+)MiB"
)
# One attack of each kind: resets, heads, bodies, frames that are not read, streams, windows.
SHORT = ["rapid_reset", "made_you_reset2", "continuation_empty", "hpack_bomb", "tiny_data", "ping_noread", "streams", "zero"]
# The neighbour costs CPU too, so what is only held must be ended while the attack lasts.
SETTINGS = {"http2": "on", "workers": 1, "write_timeout": 5}
FIELD = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$")


class Backend:
    """Answers 200 to all, and keeps the heads that it gets."""

    def __init__(self):
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        read = b""
        while chunk := client.recv(65536):
            read += chunk
            while b"\r\n\r\n" in read:
                head, read = read.split(b"\r\n\r\n", 1)
                self.heads.append(head)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def faults(head):
    """What is wrong with a head that was forwarded."""
    line, *fields = head.split(b"\r\n")
    if not re.fullmatch(rb"GET /[!-~]* HTTP/1\.1", line):
        yield f"the line {line!r}"
    for field in fields:
        if not FIELD.match(field) or field.lower().startswith((b"x-evil", b"transfer-encoding", b"keep-alive")):
            yield f"the field {field!r}"
    hosts = [field.split(b": ", 1)[1] for field in fields if field.lower().startswith(b"host:")]
    if len(hosts) != 1 or b"evil" in hosts[0] or b"@" in hosts[0] or b"/" in hosts[0]:
        yield f"the hosts {hosts}"


def attacks(judge, options, only):
    with Server(options.bin, "use = egg:pasteline#echo", SETTINGS) as server:
        alone = quiet(server.port)
        worker = server.processes()[0]
        with Neighbour(server.port) as neighbour:
            printed = "".join(tool(options.tools, "h2_attacks.py", server.port, worker, name) for name in only)
    made = LINE.findall(printed)
    judge.holds(f"{len(made)} attacks were made", len(made) >= len(only))
    for name, goaway, resets, end, cpu, memory in made:
        if name.startswith("inj_"):
            continue
        ended = goaway != "None" or resets != "{}" or end != "None"
        cheap = float(cpu) <= 0.1 and float(memory) <= 2
        judge.holds(f"{name}: goaway {goaway}, resets {resets}, {cpu} s, {memory} MiB", ended or cheap)
    judge.holds("it serves after all", "serves after all: False" not in printed)
    bar = 10 if options.long else 10 + 2 * alone
    judge.at_most(f"a neighbour's p99 meanwhile, alone {alone:.2f} ms", neighbour.p99(), bar, " ms")
    judge.holds(f"a neighbour's errors: {neighbour.errors}", neighbour.errors == 0)


def injections(judge, options):
    backend = Backend()
    app = f"use = egg:pasteline#proxy\nupstream = http://127.0.0.1:{backend.port}"
    with Server(options.bin, app, SETTINGS) as server:
        tool(options.tools, "h2_attacks.py", server.port, server.processes()[0], "inj")
    judge.holds(f"{len(backend.heads)} heads were forwarded", bool(backend.heads))
    for head in backend.heads:
        for fault in faults(head):
            judge.holds(f"forwarded: {fault}", False)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bin", required=True)
    arguments.add_argument("--tools", required=True)
    arguments.add_argument("--long", action="store_true")
    options = arguments.parse_args()
    judge = Judge()
    judge.twice(attacks, options, [""] if options.long else SHORT)
    injections(judge, options)
    judge.end()


if __name__ == "__main__":
    main()
