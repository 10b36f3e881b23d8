#!/usr/bin/env python3
"""Holds the server and its proxy against malformed and hostile requests and upstream answers.

    python3 tests/edge/http_cases.py --tools DIR target/release/pasteline

`http_cases.py` of the tools is client and upstream; between them runs a pipeline that ends in a
proxy. It fails where a figure is below its bar.
"""

import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter

FILE = """\
[composite:main]
use = egg:pasteline#urlmap
/ = proxy
/admin = denied
/static = files

[app:proxy]
use = egg:pasteline#proxy
upstream = http://127.0.0.1:{upstream}
response_timeout = 3
read_timeout = 3

[app:denied]
use = egg:pasteline#respond
status = 403

[app:files]
use = egg:pasteline#static
root = files

[server:main]
use = egg:pasteline#http
bind = 127.0.0.1:{port}
workers = 0
head_timeout = 2
"""

# By cases that must not fail: of all, of those that are a MUST, and of those where ours is the goal.
BARS = {"must": 1.0, "all": 0.995, "strict": 0.9}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    sys.exit("the server does not listen")


def run(tools, cases, program, strict=False):
    """The outcome of each case of a file, against a server of its own."""
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        port, upstream = free_port(), free_port()
        (directory / "files").mkdir()
        (directory / "files" / "i.txt").write_text("a file\n")
        (directory / "api-paste.ini").write_text(FILE.format(port=port, upstream=upstream))
        with (directory / "log").open("w") as log:
            server = subprocess.Popen(
                [program, "serve", directory / "api-paste.ini"], stdout=log, stderr=log
            )
        try:
            wait_for(port, server)
            outcome = directory / "outcome.json"
            command = [sys.executable, tools / "http_cases.py", "127.0.0.1", str(port), "-q"]
            command += ["--backend-port", str(upstream), "--cases", cases, "--json", outcome]
            command += ["--strict"] if strict else []
            finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=300)
            print(finished.stdout, end="")
            if "alive after: True" not in finished.stdout or server.poll() is not None:
                sys.exit("the server did not live through it:\n" + (directory / "log").read_text())
            return json.loads(outcome.read_text())
        finally:
            server.terminate()
            server.wait(30)


def share(outcomes, kind):
    return sum(not outcome[kind] for outcome in outcomes) / len(outcomes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("program")
    arguments = parser.parse_args()
    tools, program = arguments.tools.resolve(), pathlib.Path(arguments.program).resolve()
    cases = tools.parent / "cases"

    requests = run(tools, cases / "http1.json", program)
    strict = run(tools, cases / "http1.json", program, strict=True)
    gateway = run(tools, cases / "gateway.json", program)

    figures = {
        "must": share([each for each in requests if each["level"] == "must"], "fail"),
        "all": share(requests, "fail"),
        "strict": share(strict, "strict"),
    }
    bars = dict(BARS)
    for category in sorted(Counter(each["cat"] for each in gateway)):
        name = f"gateway {category}"
        figures[name] = share([each for each in gateway if each["cat"] == category], "fail")
        bars[name] = 1.0
    missed = False
    for name, figure in figures.items():
        is_met = figure >= bars[name]
        missed |= not is_met
        print(f"{name:20} {figure:7.2%} of {bars[name]:7.2%} {'' if is_met else 'MISSED'}".rstrip())
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
