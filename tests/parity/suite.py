"""What is asked of the original of a filter and of pasteline."""

import contextlib
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Case:
    """A request. Its name is what a row of the table of differences refers to.

    `before` is called with what `around` gave just before the request is sent, and may add to it: names in `{braces}` in
    values of headers are filled in after it.
    """

    name: str
    method: str = "GET"
    path: str = "/"
    headers: tuple = ()
    body: bytes = b""
    chunked: bool = False
    before: object = None

    def filled(self, fill):
        """The request as it is once names in braces are filled in."""

        def full(value):
            if isinstance(value, str):
                for key, text in fill.items():
                    value = value.replace(f"{{{key}}}", str(text))
            return value

        return replace(self, headers=tuple((name, full(value)) for name, value in self.headers))

    def at(self, path):
        """The same request for another path."""
        return replace(self, path=path)

    def bytes(self, host):
        """The request as it is sent."""
        fields = list(self.headers)
        if not any(name.lower() == "host" for name, _ in fields):
            fields.insert(0, ("Host", host))
        fields.append(("Connection", "close"))
        body = self.body
        if self.chunked:
            fields.append(("Transfer-Encoding", "chunked"))
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts(body)) + b"0\r\n\r\n"
        elif body:
            fields.append(("Content-Length", str(len(body))))
        head = [f"{self.method} {self.path} HTTP/1.1".encode()]
        head += [f"{name}: ".encode() + encode(value) for name, value in fields]
        return b"\r\n".join(head) + b"\r\n\r\n" + body


def parts(body):
    return [body[at : at + 7] for at in range(0, len(body), 7)]


def encode(value):
    return value if isinstance(value, bytes) else value.encode("utf-8")


@dataclass(frozen=True)
class Suite:
    """A section, and the requests that are sent to the original and to pasteline with it.

    Its name begins with that of the filter. `ini` is the paste file. `egg:pasteline#echo` and `#respond` in it stand for the same apps in Python where the
    original serves (`stand_ins.py`). `conf` is the settings file of both. `around` is a context manager that takes the
    directory of the run and gives names to be filled in where the texts have them in `{braces}`; `{dir}` is one.
    `scrub` is called with each text that is compared, to even out what is new every time. `extra` makes more of a
    run to be compared: it is called with `"original"` or `"pasteline"` and what `around` gave, after all requests,
    and gives a dict by case name, or by any name.
    """

    name: str
    ini: str
    cases: list
    conf: str = ""
    around: object = None
    scrub: object = None
    extra: object = None
    variables: dict = field(default_factory=dict)

    @property
    def filter(self):
        return self.name.split()[0]


@contextlib.contextmanager
def nothing(directory):
    yield {}


def hostile(header, good, **request):
    """Requests whose header is absent, empty, doubled, huge, or no text."""
    shapes = {
        "absent": (),
        "empty": ("",),
        "blank": ("   ",),
        "good": (good,),
        "good with blanks around": (f"  {good}  ",),
        "doubled": (good, good),
        "doubled, the second bad": (good, "x"),
        "doubled, the first bad": ("x", good),
        "huge": ("x" * 6000,),
        "good and huge": (good + "x" * 6000,),
        "not ASCII": ("\u00e9\u00fc",),
        "no UTF-8": (b"\xff\xfe",),
        "good and not ASCII": (f"{good}\u00e9",),
        "a list": (f"{good}, {good}",),
        "a quoted text": (f'"{good}"',),
        "a tab": (f"{good}\tx",),
        "upper case": (good.upper(),),
        "lower case": (good.lower(),),
    }
    others = tuple(request.pop("headers", ()))
    label = request.pop("label", header)
    return [
        Case(f"{label}: {shape}", headers=others + tuple((header, value) for value in values), **request)
        for shape, values in shapes.items()
    ]


def methods(*more):
    """Requests with all common methods."""
    names = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", *more]
    return [Case(f"method {name}", method=name, body=b"x" if name in ("POST", "PUT", "PATCH") else b"") for name in names]


PATHS = ["/", "/a", "/a/b?c=d", "/%C3%A9", "/a%2Fb", "//a//b", "/a/../b", "/?", "/" + "a" * 2000]


def paths(**request):
    """Requests for all kinds of paths."""
    return [Case(f"path {path[:40]}", path=path, **request) for path in PATHS]


def usual():
    """Requests that a filter which has nothing to do with them passes on."""
    return methods("BREW") + paths() + hostile("X-Other", "value") + hostile("Cookie", "a=b")
