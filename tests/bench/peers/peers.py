#!/usr/bin/env python3
"""The router beside others that do the same job on the same topics. Run by scripts/bench peers.

1 KB JSON events, 12 partitions in, 8 topics of 3 partitions out, 100 first-match rules on three fields, at least once, the same
header added by all that can. Rounds: all contenders in turn, each round from another one on; medians over the rounds. Each
one's outputs are counted in the topics, topic by topic: all must be the same. Latency at a steady rate, as scripts/bench
latency measures it.
"""
from contenders import *

TARGETS = {"streams": ("1/2.5", 1 / 2.5), "plain": ("0.75", 0.75), "rsyslog": ("1/6", 1 / 6)}
TITLES = {"router": "Veltrix", "loop": "bare librdkafka loop (decides nothing)"}
SLOW_S = 1800


def throughput(make, args):
    with Topics(3) as topics:
        case = Case(size=args.size)
        contender = make()
        if not contender.warm_events:
            feed(topics.source, args.events, args.size)
        return measure(contender, case, topics, args.events, SLOW_S)


def latency(make, args):
    with Topics(3) as topics:
        return steady(make(), Case(size=args.size), topics, args.rate, args.seconds)


def rounds(what, once, makers, args, found):
    for number in range(args.rounds + (what == "throughput")):
        warm_up = what == "throughput" and number == 0
        shift = number % len(makers)
        for make in makers[shift:] + makers[:shift]:
            row = {"row": make.name, "what": what, "round": number, "warm_up": warm_up}
            try:
                row.update(once(make, args))
            except Failure as e:
                row["error"] = str(e)[:500]
            say(row)
            if not warm_up:
                found.setdefault(make.name, {}).setdefault(what, []).append(row)


def summary(makers, found):
    rows = []
    for make in makers:
        runs = found[make.name]
        good = {what: [r for r in runs[what] if "error" not in r] for what in runs}
        row = {"summary": make.name, "errors": sum("error" in r for what in runs for r in runs[what])}
        for key in ("events_per_s", "cpu_s_per_million", "rss_mib"):
            row[key] = median(good["throughput"], key) if good["throughput"] else None
        for key in ("p50_ms", "p99_ms"):
            row[key] = median(good["latency"], key) if good.get("latency") else None
        row["topics"] = good["throughput"][0]["topics"] if good["throughput"] else None
        rows.append(row)
    return rows


def judge(rows):
    """The router's CPU time against each peer's, and whether all made the same of the events."""
    router = next((r for r in rows if r["summary"] == "router"), None)
    for row in rows:
        name = row["summary"]
        if not router or name == "router" or not router["cpu_s_per_million"] or not row["cpu_s_per_million"]:
            continue
        row["cpu_ratio"] = round(router["cpu_s_per_million"] / row["cpu_s_per_million"], 3)
        if name in TARGETS:
            row["target"], limit = TARGETS[name]
            row["verdict"] = "met" if row["cpu_ratio"] <= limit else "missed"
        if name != "loop":
            row["same_job"] = share(row["topics"]) == share(router["topics"])
            if not row["same_job"]:
                row["verdict"] = "other outputs than the router's"
    for row in rows:
        say(row)


def share(topics):
    """Of each topic in percent: contenders that were warmed up made more of the same."""
    return [round(100 * t / sum(topics)) for t in topics]


def number(value):
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows, args):
    lines = [f"| same job | events/s | CPU s per million | peak MiB | p50 ms | p99 ms (at {args.rate:,} ev/s) | CPU: Veltrix / this | target | |",
             "|---|---|---|---|---|---|---|---|---|"]
    titles = {**TITLES, **{p.name: p.title for p in ALL}}
    for row in rows:
        cells = [number(row[k]) for k in ("events_per_s", "cpu_s_per_million", "rss_mib", "p50_ms", "p99_ms")]
        target = f"≤ {row['target']}" if "target" in row else ""
        verdict = row.get("verdict", "") + (f" ({row['errors']} runs failed)" if row["errors"] else "")
        lines.append(f"| {titles[row['summary']]} | {' | '.join(cells)} | {row.get('cpu_ratio', '')} | {target} | {verdict} |")
    return "\n".join(lines)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench peers")
    parser.add_argument("--rounds", type=int, help="3 unless told")
    parser.add_argument("--events", type=int, help="1,000,000 unless told")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rate", type=int, default=5000, help="of the latency")
    parser.add_argument("--seconds", type=int, help="of the latency, each; 20 unless told")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="router, loop, streams, plain, rsyslog, python")
    parser.add_argument("--quick", action="store_true", help="one round, 200,000 events, 5 s: to see that it works")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    args = parser.parse_args()
    args.rounds = args.rounds or (1 if args.quick else 3)
    args.events = args.events or (200000 if args.quick else 1000000)
    args.seconds = args.seconds or (5 if args.quick else 20)
    return args


def main():
    args = parse()
    makers = [m for m in [Router, Loop, *ALL] if not args.only or m.name in args.only]
    for make in makers:
        if issubclass(make, Peer):
            make.installed(make)  # before anything is measured
    found = {}
    rounds("throughput", throughput, makers, args, found)
    rounds("latency", latency, makers, args, found)
    rows = summary(makers, found)
    judge(rows)
    text = table(rows, args)
    print(text, file=sys.stderr)
    if args.readme:
        write_readme("peers", f"{machine()}; {args.events:,} events of {args.size:,} bytes, medians of {args.rounds} rounds.\n\n{text}")
    sys.exit(any(r.get("verdict", "met") != "met" or r["errors"] for r in rows))


main()
