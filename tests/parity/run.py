"""Holds filters against the originals from PyPI: `run.py PASTELINE [SUITE…]`.

Each module `suites_*.py` has a list `SUITES`. All requests of a suite go to the original, under waitress, and to
pasteline, both with the same section; status, headers, body and what the app behind them saw are compared. What
differs is a bug, or a row of a table in `docs`. It fails on a difference that no row explains, and, if all
suites are run, on a row that no request shows any more, on a filter that too few requests are sent to, and on one
with an original that none is sent to and that is not listed here with the reason.
"""

import concurrent.futures
import glob
import importlib
import os
import re
import subprocess
import sys
import tempfile

import compare
import servers
import suite as suites

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = ["docs/openstack.md", "docs/paste.md"]
# So many different requests at least are to be sent to each filter.
LEAST = 40
# What has an original on PyPI and is not held against it, and why.
UNCOMPARED = {
    "echo": "it stands in the place of what tries out a WSGI server, which tells of Python",
    "grantip": "the original takes single letters for names, by mistake, and tells only Python code of them",
    "http": "it is a server",
}
# The libraries that are installed, as names of factories begin with them. Services bring factories of their own, and need
# all else that makes such a service.
PACKAGES = ("egg:Paste#", "egg:PasteDeploy#", "egg:keystonemiddleware#", "egg:oslo.middleware#", "egg:swift#")
ALIAS = re.compile(r"\| `(?P<spec>[^`]+)` \| \[`(?P<native>[^`]+)`\]")
STAND_INS = re.compile(r"use\s*=\s*egg:pasteline#(echo|pass|respond)")


def main(program, *wanted):
    rows = [row for table in TABLES for row in compare.rows(os.path.join(HERE, "..", ".."), table)]
    program = os.path.abspath(program)
    chosen = [[one for one in module if not wanted or one.name in wanted] for module in all_suites()]
    with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
        # Suites of a module share a Keystone or a port, and so take turns.
        ran = [pool.submit(run_all, program, suites) for suites in chosen]
        found = [one for module in ran for one in module.result()]
    unexplained = [one for one in found if not explained(rows, one)]
    for name, request, aspect, theirs, ours in unexplained:
        print(f"\n{name}, {request}, {aspect}:\n  original:  {shown(theirs)}\n  pasteline: {shown(ours)}")
    stale = [row for row in rows if not row.shown and not wanted]
    for row in stale:
        print(f"\n{row.place}: no request shows this difference any more")
    few = [] if wanted else too_few(chosen) + uncompared(program, chosen)
    requests = sum(len(suite.cases) for module in chosen for suite in module)
    print(f"\n{requests} requests, {len(unexplained)} unexplained differences, {len(stale)} stale rows")
    return 1 if unexplained or stale or few else 0


def shown(value):
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"


def all_suites():
    """The suites of each module."""
    paths = sorted(glob.glob(os.path.join(HERE, "suites_*.py")))
    return [importlib.import_module(os.path.basename(path)[:-3]).SUITES for path in paths]


def too_few(modules):
    """Tells how many different requests each filter was asked, and gives the filters that were asked too few."""
    asked = {}
    for suite in (suite for module in modules for suite in module):
        asked.setdefault(suite.filter, set()).update(case.name for case in suite.cases)
    print("\n" + ", ".join(f"{name}: {len(names)}" for name, names in asked.items()))
    few = [name for name, names in asked.items() if len(names) < LEAST]
    for name in few:
        print(f"\n{name}: {len(asked[name])} different requests, at least {LEAST} are wanted")
    return few


def uncompared(program, modules):
    """Tells which factories have an original that is asked too little, without a reason, and which have a reason and need none."""
    listed = subprocess.run([program, "list", "--format", "aliases"], check=True, capture_output=True, text=True).stdout
    natives = {found["spec"]: found["native"] for found in map(ALIAS.match, listed.splitlines()) if found}
    asked = {native: set() for spec, native in natives.items() if spec.startswith(PACKAGES)}
    for suite in (suite for module in modules for suite in module):
        named = {natives[spec] for spec in re.findall(r"(?:use|_factory)\s*=\s*(\S+)", suite.ini) if spec in natives}
        for native in named & asked.keys():
            asked[native].update(f"{suite.name}: {case.name}" for case in suite.cases)
    missing = sorted(native for native, cases in asked.items() if len(cases) < LEAST)
    wrong = sorted(set(missing) ^ UNCOMPARED.keys())
    for native in wrong:
        print(f"\n{native}: {len(asked[native])} requests, and {UNCOMPARED.get(native, 'no reason why')}")
    return wrong


def explained(rows, found):
    known = [row for row in rows if row.explains(*found)]
    for row in known:
        row.shown = True
    return bool(known)


def run_all(program, suites):
    """The differences of suites, one after the other."""
    differences = []
    for suite in suites:
        found = run(program, suite)
        differences += found
        print(f"{suite.name}: {len(suite.cases)} requests, {len(found)} differences", flush=True)
    return differences


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
        write(directory, "original.ini", STAND_INS.sub(stand_in, suite.ini), fill)
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


def stand_in(used):
    """What the original serves with in the place of a factory of pasteline."""
    kind = "filter" if used[1] == "pass" else "app"
    return f"paste.{kind}_factory = stand_ins:{used[1]}_"


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
