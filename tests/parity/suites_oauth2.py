"""What keystonemiddleware does with access tokens of an authorization server, which is made up."""

import contextlib
import http.server
import json
import re
import threading
from urllib.parse import parse_qs

from suite import Case, Suite, hostile, methods, paths

SERVER = {
    "domain": {"id": "d1", "name": "Default"},
    "project": {"id": "p1", "name": "demo"},
    "user": {"id": "u1", "name": "alice", "domain": {"id": "d1", "name": "Default"}},
    "roles": "member,admin",
}
ANSWERS = {
    "good": {"active": True, **SERVER},
    "inactive": {"active": False},
    "inactive and known": {"active": False, **SERVER},
    "of nobody": {"active": True},
    "silent": {},
    "active in words": {"active": "true", **SERVER},
    "without roles": {"active": True, **SERVER, "roles": None},
    "of no role": {"active": True, **SERVER, "roles": ""},
    "of a role": {"active": True, **SERVER, "roles": "reader"},
    "without a project": {"active": True, **{name: part for name, part in SERVER.items() if name != "project"}},
    "without a user": {"active": True, **{name: part for name, part in SERVER.items() if name != "user"}},
    "without a domain": {"active": True, **SERVER, "user": {"id": "u1", "name": "alice"}},
    "that has expired": {"active": True, **SERVER, "exp": 1000000000},
    "that expires": {"active": True, **SERVER, "exp": 4000000000},
    "of more than is asked for": {"active": True, **SERVER, "scope": "a b", "iat": 1000000000, "other": [1, {"a": None}]},
}
OTHERS = {"broken": (200, "{"), "refused": (400, "{}"), "forbidden": (403, "{}"), "failing": (500, "no")}


class Introspection(http.server.BaseHTTPRequestHandler):
    """An endpoint of RFC 7662."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = form.get("token", [""])[0].replace("-", " ")
        status, text = OTHERS.get(token, (200, json.dumps(ANSWERS.get(token, {"active": False}))))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def introspection(directory):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Introspection) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"endpoint": f"http://127.0.0.1:{server.server_port}/introspect"}
        finally:
            server.shutdown()
            thread.join()


INI = """[filter:it]
paste.filter_factory = keystonemiddleware.external_oauth2_token:filter_factory
[app:main]
use = egg:pasteline#echo
filter-with = it
"""
CONF = """[ext_oauth2_auth]
use_oauth2 = true
introspect_endpoint = {endpoint}
audience = https://sso.example.com/
auth_method = client_secret_basic
client_id = tacker
client_secret = lemon
mapping_project_id = project.id
mapping_project_name = project.name
mapping_project_domain_id = domain.id
mapping_project_domain_name = domain.name
mapping_user_id = user.id
mapping_user_name = user.name
mapping_user_domain_id = user.domain.id
mapping_user_domain_name = user.domain.name
mapping_roles = roles
"""
FORGED = tuple((name, "root") for name in ("X-User-Id", "X-Roles", "X-Project-Id", "X-Identity-Status", "OpenStack-System-Scope", "X-Domain-Id"))


def bearing(name, *more, **request):
    token = name.replace(" ", "-")
    return Case(f"a token {name}", headers=(("Authorization", f"Bearer {token}"), *more), **request)


def tokens():
    good = (("Authorization", "Bearer good"),)
    return (
        [bearing(name) for name in [*ANSWERS, *OTHERS, "unknown"]]
        + [Case("a good token, forged", headers=good + FORGED), Case("no token, forged", headers=FORGED)]
        + [Case("another scheme", headers=(("Authorization", "Basic Z29vZDpnb29k"),)), Case("X-Auth-Token alone", headers=(("X-Auth-Token", "good"),))]
        + hostile("Authorization", "Bearer good")
        + [Case(f"let in, {case.name}", method=case.method, body=case.body, headers=good) for case in methods()]
        + paths(headers=good)
    )


# The original writes lines of JSON with other blanks.
def scrub(text):
    return re.sub(r"\s+", " ", text)


SUITES = [
    Suite("external_oauth2_token", INI, tokens(), conf=CONF, around=introspection),
    Suite("external_oauth2_token by the body", INI, tokens(), conf=CONF.replace("client_secret_basic", "client_secret_post"), around=introspection),
]
