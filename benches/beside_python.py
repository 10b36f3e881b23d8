#!/usr/bin/env python3
"""CPU time per request of a pipeline as Neutron has it, beside the same in Python, and what `auth_token` asks of Keystone.

    python3 -m venv target/parity && target/parity/bin/pip install -r tests/parity/requirements.txt
    cargo build --release && target/parity/bin/python benches/beside_python.py

Needs Linux with two CPUs, wrk and memcached, which keeps tokens as Neutron's installation guide has it. The servers have one
CPU, all else the other. The app alone, the pipeline before it and the same pipeline in Python under waitress take turns, round
after round; the ratios of their medians are what counts. Of the times that requests take, the best round counts, as all that
goes on beside it can only add to them. Exits with status 1 where a bar is missed.
"""
import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from beside_nginx import cpu

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, SECONDS, CONNECTIONS = 3, 2, 64
PASTELINE, PYTHON, KEYSTONE, MEMCACHED = 18791, 18792, 18793, 18794
# The pipeline costs at most so much of what the app alone does, and Python at least so many times what the pipeline does.
OF_THE_APP, OF_PYTHON = 1.5, 50
TOKENS, ANSWERS_AFTER, SLOWEST = 1000, 0.05, 2.0
MEMORY, MANY, ROOM = 4 << 20, 20_000, 4 << 20

APP = "[app:main]\nuse = egg:pasteline#respond\nbody = {}\ncontent_type = application/json\n"
PIPELINE = """[pipeline:main]
pipeline = cors http_proxy_to_wsgi request_id catch_errors authtoken app

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = neutron

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory

[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory

[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
""" + APP.replace("main", "app")
CONF = f"""[cors]
allowed_origin = http://example.com
[oslo_middleware]
enable_proxy_headers_parsing = true
[keystone_authtoken]
auth_url = http://127.0.0.1:{KEYSTONE}
www_authenticate_uri = http://127.0.0.1:{KEYSTONE}
auth_type = password
username = neutron
password = lemon
user_domain_id = default
project_name = service
project_domain_id = default
"""
FIELDS = {"Origin": "http://example.com", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}


def named(name, **more):
    return {"id": f"{name}-5a1b6b0e52bd4a4f9d6a1c3e1f3f2a77", "name": name, **more}


DEFAULT = {"id": "default", "name": "Default"}


def service(kind):
    url = f"http://127.0.0.1:{KEYSTONE if kind == 'identity' else 9696}"
    return named(kind, type=kind, endpoints=[named(name, interface=name, region="one", region_id="one", url=url)
                                             for name in ("public", "internal", "admin")])


TOKEN = {"token": {
    "methods": ["password"], "expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
    "user": named("alice", domain=DEFAULT, password_expires_at=None), "project": named("demo", domain=DEFAULT),
    "roles": [named("member"), named("reader")], "audit_ids": ["3T2dc1CGQxyJsHdDu1xkcw"], "is_domain": False,
    "catalog": [service(kind) for kind in ("network", "compute", "image", "identity", "volumev3")],
}}


