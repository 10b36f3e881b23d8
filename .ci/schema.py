"""Holds what `pasteline schema` prints against the real validator of JSON Schema.

    schema.py PASTELINE FILE…

The schema must be one by its own meta-schema, and each section of the files valid under it.
"""

import json
import subprocess
import sys

from jsonschema import Draft202012Validator


def run(program, *arguments):
    return json.loads(subprocess.run([program, *arguments], check=True, capture_output=True).stdout)


def main(program, *files):
    schema = run(program, "schema")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    checked = 0
    for file in files:
        for entry in run(program, "show", file, "--all", "--format", "json"):
            for error in validator.iter_errors(entry["result"]):
                sys.exit(f"{file}: [{entry['section']}] {error.json_path}: {error.message}")
            checked += 1
    wrong = {"kind": "filter", "factory": "egg:pasteline#sizelimit", "local_conf": {"max_request_body_size": "many"}}
    if validator.is_valid(wrong) or not checked:
        sys.exit("the schema takes everything")
    print(f"{len(schema['$defs'])} definitions, {checked} sections are valid")


if __name__ == "__main__":
    main(*sys.argv[1:])
