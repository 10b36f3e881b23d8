"""What comes with Paste and PasteDeploy."""

import base64
import contextlib
import gzip
import os
import re
import threading
from dataclasses import replace

import logs
import stand_ins
from suite import Case, Suite, hostile, methods, paths, usual
from waitress.server import create_server

ECHO = "[app:echo]\nuse = egg:pasteline#echo\n"


def says(name, text, status=200, more=""):
    return f"[app:{name}]\nuse = egg:pasteline#respond\nstatus = {status}\nbody = {text}\n{more}\n"


def filtered(section, app="use = egg:pasteline#echo"):
    return f"[filter:it]\n{section}\n\n[app:main]\n{app}\nfilter-with = it\n"


# urlmap

URLMAP = f"""[composite:main]
use = egg:Paste#urlmap
/ = echo
/a = echo
/a/b/ = echo
/A = says_upper
/v2.0 = says_version
/x%y = says_percent
domain a.example = says_domain
domain a.example /a = echo
domain b.example port 8080 /p = says_port
{ECHO}
""" + "\n".join(says(f"says_{name}", name) for name in ("upper", "version", "percent", "domain", "port"))

MOUNTED = [
    "/", "/a", "/a/", "/ab", "/a/b", "/a/b/", "/a/bc", "/a/b/c", "/a//b", "//a", "/A", "/A/b", "/%61", "/a%20b", "/b", "/v2.0", "/v2.0/", "/v2",
    "/v2x0", "/V2.0", "/x%25y", "/x%25yz", "/x%25y/z", "/a?b=/c", "/a/?b", "/a;b", "/a.", "/a/.", "/a/..", "/a/../v2.0", "/./a", "/%C3%A9", "/a/%C3%A9",
]
HOSTS = ["a.example", "A.EXAMPLE", "a.example:80", "a.example:8080", "b.example", "b.example:8080", "b.example:80", "c.a.example", "a.example."]


def mounted():
    cases = [Case(f"asked for {path}", path=path) for path in MOUNTED]
    for host in HOSTS:
        for path in ("/", "/a", "/a/b", "/p/q"):
            cases.append(Case(f"at {host} for {path}", path=path, headers=(("Host", host),)))
    return cases


NOWHERE = f"""[composite:main]
use = egg:Paste#urlmap
/a = echo
{ECHO}"""
REFUSED = NOWHERE + "[composite:other]\nuse = egg:Paste#urlmap\n"


def accepting(path):
    accepts = ["*/*", "text/html", "text/plain", "application/json", "image/png", "junk", "text/html;q=0.1, text/plain"]
    return [Case(f"nowhere at {path}, Accept {accept}", path=path, headers=(("Accept", accept),)) for accept in accepts]


# cascade

CASCADE = f"""[composite:main]
use = egg:Paste#cascade
app1 = map
app2 = forbidden
app3 = echo
catch = 404 403
[composite:map]
use = egg:Paste#urlmap
/found = says_found
/missing = says_missing
/forbidden = says_forbidden
/error = says_error
/moved = says_moved
/echo = echo
[composite:forbidden]
use = egg:Paste#urlmap
/second = says_second
/ = says_forbidden
{ECHO}
""" + "".join((
    says("says_found", "found", 200, "headers =\n  X-From: found"),
    says("says_missing", "missing", 404, "headers =\n  X-From: missing"),
    says("says_forbidden", "forbidden", 403, "headers =\n  X-From: forbidden"),
    says("says_error", "error", 500),
    says("says_moved", "moved", 302, "headers =\n  Location: /found"),
    says("says_second", "second"),
))
LAST = f"""[composite:main]
use = egg:Paste#cascade
app1 = says_missing
app2 = says_other
{says("says_missing", "missing", 404)}{says("says_other", "other", 404, "headers =" + chr(10) + "  X-From: other")}"""


def cascaded():
    cases = []
    for path in ("/", "/found", "/missing", "/forbidden", "/error", "/moved", "/echo", "/second", "/found/x", "/foundx", "/missing?a=b"):
        cases.append(Case(f"GET {path}", path=path))
        cases.append(Case(f"HEAD {path}", method="HEAD", path=path))
        cases.append(Case(f"POST {path}", method="POST", path=path, body=b"hello"))
    for length in (0, 1, 4096, 4097, 100_000):
        cases.append(Case(f"{length} bytes", method="PUT", path="/missing", body=b"x" * length))
        cases.append(Case(f"{length} bytes in chunks", method="PUT", path="/missing", body=b"x" * length, chunked=True))
    return cases + paths() + [Case("binary", method="POST", path="/forbidden", body=bytes(range(256)))]


