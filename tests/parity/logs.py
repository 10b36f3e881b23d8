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


# Requests that pasteline refuses before a filter sees them.
UNSEEN = {"path /a%2Fb"}


def lines(side, path, cases):
    """What stands in a file about each of the requests, by its name, as soon as all of them are there."""
    expected = {case.name for case in cases} - (UNSEEN if side == "pasteline" else set())
    deadline = time.monotonic() + servers.PATIENCE
    while True:
        found = {}
        for line in whole_lines(path):
            mark = MARKED.search(line)
            if mark:
                found[cases[int(mark[1])].name] = line
        if found.keys() >= expected:
            return found
        if time.monotonic() > deadline:
            raise SystemExit(f"{path} has no line about {sorted(expected - found.keys())}")
        time.sleep(0.02)


def whole_lines(path):
    """The lines of a file but for one that has no end yet."""
    return servers.read(path).rpartition("\n")[0].splitlines() if os.path.exists(path) else []
