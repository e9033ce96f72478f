#!/usr/bin/env python3
"""The router against a bare librdkafka loop on the same events, pair by pair. Run by scripts/bench flow.

Each row of TABLE is a case with targets. A pair is one run of each, in turn the one or the other first, on an input that is
there already; the first pair of all, and a few runs with transactions, warm the broker and are not counted. Verdicts are on
medians. Options that name a case (--size ... --workers) replace the table by that case.
"""
import itertools
from flow_lib import *

EVENTS = {200: 4000000, 1024: 1500000, 4096: 400000}
BASE = {"events_ratio": (">=", 0.90), "cpu_ratio": ("<=", 1.25)}
TABLE = [
    ("200 B events", Case(size=200), BASE),
    ("1 KB events", Case(), BASE),
    ("4 KB events", Case(size=4096), BASE),
    ("1 KB events, 8 topics of 12 partitions", Case(partitions=12), BASE),
    ("1 KB events, without the header", Case(form="plain"), BASE),
    ("1 KB events, one worker", Case(workers=1), BASE),
    ("1 KB events, routed by key and headers", Case(routing="key"), {**BASE, "cpu_ratio": ("<=", 1.08)}),
    ("1 KB events, 10,000 rules", Case(rules=10000), {"rss_above_mib": ("<=", 128)}),
]
WORDS = {"events_ratio": "events/s", "cpu_ratio": "CPU s per event", "rss_above_mib": "peak memory above, MiB", "pause_ms": "pause p99, ms"}
WARM_TRANSACTIONS = 6  # runs until the broker's compiler is done with what serves them: 235,000, 259,000 … 390,000 events/s
PAUSE_RATE, PAUSE_S = 5000, 60  # far from full: what is waited for is the linger and the release
READY = 20  # releases that are activated in turn


def percentile(figures, share=0.99):
    return sorted(figures)[int(share * (len(figures) - 1))]


def holds(figure, target):
    sign, limit = target
    return figure <= limit if sign == "<=" else figure >= limit


