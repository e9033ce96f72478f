#!/usr/bin/env python3
"""tests/fuzz/seeds.py FOLDER: write what fuzzers begin with into FOLDER/NAME, from the data of the other tests.

A fuzzer NAME without a function of that name here begins with nothing but tests/data/fuzz/NAME."""
import gzip
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"


def vectors():
    """The expressions of CEL's test vectors."""
    for path in sorted((DATA / "conformance" / "cel").glob("*.json")):
        for line in path.read_text().splitlines():
            expr = re.match(r'\{"section".*?"expr": (".*?(?<!\\)(?:\\\\)*")', line)
            if expr:
                yield json.loads(expr[1])


def conditions():
    """What configs of the tests say behind when:, filter: and inside ${…}."""
    for path in sorted((ROOT / "tests").glob("*/*/**/*.yaml")):
        text = path.read_text(errors="replace")
        yield from re.findall(r"(?:when|filter): *([^\n]+)", text)
        yield from re.findall(r"\$\{([^}]*)\}", text)


def cel_source():
    yield from (expr.encode() for expr in vectors())
    yield from (expr.encode() for expr in conditions())


def cel_event():
    events = [b'{"type":"purchase","amount":12.5,"list":[1,"a",null,{"b":true}],"user":{"id":"u\\u00e91"}}', b"[1,2]", b""]
    with gzip.open(DATA / "github-webhooks.jsonl.gz", "rt") as lines:
        hooks = [json.dumps(json.loads(line)["value"]).encode() for line in lines]
    events += sorted(hooks, key=len)[:3]
    exprs = [*vectors(), *conditions(), 'event.type.matches("^p[a-z]+$") && event.amount > 10', "event.list[3].b"]
    for number, expr in enumerate(exprs):
        if "\n" not in expr:
            yield expr.encode() + b"\n" + events[number % len(events)]


def texts():
    for path in sorted((DATA / "conformance" / "json").glob("*.json")):
        if path.stat().st_size < 10000:
            yield path.read_bytes()
    with gzip.open(DATA / "github-webhooks.jsonl.gz", "rt") as lines:
        hooks = [json.dumps(json.loads(line)["value"], ensure_ascii=False).encode() for line in lines]
    yield from sorted(hooks, key=len)[:20]
    yield json.dumps(json.loads(hooks[0]), indent=2).encode()


def json_():  # the module has the name
    yield from texts()


def patch():
    edits = [b"a", b"a=1", b"a.b={}\n\xc3\xa9=\"x\"", b"[0]", b"[1]=null\n[0].a", b"sender.login=\"x\"\nsender.id\nnew.a.b=[1]",
             b"action\nrepository.owner.login=true", b"=2\nb.[0].c=3"]
    for number, text in enumerate(texts()):
        yield edits[number % len(edits)] + b"\n\n" + text


def regex():
    for line in (DATA / "regex" / "table.jsonl").read_text().splitlines():
        row = json.loads(line)
        inputs = row.get("inputs", [""])
        if not re.search(r"[0-9]{2}}", row["pattern"]):  # libhs takes its time with large ones
            yield row["pattern"].encode() + b"\0" + inputs[len(row["pattern"]) % len(inputs)].encode()


def yaml():
    for path in sorted((ROOT / "tests").glob("*/*/**/*.yaml")):
        yield path.read_bytes()
    for path in sorted((ROOT / "configs").glob("**/*.yaml")):
        yield path.read_bytes()


SEEDS = [cel_source, cel_event, regex, yaml, json_, patch]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for seeds in SEEDS:
        folder = pathlib.Path(sys.argv[1]) / seeds.__name__.rstrip("_")
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()):
            (folder / f"{number:04}").write_bytes(seed)


main()
