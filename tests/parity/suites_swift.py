"""What comes with Swift that is no part of the store itself."""

import contextlib
import hashlib
import os
import re
import socket
import threading
from dataclasses import replace

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import logs
from real_keystone import memcached
from suite import Case, Suite, hostile, methods, paths, usual


def filtered(name, options="", app="use = egg:pasteline#echo"):
    return f"[filter:it]\nuse = egg:swift#{name}\n{options}\n[app:main]\n{app}\nfilter-with = it\n"


def answering(*lines):
    headers = "".join(f"\n  {line}" for line in lines)
    return f"use = egg:pasteline#respond\nbody = hello\nheaders ={headers}"


# healthcheck

HEALTH = [
    Case(f"{method} {path}", method=method, path=path)
    for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW")
    for path in ("/healthcheck", "/healthcheck/", "/healthcheck?a=b", "/healthchecks", "/HEALTHCHECK", "/%68ealthcheck", "/a/healthcheck", "/")
] + [
    Case(f"Accept {accept}", path="/healthcheck", headers=(("Accept", accept),))
    for accept in ("application/json", "text/html", "image/png", "junk", "text/plain;q=0")
] + [Case("a body", method="PUT", path="/healthcheck", body=b"hello"), Case("a range", path="/healthcheck", headers=(("Range", "bytes=0-0"),))]


@contextlib.contextmanager
def disabled(directory):
    with open(os.path.join(directory, "off"), "w", encoding="ascii"):
        pass
    yield {}


# catch_errors

TRANSACTION = re.compile(r"tx[0-9a-f]{21}-[0-9a-f]{10}")


def transaction(text):
    return TRANSACTION.sub("tx-ID", text)


# gatekeeper

PRIVATE = [
    "X-Backend", "X-Backend-Storage-Policy-Index", "X-Backendx", "X-Account-Sysmeta-A", "X-Container-Sysmeta-A", "X-Object-Sysmeta-A",
    "X-Object-Transient-Sysmeta-A", "X-Account-Host", "X-Account-Device", "X-Account-Partition", "X-Container-Host", "X-Container-Device",
    "X-Container-Partition", "X-Container-Root-Db-State", "X-Delete-At-Host", "X-Delete-At-Device", "X-Delete-At-Partition", "X-Delete-At-Container",
    "X-Account-Hosts", "X-Account-Sysmeta", "X-Account-Sysmeta-", "X-Account-Meta-A", "X-Container-Meta-Host", "X-Object-Meta-A", "X-Delete-At", "X-Delete-After",
    "X-Timestamp", "X-Allow-Reserved-Names", "X-Newest", "X-Account-Hostx", "X-Backend-", "x-bAcKeNd-A", "X-Trans-Id-Extra", "X-Copy-From", "Backend-X",
]


def private():
    cases = [Case(f"{name} sent", headers=((name, "1"),)) for name in PRIVATE]
    cases += [Case(f"{name} sent twice", headers=((name, "1"), (name.lower(), "2"))) for name in ("X-Backend-A", "X-Timestamp", "X-Account-Meta-A")]
    cases += [
        Case("an underscore", headers=(("X_Backend_A", "1"),)),
        Case("a timestamp of both kinds", headers=(("X-Timestamp", "1"), ("X-Backend-Inbound-X-Timestamp", "2"))),
        Case("reserved names of both kinds", headers=(("X-Allow-Reserved-Names", "1"), ("X-Backend-Allow-Reserved-Names", "2"))),
        Case("an empty timestamp", headers=(("X-Timestamp", ""),)),
    ]
    return cases + methods() + hostile("X-Timestamp", "1700000000.00000")


# domain_remap

HOSTS = [
    "AUTH-alice.example.com", "auth-alice.example.com", "auth_alice.example.com", "AUTH_alice.example.com", "photos.AUTH-alice.example.com",
    "photos.auth-alice.example.com:8080", "a.b.auth-alice.example.com", "alice.example.com", "photos.alice.example.com", "example.com",
    ".example.com", "auth-alice.EXAMPLE.com", "auth-alice.example.org", "auth-a-b-c.example.com", "auth.example.com", "auth-.example.com",
    "authx-alice.example.com", "x.auth-alice.other.example", "auth-alice.other.example", "auth-alice.example.com.", "[::1]", "127.0.0.1:80",
    "other-alice.example.com", "OTHER_alice.example.com", "Photos.AUTH-Alice.example.com", "auth-alice.example.com:", "..auth-alice.example.com",
]


