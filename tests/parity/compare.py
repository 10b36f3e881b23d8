"""What is different between two answers, and which differences are known."""

import contextlib
import gzip
import json
import os
import re
import zlib
from dataclasses import dataclass

# How a server delimits messages and names itself is no matter of filters.
FRAMING = {"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "via"}
# The same of a request, as the app sees it.
REQUEST_FRAMING = {"connection", "content-length", "host", "transfer-encoding"}

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def scrubbed(text):
    return UUID.sub("UUID", text)


def aspects(answer, scrub):
    """All that is compared of an answer, by name."""
    seen = {"status": str(answer.status)}
    for name, value in answer.headers:
        name = name.lower()
        if name not in FRAMING:
            value = value.encode("latin-1").decode("utf-8", "replace")
            key = f"header {name}"
            seen[key] = f"{seen[key]}, {value}" if key in seen else value
    if "header content-type" in seen:
        # Names of types and charsets may be written either way.
        seen["header content-type"] = seen["header content-type"].lower()
    body = answer.body
    if seen.get("header content-encoding") == "gzip" and body:
        # There are many ways to compress a text.
        with contextlib.suppress(OSError, EOFError, zlib.error):
            body = gzip.decompress(body)
    echoed = app_saw(body)
    if echoed is None:
        seen["body"] = body.decode("utf-8", "replace")
    else:
        seen.update(echoed)
    return {name: scrub(scrubbed(value)) for name, value in seen.items()}


def app_saw(body):
    """What `echo` says of the request; none if the answer is not that of `echo`."""
    try:
        seen = json.loads(body)
        pairs = seen["headers"]
    except (ValueError, KeyError, TypeError):
        return None
    told = {f"app {key}": str(seen.get(key)) for key in ("method", "scheme", "client", "script_name", "path_info", "query")}
    told["app body"] = seen.get("body", seen.get("body_base64", ""))
    for name, value in pairs:
        if name not in REQUEST_FRAMING:
            key = f"app header {name}"
            # WSGI joins what stands several times.
            told[key] = f"{told[key]}, {value}" if key in told else value
    return {key: re.sub(r",\s*", ", ", value).strip() for key, value in told.items()}


def differences(theirs, ours):
    """The aspects that differ, each with both values. Where only one app was asked, that is one."""
    was_asked = ["app method" in seen for seen in (theirs, ours)]
    if was_asked[0] != was_asked[1]:
        theirs, ours = (
            {**{name: value for name, value in seen.items() if not name.startswith("app ")}, "app": str(asked)}
            for seen, asked in zip((theirs, ours), was_asked)
        )
    names = sorted(set(theirs) | set(ours))
    return [(name, theirs.get(name), ours.get(name)) for name in names if theirs.get(name) != ours.get(name)]


@dataclass
class Row:
    """A known difference: of a suite, in requests whose names match, in aspects that match, between values that match."""

    suite: str
    requests: list
    aspects: list
    theirs: list
    ours: list
    place: str
    shown: bool = False

    def explains(self, suite, request, aspect, theirs, ours):
        return (
            is_one(suite, [self.suite])
            and is_one(request, self.requests)
            and is_one(aspect, self.aspects)
            and is_one(theirs, self.theirs)
            and is_one(ours, self.ours)
        )


def is_one(text, patterns):
    """Whether a text matches one of several patterns, in which `*` stands for anything; nothing is `-`."""
    text = text or "-"
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) for pattern in patterns)


# The head of a table of known differences, which need not tell the values.
COLUMNS = ["filter", "requests", "in", "original", "pasteline", "why"]


def rows(root, name):
    """The known differences: the rows of the tables of a Markdown file that have the right heads."""
    found, head = [], None
    with open(os.path.join(root, name), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                head = None
            elif cells in (COLUMNS, COLUMNS[:3] + COLUMNS[5:]):
                head = cells
            elif head and not set(cells[0]) <= {"-"}:
                if len(cells) != len(head) or not cells[-1]:
                    raise SystemExit(f"{name}:{number}: expected {', '.join(head)}")
                texts = [re.findall(r"`([^`]+)`", cell) for cell in cells[:-1]]
                if len(texts[0]) != 1 or not all(texts):
                    raise SystemExit(f"{name}:{number}: expected texts in backticks, and one filter")
                values = texts[3:] or (["*"], ["*"])
                found.append(Row(texts[0][0], *texts[1:3], *values, f"{name}:{number}"))
    return found
