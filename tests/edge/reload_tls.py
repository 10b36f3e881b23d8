#!/usr/bin/env python3
"""Reloads certificates under load, and fails if a handshake does.

Usage: tests/edge/reload_tls.py PROGRAM [--reloads 100] [--seconds 50] [--clients 4]

PROGRAM is pasteline. While clients open one connection after another, each with a handshake and a
request, the pair of the server is replaced so many times, and `pasteline reload` is asked each
time. No handshake and no request may fail, each new certificate must be seen within a second of
its reload, and a key that does not match, put there at the end, must change nothing.
"""

import argparse
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

NAME = "localhost"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def make_pair(directory, number):
    """A certificate with a number of its own, and its key, as texts."""
    certificate, key = directory / "new.pem", directory / "new.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", f"/CN={NAME}", "-set_serial", str(number),
         "-addext", f"subjectAltName=DNS:{NAME}", "-out", str(certificate), "-keyout", str(key)],
        check=True, capture_output=True)
    return certificate.read_bytes(), key.read_bytes()


def put(path, content):
    """Puts a file in the place of another in one step."""
    beside = path.with_suffix(".beside")
    beside.write_bytes(content)
    beside.chmod(0o600)
    beside.replace(path)


class Load(threading.Thread):
    """Opens one connection after another."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopped = port, threading.Event()
        self.done, self.failed, self.faults = 0, 0, set()

    def run(self):
        context = ssl._create_unverified_context()
        while not self.stopped.is_set():
            try:
                plain = socket.create_connection(("127.0.0.1", self.port), 10)
                with context.wrap_socket(plain, server_hostname=NAME) as stream:
                    stream.sendall(REQUEST)
                    answer = b""
                    while piece := stream.recv(4096):
                        answer += piece
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise ValueError(f"answer {answer[:40]!r}")
                self.done += 1
            except (OSError, ValueError) as error:
                self.failed += 1
                self.faults.add(str(error))


def serial(port):
    """The number of the certificate that a new connection is given."""
    text = ssl.get_server_certificate(("127.0.0.1", port))
    shown = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=text, text=True,
                           check=True, capture_output=True).stdout
    return int(shown.strip().split("=")[1], 16)


def wait_for(port, number, limit):
    """The time until a certificate is seen; none if it is not in time."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        try:
            if serial(port) == number:
                return time.monotonic() - begun
        except OSError:
            time.sleep(0.05)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=50)
    parser.add_argument("--clients", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return judge(arguments, pathlib.Path(name))


def judge(arguments, directory):
    certificate, key = directory / "cert.pem", directory / "cert.key"
    pairs = [make_pair(directory, 1000 + number) for number in range(arguments.reloads + 2)]
    put(certificate, pairs[0][0])
    put(key, pairs[0][1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = directory / "paste.ini"
    file.write_text(
        f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{port}\nworkers = 2\n"
        f"tls_cert = {certificate}\ntls_key = {key}\n"
        "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n")
    # Where the server is found by who asks it.
    os.environ["RUNTIME_DIRECTORY"] = str(directory)
    server = subprocess.Popen([arguments.program, "serve", str(file)], stderr=subprocess.DEVNULL)
    faults = []
    try:
        if wait_for(port, 1000, 20) is None:
            return tell(["the server does not serve"])
        loads = [Load(port) for _ in range(arguments.clients)]
        for load in loads:
            load.start()
        slowest, begun = 0.0, time.monotonic()
        for number in range(1, arguments.reloads + 1):
            put(key, pairs[number][1])
            put(certificate, pairs[number][0])
            reload(arguments.program, directory, faults)
            seen = wait_for(port, 1000 + number, 1)
            if seen is None:
                faults.append(f"certificate {number} is not seen within a second")
            slowest = max(slowest, seen or 1.0)
            due = begun + number * arguments.seconds / arguments.reloads
            time.sleep(max(0.0, due - time.monotonic()))
        took = time.monotonic() - begun
        put(key, pairs[-1][1])
        wrong = subprocess.run([arguments.program, "reload", str(file)], capture_output=True,
                               text=True, timeout=60, check=False)
        if wrong.returncode == 0 or "is not that of the certificate" not in wrong.stderr:
            faults.append(f"a key that does not match is not refused: {wrong.stderr}")
        if serial(port) != 1000 + arguments.reloads:
            faults.append("a key that does not match has changed what is served")
        for load in loads:
            load.stopped.set()
        for load in loads:
            load.join(20)
        done, failed = sum(load.done for load in loads), sum(load.failed for load in loads)
        print(f"{arguments.reloads} reloads in {took:.1f} s: {done} handshakes, {failed} failed; "
              f"a new certificate was seen after {slowest:.2f} s at the latest")
        if failed:
            faults.append(f"failed: {sorted(set().union(*(load.faults for load in loads)))}")
    finally:
        server.terminate()
        server.wait(60)
    return tell(faults)


def reload(program, directory, faults):
    done = subprocess.run([program, "reload", str(directory / "paste.ini")], capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode != 0:
        faults.append(f"a reload has failed: {done.stderr}")


def tell(faults):
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