def remapped():
    cases = [Case(f"{host} for {path}", path=path, headers=(("Host", host),)) for host in HOSTS for path in ("/", "/a.jpg")]
    for path in ("/v1", "/v1/", "/v1/c/o", "/v1.0/c/o", "/v1x/c", "/a?b=c", "/%C3%A9", "/a%20b", "/v2/c", "/a//b", "/info"):
        cases.append(Case(f"a container for {path}", path=path, headers=(("Host", "c.auth-alice.example.com"),)))
        cases.append(Case(f"an account for {path}", path=path, headers=(("Host", "auth-alice.example.com"),)))
    return cases + methods() + [Case("a stranger", headers=(("Host", "parity.example"),))]


# ratelimit

LIMITED = """[pipeline:main]
pipeline = cache it app
[filter:cache]
use = egg:pasteline#pass
[filter:it]
use = egg:swift#ratelimit
max_sleep_time_seconds = 1
%s
[app:app]
use = egg:pasteline#respond
body = hello
headers =
  X-Container-Object-Count: 5
"""
TARGETS = ["/v1/a", "/v1/a/c", "/v1/a/c/o", "/v1/a/c/o/p", "/v1/b/c", "/v1.0/a/c", "/v2/a/c", "/info", "/", "/v1", "/v1/", "/v1//c", "/v1/a/"]
VERBS = ["PUT", "POST", "GET", "DELETE", "HEAD", "COPY", "OPTIONS"]


def limited():
    return [
        Case(f"{method} {path}, {turn}", method=method, path=path, body=b"x" if method in ("PUT", "POST") else b"")
        for turn in ("first", "again")
        for method in VERBS
        for path in TARGETS
    ]


# cname_lookup

ALIASES = {
    "www.example.org": "photos.auth-alice.example.com", "far.example.org": "near.example.org", "near.example.org": "auth-bob.example.com",
    "same.example.org": "same.example.org", "elsewhere.example.org": "www.example.net", "one.example.org": "far.example.org",
    "caps.example.org": "Photos.AUTH-Alice.Example.com", "bare.example.org": "example.com", "like.example.org": "notexample.com",
    "odd.example.org": "a/b.example.com", "xn--caf-dma.example.org": "cafe.example.com", "a_b.example.org": "c_d.example.com",
}
ALIASED = [*ALIASES, "WWW.example.org", "www.example.org:8080", "www.example.org:", "www.example.org.", "far.example.org:80", "none.example.org", "a..b", ".",
    "example.com", "x.example.com", "x.EXAMPLE.com:80", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80", "localhost", "a" * 64 + ".example.org",
    ".".join(["b" * 60] * 5), "-.example.org"]


def aliased():
    cases = [Case(f"{host[:40]} for {path}", path=path, headers=(("Host", host),)) for host in ALIASED for path in ("/", "/v1/a?b=c")]
    www = ("Host", "www.example.org")
    return cases + [Case("a forwarded host", headers=(www, ("X-Forwarded-Host", "far.example.org"))), Case("a body", method="PUT", headers=(www,), body=b"x")]


def seen_host(location="http://photos.auth-alice.example.com/next"):
    return f"use = egg:pasteline#respond\nstatus = 302\nheaders =\n  Location: {location}"


