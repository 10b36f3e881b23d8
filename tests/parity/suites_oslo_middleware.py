"""The filters of oslo.middleware."""

import contextlib
import os
import re
import socket

from suite import PATHS, Case, Suite, hostile, methods, paths

ECHO = "[app:main]\nuse = egg:pasteline#echo\nfilter-with = it\n"


def respond(options):
    return f"[app:main]\nuse = egg:pasteline#respond\nfilter-with = it\n{options}\n"


# cors

ORIGIN = "https://a.example"
CORS = f"""[filter:it]
paste.filter_factory = oslo_middleware.cors:filter_factory
oslo_config_project = parity
oslo_config_file = {{dir}}/parity.conf
max_age = 60
"""
CORS_CONF = """[cors]
allowed_origin = https://a.example, https://b.example:8443
allow_methods = GET,PUT,POST
allow_headers = X-Auth-Token,X-Other
expose_headers = X-Auth-Token,X-Subject-Token
max_age = 5
"""


# All from the settings.
SHORT_CORS = CORS.replace("max_age = 60\n", "")
STRICT_CORS_CONF = """[cors]
allowed_origin = https://a.example
allow_credentials = false
allow_methods = PUT
allow_headers =
expose_headers =
max_age = 0
"""
CORS_VARIABLES = {
    "OS_CORS__ALLOWED_ORIGIN": "https://a.example,https://b.example:8443",
    "OS_CORS__ALLOW_METHODS": "GET,PUT",
    "OS_CORS__ALLOW_HEADERS": "X-Auth-Token",
    "OS_CORS__MAX_AGE": "7",
}


def preflight(name, *headers, origin=ORIGIN, method="PUT"):
    first = [("Origin", origin)] if origin is not None else []
    second = [("Access-Control-Request-Method", method)] if method is not None else []
    return Case(name, method="OPTIONS", headers=(*first, *second, *headers))


def asked(names):
    return ("Access-Control-Request-Headers", names)


PREFLIGHTS = [
    preflight("preflight"),
    preflight("preflight from the other origin", origin="https://b.example:8443"),
    preflight("preflight from a stranger", origin="https://evil.example"),
    preflight("preflight from an origin in upper case", origin="https://A.example"),
    preflight("preflight without an origin", origin=None),
    preflight("preflight with an empty origin", origin=""),
    preflight("preflight without a method", method=None),
    preflight("preflight with an empty method", method=""),
    preflight("preflight for a method in lower case", method="put"),
    preflight("preflight for a method that is not allowed", method="DELETE"),
    preflight("preflight for a method that nobody knows", method="BREW"),
    preflight("preflight for a header", asked("X-Auth-Token")),
    preflight("preflight for a header in lower case", asked("x-auth-token")),
    preflight("preflight for a simple header", asked("Content-Type")),
    preflight("preflight for several headers", asked("X-Auth-Token,X-Other")),
    preflight("preflight for a spaced list of headers", asked("X-Auth-Token, X-Other")),
    preflight("preflight for a header that is not allowed", asked("X-Secret")),
    preflight("preflight for a header that is not allowed among others", asked("X-Auth-Token,X-Secret")),
    preflight("preflight for no headers", asked("")),
    preflight("preflight for an odd list of headers", asked(",,X-Other,")),
    preflight("preflight for a header that is not ASCII", asked("X-\u00e9")),
    preflight("preflight for huge headers", asked("X-" + "a" * 5000)),
    preflight("preflight with a doubled origin", ("Origin", ORIGIN)),
    preflight("preflight with a doubled method", ("Access-Control-Request-Method", "PUT")),
    preflight("preflight with doubled headers", asked("X-Auth-Token"), asked("X-Other")),
]
SIMPLE = hostile("Origin", ORIGIN) + methods() + paths(headers=(("Origin", ORIGIN),))

# http_proxy_to_wsgi

PROXY = """[filter:it]
paste.filter_factory = oslo_middleware:HTTPProxyToWSGI.factory
"""


