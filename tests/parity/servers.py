"""Starts the two servers, and talks to them."""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 30


class Answer:
    """What came back."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def send(port, case):
    """The answer to a request; an answer with status 0 where there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # Whoever refuses a request need not read it to its end.
            connection.sendall(case.bytes("parity.example"))
        response = http.client.HTTPResponse(connection, method=case.method)
        try:
            response.begin()
            return Answer(response.status, response.getheaders(), response.read())
        except (http.client.HTTPException, ConnectionError) as error:
            return Answer(0, [], str(type(error).__name__).encode())


@contextlib.contextmanager
def original(directory, variables):
    """The port of the original, while it serves."""
    with open(os.path.join(directory, "original.log"), "wb") as log:
        arguments = [sys.executable, os.path.join(HERE, "original.py"), "original.ini", "parity.conf"]
        environment = {**os.environ, **variables, "PYTHONPATH": HERE}
        process = subprocess.Popen(
            arguments, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise SystemExit(f"the original does not start: {read(log.name)}")
            # What it prints while it serves would fill the pipe.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield int(line)
        finally:
            end(process)


@contextlib.contextmanager
def pasteline(program, directory, variables):
    """The port of pasteline, while it serves."""
    arguments = [program, "serve", "pasteline.ini", "--config-file", "parity.conf", "--bind", "127.0.0.1:0"]
    with open(os.path.join(directory, "pasteline.out"), "wb") as out:
        process = subprocess.Popen(
            [*arguments, "--workers", "0"],
            cwd=directory,
            env={**os.environ, **variables},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    told = []
    try:
        for line in process.stderr:
            told.append(line)
            found = re.search(r"listening on (?:http://)?127\.0\.0\.1:(\d+)", line)
            if found:
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield int(found[1])
                return
        raise SystemExit(f"pasteline does not start: {''.join(told)}")
    finally:
        end(process)


def end(process):
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
