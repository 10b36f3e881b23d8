"""A real Keystone, with SQLite and Fernet keys, that is started and stopped at will."""

import atexit
import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import servers
from cryptography.fernet import Fernet

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.dirname(sys.executable)

CONF = """\
[database]
connection = sqlite:///{directory}/keystone.db
[fernet_tokens]
key_repository = {directory}/keys
[fernet_receipts]
key_repository = {directory}/keys
[credential]
key_repository = {directory}/keys
[cache]
enabled = false
"""

PASSWORD = "lemon"


class Keystone:
    """One Keystone in a directory. Its port stays the same when it is started anew."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        with open(self.path("keystone.conf"), "w", encoding="utf-8") as file:
            file.write(CONF.format(directory=directory))
        self.manage("db_sync")
        self.make_keys()
        urls = [f"--bootstrap-{kind}-url" for kind in ("public", "internal", "admin")]
        urls = [part for option in urls for part in (option, f"{self.url}/v3")]
        self.manage("bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "one", *urls)

    def path(self, name):
        return os.path.join(self.directory, name)

    def manage(self, *arguments):
        command = [os.path.join(BIN, "keystone-manage"), "--config-file", self.path("keystone.conf"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")

    def start(self):
        """Starts it unless it runs."""
        if self.process:
            return
        environment = {**os.environ, "OS_KEYSTONE_CONFIG_FILES": self.path("keystone.conf")}
        with open(self.path("keystone.log"), "ab") as log:
            command = [sys.executable, os.path.join(HERE, "keystone_server.py"), str(self.port)]
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        if not self.process.stdout.readline().strip().isdigit():
            raise SystemExit(f"Keystone does not start: {servers.read(self.path('keystone.log'))}")

    def stop(self):
        """Stops it if it runs."""
        if self.process:
            servers.end(self.process)
            self.process = None

    def hide_keys(self):
        """Has it forget all tokens, those of services too, until it has its keys back."""
        self.stop()
        os.rename(self.path("keys"), self.path("hidden"))
        self.make_keys()
        self.start()

    def restore_keys(self):
        self.stop()
        shutil.rmtree(self.path("keys"))
        os.rename(self.path("hidden"), self.path("keys"))
        self.start()

    def make_keys(self):
        os.mkdir(self.path("keys"), 0o700)
        for name in ("0", "1"):
            with open(os.path.join(self.path("keys"), name), "wb") as file:
                file.write(Fernet.generate_key())

    def ask(self, method, path, body=None, headers=()):
        """The headers and the body of an answer."""
        request = urllib.request.Request(f"{self.url}/v3{path}", method=method, headers=dict(headers))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=servers.PATIENCE) as response:
                text = response.read()
                return response.headers, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Keystone: {method} {path}: {error.read().decode()}") from error

    def token(self, identity, scope=None, lifetime=None):
        """A token that somebody obtains."""
        auth = {"identity": identity}
        if scope is not None:
            auth["scope"] = scope
        headers = {"X-Parity-Lifetime": str(lifetime)} if lifetime else {}
        return self.ask("POST", "/auth/tokens", {"auth": auth}, headers)[0]["X-Subject-Token"]


DEFAULT = {"id": "default"}


def password(name):
    return {"methods": ["password"], "password": {"user": {"name": name, "domain": DEFAULT, "password": PASSWORD}}}


def application(credential):
    named = {"id": credential["id"], "secret": credential["secret"]}
    return {"methods": ["application_credential"], "application_credential": named}


def project(name):
    return {"project": {"name": name, "domain": DEFAULT}}


SYSTEM = {"system": {"all": True}}


class Cloud:
    """Users, projects and tokens of a Keystone, as a small cloud has them."""

    def __init__(self, keystone):
        self.keystone = keystone
        self.admin = {"X-Auth-Token": keystone.token(password("admin"), SYSTEM)}
        self.roles = {role["name"]: role["id"] for role in self.admin_ask("GET", "/roles")["roles"]}
        self.users, self.projects = {}, {}
        for name, scope, role in (
            ("alice", "demo", "member"),
            ("nova", "service", "service"),
            ("neutron", "service", "service"),
            ("zo\u00eb", "caf\u00e9", "member"),
            ("glance", "service", "member"),
        ):
            self.user(name, scope, role)
        self.catalog()
        admin = self.admin_ask("GET", "/users?name=admin")["users"][0]["id"]
        self.admin_ask("PUT", f"/domains/default/users/{admin}/roles/{self.roles['admin']}")

    def admin_ask(self, method, path, body=None):
        return self.keystone.ask(method, path, body, self.admin)[1]

    def user(self, name, scope, role):
        if scope not in self.projects:
            made = self.admin_ask("POST", "/projects", {"project": {"name": scope, "domain_id": "default"}})
            self.projects[scope] = made["project"]["id"]
        body = {"user": {"name": name, "password": PASSWORD, "domain_id": "default"}}
        self.users[name] = self.admin_ask("POST", "/users", body)["user"]["id"]
        path = f"/projects/{self.projects[scope]}/users/{self.users[name]}/roles/{self.roles[role]}"
        self.admin_ask("PUT", path)

    def catalog(self):
        """A service with endpoints in two regions."""
        self.admin_ask("POST", "/regions", {"region": {"id": "two"}})
        network = {"service": {"type": "network", "name": "neutr\u00f6n"}}
        network = self.admin_ask("POST", "/services", network)["service"]["id"]
        for region in ("one", "two"):
            for interface in ("public", "internal", "admin"):
                url = f"http://{interface}.{region}.example:9696"
                body = {"service_id": network, "region_id": region, "interface": interface, "url": url}
                self.admin_ask("POST", "/endpoints", {"endpoint": body})

    def credential(self, name, user, scope, rules=None):
        """An application credential of a user."""
        own = {"X-Auth-Token": self.keystone.token(password(user), project(scope))}
        body = {"name": name}
        if rules is not None:
            body["access_rules"] = rules
        path = f"/users/{self.users[user]}/application_credentials"
        made = self.keystone.ask("POST", path, {"application_credential": body}, own)[1]
        return made["application_credential"]

    def revoke(self, token):
        self.keystone.ask("DELETE", "/auth/tokens", None, {**self.admin, "X-Subject-Token": token})


@functools.cache
def cloud():
    """A Keystone and what it knows, the same for everybody until the program ends."""
    # In memory, if that is possible: SQLite waits for the disk at each of the hundreds of changes that make its tables.
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    atexit.register(shutil.rmtree, directory)
    keystone = Keystone(directory)
    atexit.register(keystone.stop)
    keystone.start()
    return Cloud(keystone)


@contextlib.contextmanager
def memcached():
    """A memcached, by its address."""
    port = free_port()
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "16"]
    if os.getuid() == 0:
        command += ["-u", "root"]
    process = subprocess.Popen(command)
    try:
        wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        servers.end(process)


def wait_for(port):
    """Waits until something listens."""
    deadline = time.monotonic() + servers.PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens at port {port}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
