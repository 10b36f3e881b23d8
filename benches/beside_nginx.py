#!/usr/bin/env python3
"""CPU time per request of pasteline beside nginx, in one run on this machine.

    cargo build --release && python3 benches/beside_nginx.py

Needs Linux with two CPUs, nginx and wrk (Debian: nginx-light, wrk). The server has one CPU, wrk the other; both servers
take turns, round after round, and the ratio of their medians is what counts: it holds on a busy machine as well, where
requests per second do not. Exits with status 1 where a bar is missed.
"""
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PORT = 18787
ROUNDS, SECONDS, CONNECTIONS = 3, 2, 64
NETWORKS = json.dumps({"networks": [{"id": "5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77", "name": "private", "mtu": 1450,
                                     "status": "ACTIVE", "admin_state_up": True, "shared": False}]})

HELLO = "[app:hello]\nuse = egg:pasteline#respond\nbody = Hello, World!\ncontent_type = text/plain\n"
PIPELINE = f"""
[composite:main]
use = egg:Paste#urlmap
/ = hello
/v2.0 = api

[pipeline:api]
pipeline = cors http_proxy_to_wsgi request_id catch_errors sizelimit networks

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory
allowed_origin = http://example.com

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
enable_proxy_headers_parsing = True

[filter:request_id]
paste.filter_factory = oslo_middleware:RequestId.factory

[filter:catch_errors]
paste.filter_factory = oslo_middleware:CatchErrors.factory

[filter:sizelimit]
paste.filter_factory = oslo_middleware.sizelimit:RequestBodySizeLimiter.factory

[app:networks]
use = egg:pasteline#respond
content_type = application/json
body = {NETWORKS}

{HELLO}"""
CORS = 'map $http_origin $cors { "http://example.com" $http_origin; default ""; }'
NGINX_PIPELINE = f"""client_max_body_size 114688; set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;
location / {{ return 404; }}
location /v2.0/ {{ default_type application/json; add_header Vary Origin always;
 add_header Access-Control-Allow-Origin $cors always; add_header X-Openstack-Request-Id req-$request_id always;
 return 200 '{NETWORKS}'; }}"""

# name, path, bar for the ratio (none: it is only told), paste file, nginx: http and server
WORK = [
    ("13 bytes, no filter", "/", 1.05, HELLO.replace("app:hello", "app:main"),
     "", 'location / { default_type text/plain; return 200 "Hello, World!"; }'),
    ("JSON behind five filters and a URL map", "/v2.0/networks", 1.0, PIPELINE, CORS, NGINX_PIPELINE),
]


def paste_command(directory, text, *_):
    path = f"{directory}/api-paste.ini"
    with open(path, "w") as file:
        file.write(f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{PORT}\n\n{text}")
    return ["target/release/pasteline", "serve", path]


def nginx_command(directory, _, http, server):
    path = f"{directory}/nginx.conf"
    temporary = " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(path, "w") as file:
        file.write(f"daemon off; worker_processes 1; pid {directory}/pid; error_log /dev/null crit;\n"
                   f"events {{ worker_connections 4096; }}\n"
                   f"http {{ access_log off; keepalive_requests 100000000; {temporary} {http}\n"
                   f"server {{ listen 127.0.0.1:{PORT} backlog=4096; {server} }} }}\n")
    return ["nginx", "-c", path, "-p", directory]


def cpu(group):
    """Seconds of CPU time that all processes of a session have used."""
    ticks = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_it_answers(server, path):
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    end = time.monotonic() + 10
    while time.monotonic() < end and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", PORT), 1) as connection:
                connection.sendall(request)
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            time.sleep(0.01)
    sys.exit(f"{server.args[0]} does not answer with 200")


def microseconds(command, path):
    """CPU time per request under load."""
    wrk = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-H", "Origin: http://example.com",
           f"http://127.0.0.1:{PORT}{path}"]
    server = subprocess.Popen(["taskset", "-c", "0", *command], start_new_session=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_it_answers(server, path)
        before = cpu(server.pid)
        report = subprocess.run(wrk, check=True, capture_output=True, text=True).stdout
        if "Non-2xx" in report or "Socket errors" in report:
            sys.exit(report)
        return (cpu(server.pid) - before) / int(re.search(r"(\d+) requests in", report)[1]) * 1e6
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def main():
    missed = False
    with tempfile.TemporaryDirectory() as directory:
        for name, path, bar, *work in WORK:
            commands = [make(directory, *work) for make in (paste_command, nginx_command)]
            rounds = [[microseconds(command, path) for command in commands] for _ in range(ROUNDS)]
            ours, theirs = map(statistics.median, zip(*rounds))
            print(f"{name}: pasteline {ours:.2f} us, nginx {theirs:.2f} us of CPU a request, "
                  f"ratio {ours / theirs:.2f} (bar {bar})")
            missed |= ours / theirs > bar
    return missed


if __name__ == "__main__":
    sys.exit(main())
