#!/usr/bin/python3
"""Validates JSON documents, a line each on stdin, against the schemas of schemas/cli.

    check-schema.py FOLDER           each document names its schema in its first member
    check-schema.py FOLDER NAME      all are of that schema: batch.results/1
    check-schema.py FOLDER --self    the schemas themselves are valid, and each says what it is

Says what does not fit, and ends with 1; prints how often each schema was met.
"""
import collections
import json
import pathlib
import sys

import jsonschema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def local(part):
    """The schema with references into common.json made its own."""
    if isinstance(part, dict):
        return {
            name: value.replace("common.json#", "#") if name == "$ref" else local(value)
            for name, value in part.items()
        }
    return [local(item) for item in part] if isinstance(part, list) else part


def validator(folder, name, known={}):
    if name not in known:
        path = folder / (name.replace("/", ".") + ".json")
        schema = local(json.loads(path.read_text()))
        schema["$defs"] = json.loads((folder / "common.json").read_text())["$defs"]
        known[name] = jsonschema.Draft202012Validator(schema)
    return known[name]


def check_self(folder):
    for path in sorted(folder.glob("*.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == DIALECT, f"{path}: not of the dialect"
        assert schema["description"], f"{path}: says nothing"
        if path.name == "common.json":
            continue
        name = path.name[: -len(".json")]
        title = "colloq/" + "/".join(name.rsplit(".", 1))
        assert schema["title"] == title, f"{path}: its title is not {title}"
        named = schema["properties"].get("schema", {}).get("const", title)
        assert named == title, f"{path}: its documents are called {named}"
        assert schema["additionalProperties"] is False, f"{path}: takes any member"


def main():
    folder = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--self"]:
        check_self(folder)
        return 0
    wrong = 0
    met = collections.Counter()
    for number, line in enumerate(sys.stdin, 1):
        document = json.loads(line)
        first = next(iter(document), None)
        name = sys.argv[2] if len(sys.argv) > 2 else None
        if name is None:
            if first != "schema":
                print(f"line {number}: its first member is {first}", file=sys.stderr)
                wrong += 1
                continue
            name = document["schema"].removeprefix("colloq/")
        met[name] += 1
        for error in validator(folder, name).iter_errors(document):
            where = "/".join(str(step) for step in error.absolute_path)
            print(f"line {number}: {name}: {where}: {error.message[:400]}", file=sys.stderr)
            wrong += 1
    for name, count in sorted(met.items()):
        print(name, count)
    return 1 if wrong else 0


sys.exit(main())
