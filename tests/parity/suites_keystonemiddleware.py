"""What keystonemiddleware does with tokens of a real Keystone."""

import contextlib
import functools
import logging
import re
from dataclasses import replace

from keystonemiddleware.auth_token import _cache
from real_keystone import SYSTEM, application, cloud, memcached, password, project
from suite import Case, Suite

PASTE = """\
[pipeline:main]
pipeline = authtoken app
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
%s
[app:app]
use = egg:pasteline#%s
%s
"""
CONF = """\
[keystone_authtoken]
www_authenticate_uri = https://keystone.example.com:5000
auth_url = {url}
auth_type = password
username = neutron
password = lemon
user_domain_id = default
project_name = service
project_domain_id = default
"""

RULES = [
    {"service": "network", "method": "GET", "path": "/v2.0/ports/*"},
    {"service": "network", "method": "POST", "path": "/v2.0/{kind}/1"},
    {"service": "network", "method": "GET", "path": "/v2.0/deep/**"},
    {"service": "compute", "method": "GET", "path": "/v2.0/servers"},
]


def paste(options="", app="echo", more=""):
    return PASTE % (options, app, more)


@contextlib.contextmanager
def with_cloud(directory, caches=False):
    """A Keystone with tokens of all kinds, and a memcached if it is wanted."""
    small = cloud()
    small.keystone.start()
    fill = {"url": small.keystone.url, "keystone": small.keystone, "cloud": small, **tokens()}
    with memcached() if caches else contextlib.nullcontext() as address:
        yield {**fill, "memcached": address}


@functools.cache
def tokens():
    small = cloud()
    keystone = small.keystone
    alice = password("alice")
    free = small.credential("free", "alice", "demo")
    restricted = small.credential("restricted", "alice", "demo", RULES)
    own = small.credential("own", "neutron", "service")
    expired = [keystone.token(alice, project("demo"), lifetime=1) for _ in range(2)]
    revoked = keystone.token(alice, project("demo"))
    small.revoke(revoked)
    return {
        "alice": keystone.token(alice, project("demo")),
        "unscoped": keystone.token(alice, "unscoped"),
        "admin": keystone.token(password("admin"), project("admin")),
        "domain": keystone.token(password("admin"), {"domain": {"id": "default"}}),
        "system": keystone.token(password("admin"), SYSTEM),
        "zoe": keystone.token(password("zo\u00eb"), project("caf\u00e9")),
        "nova": keystone.token(password("nova"), project("service")),
        "glance": keystone.token(password("glance"), project("service")),
        "free": keystone.token(application(free)),
        "restricted": keystone.token(application(restricted)),
        "expired": expired[0],
        "expired2": expired[1],
        "revoked": revoked,
        "own_id": own["id"],
        "own_secret": own["secret"],
    }


def with_token(name, token, *others, **request):
    return Case(name, headers=(("X-Auth-Token", token), *others), **request)


def service(token):
    return ("X-Service-Token", token)


# What a client may say of itself.
FORGED = (
    ("X-User-Id", "root"),
    ("X-User-Name", "root"),
    ("X-Roles", "admin"),
    ("X-Role", "admin"),
    ("X-Project-Id", "p"),
    ("X-Tenant", "t"),
    ("X-Tenant-Name", "t"),
    ("X-Domain-Id", "d"),
    ("X-Service-Roles", "service"),
    ("X-Service-User-Id", "s"),
    ("X-Service-Catalog", "[]"),
    ("X-Is-Admin-Project", "True"),
    ("X-Identity-Status", "Confirmed"),
    ("X-Service-Identity-Status", "Confirmed"),
)
SCOPE = ("OpenStack-System-Scope", "all")


