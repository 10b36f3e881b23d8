"""Looks in files of real projects for factories of which pasteline should know more than it does.

    python3 tests/overlays/unknown.py --bin target/debug/pasteline --corpus DIRECTORY

Every file below DIRECTORY is validated as it is. A factory that any service may use is to have a
native form, or a reason why it has none; so what is unknown is at fault, and so is code of a Python
package that is not named here as an application.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

# Applications, and packages of one, that real files name and nothing else is known of.
APPLICATIONS = """
    {{cookiecutter-package}}-geoportal ${adhocracy:package-name} c2cgeoportal-admin cc-starter chsdi
    fusion h hello-world hellopyramid libopencore log_app main myproject
    ondeaftweers-web oss2swift snovault sos sqla-demo subject testegg tests tutorial universe_wsgi
    velruse volt
""".split()

UNKNOWN = {"unknown-app", "unknown-composite", "unknown-filter", "unknown-server"}

PACKAGE = re.compile(r"is code of the Python package `(.*)`$")


def validate(program, path):
    """The diagnostics of a file."""
    command = [program, "validate", "--format", "json", path]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{path}: {run.stderr}")
    return json.loads(run.stdout)


def faults(diagnostic):
    """Whether more should be known of what a diagnostic is about."""
    if diagnostic["slug"] in UNKNOWN:
        return True
    package = PACKAGE.search(diagnostic["message"])
    return package is not None and package[1] not in APPLICATIONS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--corpus", required=True, type=pathlib.Path)
    given = parser.parse_args()
    slugs, failed = collections.Counter(), 0
    files = sorted(path for path in given.corpus.glob("*/**/*") if path.is_file())
    for path in files:
        for diagnostic in validate(given.bin, path):
            slugs[diagnostic["slug"]] += 1
            if faults(diagnostic):
                failed += 1
                print(f"{path.relative_to(given.corpus)}: {diagnostic['message']}")
    known = slugs["application-code"]
    print(f"{len(files)} files: {known} times code of applications, {failed} times unknown")
    sys.exit(1 if failed or not files else 0)


if __name__ == "__main__":
    main()
