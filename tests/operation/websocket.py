#!/usr/bin/env python3
"""Has real WebSocket clients talk to a real WebSocket server through pasteline, and fails if one is cut off.

    tests/operation/websocket.py [--bin target/release/pasteline] [--workers 2] [--clients 50] [--tls]

Each client sends texts, bytes (a message of 1 MiB among them) and pings, before, while and after the configuration is loaded
anew. Then the server is told to end: every connection is closed some time later, and the exit status is 0. It needs the
package `websockets`, and with `--tls` the command `openssl`.
"""
import argparse
import asyncio
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import websockets

DRAIN = 2
PATIENCE = 30


async def echo(client, *_):
    try:
        async for message in client:
            await client.send(message)
    except websockets.ConnectionClosed:
        pass  # as it is when the server ends


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


def certify(directory):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, stderr=subprocess.DEVNULL,
    )
    os.chmod(directory / "key.pem", 0o600)
    return ssl.create_default_context(cafile=directory / "cert.pem")


class Server:
    def __init__(self, arguments, directory, upstream):
        listener, self.port = listen()
        listener.close()
        self.file, self.arguments, self.upstream = directory / "api-paste.ini", arguments, upstream
        self.log = directory / "log"
        self.configure("one")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([arguments.bin, "serve", self.file], stdout=log, stderr=log)

    def configure(self, header):
        tls = "tls_cert = cert.pem\ntls_key = key.pem\n" if self.arguments.tls else ""
        self.file.write_text(
            "[server:main]\nuse = egg:pasteline#http\n"
            f"bind = 127.0.0.1:{self.port}\nworkers = {self.arguments.workers}\n{tls}"
            f"upgrade_drain_timeout = {DRAIN}\ndrain_linger = 1\n"
            "[pipeline:main]\npipeline = headers compress proxy\n"
            f"[filter:headers]\nuse = egg:pasteline#headers\nset_response = x-file: {header}\n"
            "[filter:compress]\nuse = egg:pasteline#compress\n"
            f"[app:proxy]\nuse = egg:pasteline#proxy\nupstream = http://127.0.0.1:{self.upstream}\n"
        )

    async def says(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.log.read_text():
            if time.monotonic() > end:
                raise SystemExit(f"waited in vain for `{text}` in\n{self.log.read_text()}")
            await asyncio.sleep(0.02)


async def talk(client, rounds):
    for number in range(rounds):
        for message in (f"text {number}", os.urandom(1000), b"x" * (1 << 20) if number == 0 else b""):
            await client.send(message)
            assert await asyncio.wait_for(client.recv(), PATIENCE) == message
        await asyncio.wait_for(await client.ping(), PATIENCE)


async def closed(client):
    try:
        await asyncio.wait_for(client.recv(), PATIENCE)
    except websockets.ConnectionClosed:
        return time.monotonic()
    raise SystemExit("a message came that nobody sent")


async def run(arguments, directory):
    context = certify(directory) if arguments.tls else None
    listener, upstream = listen()
    async with websockets.serve(echo, sock=listener, max_size=None):
        server = Server(arguments, directory, upstream)
        try:
            await server.says("ready: " if arguments.workers else "listening on")
            url = f"{'wss' if context else 'ws'}://localhost:{server.port}/chat"
            connect = [websockets.connect(url, ssl=context, max_size=None) for _ in range(arguments.clients)]
            clients = await asyncio.gather(*connect)
            await asyncio.gather(*(talk(client, 3) for client in clients))
            talking = [asyncio.ensure_future(talk(client, 10)) for client in clients]
            server.configure("two")
            server.process.send_signal(signal.SIGHUP)
            await server.says("reloaded: the pipeline is replaced")
            await asyncio.gather(*talking)
            await asyncio.gather(*(talk(client, 1) for client in clients))
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            last = max(await asyncio.gather(*(closed(client) for client in clients))) - begun
            status = await asyncio.to_thread(server.process.wait, PATIENCE)
        finally:
            server.process.kill()
            server.process.wait()
    print(f"{arguments.clients} clients, {arguments.workers} workers, tls {arguments.tls}: none was cut off; "
          f"closed {last:.1f} s after the end began, status {status}")
    return status == 0 and last <= DRAIN + 0.5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("target/release/pasteline"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--tls", action="store_true")
    arguments = parser.parse_args()
    arguments.bin = arguments.bin.resolve()
    with tempfile.TemporaryDirectory() as directory:
        return 0 if asyncio.run(run(arguments, pathlib.Path(directory))) else 1


if __name__ == "__main__":
    sys.exit(main())
