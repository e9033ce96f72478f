#!/usr/bin/env python3
"""How fast one core decides, JSON in, rule out, beside Event Ruler and cel-go in the same run. Run by scripts/bench match.

Each side is a process that takes commands (match.c, event-ruler/Reference.java, cel-go/main.go); sides are timed in turn,
pair by pair, and the median of the pairs' ratios counts. Before a pair is timed both sides must have found the same rule for
every event. One JSON line per measurement, then a table. What cannot be measured (a function that is not there, a reference
that cannot be built) is an error of its row, not of the run; the exit code is 1 when a row missed its target or has an error.
"""
import argparse, gzip, json, os, pathlib, shutil, statistics, subprocess, sys
import match_rules as rules_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "build/match"
MARKS = "<!-- scripts/bench match --readme writes from here -->", "<!-- to here -->"

# facts of another machine: events/s of Event Ruler 2.1.0 and of quamina, which no package registry has, on the same events
FACTS = {"exact": (472e3, 1.94e6), "prefix": (493e3, 1.53e6), "suffix": (477e3, 1.16e6), "ignore-case": (428e3, 1.39e6),
         "wildcard": (354e3, 1.70e6), "numeric, equal": (398e3, 0.72e6), "anything-but": (251e3, 0.60e6),
         "complex arrays": (86e3, 0.20e6), "three fields, 10,000 rules": (338e3, 0.97e6)}


class Trouble(Exception):
    """Why a row has no figure."""