async def keystone():
    """Answers as Keystone does, each question about a token after a while, and tells how many there were."""
    root = f"http://127.0.0.1:{KEYSTONE}/v3/"
    version = {"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
               "links": [{"rel": "self", "href": root}], "media-types": []}
    asked, wait = {}, float(sys.argv[2])

    async def answer(method, path, fields):
        if path == "/asked":
            return 200, {"tokens": len(asked), "questions": sum(asked.values())}
        if method == "POST":
            return 201, TOKEN
        if path.endswith("/auth/tokens"):
            asked[fields["x-subject-token"]] = asked.get(fields["x-subject-token"], 0) + 1
            await asyncio.sleep(wait)
            return 200, TOKEN
        return (200, {"version": version}) if path.startswith("/v3") else (300, {"versions": {"values": [version]}})

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *lines = head.strip().split("\r\n")
                fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
                await reader.readexactly(int(fields.get("content-length", 0)))
                method, target, _ = line.split(" ")
                status, document = await answer(method, target.split("?")[0], fields)
                body = json.dumps(document).encode()
                writer.write(f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nX-Subject-Token: own\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", KEYSTONE, backlog=1024)
    await server.serve_forever()


@contextlib.contextmanager
def running(processor, *command, answers):
    """A process on a CPU, as soon as it answers."""
    process = subprocess.Popen(["taskset", "-c", str(processor), *command], start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                ask(answers)
                break
            if time.monotonic() > deadline or process.poll() is not None:
                sys.exit(f"{' '.join(command)} does not answer with 200")
            time.sleep(0.01)
        yield process
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def ask(url):
    request = urllib.request.Request(url, headers={"X-Auth-Token": "first", **FIELDS})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()


def stand_in(wait):
    return running(1, sys.executable, os.path.abspath(__file__), "keystone", str(wait), answers=f"http://127.0.0.1:{KEYSTONE}/asked")


def pasteline(directory, text, conf=CONF):
    write(f"{directory}/api-paste.ini", text)
    write(f"{directory}/neutron.conf", conf)
    command = ["target/release/pasteline", "serve", f"{directory}/api-paste.ini", "--config-file", f"{directory}/neutron.conf"]
    more = ["--bind", f"127.0.0.1:{PASTELINE}", "--workers", "0"]
    return running(0, *command, *more, answers=f"http://127.0.0.1:{PASTELINE}/")


def python(directory, conf):
    """The same pipeline by the originals, under waitress."""
    write(f"{directory}/python.ini", PIPELINE.replace("use = egg:pasteline#respond", "paste.app_factory = stand_ins:respond_"))
    write(f"{directory}/neutron.conf", conf)
    parity = os.path.join(HERE, "..", "tests", "parity")
    command = [sys.executable, os.path.join(parity, "original.py"), f"{directory}/python.ini", f"{directory}/neutron.conf", str(PYTHON)]
    return running(0, "env", f"PYTHONPATH={parity}", *command, answers=f"http://127.0.0.1:{PYTHON}/")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def load(port, directory, seconds=SECONDS, connections=CONNECTIONS, script=None):
    """What wrk tells of requests with one token, or with those that a script makes."""
    fields = [part for name, value in FIELDS.items() for part in ("-H", f"{name}: {value}")]
    if script:
        write(f"{directory}/tokens.lua", script)
        fields += ["-s", f"{directory}/tokens.lua"]
    else:
        fields += ["-H", "X-Auth-Token: first"]
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", *fields]
    report = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        sys.exit(report)
    return report


def microseconds(server, port, directory):
    """CPU time per request under load, of a server whose cache is warm."""
    before = cpu(server.pid)
    report = load(port, directory)
    return (cpu(server.pid) - before) / int(re.search(r"(\d+) requests in", report)[1]) * 1e6


def tokens(first, count, each):
    """A script that asks with so many tokens in turn, as long as Keystone's, each so many times in a row."""
    return f"""
local turn = 0
function request()
  local number = {first} + math.floor(turn / {each}) % {count}
  turn = turn + 1
  wrk.headers["X-Auth-Token"] = "gAAAAA" .. string.rep("x", 170) .. string.format("%010d", number)
  return wrk.format()
end
"""


def memory(server):
    """The bytes of memory that a session of processes has."""
    total = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            if int(fields[3]) == server.pid:
                total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def missed(what, value, bar, unit=""):
    is_missed = value > bar
    print(f"{what}: {value:.2f}{unit} (bar {bar}{unit}){' MISSED' if is_missed else ''}", flush=True)
    return is_missed


@contextlib.contextmanager
def memcached():
    user = ["-u", "root"] if os.getuid() == 0 else []
    command = ["taskset", "-c", "1", "memcached", "-l", "127.0.0.1", "-p", str(MEMCACHED), "-U", "0", *user]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def awake():
    """Keeps the other CPU from sleep. To wake it costs a server much of what a request costs, and the slower a server is, the
    more often it finds it asleep."""
    process = subprocess.Popen(["taskset", "-c", "1", "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def beside_python(directory):
    rounds = []
    conf = f"{CONF}memcached_servers = 127.0.0.1:{MEMCACHED}\n"
    with stand_in(0), memcached(), awake():
        for _ in range(ROUNDS):
            figures = []
            for port, server in (
                (PASTELINE, lambda: pasteline(directory, APP, conf)),
                (PASTELINE, lambda: pasteline(directory, PIPELINE, conf)),
                (PYTHON, lambda: python(directory, conf)),
            ):
                with server() as process:
                    figures.append(microseconds(process, port, directory))
            rounds.append(figures)
    app, ours, theirs = map(statistics.median, zip(*rounds))
    print(f"CPU a request: the app alone {app:.2f} us, behind the pipeline {ours:.2f} us, in Python {theirs:.0f} us")
    return missed("the pipeline, of the app alone", ours / app, OF_THE_APP) | missed(
        f"{OF_PYTHON} times the pipeline, of Python", OF_PYTHON * ours / theirs, 1
    )


def questions():
    return json.loads(ask(f"http://127.0.0.1:{KEYSTONE}/asked"))


def asks_once(directory):
    """A thousand tokens, each of which several requests bring at once."""
    # One token was asked about when the server had to show that it answers.
    with stand_in(ANSWERS_AFTER), pasteline(directory, PIPELINE):
        script = tokens(0, TOKENS, 4)
        # Long enough for all of them: when it ends, no question is open that nobody waits for any more.
        load(PASTELINE, directory, 10, script=script)
        asked = questions()
        if asked["tokens"] != TOKENS + 1:
            sys.exit(f"{asked['tokens'] - 1} of {TOKENS} tokens were asked about")
        fails = missed(f"questions about {asked['tokens']} tokens, of one each", asked["questions"] / asked["tokens"], 1)
        slowest = []
        for _ in range(2 * ROUNDS):
            told = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", load(PASTELINE, directory, 1, 16, script))
            slowest.append(float(told[1]) * {"us": 0.001, "ms": 1, "s": 1000}[told[2]])
        fails |= missed("99 of 100 requests with tokens that are known took less than", min(slowest), SLOWEST, " ms")
        return fails | missed("further questions", questions()["questions"] - asked["questions"], 0)


def keeps_within_memory(directory):
    """Many more tokens than there is memory for."""
    conf = f"{CONF}token_cache_memory = {MEMORY}\n"
    with stand_in(0), pasteline(directory, PIPELINE, conf) as server:
        load(PASTELINE, directory)
        before, first = memory(server), 0
        while questions()["tokens"] < MANY:
            first += MANY
            load(PASTELINE, directory, script=tokens(first, MANY, 1))
        grown = memory(server) - before
        print(f"{questions()['tokens']} tokens with {MEMORY >> 20} MiB for them")
        return missed("memory that was taken for them", grown / 2**20, (MEMORY + ROOM) / 2**20, " MiB")


def main():
    if sys.argv[1:2] == ["keystone"]:
        return asyncio.run(keystone())
    with tempfile.TemporaryDirectory() as directory:
        return any([beside_python(directory), asks_once(directory), keeps_within_memory(directory)])


if __name__ == "__main__":
    sys.exit(main())