def basic():
    """Requests that need nothing to happen between them."""
    return [
        Case("no token"),
        Case("no token, HEAD", method="HEAD"),
        Case("no token, forged", headers=FORGED),
        Case("no token, forged scope", headers=(SCOPE,)),
        Case("an empty token", headers=(("X-Auth-Token", ""),)),
        with_token("a token", "{alice}"),
        with_token("a token, again", "{alice}"),
        with_token("a token with blanks around", "  {alice}\t"),
        with_token("a token, forged", "{alice}", *FORGED),
        with_token("a token, forged with underscores", "{alice}", *((name.replace("-", "_"), value) for name, value in FORGED)),
        with_token("a token, forged scope", "{alice}", SCOPE),
        Case("a token of a store", headers=(("X-Storage-Token", "{alice}"),)),
        Case("both, the store's bad", headers=(("X-Auth-Token", "{alice}"), ("X-Storage-Token", "bad"))),
        Case("both, the store's good", headers=(("X-Auth-Token", "bad"), ("X-Storage-Token", "{alice}"))),
        with_token("a token twice", "{alice}", ("X-Auth-Token", "{alice}")),
        with_token("a token and more", "{alice}x"),
        with_token("a token that is cut", "gAAAAABo"),
        with_token("a wrong token", "0123456789abcdef0123456789abcdef"),
        with_token("a wrong token, again", "0123456789abcdef0123456789abcdef"),
        with_token("a huge token", "g" * 6000),
        with_token("a token of blanks within", "a b"),
        with_token("a token that is not ASCII", "t\u00f6ken"),
        with_token("a token that is no UTF-8", b"\xfftoken"),
        with_token("a token that is a path", "../../v3"),
        with_token("an expired token", "{expired}"),
        with_token("a revoked token", "{revoked}"),
        with_token("an unscoped token", "{unscoped}"),
        with_token("a token for a domain", "{domain}"),
        with_token("a token for the system", "{system}"),
        with_token("a token of several roles", "{admin}"),
        with_token("a token of an application credential", "{free}"),
        with_token("a token of a name that is not ASCII", "{zoe}"),
        with_token("a token, POST", "{alice}", ("Content-Type", "text/plain"), method="POST", body=b"hello"),
        with_token("a token, OPTIONS", "{alice}", method="OPTIONS"),
    ]


def services():
    """Requests that services pass on."""
    return [
        with_token("with a service", "{alice}", service("{nova}")),
        with_token("with a service, forged", "{alice}", service("{nova}"), *FORGED),
        with_token("with a service, for the system", "{system}", service("{nova}")),
        with_token("with a service that is none", "{alice}", service("{glance}")),
        with_token("with a service that is a user", "{alice}", service("{alice}")),
        with_token("with a service that is wrong", "{alice}", service("wrong")),
        with_token("with a service that has expired", "{alice}", service("{expired}")),
        with_token("with a service, expired", "{expired}", service("{nova}")),
        with_token("with a service, expired, again", "{expired}", service("{nova}")),
        with_token("expired, which a service was let through with", "{expired}"),
        with_token("with a service, wrong", "wrong", service("{nova}")),
        Case("with a service only", headers=(service("{nova}"),)),
    ]


def rules(credential="restricted"):
    """Requests with a token that access rules restrict."""
    asked = [
        ("GET", "/v2.0/ports/1"),
        ("GET", "/v2.0/ports/1?a=b"),
        ("GET", "/v2.0/ports"),
        ("GET", "/v2.0/ports/"),
        ("GET", "/v2.0/ports/1/2"),
        ("GET", "/v2.0/ports/1%2F2"),
        ("GET", "/v2.0/ports/%31"),
        ("GET", "/v2.0/ports/\u00e9".encode().decode("latin-1")),
        ("GET", "/v2x0/ports/1"),
        ("PUT", "/v2.0/ports/1"),
        ("POST", "/v2.0/nets/1"),
        ("GET", "/v2.0/nets/1"),
        ("GET", "/v2.0/deep/a/b"),
        ("GET", "/v2.0/deep/"),
        ("GET", "/v2.0/servers"),
        ("GET", "/v3/auth/tokens"),
    ]
    token = f"{{{credential}}}"
    cases = [with_token(f"rules: {method} {path}", token, method=method, path=path) for method, path in asked if path.isascii()]
    return [*cases, with_token("rules: with a service", token, service("{nova}"), method="PUT", path="/v2.0/other")]


def stopped(fill):
    fill["keystone"].stop()


def started(fill):
    fill["keystone"].start()


def fresh(name, act=None):
    """Has a new token, so that nothing is known of it, and does something."""

    def before(fill):
        started(fill)
        fill[name] = fill["keystone"].token(password("alice"), project("demo"))
        if act:
            act(fill)

    return before


def revoked(fill):
    fill["cloud"].revoke(fill["fresh"])


def other_keys(fill):
    fill["keystone"].hide_keys()
    fill["fresh"] = fill["keystone"].token(password("alice"), project("demo"))


def own_keys(fill):
    fill["keystone"].restore_keys()
    fill["fresh"] = fill["keystone"].token(password("alice"), project("demo"))


def events():
    """What happens to Keystone between requests."""
    return [
        with_token("before anything happens", "{fresh}", before=fresh("fresh")),
        with_token("revoked, while it is remembered", "{fresh}", before=revoked),
        with_token("Keystone is stopped, a token that is remembered", "{alice}", before=stopped),
        with_token("Keystone is stopped, a new token", "new"),
        with_token("Keystone is stopped, JSON", "new", ("Accept", "application/json")),
        Case("Keystone is stopped, no token"),
        with_token("Keystone is stopped, a new service", "{alice}", service("new")),
        with_token("Keystone is there again", "{fresh}", before=fresh("fresh")),
    ]


