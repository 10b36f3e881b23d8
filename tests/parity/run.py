"""Holds filters against the originals from PyPI: `run.py PASTELINE [SUITE…]`.

Each module `suites_*.py` has a list `SUITES`. All requests of a suite go to the original, under waitress, and to
pasteline, both with the same section; status, headers, body and what the app behind them saw are compared. What
differs is a bug, or a row of a table in `docs/openstack.md`. It fails on a difference that no row explains, and, if all
suites are run, on a row that no request shows any more.
"""

import glob
import importlib
import os
import re
import sys
import tempfile

import compare
import servers
import suite as suites

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "..", "..", "docs", "openstack.md")
STAND_INS = re.compile(r"use\s*=\s*egg:pasteline#(echo|respond)")


def main(program, *wanted):
    rows = compare.rows(TABLE)
    program = os.path.abspath(program)
    requests, unexplained = 0, []
    for suite in all_suites():
        if not wanted or suite.name in wanted:
            found = run(program, suite)
            unexplained += [one for one in found if not explained(rows, suite.name, one)]
            requests += len(suite.cases)
            print(f"{suite.name}: {len(suite.cases)} requests, {len(found)} differences", flush=True)
    for name, request, aspect, theirs, ours in unexplained:
        print(f"\n{name}, {request}, {aspect}:\n  original:  {shown(theirs)}\n  pasteline: {shown(ours)}")
    stale = [row for row in rows if not row.shown and not wanted]
    for row in stale:
        print(f"\ndocs/openstack.md:{row.line}: no request shows this difference any more")
    print(f"\n{requests} requests, {len(unexplained)} unexplained differences, {len(stale)} stale rows")
    return 1 if unexplained or stale else 0


def shown(value):
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"


def all_suites():
    for path in sorted(glob.glob(os.path.join(HERE, "suites_*.py"))):
        yield from importlib.import_module(os.path.basename(path)[:-3]).SUITES


def explained(rows, name, found):
    known = [row for row in rows if row.explains(name, found[1], found[2])]
    for row in known:
        row.shown = True
    return bool(known)


def run(program, suite):
    """The differences of a suite: its name, the request, the aspect, and both values."""
    names = [case.name for case in suite.cases]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise SystemExit(f"{suite.name}: several requests are called {sorted(doubled)}")
    with tempfile.TemporaryDirectory() as directory, (suite.around or suites.nothing)(directory) as given:
        fill = {"dir": directory, **given}
        write(directory, "parity.conf", suite.conf or "[DEFAULT]\n", fill)
        write(directory, "pasteline.ini", suite.ini, fill)
        write(directory, "original.ini", STAND_INS.sub(r"paste.app_factory = stand_ins:\1", suite.ini), fill)
        answers = []
        for side, server in (
            ("original", servers.original(directory, suite.variables)),
            ("pasteline", servers.pasteline(program, directory, suite.variables)),
        ):
            with server as port:
                scrub = suite.scrub or (lambda text: text)
                told = {case.name: compare.aspects(ask(port, case, fill), scrub) for case in suite.cases}
                for name, more in (suite.extra(side, fill) if suite.extra else {}).items():
                    told.setdefault(name, {}).update(more)
                answers.append(told)
    theirs, ours = answers
    return [
        (suite.name, name, *found)
        for name in theirs.keys() | ours.keys()
        for found in compare.differences(theirs.get(name, {}), ours.get(name, {}))
    ]


def ask(port, case, fill):
    if case.before:
        case.before(fill)
    return servers.send(port, case.filled(fill))


def write(directory, name, text, fill):
    for key, value in fill.items():
        text = text.replace(f"{{{key}}}", str(value))
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