def forwarded():
    cases = []
    for name, value in {
        "for": "for=192.0.2.7",
        "for and proto": "for=192.0.2.7;proto=https",
        "host": "host=public.example",
        "all": "for=192.0.2.7;proto=https;host=public.example;by=10.0.0.1",
        "quoted proto": 'for=192.0.2.7;proto="https"',
        "quoted host": 'host="public.example"',
        "a quoted address": 'for="192.0.2.7"',
        "a port": 'for="192.0.2.7:4711"',
        "IPv6": 'for="[2001:db8::7]"',
        "a list": "for=192.0.2.7, for=10.0.0.1",
        "a list with a stranger last": "for=192.0.2.7, for=198.51.100.9",
        "an obfuscated address": "for=_hidden",
        "an unknown address": "for=unknown",
        "junk": "junk",
        "a bad scheme": "proto=gopher",
        "a bad host": "host=a/b",
        "upper case": "For=192.0.2.7;Proto=https",
    }.items():
        cases.append(Case(f"Forwarded with {name}", headers=(("Forwarded", value),)))
    return cases


def x_forwarded():
    def of(**fields):
        return tuple((f"X-Forwarded-{key.capitalize()}", value) for key, value in fields.items())

    return [
        Case("X-Forwarded for", headers=of(**{"for": "192.0.2.7"})),
        Case("X-Forwarded proto", headers=of(proto="https")),
        Case("X-Forwarded host", headers=of(host="public.example")),
        Case("X-Forwarded host with port", headers=of(host="public.example:8443")),
        Case("X-Forwarded all", headers=of(**{"for": "192.0.2.7"}, proto="https", host="public.example")),
        Case("X-Forwarded for a list", headers=of(**{"for": "192.0.2.7, 10.0.0.1"})),
        Case("X-Forwarded for a list with a stranger last", headers=of(**{"for": "192.0.2.7, 198.51.100.9"})),
        Case("X-Forwarded for junk", headers=of(**{"for": "junk"})),
        Case("X-Forwarded proto junk", headers=of(proto="gopher")),
        Case("X-Forwarded prefix", path="/x", headers=of(prefix="/api")),
        Case("X-Forwarded prefix with a slash at the end", path="/x", headers=of(prefix="/api/")),
        Case("X-Forwarded prefix and for", path="/x", headers=of(prefix="/api", **{"for": "192.0.2.7"})),
        Case(
            "both kinds that agree",
            headers=(("Forwarded", "for=192.0.2.7;proto=https"), *of(**{"for": "192.0.2.7"}, proto="https")),
        ),
        Case("both kinds that contradict", headers=(("Forwarded", "for=192.0.2.7"), *of(**{"for": "192.0.2.8"}))),
    ]


PROXY_CASES = (
    forwarded() + x_forwarded() + hostile("X-Forwarded-For", "192.0.2.7") + hostile("X-Forwarded-Proto", "https") + paths()
)

# request_id

GLOBAL_ID = "req-5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77"
REQUEST_ID = """[filter:it]
paste.filter_factory = oslo_middleware:RequestId.factory
"""

# sizelimit


def bodies():
    cases = []
    for length in (0, 1, 19, 20, 21, 40, 5000):
        for form, accept in (("text", None), ("JSON", "application/json"), ("HTML", "text/html")):
            headers = (("Accept", accept),) if accept else ()
            cases.append(Case(f"{length} bytes, {form}", method="POST", body=b"x" * length, headers=headers))
        cases.append(Case(f"{length} bytes in chunks", method="POST", body=b"x" * length, chunked=True))
        cases.append(Case(f"{length} bytes by PUT", method="PUT", body=b"x" * length))
    return cases + [Case(f"{length} bytes by DELETE", method="DELETE", body=b"x" * length) for length in (1, 20, 21)]


SIZE = "[filter:it]\npaste.filter_factory = oslo_middleware:RequestBodySizeLimiter.factory\n"
SIZE_CASES = bodies() + paths(method="POST", body=b"x" * 21)

# healthcheck

ACCEPTS = [
    None, "", "*/*", "text/plain", "text/html", "application/json", "application/*", "text/*", "image/png",
    "application/json;q=0.5, text/html", "text/html;q=0.5, application/json;q=0.9", "application/json;q=0",
    "text/plain;q=0.1, */*", "junk", ",", "text/html, application/json", "APPLICATION/JSON", "a" * 4000, "\u00e9",
]