@contextlib.contextmanager
def name_server(directory):
    """A name server that knows these aliases."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        def listen():
            while True:
                asked, client = listener.recvfrom(4096)
                if not asked:
                    return
                listener.sendto(named(dns.message.from_wire(asked)).to_wire(), client)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield {"dns": f"127.0.0.1:{port}"}
        finally:
            listener.sendto(b"", ("127.0.0.1", port))
            thread.join()


def named(asked):
    reply = dns.message.make_response(asked)
    question = asked.question[0]
    alias = ALIASES.get(question.name.to_text().rstrip(".").lower())
    if alias and question.rdtype == dns.rdatatype.CNAME:
        reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "CNAME", f"{alias}."))
    else:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


# What the app sees of the host.
REMAPPED = """[pipeline:main]
pipeline = it remap app
[filter:it]
use = egg:swift#cname_lookup
nameservers = {dns}
storage_domain = example.com
lookup_depth = 2
[filter:remap]
use = egg:swift#domain_remap
storage_domain = example.com
[app:app]
use = egg:pasteline#echo
"""
LOOKUP = "nameservers = {dns}\nstorage_domain = example.com\nlookup_depth = %d"

# memcache

SHARING = LIMITED.replace("use = egg:pasteline#pass", "use = egg:swift#memcache\nmemcache_servers = {memcached}")


def counting():
    """Requests that are counted, of which the first finds an empty memory."""
    cases = limited() + [
        Case("a name that is not ASCII", method="PUT", path="/v1/%C3%A9/c"),
        Case("a name that is no UTF-8", method="PUT", path="/v1/%FF%FE/c"),
        Case("a name with blanks", method="PUT", path="/v1/a%20b/c"),
        Case("a long name", method="PUT", path=f"/v1/{'a' * 2000}/c"),
    ]
    return [replace(cases[0], before=forget), *cases[1:]]


def forget(fill):
    told(fill, "flush_all")


def told(fill, command):
    """What memcached answers to a command, in a line."""
    host, port = fill["memcached"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.makefile("rb").readline().decode().strip()


@contextlib.contextmanager
def with_memcached(directory):
    with memcached() as address:
        yield {"memcached": address}


NAMES = ["ratelimit/a", "ratelimit/b", "ratelimit/\u00e9", "ratelimit/\u00c3\u00a9", "ratelimit/\u00ff\u00fe", "ratelimit/a b", "ratelimit/a/c", "ratelimit_listing/a/c", "ratelimit/x", "a"]


def counted(side, fill):
    """Whether there is a number by each name, and none by another."""
    keys = [hashlib.md5(name.encode()).hexdigest() for name in NAMES]
    return {f"counted as {name}": {"there": told(fill, f"get {key}").split(" ")[0]} for name, key in zip(NAMES, keys)}


# proxy_logging

LOGGED = logs.marked(
    methods("HEAD", "COPY", "BREW")
    + paths()
    + hostile("User-Agent", "curl/8.0 (x86)")
    + hostile("Referer", "http://a.example/b?c=d")
    + [
        Case("a token", path="/v1/AUTH_a/c/o", headers=(("X-Auth-Token", "secret-token-of-alice"),)),
        Case("a forwarded client", headers=(("X-Forwarded-For", "192.0.2.7, 10.0.0.1"),)),
        Case("a client of a cluster", headers=(("X-Cluster-Client-Ip", "192.0.2.7"),)),
        Case("a body", method="PUT", path="/v1/AUTH_a/c/o", body=b"hello, world"),
        Case("an object", path="/v1/AUTH_a/c/o"),
        Case("a query", path="/v1/AUTH_a?format=json&prefix=a%20b"),
        Case("a tag", headers=(("ETag", "abc"),)),
        Case("blanks in the path", path="/a%20b"),
        Case("an s3 signature", path="/a?Signature=s3cret-signature-0123456789&AWSAccessKeyId=k"),
    ]
)
FIELDS = (
    "client remote date method path protocol status referer agent token received sent etag transaction headers time source info start end policy user"
).split()
TIMES = {"date": r"\d\d/[A-Z][a-z][a-z]/\d{4}/\d\d/\d\d/\d\d", "time": r"\d+\.\d{4}", "start": r"\d+\.\d{9}", "end": r"\d+\.\d{9}"}


@contextlib.contextmanager
def syslog(directory):
    """A listener that writes down what comes to it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        open(os.path.join(directory, "original.out"), "w", encoding="utf-8", buffering=1) as file,
    ):
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        def listen():
            while message := listener.recv(65536).decode("utf-8", "replace").rstrip("\0"):
                # Before the line stand the urgency and the name of the program.
                print(re.sub(r"^<\d+>[^:]*: ", "", message), file=file)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield {"udp": port}
        finally:
            listener.sendto(b"", ("127.0.0.1", port))
            thread.join()


def logged(side, given):
    found = logs.lines(side, os.path.join(given["dir"], f"{side}.out"), LOGGED)
    return {name: fields(line) for name, line in found.items()}


