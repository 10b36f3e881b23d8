"""What is different between two answers, and which differences are known."""

import fnmatch
import json
import re
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
    echoed = app_saw(answer)
    if echoed is None:
        seen["body"] = answer.body.decode("utf-8", "replace")
    else:
        seen.update(echoed)
    return {name: scrub(scrubbed(value)) for name, value in seen.items()}


def app_saw(answer):
    """What `echo` says of the request; none if the answer is not that of `echo`."""
    try:
        seen = json.loads(answer.body)
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
    """A known difference: of a suite, in requests whose names match, in aspects that match."""

    suite: str
    requests: list
    aspects: list
    line: int
    shown: bool = False

    def explains(self, suite, request, aspect):
        def is_one(text, patterns):
            return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)

        return fnmatch.fnmatchcase(suite, self.suite) and is_one(request, self.requests) and is_one(aspect, self.aspects)


def rows(path):
    """The known differences: the rows of the tables of a Markdown file whose head is `filter`, `requests`, `in`."""
    found, is_table = [], False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                is_table = False
            elif cells[:3] == ["filter", "requests", "in"]:
                is_table = True
            elif is_table and not set(cells[0]) <= {"-"}:
                names = [re.findall(r"`([^`]+)`", cell) for cell in cells[:3]]
                if len(names[0]) != 1 or not names[1] or not names[2] or not cells[3:] or not cells[3]:
                    raise SystemExit(f"{path}:{number}: a row has a filter, requests, what differs, and the reason")
                found.append(Row(names[0][0], names[1], names[2], number))
    return found