def health():
    cases = []
    for accept in ACCEPTS:
        headers = (("Accept", accept),) if accept is not None else ()
        cases.append(Case(f"Accept {(accept or repr(accept))[:50]}", headers=headers))
    cases += [Case(f"method {name}", method=name) for name in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")]
    cases += paths() + [Case("HEAD for JSON", method="HEAD", headers=(("Accept", "application/json"),))]
    for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "Via"):
        cases.append(Case(f"proxied by {name}", headers=((name, "192.0.2.7"),)))
    return cases


def healthy(options):
    return f"[app:main]\npaste.app_factory = oslo_middleware:Healthcheck.app_factory\n{options}\n"


@contextlib.contextmanager
def disabled(directory):
    for name in ("off", "mark"):
        with open(os.path.join(directory, name), "w", encoding="ascii"):
            pass
    yield {}


# basic_auth


@contextlib.contextmanager
def users(directory):
    import bcrypt

    with open(os.path.join(directory, "users"), "w", encoding="utf-8") as file:
        for name, password in (("alice", "wonder:land"), ("b\u00f6b", "p\u00e4ss"), ("carol", "")):
            digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
            file.write(f"{name}:{digest}\n")
    yield {}


def basic(name, password):
    import base64

    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


GOOD = basic("alice", "wonder:land")
AUTH_CASES = (
    hostile("Authorization", GOOD)
    + [
        Case("a wrong password", headers=(("Authorization", basic("alice", "x")),)),
        Case("a stranger", headers=(("Authorization", basic("mallory", "x")),)),
        Case("a user whose name is not ASCII", headers=(("Authorization", basic("b\u00f6b", "p\u00e4ss")),)),
        Case("an empty password", headers=(("Authorization", basic("carol", "")),)),
        Case("an empty name", headers=(("Authorization", basic("", "x")),)),
        Case("no colon", headers=(("Authorization", "Basic YWxpY2U="),)),
        Case("no base64", headers=(("Authorization", "Basic ???"),)),
        Case("no padding", headers=(("Authorization", GOOD.rstrip("=")),)),
        Case("another scheme", headers=(("Authorization", "Bearer abc"),)),
        Case("a scheme alone", headers=(("Authorization", "Basic"),)),
        Case("a scheme in upper case", headers=(("Authorization", GOOD.replace("Basic", "BASIC")),)),
        Case("several blanks", headers=(("Authorization", GOOD.replace(" ", "   ")),)),
        Case("an identity of the client's", headers=(("Authorization", GOOD), ("X-User", "root"), ("X-User-Name", "root"))),
        Case("another header of identity", headers=(("Authorization", GOOD), ("X-User-Id", "root"))),
        Case("an identity without credentials", headers=(("X-User", "root"),)),
        Case("a password of 100 bytes", headers=(("Authorization", basic("alice", "x" * 100)),)),
        Case("a NUL in the password", headers=(("Authorization", basic("alice", "a\0b")),)),
    ]
    + [Case(f"{case.name}, refused", method=case.method, body=case.body) for case in methods()]
    + paths(headers=(("Authorization", GOOD),))
)

# stats