class Side:
    """A process that takes commands."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.given = {}

    def ask(self, command, argument):
        try:
            self.process.stdin.write(f"{command} {argument}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Trouble(f"{self.name} died at `{command} {argument}` ({self.process.poll()})")
        answer = json.loads(line)
        if "error" in answer:
            raise Trouble(f"{self.name}: " + " ".join(answer["error"].split())[:300])
        return answer

    def give(self, command, argument):
        """Asks unless that is what it was given last."""
        if self.given.get(command) != argument:
            self.given.pop(command, None)
            self.given[command + " answer"] = self.ask(command, argument)
            self.given[command] = argument
        return self.given[command + " answer"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args, self.rows, self.sides, self.broken = args, [], {}, {}
        WORK.mkdir(parents=True, exist_ok=True)

    # The sides: started when they are first needed.
    def ours(self):
        if "ours" not in self.sides:
            self.sides["ours"] = Side("veltrix", self.args.bin / "bench_match")
        return self.sides["ours"]

    def reference(self, name, start):
        if name in self.broken:
            raise Trouble(self.broken[name])
        if name not in self.sides:
            try:
                self.sides[name] = start()
            except Trouble as e:
                self.broken[name] = str(e)
                raise
        return self.sides[name]

    def ruler(self):
        return self.reference("Event Ruler", start_ruler)

    def cel_go(self):
        return self.reference("cel-go", start_cel_go)

    def drop(self, trouble):
        """A side that died is started again by whoever is next."""
        for name, side in list(self.sides.items()):
            if side.process.poll() is not None:
                del self.sides[name]

    # What they are given.
    def events(self, name):
        path, maker = WORK / f"{name}-{self.args.events}.jsonl", self.args.bin / "match_events"
        if not path.exists() or path.stat().st_mtime < maker.stat().st_mtime:
            command = [maker, name] + ([] if name == "hooks" else [str(self.args.events)])
            envelopes = gzip.decompress((ROOT / "tests/data/github-webhooks.jsonl.gz").read_bytes()) if name == "hooks" else b""
            part = path.with_suffix(".part")
            part.write_bytes(subprocess.run(command, input=envelopes, stdout=subprocess.PIPE, check=True).stdout)
            part.rename(path)
        return path

    def lines(self, name):
        return self.events(name).read_text().splitlines()

    def write(self, name, text):
        path = WORK / name
        path.write_text(text)
        return path

    # Measurements.
    def load(self, name, rules):
        return self.ours().ask("config", self.write(f"{name}.yaml", rules_of.yaml(rules)))

    def rate(self, isa=None):
        side = self.ours()
        side.ask("isa", isa or self.args.isa)
        return side.ask("time", self.args.seconds)["events_per_s"]

    def pairs(self, reference, config, events):
        """Our rate, the reference's, and the median of the pairs' ratios. Ours has its config."""
        side, path = self.ours(), self.events(events)
        side.give("events", path)
        matches = WORK / "matches.txt"
        matched = side.ask("matches", matches)["matched"]
        reference.give("events", path)
        reference.give("config", config)
        reference.ask("check", matches)
        rates = []
        for _ in range(self.args.pairs):
            rates.append((self.rate(), reference.ask("time", self.args.seconds)["events_per_s"]))
        return (statistics.median(r[0] for r in rates), statistics.median(r[1] for r in rates),
                statistics.median(r[0] / r[1] for r in rates), matched)

    def row(self, what, target, measure, unit="ev/s", below=False, reported=False):
        """`measure` gives a figure, or (figure, other fields)."""
        if self.args.only and self.args.only not in what:
            return
        row = {"bench": "match", "what": what, "unit": unit, "target": target}
        try:
            figure = measure()
            figure, more = figure if isinstance(figure, tuple) else (figure, {})
            row |= {"figure": figure} | more
            if reported:
                row["verdict"] = "reported"
            else:
                row["ratio"] = figure / target if not below else target / figure
                row["verdict"] = "met" if row["ratio"] >= 1 else "missed"
        except Trouble as e:
            row |= {"verdict": "error", "error": str(e)}
            self.drop(e)
        self.rows.append(row)
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}), flush=True)

    def table_rate(self, name, rules, events, isa=None):
        loaded = self.load(name, rules)
        self.ours().give("events", self.events(events))
        rate = self.rate(isa)
        return rate, {"rules": loaded["rules"], "load_ms": loaded["load_ms"], "isa": isa or self.args.isa}


def start_ruler():
    folder = ROOT / "build/event-ruler"
    if not shutil.which("mvn") or not shutil.which("javac"):
        raise Trouble("Event Ruler needs Maven and a JDK (scripts/setup --bench)")
    if not (folder / "classes/Reference.class").exists():
        run = subprocess.run(["mvn", "--quiet", "--batch-mode", "--file", HERE / "event-ruler/pom.xml",
                              "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies", "-DincludeScope=runtime",
                              f"-DoutputDirectory={folder}/jars"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode:
            raise Trouble("Maven could not get Event Ruler (is there a network?): " + run.stdout[:200])
    classes = folder / "classes"
    subprocess.run(["javac", "-cp", f"{folder}/jars/*", "-d", classes, HERE / "event-ruler/Reference.java"], check=True)
    return Side("Event Ruler", "java", "-Xmx3g", "-XX:+UseParallelGC", "-cp", f"{folder}/jars/*:{classes}", "Reference")


def start_cel_go():
    program = ROOT / "build/cel-go"
    if not shutil.which("go"):
        raise Trouble("cel-go needs Go 1.23 or newer (scripts/setup --bench)")
    run = subprocess.run(["go", "build", "-C", HERE / "cel-go", "-o", program, "."], stderr=subprocess.PIPE, text=True)
    if run.returncode:
        raise Trouble("Go could not build cel-go: " + run.stderr[:200])
    return Side("cel-go", program)


def isas(b):
    """Those that this machine has, best first."""
    found = []
    for isa in ("avx512", "avx2", "sse2", "portable"):
        try:
            b.ours().ask("isa", isa)
            found.append(isa)
        except Trouble:
            pass
    return found


def data_rows(b):
    """The three kinds of events, on each instruction set; AVX2 and SSE2 have targets."""
    sets = [("city lots, 100 rules on 3 fields", "lots", lambda: rules_of.three_fields(100), {"avx2": 1.9e6, "sse2": 1.4e6}),
            ("1 KB game events, 100 rules of type, region and amount", "game", lambda: rules_of.game(100), {"avx2": 3.5e6}),
            ("webhooks, 6 fields, 100 rules", "hooks", lambda: rules_of.hooks(b.lines("hooks"), 100), {"avx2": 430e3})]
    for what, events, make, targets in sets:
        for isa in isas(b):
            b.row(f"{what} ({isa})", targets.get(isa), lambda: b.table_rate(events, make(), events, isa),
                  reported=isa not in targets)


def mix_rows(b):
    rates = {}

    def rate(count):
        rules = rules_of.mix(count)
        if count > rules_of.OUR_RULES_MAX:  # a release holds no more: eleven to a rule
            rules = rules_of.in_groups(rules, count // rules_of.OUR_RULES_MAX + 1)
        rules = rules_of.fit(rules)
        figure, more = b.table_rate("mix", rules, "game")
        rates[count] = figure
        return figure, more | {"conditions": rules_of.conditions(rules)}

    for count in (10, 100, 1000, 10000, 100000):
        name = f"{count:,} rules of the realistic mix" + (", eleven to a rule" if count > rules_of.OUR_RULES_MAX else "")
        b.row(name, None, lambda: rate(count), reported=True)

    def ratio():
        # Again, in turn: the two of a ratio must not be minutes apart.
        ratios = []
        for _ in range(b.args.pairs):
            few, _ = rate(10)
            many, _ = rate(10000)
            ratios.append(many / few)
        return statistics.median(ratios)

    b.row("10,000 rules against 10 of the realistic mix", 0.85, ratio, unit="ratio")


def table_rows(b):
    def loaded():
        rules = rules_of.fit(rules_of.mix(10000))
        took = [b.load("mix", rules) for _ in range(b.args.pairs)]
        return statistics.median(t["load_ms"] for t in took), took[0]["table_bytes"] / rules_of.conditions(rules)

    b.row("loading 10,000 rules (parse, check, index)", 300, lambda: loaded()[0], unit="ms", below=True)
    b.row("memory of 10,000 rules, per predicate", 200, lambda: loaded()[1], unit="bytes", below=True)


def expression_rows(b):
    def evaluation():
        took = []
        for _ in range(b.args.pairs):
            few, _ = b.table_rate("expressions", rules_of.unindexed(1), "game")
            many, _ = b.table_rate("expressions", rules_of.unindexed(101), "game")
            took.append((1e9 / many - 1e9 / few) / 100)
        return statistics.median(took)

    b.row("an expression of three comparisons that no index helps", 100, evaluation, unit="ns", below=True)


def reference_rows(b):
    """Against Event Ruler in every category; and quamina's figures, scaled by what Event Ruler does here."""
    sets = {}
    if not b.args.only or any(b.args.only in w for w in ("against", *FACTS)):
        sets = dict(rules_of.categories(b.lines("lots9")))
    for count in (10, 100, 1000, 10000):
        sets[f"three fields, {count:,} rules"] = ("lots", lambda count=count: rules_of.three_fields(count))
    for count in (10, 100, 1000):
        sets[f"two fields and a range, {count:,} rules"] = ("lots9", lambda count=count: rules_of.two_fields_and_range(count))
    for name, (events, rules) in sets.items():
        measured = {}

        def measure():
            made = rules_of.fit(rules() if callable(rules) else rules)
            b.load("category", made)
            config = b.write(f"category-{name.replace(' ', '-')}.ruler", "".join(r[2] + "\n" for r in made))
            ours, theirs, ratio, matched = b.pairs(b.ruler(), config, events)
            measured.update(ours=ours, theirs=theirs)
            return ratio, {"ours": ours, "theirs": theirs, "matched": matched}

        b.row(f"against Event Ruler: {name}", 4.5, measure, unit="times")
        if name in FACTS:
            def scaled():
                if not measured:
                    raise Trouble("there is no figure of Event Ruler to scale by")
                ruler, quamina = FACTS[name]
                there = quamina * measured["theirs"] / ruler
                return measured["ours"] / there, {"ours": measured["ours"], "theirs": there}

            b.row(f"against quamina, scaled: {name}", 1, scaled, unit="times")


