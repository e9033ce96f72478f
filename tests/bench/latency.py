#!/usr/bin/env python3
"""Produce time -> read by a consumer, through the router and through others, at a steady rate. Run by scripts/bench latency.

1 KB events, 100 rules on three fields, 8 topics of 3 and of 12 partitions, 5,000 and 20,000 events/s. Contenders: `direct` (into
the outputs, no router), `loop` (the bare librdkafka loop, tuned), `router`, `plain` (the Java client of peers/plain). In a
setting each is measured once a round, each round beginning with another one. Before the rounds the loop is tuned: each of
VARIANTS once, the one with the least p99 + p50 is its own in all rounds. Before all that the broker is warmed: until its
compiler is done, its slowest 1 % are three times as slow.
"""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
from contenders import *

VARIANTS = [[], ["-p", "2"], ["-p", "4"], ["-p", "8"], ["-X", "producer.linger.ms=1"], ["-p", "4", "-X", "producer.linger.ms=1"],
            ["-p", "8", "-X", "producer.linger.ms=1"]]
WARM_S = 150
LOOP_MORE_MS = 1.0  # what the router may add to the loop's
PLAIN_96 = 1.5


class Bench:
    def __init__(self, args):
        self.args, self.rows = args, []

    def once(self, make, partitions, rate, **more):
        case = Case(partitions=partitions)
        with Topics(partitions) as topics:
            row = {"partitions": OUTS * partitions, **more, **steady(make(), case, topics, rate, self.args.seconds)}
        say(row)
        return row

    def warm(self, seconds):
        print(f"latency: the broker is warmed for {seconds} s", file=sys.stderr)
        with Topics(3) as topics:
            steady(Router(), Case(partitions=3), topics, 20000, seconds)

    def tuned(self, partitions, rate):
        if self.args.loop is not None:
            return self.args.loop.split()
        tried = []
        for variant in VARIANTS:
            try:
                seen = self.once(lambda v=variant: Loop(v), partitions, rate, tuning=" ".join(variant) or "as the router")
                tried.append((seen["p99_ms"] + seen["p50_ms"], variant))
            except Failure as e:  # it cannot keep up: no tuning to choose
                say({"tuning": " ".join(variant), "error": str(e)[:300]})
        expect(tried, "the loop keeps up with no setting")
        return min(tried)[1]

    def setting(self, partitions, rate):
        loop = self.tuned(partitions, rate) if "loop" in self.args.only else []
        makers = {"direct": lambda: None, "loop": lambda: Loop(loop), "router": Router, "plain": Plain}
        names = [n for n in makers if n in self.args.only]
        found = {n: [] for n in names}
        for number in range(self.args.rounds):
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                found[name].append(self.once(makers[name], partitions, rate, round=number))
        figures = {n: {k: round(median(rows, k), 3) for k in ("p50_ms", "p99_ms")} for n, rows in found.items()}
        row = {"summary": f"{rate:,} ev/s over {OUTS * partitions} partitions", **figures, "loop_settings": " ".join(loop)}
        row.update(self.verdict(figures, partitions))
        say(row)
        self.rows.append(row)

    def verdict(self, figures, partitions):
        """24 partitions: p50 and p99 at most plain's and the loop's + 1 ms; more: p99 at most 1.5 times plain's."""
        router, missed, judged = figures.get("router"), [], False
        for name in ("plain", "loop"):
            for key in ("p50_ms", "p99_ms"):
                if not router or name not in figures or (partitions > 3 and (name, key) != ("plain", "p99_ms")):
                    continue
                limit = figures[name][key] + LOOP_MORE_MS if name == "loop" else figures[name][key] * (1 if partitions <= 3 else PLAIN_96)
                judged = True
                if router[key] > limit:
                    missed.append(f"{key[:3]} {router[key]} > {limit:.2f} ({name})")
        return {"verdict": ("missed: " + ", ".join(missed) if missed else "met") if judged else ""}


def table(rows, names):
    titles = {"direct": "no router", "loop": "bare loop, tuned", "router": "Veltrix", "plain": "Java client with Jackson"}
    lines = ["| p50 / p99, ms | " + " | ".join(titles[n] for n in names) + " | |", "|---" * (len(names) + 2) + "|"]
    for row in rows:
        cells = [f"{row[n]['p50_ms']:.1f} / {row[n]['p99_ms']:.1f}" if n in row else "" for n in names]
        lines.append(f"| {row['summary']} | {' | '.join(cells)} | {row['verdict'].splitlines()[0].replace('|', '/') if row['verdict'] else ''} |")
    return "\n".join(lines)


def parse():
    everyone = ["direct", "loop", "router", "plain"]
    parser = argparse.ArgumentParser(prog="scripts/bench latency")
    parser.add_argument("--rounds", type=int, help="3 unless told")
    parser.add_argument("--seconds", type=int, help="measured, each; 20 unless told")
    parser.add_argument("--rate", type=int, nargs="+", default=[5000, 20000], help="events/s")
    parser.add_argument("--partitions", type=int, nargs="+", default=[3, 12], help="of each of the 8 topics")
    parser.add_argument("--only", nargs="+", choices=everyone, default=everyone)
    parser.add_argument("--loop", metavar="WORDS", help="the loop's settings (bench_loop), instead of tuning it")
    parser.add_argument("--quick", action="store_true", help="one round of 5 s, the loop as the router: to see that it works")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 3)
    args.seconds = args.seconds or (5 if args.quick else 20)
    args.loop = "" if args.quick and args.loop is None else args.loop
    args.only = [n for n in everyone if n in args.only]
    return args


def main():
    args = parse()
    if "plain" in args.only:
        Plain.installed(Plain)  # before anything is measured
    bench = Bench(args)
    bench.warm(5 if args.quick else WARM_S)
    for partitions in args.partitions:
        for rate in args.rate:
            try:
                bench.setting(partitions, rate)
            except Failure as e:  # does not take the other settings with it
                bench.rows.append({"summary": f"{rate:,} ev/s over {OUTS * partitions} partitions", "verdict": f"error: {str(e)[:200]}"})
                say(bench.rows[-1])
    text = table(bench.rows, args.only)
    print(text, file=sys.stderr)
    if args.readme:
        write_readme("latency", f"{machine()}; events of 1 KB, {args.seconds} s each, medians of {args.rounds} rounds.\n\n{text}")
    sys.exit(any(r["verdict"].startswith(("missed", "error")) for r in bench.rows))


main()