class Bench:
    def __init__(self, args):
        self.args = args
        self.inputs, self.rows, self.warm = {}, [], False
        self.name = f"b{random.randrange(1 << 30):x}"

    def events(self, size):
        return self.args.events or EVENTS.get(size, max(200000, 1024 * 1500000 // size))

    def source(self, size):
        if size not in self.inputs:
            self.inputs[size] = f"{self.name}.in-{size}"
            check_tool("topics", "--kafka", KAFKA, f"{self.inputs[size]}:{PARTITIONS_IN}")
            feed(self.inputs[size], self.events(size), size)
        return self.inputs[size]

    def once(self, make, case, around=None):
        with Topics(case.partitions, self.source(case.size)) as topics:
            return measure(make(), case, topics, self.events(case.size), around=around)

    def recorded(self, name, pair):
        """Where perf is asked for: what the router does while it is measured."""
        if not self.args.perf:
            return None
        safe = "".join(c if c.isalnum() else "-" for c in name)
        return lambda router: perf(router.pid, ROOT / f"build/bench/flow-{safe}-{pair}.perf.data")

    def pairs(self, name, targets, reference, router, more=dict):
        """`reference` and `router`: functions of the pair's number that make one run; `more()`: further figures of all."""
        pairs = []
        for pair in range(self.args.pairs + (not self.warm)):
            warm_up, self.warm = not self.warm, True
            order = [("reference", reference), ("router", router)]
            figures = {who: once(pair) for who, once in (order if pair % 2 == 0 else reversed(order))}
            a, b = figures["reference"], figures["router"]
            row = {"row": name, "pair": pair, "warm_up": warm_up, **figures,
                   "events_ratio": round(b["events_per_s"] / a["events_per_s"], 3),
                   "cpu_ratio": round(b["cpu_s_per_million"] / a["cpu_s_per_million"], 3),
                   "rss_above_mib": round(b["rss_mib"] - a["rss_mib"], 1)}
            say(row)
            pairs += [] if warm_up else [row]
        self.judge(name, targets, pairs, **more())

    def judge(self, name, targets, pairs, **more):
        figures = {k: round(median(pairs, k), 3) for k in ("events_ratio", "cpu_ratio", "rss_above_mib")}
        for side in ("reference", "router"):
            figures[side] = {k: median(pairs, side, k) for k in ("events_per_s", "cpu_s_per_million", "rss_mib")}
        self.add(name, targets, {**figures, **more})

    def add(self, name, targets, figures):
        missed = [k for k, t in targets.items() if not holds(figures[k], t)]
        row = {"summary": name, **figures, "targets": {k: " ".join(map(str, t)) for k, t in targets.items()},
               "verdict": "missed: " + ", ".join(WORDS[m] for m in missed) if missed else "met"}
        say(row)
        self.rows.append(row)

    def skip(self, name, what, why):
        say({"summary": name, what: why})
        self.rows.append({"summary": name, "verdict": f"{what}: {why.splitlines()[0][:200]}"})

    def attempt(self, name, row, *more):
        """A row that cannot be measured does not take the others with it."""
        if self.args.only and self.args.only not in name:
            return
        try:
            row(name, *more)
        except Failure as e:
            self.skip(name, "error", str(e))

    def against_loop(self, name, case, targets):
        self.pairs(name, targets, lambda pair: self.once(Loop, case),
                   lambda pair: self.once(Router, case, self.recorded(name, pair)))

    def exactly_once(self, name):
        once = Case(delivery="exactly_once")
        try:
            for _ in range(WARM_TRANSACTIONS):
                self.once(Router, once)
            self.pairs(name, {"events_ratio": (">=", 0.80)}, lambda pair: self.once(Router, Case()),
                       lambda pair: self.once(Router, once, self.recorded(name, pair)))
        except Refused as e:
            self.skip(name, "skipped", "this Veltrix does not take it: " + str(e).partition("error: ")[2])

    def releases(self, name):
        made = []

        def once(pair):
            return self.once(Router, Case(releases=READY), lambda router: made.append(Releases(router)) or made[-1])

        self.pairs(name, {"events_ratio": (">=", 0.97), "pause_ms": ("<=", 1.0)}, lambda pair: self.once(Router, Case()), once,
                   lambda: {"pause_ms": percentile([w for m in made for w in m.waits_ms])})

    def pause(self, name):
        """At a steady rate: how long partitions stood still for each release; and, as a reader of the outputs sees it, the worst
        event of a second with and without releases, which holds the linger and all that the machine does besides."""
        worst, made = {}, []
        for who, case in (("without", Case()), ("with", Case(releases=READY))):
            around = (lambda router: made.append(Releases(router)) or made[-1]) if case.releases else None
            with Topics(3) as topics:
                seen = steady(Router(), case, topics, PAUSE_RATE, self.args.pause_seconds, around)
            worst[who] = percentile(seen["worst_ms"])
            say({"row": name, "releases": who, **seen})
        self.add(name, {"pause_ms": ("<=", 1.0)}, {"pause_ms": percentile(made[0].waits_ms), "worst_p99_ms": worst})


def cell(row, key):
    sides = [row.get(side, {}).get(key) for side in ("reference", "router")]
    return " : ".join(f"{s:,.0f}" if s >= 100 else f"{s:.2f}" for s in sides) if None not in sides else ""


def table(rows):
    lines = ["| reference : router | events/s | ratio | CPU s per million | ratio | peak MiB | target | |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        name = row["summary"]
        if "pause_ms" in row:
            name += f"; pause {row['pause_ms']:.3f} ms"
        if "worst_p99_ms" in row:
            name += "; worst event of a second {without:.0f} ms without, {with:.0f} with".format(**row["worst_p99_ms"])
        target = "; ".join(f"{WORDS[k]} {t}".replace("<=", "≤").replace(">=", "≥") for k, t in row.get("targets", {}).items())
        lines.append(f"| {name} | {cell(row, 'events_per_s')} | {row.get('events_ratio', '')} | {cell(row, 'cpu_s_per_million')} | "
                     f"{row.get('cpu_ratio', '')} | {cell(row, 'rss_mib')} | {target} | {row['verdict'].replace('|', '/')} |")
    return "\n".join(lines)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench flow")
    parser.add_argument("--pairs", type=int, help="counted pairs a row; 5 unless told")
    parser.add_argument("--events", type=int, help="of each size; unless told 4,000,000 of 200 B, 1,500,000 of 1 KB, 400,000 of 4 KB")
    parser.add_argument("--quick", action="store_true", help="one pair, 300,000 events: to see that it works")
    parser.add_argument("--only", help="rows whose name holds this text")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    parser.add_argument("--perf", action="store_true", help="a perf record of each run of the router, in build/bench")
    case = parser.add_argument_group("a case of your own; several values of an option: each with each")
    case.add_argument("--size", type=int, nargs="+")
    case.add_argument("--provenance", choices=["header", "none"], nargs="+")
    case.add_argument("--partitions", type=int, nargs="+", help="of each of the 8 topics")
    case.add_argument("--routing", choices=["json", "key"], nargs="+")
    case.add_argument("--rules", type=int, nargs="+")
    case.add_argument("--workers", type=int, nargs="+", help="0: as many as the router starts unless told")
    case.add_argument("--kafka", nargs="+", default=[], metavar="PROPERTY=VALUE", help="of the router's section `kafka`")
    args = parser.parse_args()
    args.pairs = args.pairs or (1 if args.quick else 5)
    args.events = args.events or (300000 if args.quick else None)
    args.pause_seconds = 10 if args.quick else PAUSE_S
    return args


def cases(args):
    given = (args.size, args.provenance, args.partitions, args.routing, args.rules, args.workers)
    kafka = "".join('\n  {} = "{}"'.format(*p.split("=", 1)) for p in args.kafka)
    if not any(given) and not kafka:
        return None
    fallback = ([1024], ["header"], [3], ["json"], [100], [0])
    made = []
    for size, provenance, partitions, routing, count, workers in itertools.product(*(g or f for g, f in zip(given, fallback))):
        case = Case(size, "plain" if provenance == "none" else "header", partitions, routing, count, workers, kafka=kafka)
        targets = {**BASE, "cpu_ratio": ("<=", 1.08)} if routing == "key" else BASE
        made.append((f"{case.name()}, {workers or 'default'} workers", case, targets))
    return made


def main():
    args = parse()
    bench = Bench(args)
    own = cases(args)
    for name, case, targets in own or TABLE:
        bench.attempt(name, bench.against_loop, case, targets)
    if not own:
        bench.attempt("exactly_once against at_least_once", bench.exactly_once)
        bench.attempt("a release of 100 rules every second against none", bench.releases)
        bench.attempt(f"a release every second at {PAUSE_RATE:,} events/s", bench.pause)
    text = table(bench.rows)
    print(text, file=sys.stderr)
    if args.readme:
        write_readme("flow", f"{machine()}; medians of {args.pairs} pairs.\n\n{text}")
    sys.exit(any(r["verdict"].startswith(("missed", "error")) for r in bench.rows))


main()
