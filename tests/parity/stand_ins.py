"""What pasteline calls `echo`, `pass` and `respond`, in Python, for the original to stand before or behind."""

import base64
import json
from urllib.parse import quote


def echo_(global_conf, **local_conf):
    def app(environ, start_response):
        body = environ["wsgi.input"].read()
        seen = {
            "method": environ["REQUEST_METHOD"],
            "scheme": environ["wsgi.url_scheme"],
            "client": environ.get("REMOTE_ADDR"),
            "script_name": quoted(environ.get("SCRIPT_NAME", "")),
            "path_info": quoted(environ.get("PATH_INFO", "")),
            "query": environ.get("QUERY_STRING", ""),
            "headers": headers(environ),
        }
        try:
            seen["body"] = body.decode()
        except UnicodeDecodeError:
            seen["body_base64"] = base64.b64encode(body).decode()
        text = json.dumps(seen).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]

    return app


def quoted(path):
    return quote(path.encode("latin-1"), safe="/:@!$&'()*+,;=-._~")


def headers(environ):
    pairs = [(key[5:], value) for key, value in environ.items() if key.startswith("HTTP_")]
    pairs += [(key, environ[key]) for key in ("CONTENT_TYPE",) if environ.get(key)]
    return [
        [key.replace("_", "-").lower(), value.encode("latin-1").decode("utf-8", "replace")]
        for key, value in pairs
        if isinstance(value, str)
    ]


def respond_(global_conf, status="200", body="", content_type="text/plain; charset=utf-8", headers="", **local_conf):
    from http import HTTPStatus

    phrase = HTTPStatus(int(status)).phrase
    pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in headers.splitlines() if line.strip()]
    if body:
        pairs = [("Content-Type", content_type), ("Content-Length", str(len(body.encode()))), *pairs]

    def app(environ, start_response):
        start_response(f"{status} {phrase}", list(pairs))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body.encode()]

    return app


def pass_(global_conf, **local_conf):
    """A filter that does nothing but lend a memory, where Swift's own filters look for memcached."""
    memory = Memory()

    def filtered(app):
        def pass_on(environ, start_response):
            environ["swift.cache"] = memory
            return app(environ, start_response)

        return pass_on

    return filtered


class Memory(dict):
    """A memcached, as far as it is asked to count."""

    def __bool__(self):
        return True

    def incr(self, key, delta=1, **_):
        self[key] = int(self.get(key) or 0) + delta
        return self[key]

    def decr(self, key, delta=1, **_):
        return self.incr(key, -delta)

    def set(self, key, value, **_):
        # What Swift remembers of accounts and containers is asked for anew each time.
        if isinstance(value, str):
            self[key] = value

    def get(self, key, **_):
        return dict.get(self, key)


def knows(environ, user, password):
    """Whether a user has a password, as Paste's `auth_basic` asks for it."""
    return (user, password) == ("alice", "wonderland")
