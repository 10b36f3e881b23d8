"""Starts the program for a check of its edge, asks it as a neighbour would, and judges figures."""
import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """The program, serving an app with some settings until the end of the block."""

    def __init__(self, binary, app, settings=(), prefix=(), encrypted=False):
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory()
        path = os.path.join(self.directory.name, "edge.ini")
        settings, self.tls = dict(settings), None
        if encrypted:
            settings |= self.certify()
        lines = [f"{name} = {value}" for name, value in settings.items()]
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{self.port}\n"
                + "\n".join(lines)
                + f"\n\n[app:main]\n{app}\n"
            )
        self.log = open(os.path.join(self.directory.name, "log"), "w+", encoding="utf-8")
        command = [*prefix, os.path.abspath(binary), "serve", path]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def certify(self):
        """Makes a certificate for the server, by which clients know it, and gives the settings that name it."""
        certificate, key = (os.path.join(self.directory.name, name) for name in ("edge.pem", "edge.key"))
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=edge"
        subprocess.run([*command.split(), "-out", certificate, "-keyout", key], capture_output=True, check=True)
        os.chmod(key, 0o600)
        self.tls = ssl.create_default_context(cafile=certificate)
        self.tls.check_hostname = False
        return {"tls_cert": certificate, "tls_key": key}

    def connect(self, receive=None):
        """A client, encrypted if the server is, that has room for so many bytes which it has not read."""
        client = socket.socket()
        if receive:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        client.settimeout(5)
        client.connect(("127.0.0.1", self.port))
        return self.tls.wrap_socket(client) if self.tls else client

    def __enter__(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with self.connect() as client:
                    client.sendall(REQUEST)
                    if client.recv(100).startswith(b"HTTP/1.1 "):
                        return self
            except OSError:
                time.sleep(0.05)
        self.log.seek(0)
        sys.exit(f"the server does not answer: {self.log.read()}")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.directory.cleanup()

    def processes(self):
        """Who serves: the workers, or the process itself if there are none."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        return children or [self.process.pid]

    def memory(self):
        """What the processes that serve hold of memory, in bytes."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        return total * 1024


class Neighbour:
    """A client that asks on one connection, so often a second, as long as the block lasts."""

    def __init__(self, port, rate=200, path="/"):
        self.port, self.pause = port, 1 / rate
        self.request = REQUEST.replace(b" / ", b" %s " % path.encode())
        self.times, self.errors = [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.ask)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def ask(self):
        client = None
        while not self.over.wait(self.pause):
            try:
                client = client or socket.create_connection(("127.0.0.1", self.port), 5)
                start = time.perf_counter()
                client.sendall(self.request)
                good = read_answer(client).startswith(b"HTTP/1.1 200")
                self.times.append(time.perf_counter() - start)
                self.errors += not good
            except OSError:
                self.errors += 1
                client = None

    def p99(self):
        """The time in ms that 99 of 100 answers took at most."""
        return sorted(self.times)[len(self.times) * 99 // 100] * 1000


def read_answer(client):
    """A whole answer, of which the head tells the length."""
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = client.recv(65536)
        if not chunk:
            return b""
        read += chunk
    head, body = read.split(b"\r\n\r\n", 1)
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        chunk = client.recv(65536)
        if not chunk:
            return b""
        body += chunk
    return head + b"\r\n\r\n" + body


def quiet(port, seconds=2, path="/"):
    """The p99 of a neighbour that is alone, in ms: what the machine itself makes of it."""
    with Neighbour(port, path=path) as neighbour:
        time.sleep(seconds)
    return neighbour.p99()


class Judge:
    """Says each figure with its bar, and fails at the end if one was missed."""

    def __init__(self):
        self.missed = 0

    def twice(self, part, *arguments):
        """Judges a part, and once more if a figure is missed, as others may have kept the machine busy."""
        before = self.missed
        part(self, *arguments)
        if self.missed > before:
            print("       once more:", flush=True)
            self.missed = before
            part(self, *arguments)

    def at_most(self, what, figure, bar, unit=""):
        self.say(figure <= bar, f"{what}: {figure:.2f}{unit}, at most {bar:.2f}{unit}")

    def holds(self, what, is_so):
        self.say(is_so, what)

    def say(self, is_met, text):
        self.missed += not is_met
        print(f"{'ok    ' if is_met else 'MISSED'} {text}", flush=True)

    def end(self):
        sys.exit(f"{self.missed} figures missed" if self.missed else 0)


def raise_files():
    """Opens as many files as this process may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def tool(tools, name, *arguments, python=sys.executable):
    """What one of the tools prints."""
    command = [python, os.path.join(tools, name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