# static

FILES = {
    "hello.txt": b"hello, world",
    "index.html": b"<p>index",
    "empty.txt": b"",
    "page.html": b"<p>page",
    "data.json": b"{}",
    "image.png": b"\x89PNG",
    "archive.tar.gz": gzip.compress(b"archive", mtime=0),
    "noextension": b"none",
    "odd.qqq": b"odd",
    "style.css": b"a{}",
    "code.js": b"1",
    "picture.svg": b"<svg/>",
    "with space.txt": b"space",
    "caf\u00e9.txt": b"cafe",
    "large.txt": b"0123456789" * 1000,
    "sub/index.html": b"<p>sub",
    "sub/deep/file.txt": b"deep",
    ".hidden": b"hidden",
}
CHANGED = 1_700_000_000
CHANGED_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@contextlib.contextmanager
def files(directory):
    for name, content in FILES.items():
        path = os.path.join(directory, "files", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (CHANGED, CHANGED))
    with open(os.path.join(directory, "files-secret"), "w", encoding="ascii") as file:
        file.write("secret")
    yield {}


def for_files():
    asked = [
        "/", "/hello.txt", "/empty.txt", "/page.html", "/data.json", "/image.png", "/archive.tar.gz", "/noextension", "/odd.qqq", "/style.css",
        "/code.js", "/picture.svg", "/with%20space.txt", "/caf%C3%A9.txt", "/large.txt", "/sub", "/sub/", "/sub/deep", "/sub/deep/",
        "/sub/deep/file.txt", "/.hidden", "/none", "/none/", "/none/none", "/hello.txt/", "/hello.txt/x", "/HELLO.txt", "/hello.txt?a=b", "/sub?a=b",
        "/../files-secret", "/%2e%2e/files-secret", "/sub/../hello.txt", "/sub//deep/file.txt", "//hello.txt", "/hello%2etxt", "/..%2ffiles-secret",
        "/sub/..", "/a%00b",
    ]
    cases = [Case(f"file {path}", path=path) for path in asked]
    cases += [Case(f"file by {name}", method=name, path="/hello.txt") for name in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW")]
    for value in ("bytes=0-3", "bytes=4-", "bytes=0-0", "bytes=-3", "bytes=5-2", "bytes=0-999", "bytes=50-", "bytes=0-1,3-4", "lines=0-1", "junk", ""):
        cases.append(Case(f"range {value}", path="/hello.txt", headers=(("Range", value),)))
    for name, value in {
        "the date": CHANGED_DATE,
        "a later date": "Wed, 15 Nov 2023 22:13:20 GMT",
        "an earlier date": "Mon, 13 Nov 2023 22:13:20 GMT",
        "a date of old form": "Tuesday, 14-Nov-23 22:13:20 GMT",
        "junk": "junk",
        "a future date": "Tue, 14 Nov 2090 22:13:20 GMT",
    }.items():
        cases.append(Case(f"if modified since {name}", path="/hello.txt", headers=(("If-Modified-Since", value),)))
    for value in ("*", '"x"', "junk", '"x", *'):
        cases.append(Case(f"if none match {value}", path="/hello.txt", headers=(("If-None-Match", value),)))
    return cases


STATIC = "[app:main]\nuse = egg:Paste#static\ndocument_root = {dir}/files\n"


def tag(text):
    """Tags of files, which are made of the date and the length by both, in one form."""
    ours = re.fullmatch(r'"([0-9a-f]+)\.0{8}-([0-9a-f]+)"', text)
    return f'"{int(ours[1], 16)}.0-{int(ours[2], 16)}"' if ours else text


# proxy


@contextlib.contextmanager
def upstream(directory):
    """A server whose app is `echo`, or `respond` where the path begins so."""
    echo = stand_ins.echo_({})
    answers = {
        f"/{status}": stand_ins.respond_({}, status=str(status), body="told", headers=more)
        for status, more in {
            201: "Location: /201/1\nX-One: 1\nX-One: 2",
            301: "Location: http://other.example/a",
            304: "ETag: \"a\"",
            404: "Set-Cookie: a=b\nSet-Cookie: c=d",
            401: "WWW-Authenticate: Basic realm=\"x\"",
            500: "Server: upstream\nVia: 1.0 x",
            503: "Retry-After: 5",
        }.items()
    }

    def app(environ, start_response):
        return answers.get(environ["PATH_INFO"], echo)(environ, start_response)

    server = create_server(app, host="127.0.0.1", port=0, threads=2, ident=None, clear_untrusted_proxy_headers=False)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield {"upstream": server.effective_port}
    finally:
        server.trigger.pull_trigger(server.close)
        thread.join()


PROXY = "[app:main]\nuse = egg:Paste#proxy\naddress = http://127.0.0.1:{upstream}%s\n%s"


def proxied():
    cases = usual()
    cases += [Case(f"answered with {status}", path=f"/{status}") for status in (201, 301, 304, 401, 404, 500, 503)]
    cases += [Case(f"answered with {status} to HEAD", method="HEAD", path=f"/{status}") for status in (201, 404)]
    for name in ("Via", "X-Real-IP", "Authorization", "X-Forwarded-Host", "Accept-Encoding", "Te", "Trailer", "Keep-Alive", "Proxy-Authorization", "Upgrade"):
        cases.append(Case(f"with {name}", headers=((name, "value"),)))
    cases += [
        Case("with X-Forwarded-For", headers=(("X-Forwarded-For", "192.0.2.7"),)),
        Case("with Connection", headers=(("Connection", "X-Hop"), ("X-Hop", "1"))),
        Case("with underscores", headers=(("X_Under_Score", "1"),)),
        Case("with a type", method="POST", body=b"a=b", headers=(("Content-Type", "application/x-www-form-urlencoded"),)),
        Case("with a large body", method="POST", body=b"x" * 50_000),
        Case("with a body in chunks", method="POST", body=b"hello, world", chunked=True),
        Case("with a binary body", method="PUT", body=bytes(range(256))),
        Case("with a body to GET", body=b"hello"),
        Case("with a query", path="/a?b=c%20d&e=%C3%A9&f"),
        Case("with a space", path="/a%20b"),
        Case("with odd signs", path="/a:b@c!d$e&f'g(h)i*j+k,l;m=n"),
        Case("with a percent", path="/a%25b"),
        Case("with a host", headers=(("Host", "other.example"),)),
    ]
    return cases


# prefix

PREFIX = "use = egg:PasteDeploy#prefix\n"


def prefixed():
    cases = [
        Case(f"under {path}", path=path)
        for path in ("/", "/api", "/api/", "/api/a", "/api/a/b?c=d", "/apis", "/a/api", "/API/a", "/api//a", "/api/api/a", "/x", "/%61pi/a")
    ]
    for name, value in {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Host": "public.example",
        "X-Forwarded-Server": "server.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Scheme": "https",
    }.items():
        cases.append(Case(f"told {name}", headers=((name, value),)))
        cases.append(Case(f"told {name} of two", headers=((name, f"{value}, {value}"),)))
    cases += [
        Case("told all", headers=(("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "p.example"))),
        Case("told a port", headers=(("X-Forwarded-Host", "public.example:8443"),)),
        Case("asked with a port", headers=(("Host", "asked.example:81"),)),
        Case("told of chains", headers=(("X-Forwarded-For", "192.0.2.7, 10.0.0.1"),)),
    ]
    return cases + methods() + paths() + hostile("X-Forwarded-For", "192.0.2.7")


# gzip

GZIP = "use = egg:Paste#gzip\n"
ENCODINGS = [
    None, "", "gzip", "GZIP", "gzip, deflate", "gzip;q=0.5", "gzip;q=0", "gzip;q=1.0, identity;q=0.5", "gzip; q=0.000", "deflate", "br", "br, gzip",
    "*", "*;q=0", "identity", "x-gzip", "gzipx", "gzip,", " gzip ", "gzip\t", "g" * 4000, "\u00e9", "identity;q=1, gzip;q=0.1",
]


def encoded():
    cases = []
    for value in ENCODINGS:
        fields = () if value is None else (("Accept-Encoding", value),)
        for method in ("GET", "HEAD"):
            cases.append(Case(f"{method}, Accept-Encoding {(value if value is not None else 'absent')[:40]!r}", method=method, headers=fields))
    fields = ("Accept-Encoding", "gzip")
    cases += [Case(f"{case.name}, compressed", method=case.method, body=case.body, headers=(fields,)) for case in methods()]
    return cases + [Case("doubled", headers=(fields, fields)), Case("a range", headers=(fields, ("Range", "bytes=0-3")))]


def typed(content_type, *more, body="hello " * 100, status=200):
    lines = "".join(f"\n  {line}" for line in more)
    return filtered(GZIP, f"use = egg:pasteline#respond\nstatus = {status}\nbody = {body}\ncontent_type = {content_type}\nheaders ={lines}")


# errordocument

PAGES = """[composite:main]
use = egg:Paste#urlmap
/ = guarded
[filter-app:guarded]
use = egg:Paste#errordocument
next = mounted
404 = /page
500 = /page?code=500
403 = /page/of/another
410 = /gone
[composite:mounted]
use = egg:Paste#urlmap
/page = page
"""
STATUSES = [200, 201, 204, 301, 400, 401, 403, 404, 405, 409, 410, 418, 500, 502, 503]
PAGES += "".join(f"/{status} = says_{status}\n" for status in STATUSES)
PAGES += "".join(says(f"says_{status}", "" if status == 204 else f"own {status}", status, f"headers =\n  X-App: {status}") for status in STATUSES)
PAGES += says("page", "the page", 200, "headers =\n  X-Page: 1") + ECHO


def failing():
    cases = [Case(f"{method} {status}", method=method, path=f"/{status}") for status in STATUSES for method in ("GET", "HEAD", "POST")]
    cases += [Case(f"{path}", path=path) for path in ("/page", "/page/of/another", "/404/below", "/404?a=b", "/500?a=b")]
    return cases + hostile("Accept", "text/html", path="/404") + hostile("If-None-Match", '"a"', path="/404")


# auth_basic

LOGIN = """use = egg:Paste#auth_basic
realm = parity
authfunc = stand_ins:knows
user_file = {dir}/users
"""


def basic(text):
    return f"Basic {base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()}"


def logging_in():
    good = basic("alice:wonderland")
    tried = {
        "the right password": good, "another scheme": "Bearer abc", "in lower case": good.replace("Basic", "basic"), "in upper case": good.replace("Basic", "BASIC"),
        "a wrong password": basic("alice:x"), "no password": basic("alice:"), "no user": basic(":wonderland"), "nobody": basic("bob:wonderland"),
        "a longer password": basic("alice:wonderland2"), "a password with a colon": basic("alice:wonderland:"), "no colon": basic("alice"),
        "another case": basic("Alice:wonderland"), "not ASCII": basic("al\u00efce:wonderland"), "no UTF-8": basic(b"\xff:wonderland"), "a line break": basic("alice\n:wonderland"),
        "no Base64": "Basic ???", "a scheme alone": "Basic", "a scheme and a blank": "Basic ", "two blanks": good.replace(" ", "  "), "more behind": good + " x",
        "no padding": good.rstrip("="), "an empty text": basic(""), "nothing": "",
    }
    cases = [Case(f"login: {name}", headers=(("Authorization", value),)) for name, value in tried.items()]
    let_in = [replace(case, name=f"let in, {case.name}", headers=(("Authorization", good),)) for case in methods()]
    return cases + methods() + let_in + paths(headers=(("Authorization", good),))


@contextlib.contextmanager
def users(directory):
    with open(os.path.join(directory, "users"), "w", encoding="ascii") as file:
        # `alice` and `wonderland`.
        file.write("alice:$2y$04$VIBsJ1k9apJtT1IWAdWm5eJAZo.Mon6WXxo83Wedpzith3BMHxzBm\n")
    yield {}


# translogger

LOGGED = (
    methods("HEAD", "BREW")
    + paths()
    + hostile("User-Agent", "curl/8.0 (x86)")
    + hostile("Referer", "http://a.example/b?c=d")
    + [
        Case("a forwarded client", headers=(("X-Forwarded-For", "192.0.2.7"),)),
        Case("a body", method="POST", body=b"hello, world"),
        Case("quotes in the agent", headers=(("User-Agent", 'a"b\\c'),)),
        Case("a query", path="/a?b=c%20d"),
        Case("quotes in the path", path="/a%22b"),
        Case("a line break in the path", path="/a%0Ab"),
    ]
)
LOGGED = logs.marked(LOGGED)
TRANSLOGGER = "use = egg:Paste#translogger\n"
COMBINED = re.compile(
    r'(?P<client>.*?) - (?P<user>.*?) \[(?P<time>.*?)\] "(?P<request>.*)" (?P<status>\S+) (?P<bytes>\S+) "(?P<referer>.*)" "(?P<agent>.*)"'
)
TIME = re.compile(r"\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}")


def logged(path_of):
    """The fields of the lines in the log of either side."""

    def extra(side, given):
        found = logs.lines(side, os.path.join(given["dir"], path_of[side]), LOGGED)
        return {name: fields(line) for name, line in found.items()}

    return extra


def fields(line):
    parts = COMBINED.fullmatch(line)
    if not parts:
        return {"log": line}
    return {f"log {name}": TIME.sub("TIME", text) for name, text in parts.groupdict().items()}


OUTPUT = {"original": "original.log", "pasteline": "pasteline.out"}
FORMAT = "format = %%(REMOTE_ADDR)s - %%(REMOTE_USER)s [%%(time)s] \"%%(REQUEST_METHOD)s %%(REQUEST_URI)s %%(HTTP_VERSION)s\" \
%%(status)s %%(bytes)s \"%%(HTTP_REFERER)s\" \"%%(HTTP_USER_AGENT)s\"\n"

# What does nothing here

PASSED = ["egg:Paste#config", "egg:Paste#httpexceptions", "egg:Paste#lint", "egg:Paste#recursive", "egg:Paste#registry", "egg:PasteDeploy#config"]

SUITES = [
    Suite("Paste#urlmap", URLMAP, mounted() + methods()),
    Suite("Paste#urlmap without a root", NOWHERE, accepting("/b") + accepting("/") + mounted()[:10]),
    Suite("Paste#cascade", CASCADE, cascaded()),
    Suite("Paste#cascade to the end", LAST, cascaded()[:6] + methods()),
    Suite("Paste#static", STATIC, for_files(), around=files, scrub=tag),
    Suite("Paste#static for an hour", STATIC + "cache_max_age = 3600\n", for_files()[:12], around=files, scrub=tag),
    Suite("Paste#proxy", PROXY % ("/", ""), proxied(), around=upstream),
    Suite("Paste#proxy below a path", PROXY % ("/below/", "suppress_http_headers = x-other cookie"), proxied(), around=upstream),
    Suite("Paste#proxy for some methods", PROXY % ("/", "allowed_request_methods = GET post"), methods("HEAD", "BREW"), around=upstream),
    Suite("PasteDeploy#prefix", filtered(PREFIX + "prefix = /api"), prefixed()),
    Suite("PasteDeploy#prefix of nothing", filtered(PREFIX), prefixed()),
    Suite("PasteDeploy#prefix that believes nobody", filtered(PREFIX + "prefix = /api/\ntranslate_forwarded_server = false"), prefixed()),
    Suite("PasteDeploy#prefix with a port", filtered(PREFIX + "force_port = 8443\nscheme = https"), prefixed()),
    Suite("Paste#gzip", typed("text/plain"), encoded()),
    Suite("Paste#gzip of JSON", typed("application/json", "ETag: \"a\"", "Vary: Accept"), encoded()),
    Suite("Paste#gzip of a picture", typed("image/png"), encoded()),
    Suite("Paste#gzip of an archive", typed("application/zip"), encoded()),
    Suite("Paste#gzip of an error", typed("text/html", status=404), encoded()),
    Suite("Paste#gzip of what is encoded", typed("text/plain", "Content-Encoding: br"), encoded()),
    Suite("Paste#gzip of what is short", typed("text/plain", body="x"), encoded()),
    Suite("Paste#errordocument", PAGES, failing()),
    Suite("Paste#auth_basic", filtered(LOGIN), logging_in(), around=users),
    Suite("Paste#translogger", filtered(TRANSLOGGER), LOGGED, extra=logged(OUTPUT)),
    Suite(
        "Paste#translogger of what has a length",
        filtered(TRANSLOGGER, "use = egg:pasteline#respond\nbody = hello"),
        LOGGED,
        extra=logged(OUTPUT),
    ),
    Suite("Paste#translogger with a format", filtered(TRANSLOGGER + FORMAT), LOGGED, extra=logged(OUTPUT)),
    *(Suite(name.removeprefix("egg:"), filtered(f"use = {name}\n"), usual()) for name in PASSED),
]
