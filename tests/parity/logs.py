"""Reads the lines that filters have written about requests."""

import os
import re
import time

import servers

# Stands in the query of each request that is logged, so that lines need not come in order.
MARK = "case="
MARKED = re.compile(r"case(?:=|%3D)(\d+)")


def marked(cases):
    """Requests that can be told apart in a log."""
    return [case.at(f"{case.path}{'&' if '?' in case.path else '?'}{MARK}{number}") for number, case in enumerate(cases)]


def lines(path, cases, skipped=0):
    """What stands in a file about each of the requests, by its name, as soon as all but some of them are there."""
    deadline = time.monotonic() + servers.PATIENCE
    while True:
        found = {}
        for line in whole_lines(path):
            mark = MARKED.search(line)
            if mark:
                found[cases[int(mark[1])].name] = line
        if len(found) >= len(cases) - skipped:
            return found
        if time.monotonic() > deadline:
            raise SystemExit(f"{path} has lines about {len(found)} of {len(cases)} requests")
        time.sleep(0.02)


def whole_lines(path):
    """The lines of a file but for one that has no end yet."""
    return servers.read(path).rpartition("\n")[0].splitlines() if os.path.exists(path) else []
