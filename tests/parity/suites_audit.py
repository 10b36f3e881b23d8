"""What keystonemiddleware writes down of requests does nothing to them."""

import contextlib
import os

from suite import Case, Suite, hostile, usual

INI = """[filter:it]
paste.filter_factory = keystonemiddleware.audit:filter_factory
audit_map_file = {dir}/map.conf
service_name = parity
ignore_req_list = HEAD, PATCH
[app:main]
use = egg:pasteline#%s
filter-with = it
"""
CONF = "[audit_middleware_notifications]\nuse_oslo_messaging = false\n"
MAP = """[DEFAULT]
target_endpoint_type = network
[path_keywords]
ports = port
[service_endpoints]
network = service/network
"""


@contextlib.contextmanager
def mapped(directory):
    with open(os.path.join(directory, "map.conf"), "w", encoding="ascii") as file:
        file.write(MAP)
    yield {}


IDENTITY = (("X-User-Id", "u1"), ("X-User-Name", "alice"), ("X-Project-Id", "p1"), ("X-Roles", "member"), ("X-Identity-Status", "Confirmed"))


def audited():
    cases = usual() + hostile("X-Service-Catalog", "[]", headers=IDENTITY) + hostile("X-User-Id", "u1", label="a user")
    return cases + [
        Case(f"{method} {path} by a user", method=method, path=path, headers=IDENTITY, body=b'{"a": 1}' if method == "POST" else b"")
        for method in ("GET", "POST", "DELETE")
        for path in ("/v2.0/ports", "/v2.0/ports/1", "/v2.0/ports/1/action")
    ]


SUITES = [
    Suite("audit", INI % "echo", audited(), conf=CONF, around=mapped),
    Suite("audit of failures", INI % "respond\nstatus = 500\nbody = no", audited(), conf=CONF, around=mapped),
]