@contextlib.contextmanager
def statsd(directory):
    """A statsd for both servers, which have it at the only port that the original knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        # An address of the loopback network that nobody else uses.
        listener.bind((STATSD, 8125))
        listener.settimeout(1)
        yield {"listener": listener}


STATSD = "127.0.0.42"


def timers(side, given):
    """The names of the timers in the order of the requests; how long they took is no matter."""
    names = []
    with contextlib.suppress(TimeoutError):
        while len(names) < len(STATS_CASES):
            names.append(given["listener"].recv(4096).decode())
    names = [re.sub(r":\d+\.\d+\|ms$", ":TIME|ms", name) for name in names]
    return {case.name: {"timer": name} for case, name in zip(STATS_CASES, names)}


ID = "5a1b6b0e-52bd-4a4f-9d6a-1c3e1f3f2a77"
SHORT_ID = ID.replace("-", "")
# Those that come to the filter on both sides, as timers are told apart by their order.
STATS_PATHS = [
    *(path for path in PATHS if path != "/a%2Fb"), "/v2.0", "/v2.0/a", "/v2.0/a/b", "/v2", "/v2/a", "/v3/a?b", "/v2.10/a", "/v10.0/a", "/a/v2.0", "/v2.0x",
    f"/{ID}/a", f"/a/{ID}", f"/a/{ID}/b", f"/a/{ID}/abc", f"/a/{ID}/b/{ID}/a", f"/a/{ID.upper()}/a", f"/x{ID}/a",
    f"/{SHORT_ID}", f"/a/{SHORT_ID}", f"/a/{SHORT_ID}/b", f"/a/{SHORT_ID}0", f"/a/{SHORT_ID.upper()}", f"/a/{SHORT_ID}/{SHORT_ID}",
    "/a:b", "/a|c", "/a@0.1", "/a%0Ab", "/a.b", "/.", "/a/", "/a//", "/~", "/a,b", "/A", "/a b".replace(" ", "%20"),
]
STATS_CASES = [Case(f"timer of {path[:70]}", path=path) for path in STATS_PATHS] + methods()
STATS = f"""[filter:it]
paste.filter_factory = oslo_middleware.stats:StatsMiddleware.factory
name = api
stats_host = {STATSD}
"""

# tracing

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACING_CASES = (
    hostile("traceparent", TRACE)
    + [
        Case(f"traceparent {name}", headers=(("traceparent", value),))
        for name, value in {
            "that is not sampled": TRACE[:-1] + "0",
            "with unknown flags": TRACE[:-2] + "ff",
            "of a later version": "01" + TRACE[2:],
            "of a later version with more": "01" + TRACE[2:] + "-more",
            "of version 0 with more": TRACE + "-more",
            "of version ff": "ff" + TRACE[2:],
            "without a trace": TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
            "without a parent": TRACE.replace("b7ad6b7169203331", "0" * 16),
            "cut off": TRACE[:-4],
        }.items()
    ]
    + [
        Case(f"tracestate {name}", headers=(("traceparent", TRACE), ("tracestate", value)))
        for name, value in {"of one": "a=1", "of two": "a=1,b=2", "spaced": "a=1, b=2", "empty": ""}.items()
    ]
    + [Case("tracestate alone", headers=(("tracestate", "a=1"),))]
    + methods()
    + paths()
)
TRACING = """[filter:it]
paste.filter_factory = oslo_middleware:TracingMiddleware.factory
"""


def one_span(text):
    """Ids that are made anew each time are all the same."""
    text = re.sub(r"00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}", "00-TRACE-NEW", text)
    return re.sub(r"00-(?!0af7651916cd43dd8448eb211c80319c)[0-9a-f]{32}-[0-9a-f]{16}", "00-NEW-NEW", text)


CORRELATION_ID = "[filter:it]\npaste.filter_factory = oslo_middleware:CorrelationId.factory\n"
DEBUG = "[filter:it]\npaste.filter_factory = oslo_middleware:Debug.factory\n"

SUITES = [
    Suite("cors", CORS + ECHO, PREFLIGHTS + SIMPLE, conf=CORS_CONF),
    Suite(
        "cors",
        CORS + respond("status = 404\nbody = no\nheaders =\n  Vary: Accept\n  X-App: 1"),
        PREFLIGHTS + SIMPLE,
        conf=CORS_CONF,
    ),
    Suite(
        "cors",
        CORS + respond("headers =\n  Access-Control-Allow-Origin: https://c.example"),
        PREFLIGHTS + SIMPLE,
        conf=CORS_CONF,
    ),
    Suite("cors for all", CORS + ECHO, PREFLIGHTS + SIMPLE, conf="[cors]\nallowed_origin = *\n"),
    Suite("cors without credentials", SHORT_CORS + ECHO, PREFLIGHTS + SIMPLE, conf=STRICT_CORS_CONF),
    Suite("cors by the environment", SHORT_CORS + ECHO, PREFLIGHTS, variables=CORS_VARIABLES),
    Suite(
        "http_proxy_to_wsgi",
        PROXY + ECHO,
        x_forwarded(),
        variables={"OS_OSLO_MIDDLEWARE__ENABLE_PROXY_HEADERS_PARSING": "true"},
    ),
    Suite("http_proxy_to_wsgi", PROXY + ECHO, PROXY_CASES, conf="[oslo_middleware]\nenable_proxy_headers_parsing = true\n"),
    Suite("http_proxy_to_wsgi turned off", PROXY + ECHO, PROXY_CASES),
    Suite(
        "request_id",
        REQUEST_ID + ECHO,
        hostile("X-Openstack-Request-Id", GLOBAL_ID)
        + hostile("X-Openstack-Request-Id", "req-1", label="a malformed id")
        + methods()
        + paths(),
    ),
    Suite(
        "request_id",
        REQUEST_ID + respond("headers =\n  X-Openstack-Request-Id: req-own"),
        hostile("X-Openstack-Request-Id", GLOBAL_ID) + methods() + paths(),
    ),
    Suite(
        "catch_errors",
        "[filter:it]\npaste.filter_factory = oslo_middleware:CatchErrors.factory\n" + ECHO,
        hostile("X-Auth-Token", "secret") + methods() + paths() + hostile("Accept", "application/json"),
    ),
    Suite(
        "sizelimit",
        SIZE + ECHO,
        SIZE_CASES,
        conf="[oslo_middleware]\nmax_request_body_size = 20\n",
    ),
    Suite("healthcheck", healthy(""), health()),
    Suite("healthcheck", healthy("backends = disable_by_file\ndisable_by_file_path = {dir}/none"), health()),
    Suite(
        "healthcheck",
        healthy("backends = disable_by_file\ndisable_by_file_path = {dir}/off"),
        health(),
        around=disabled,
    ),
    Suite(
        "healthcheck",
        healthy("backends = enable_by_files\nenable_by_file_paths = {dir}/off,{dir}/mark"),
        health(),
        around=disabled,
    ),
    Suite(
        "healthcheck",
        healthy("backends = enable_by_files\nenable_by_file_paths = {dir}/off,{dir}/none"),
        health(),
        around=disabled,
    ),
    Suite(
        "healthcheck in detail",
        healthy(""),
        health(),
        conf="[healthcheck]\ndetailed = true\nbackends = disable_by_file\ndisable_by_file_path = {dir}/off\n",
        around=disabled,
    ),
    Suite(
        "healthcheck by settings",
        healthy(""),
        health(),
        conf="[healthcheck]\nbackends = enable_by_files\nenable_by_file_paths = {dir}/off,{dir}/none\n",
        around=disabled,
    ),
    Suite(
        "healthcheck by ports",
        healthy(""),
        health(),
        conf="[healthcheck]\nbackends = disable_by_files_ports\ndisable_by_file_paths = 1:{dir}/off,80:{dir}/none\n",
        around=disabled,
    ),
    Suite("healthcheck for us alone", healthy(""), health(), conf="[healthcheck]\nallowed_source_ranges = 127.0.0.0/8,2001:db8::/32\n"),
    Suite("sizelimit by the section", SIZE + "max_request_body_size = 20\n" + ECHO, SIZE_CASES),
    Suite(
        "basic_auth",
        "[filter:it]\npaste.filter_factory = oslo_middleware:BasicAuthMiddleware.factory\n" + ECHO,
        AUTH_CASES,
        conf="[oslo_middleware]\nhttp_basic_auth_user_file = {dir}/users\n",
        around=users,
    ),
    Suite(
        "correlation_id",
        CORRELATION_ID + ECHO,
        hostile("X-Correlation-Id", "an-id")
        + hostile("X-Correlation-Id", "Req-1_a:b", label="another id")
        + methods()
        + paths(),
    ),
    Suite("debug", DEBUG + ECHO, hostile("X-Auth-Token", "secret") + methods() + paths() + hostile("Cookie", "a=b")),
    Suite("debug", DEBUG + respond("status = 503\nbody = no\nheaders =\n  Retry-After: 1"), methods() + paths()),
    Suite("stats", STATS + ECHO, STATS_CASES, around=statsd, extra=timers),
    Suite(
        "stats without UUIDs",
        STATS + "remove_uuid = true\nremove_short_uuid = true\n" + ECHO,
        STATS_CASES,
        around=statsd,
        extra=timers,
    ),
    Suite("tracing turned off", TRACING + ECHO, TRACING_CASES),
    Suite(
        "tracing",
        TRACING + ECHO,
        TRACING_CASES,
        conf="[oslo_middleware_tracing]\nenabled = true\nservice_name = parity\notlp_endpoint = http://127.0.0.1:9\n",
        scrub=one_span,
    ),
]
