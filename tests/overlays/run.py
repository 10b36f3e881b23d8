"""Serves the files that OpenStack's services ship, each by its overlay of examples/, before a stand-in.

    python3 tests/overlays/run.py --bin target/debug/pasteline --corpus DIRECTORY

DIRECTORY has the files of the services, as their distributions have them. Each is validated, served
and asked for a path of its API; what the stand-in sees must be the path as it was, and none of the
headers by which a client would say who it is.
"""

import argparse
import http.client
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The service, its file, the app to serve, a path of its API, and a header of what pasteline adds.
SERVICES = [
    ("cinder", "etc/cinder/api-paste.ini", "osapi_volume", "/v3/volumes", "x-openstack-request-id"),
    ("glance", "etc/glance/glance-api-paste.ini", "glance-api-keystone", "/v2/images", None),
    ("heat", "etc/heat/api-paste.ini", "heat-api", "/v1/p/stacks", "x-openstack-request-id"),
    ("manila", "etc/manila/api-paste.ini", "osapi_share", "/v2/shares", "x-openstack-request-id"),
    ("neutron", "etc/neutron/api-paste.ini", "neutron", "/v2.0/networks", "x-openstack-request-id"),
    ("nova", "etc/nova/api-paste.ini", "osapi_compute", "/v2.1/servers", "x-compute-request-id"),
]

IDENTITY = {"X-User-Id": "evil", "X_Roles": "admin", "OpenStack-System-Scope": "all"}


class StandIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        names = [name.lower().replace("_", "-") for name in self.headers.keys()]
        body = json.dumps({"path": self.path, "names": names}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def files(corpus, name):
    """The files of a service that its distributions ship."""
    return sorted(path for path in corpus.glob(f"pypi__*/**/{name}") if path.is_file())


def ask(address, path, headers):
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, {name.lower() for name, _ in answer.getheaders()}, answer.read()


def serve(arguments):
    """A server, and the address that it says it listens at."""
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    seen = []
    for line in process.stderr:
        seen.append(line)
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, ("127.0.0.1", int(found.group(1)))
    raise SystemExit("it does not serve:\n" + "".join(seen))


def check(program, service, file, port):
    """What is wrong with a service; nothing if all is well."""
    name, _, app, path, header = service
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as upstream:
        upstream.write(here(name, port))
        upstream.flush()
        overlays = ["--overlay", ROOT / "examples" / name / "overlay.ini", "--overlay", upstream.name]
        validated = subprocess.run([program, "validate", file, *overlays], capture_output=True, text=True)
        if validated.returncode:
            return "it is not valid:\n" + validated.stderr
        process, address = serve(
            [program, "serve", file, *overlays, "--name", app, "--workers", "0", "--bind", "127.0.0.1:0"]
        )
        try:
            status, names, body = ask(address, path, IDENTITY)
        finally:
            process.terminate()
            process.wait(30)
    if status != 200:
        return f"{path} is answered {status}: {body!r}"
    seen = json.loads(body)
    if seen["path"] != path:
        return f"the service saw {seen['path']} for {path}"
    leaked = {name.lower().replace("_", "-") for name in IDENTITY} & set(seen["names"])
    if leaked:
        return f"the service saw {sorted(leaked)} of the client"
    if header and header not in names:
        return f"the answer has no {header}: {sorted(names)}"
    return None


def here(name, port):
    """An overlay that has the service be the stand-in."""
    address = f"http://127.0.0.1:{port}"
    if name == "neutron":
        return f"[app:neutronapiapp_v2_0]\nupstream = {address}\n"
    return f"[DEFAULT]\nservice = {address}\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bin", type=pathlib.Path, required=True)
    arguments.add_argument("--corpus", type=pathlib.Path, required=True)
    arguments = arguments.parse_args()
    stand_in = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=stand_in.serve_forever, daemon=True).start()
    passed = failed = 0
    for service in SERVICES:
        found = files(arguments.corpus, service[1])
        if not found:
            print(f"FAIL {service[0]}: no file {service[1]}")
            failed += 1
        for file in found:
            wrong = check(arguments.bin.resolve(), service, file, stand_in.server_port)
            passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
            print(f"FAIL {service[0]}: {wrong}" if wrong else f"ok   {service[0]}: {file.name}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