def cel_rows(b):
    def measure():
        rules = rules_of.game(100)
        b.load("cel", rules)
        config = b.write("cel.txt", "".join(r[1] + "\n" for r in rules))
        ours, theirs, ratio, matched = b.pairs(b.cel_go(), config, "game")
        return ratio, {"ours": ours, "theirs": theirs, "matched": matched}

    b.row("against cel-go: 100 expressions, parse included", 20, measure, unit="times")


def worst_rows(b):
    for what, rules in (("10,000 ranges on one field", lambda: rules_of.fit(rules_of.worst_ranges(10000))),
                        ("10,000 overlapping ranges", lambda: rules_of.fit(rules_of.worst_overlaps(10000))),
                        ("1,000 regular expressions", lambda: rules_of.worst_regexes(1000)),
                        ("1,000 `exists` over a list", lambda: rules_of.worst_exists(1000))):
        b.row(f"worst case: {what}", None, lambda: b.table_rate("worst", rules(), "game"), reported=True)


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.0f}" if value >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


def table(rows):
    lines = ["| one core | target | figure | ratio | |", "|---|---|---|---|---|"]
    for row in rows:
        limit = "≤ " if row["unit"] in ("ms", "bytes", "ns") else "≥ "
        target = limit + number(row["target"]) if row["target"] else ""
        figure = number(row.get("figure")) + " " + row["unit"] if "figure" in row else ""
        if "theirs" in row:
            figure += f" ({number(row['ours'])} : {number(row['theirs'])} ev/s)"
        lines.append(f"| {row['what']} | {target} | {figure} | {number(row.get('ratio'))} | {row['verdict']}"
                     + (f": {row['error'].replace('|', '/')[:120]}" if "error" in row else "") + " |")
    return "\n".join(lines)


def machine():
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"


def write_readme(b):
    path = ROOT / "README.md"
    text = path.read_text()
    if any(text.count(m) != 1 for m in MARKS):
        sys.exit(f"match: README.md needs the lines {MARKS[0]} and {MARKS[1]}, once each")
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    what = (f"{machine()}; {b.args.events:,} events of a kind (of webhooks 500), {b.args.seconds} s a measurement, medians of {b.args.pairs} "
            f"pairs; instruction set {b.args.isa} unless the row names one.")
    path.write_text(text[:start] + f"\n{what}\n\n{table(b.rows)}\n" + text[end:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where bench_match and match_events are")
    parser.add_argument("--quick", action="store_true", help="20,000 events, one pair of short measurements")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    parser.add_argument("--only", help="only rows whose name holds this text")
    parser.add_argument("--isa", default="avx2", help="the instruction set of rows that name none")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--seconds", type=float)
    args = parser.parse_args()
    args.events = 20000 if args.quick else 213000
    args.pairs = args.pairs or (1 if args.quick else 5)
    args.seconds = args.seconds or (0.5 if args.quick else 3)
    b = Bench(args)
    for rows in (data_rows, mix_rows, table_rows, expression_rows, reference_rows, cel_rows, worst_rows):
        rows(b)
    for side in b.sides.values():
        side.stop()
    print(table(b.rows), file=sys.stderr)
    if args.readme:
        write_readme(b)
    sys.exit(any(r["verdict"] in ("missed", "error") for r in b.rows))


if __name__ == "__main__":
    main()