def fields(line):
    values = line.split(" ")
    if len(values) != len(FIELDS):
        return {"log": line}
    told = {}
    for name, value in zip(FIELDS, values):
        pattern = TIMES.get(name)
        told[f"log {name}"] = "TIME" if pattern and re.fullmatch(pattern, value) else value
    return told


LOGGING = "access_log_udp_host = 127.0.0.1\naccess_log_udp_port = {udp}\n"

# recon and xprofile

RECON = [f"/recon/{name}" for name in ("mem", "load", "version", "diskusage", "unknown")]

SUITES = [
    Suite("swift#healthcheck", filtered("healthcheck"), HEALTH),
    Suite("swift#healthcheck that is turned off", filtered("healthcheck", "disable_path = {dir}/off"), HEALTH, around=disabled),
    Suite("swift#catch_errors", filtered("catch_errors"), usual() + hostile("X-Trans-Id-Extra", "more"), scrub=transaction),
    Suite(
        "swift#catch_errors with a suffix",
        filtered("catch_errors", "trans_id_suffix = -one two", answering("X-Trans-Id: own")),
        methods() + hostile("X-Trans-Id-Extra", "more"),
        scrub=transaction,
    ),
    Suite("swift#gatekeeper", filtered("gatekeeper"), private()),
    Suite(
        "swift#gatekeeper the other way",
        filtered("gatekeeper", "shunt_inbound_x_timestamp = no\nallow_reserved_names_header = on"),
        private(),
    ),
    Suite(
        "swift#gatekeeper of answers",
        filtered("gatekeeper", app=answering(*(f"{name}: 1" for name in PRIVATE), "Location: http://a.example/b")),
        methods() + paths(),
    ),
    Suite("swift#domain_remap", filtered("domain_remap", "storage_domain = example.com, other.example"), remapped()),
    Suite(
        "swift#domain_remap with a default",
        filtered("domain_remap", "default_reseller_prefix = AUTH\nreseller_prefixes = AUTH, OTHER\nmangle_client_paths = true\npath_root = /v1/"),
        remapped(),
    ),
    Suite("swift#ratelimit of accounts", LIMITED % "account_ratelimit = 0.001", limited()),
    Suite("swift#ratelimit of containers", LIMITED % "container_ratelimit_0 = 0.001\ncontainer_listing_ratelimit_0 = 0.001", limited()),
    Suite("swift#ratelimit without limits", LIMITED % "", limited()[: len(TARGETS)]),
    Suite("swift#ratelimit of nobody", LIMITED % "account_ratelimit = 0.001\naccount_whitelist = a, b", limited()),
    Suite("swift#ratelimit of enemies", LIMITED % "account_blacklist = x, a", limited()[: len(TARGETS)]),
    Suite("swift#cname_lookup", filtered("cname_lookup", LOOKUP % 1), aliased() + methods(), around=name_server),
    Suite("swift#cname_lookup of aliases of aliases", filtered("cname_lookup", LOOKUP % 2), aliased(), around=name_server),
    Suite("swift#cname_lookup of accounts", REMAPPED, aliased(), around=name_server),
    Suite("swift#cname_lookup of redirects", filtered("cname_lookup", LOOKUP % 2, seen_host()), aliased(), around=name_server),
    Suite("swift#memcache", SHARING % "account_ratelimit = 0.001", counting(), around=with_memcached, extra=counted),
    Suite(
        "swift#memcache of containers",
        SHARING % "container_ratelimit_0 = 0.001\ncontainer_listing_ratelimit_0 = 0.001",
        counting(),
        around=with_memcached,
        extra=counted,
    ),
    Suite("swift#proxy_logging", filtered("proxy_logging", LOGGING), LOGGED, around=syslog, extra=logged),
    Suite(
        "swift#proxy_logging of what has a length",
        filtered("proxy_logging", LOGGING, answering("ETag: abc", "X-Storage-Policy: gold")),
        LOGGED,
        around=syslog,
        extra=logged,
    ),
    Suite("swift#recon", filtered("recon", "recon_cache_path = {dir}"), usual() + [Case(f"recon {path}", path=path) for path in RECON]),
    Suite(
        "swift#xprofile",
        filtered("xprofile", "log_filename_prefix = {dir}/profile"),
        usual() + [Case(f"profile {path}", path=path) for path in ("/__profile__", "/__profile__/all")],
    ),
]