def keys():
    """Keystone forgets all its tokens, that of the filter too."""
    return [
        with_token("Keystone has other keys", "{fresh}", before=other_keys),
        with_token("Keystone has its keys back", "{fresh}", before=own_keys),
    ]


TOKEN = re.compile(r"gAAAA[A-Za-z0-9_=-]{20,}")


# Keystone tells the roles of a token in any order.
ROLES = re.compile(r"(admin|manager|member|reader)(, (admin|manager|member|reader))+")


def scrub(text):
    text = TOKEN.sub("TOKEN", text)
    return ", ".join(sorted(text.split(", "))) if ROLES.fullmatch(text) else text


def stopped_for_the_second(fill):
    """Has Keystone away while pasteline is asked, so that only what the original remembers can help it."""
    if fill.setdefault("turns", []):
        stopped(fill)
    fill["turns"].append(None)


def read_by_the_original(strategy, _, fill):
    """What the original reads in memcached of the token that each side alone was asked about."""
    more = {"cache_time": 300, "memcached_servers": [fill["memcached"]], "use_advanced_pool": False}
    cache = _cache.TokenCache(LOG, **more)
    if strategy != "None":
        cache = _cache.SecureTokenCache(LOG, strategy, "s", **more)
    cache.initialize({})
    found = cache.get(fill["fresh"]) or {"token": {}}
    return {"read by the original": {"user": str(found["token"].get("user")), "keys": str(list(found))}}


def shared(strategy):
    """Each side reads in memcached what the other wrote."""
    cases = [
        with_token("a token that one side alone is asked about", "{fresh}", before=fresh("fresh")),
        with_token("a token that the other side remembers", "{alice}", before=stopped_for_the_second),
    ]
    extra = functools.partial(read_by_the_original, strategy)
    return suite(f" shared by {strategy}", paste(), cases, conf=CONF + MEMCACHED.format(strategy=strategy), caches=True, extra=extra)


LOG = logging.getLogger("parity")
MEMCACHED = "memcached_servers = {{memcached}}\nmemcache_security_strategy = {strategy}\nmemcache_secret_key = s\n"


def suite(name, ini, cases, conf=CONF, extra=None, **more):
    around = functools.partial(with_cloud, **more)
    return Suite(f"auth_token{name}", ini=ini, cases=cases, conf=conf, around=around, scrub=scrub, extra=extra)


OWN = """\
auth_url = {url}
auth_type = v3applicationcredential
application_credential_id = {own_id}
application_credential_secret = {own_secret}
include_service_catalog = false
service_type = network
"""

OAUTH2 = paste().replace("keystonemiddleware.auth_token:", "keystonemiddleware.oauth2_token:")


def bearing(cases):
    """The same requests, their tokens as OAuth 2.0 has them."""

    def other(name, value):
        is_token = name == "X-Auth-Token" and isinstance(value, str)
        return ("Authorization", f"Bearer {value}") if is_token else (name, value)

    return [replace(case, headers=tuple(other(*header) for header in case.headers)) for case in cases]


def schemes():
    """Ways to write the header that carries a token."""
    return [
        Case(f"Authorization: {name}", headers=(("Authorization", value),))
        for name, value in {
            "in lower case": "bearer {alice}",
            "in upper case": "BEARER {alice}",
            "several blanks": "Bearer   {alice}",
            "a tab": "Bearer\t{alice}",
            "no token": "Bearer",
            "an empty token": "Bearer ",
            "no scheme": "{alice}",
            "another scheme": "Basic {alice}",
            "a list": "Bearer {alice}, Bearer {alice}",
            "quoted": 'Bearer "{alice}"',
            "not ASCII": "Bearer \u00e9",
        }.items()
    ] + [Case("Authorization: doubled", headers=(("Authorization", "Bearer {alice}"), ("Authorization", "Bearer {alice}")))]


SUITES = [
    suite("", paste(), basic() + services() + events() + keys()),
    suite(" delayed", paste("delay_auth_decision = true"), basic() + services() + events()),
    suite(" by a credential", paste(OWN, "respond", "status = 401\nbody = no"), basic()[:6], conf="[DEFAULT]\n"),
    suite(
        " with rules",
        paste("service_type = network\nservice_token_roles_required = false"),
        rules() + services() + [with_token("a token", "{alice}")],
    ),
    replace(suite("", OAUTH2, bearing(basic() + services()) + schemes()), name="oauth2_token"),
    *(shared(strategy) for strategy in ("None", "MAC", "ENCRYPT")),
]
