#!/usr/bin/env python3
"""Throughput of the router against a bare librdkafka loop, pair by pair on the same topics. Run by scripts/bench flow.

Input: 1 KB game events in 12 partitions, the same for both. Output: 8 topics of 12 partitions. The router has 100 rules on
three fields. Both start with everything waiting and are timed from their first event to the last acknowledgement; CPU is the
process's own. A first pair warms the broker and is not counted.
"""
import argparse, statistics, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

OUTS = [f"out{i}" for i in range(8)]


def config(provenance):
    types, regions = ["move", "puzzle", "purchase", "chat"], ["eu-west", "eu-north", "us-east", "ap-south"]
    rules = "".join(
        f"  - name: rule-{i}\n    when: event.type == \"{types[i % 4]}\" && event.region == \"{regions[i // 4 % 4]}\" && "
        f"event.amount >= {2000 - i * 20}\n    pipeline: p{i % 8}\n" for i in range(100))
    pipelines = "".join(f"---\nkind: processing\nname: p{i}\nstages: [emit: {{ topic: @out{i} }}]\n" for i in range(8))
    return (f"kind: fleet\nname: bench\nprovenance: {provenance}\n---\nkind: routing\nname: bench\ntopics: [@in]\nrules:\n{rules}"
            f"otherwise: {{ pipeline: p0 }}\n{pipelines}")


def metric(router, name):
    status, text = http(router.admin + "/metrics")
    return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if l.startswith(name)) if status == 200 else 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    return next(int(l.split()[1]) for l in open(f"/proc/{pid}/status") if l.startswith("VmHWM")) / 1024


def run_router(fleet, count, run_number):
    """A router of a consumer group that has read nothing yet: the fleet's name is the group, so each run is a new fleet."""
    router = fleet.start_router(f"r{run_number}", workers=2)
    start = wait_until("first event", lambda: metric(router, "veltrix_events_total") > 0 and time.monotonic(), 60)
    wait_until("last event", lambda: metric(router, "veltrix_events_total") >= count and metric(router, "veltrix_window_events") == 0, 120)
    seconds = time.monotonic() - start
    cpu, rss = cpu_seconds(router.process.pid), peak_mib(router.process.pid)
    expect(router.stop() == 0, "the router left in order")
    return {"who": "router", "events": count, "seconds": round(seconds, 3), "events_per_s": round(count / seconds),
            "cpu_s_per_million": round(cpu * 1e6 / count, 3), "rss_mib": round(rss, 1)}


def main_bench():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--provenance", choices=["header", "none"], default="header")
    a = parser.parse_args()
    form = "header" if a.provenance == "header" else "plain"
    feeder = Fleet()
    feeder.create_topics(**{"in": 12}, **{o: 12 for o in OUTS})
    feeder.feed("in", a.events, size=a.size, keys=100000)
    ratios = []
    for pair in range(a.pairs + 1):
        loop = json.loads(run(BIN / "bench_loop", KAFKA, f"{feeder.name}-loop{pair}", feeder.topic("in"), a.events, form,
                              *[feeder.topic(o) for o in OUTS], check=0, timeout_s=600).stdout)
        fleet = Fleet()
        fleet.start_configsvc()
        folder = fleet.dir / "c"
        folder.mkdir()
        (folder / "fleet.yaml").write_text(config(a.provenance).replace("@", feeder.name + ".").replace("name: bench\nprov", f"name: {fleet.name}\nprov"))
        fleet.cli("apply", folder, "-m", "bench", check=0)
        router = run_router(fleet, a.events, pair)
        fleet.close()
        row = {"pair": pair, "warm_up": pair == 0, "size": a.size, "provenance": a.provenance, "loop": loop, "router": router,
               "throughput_ratio": round(router["events_per_s"] / loop["events_per_s"], 3),
               "cpu_ratio": round(router["cpu_s_per_million"] / loop["cpu_s_per_million"], 3)}
        print(json.dumps(row), flush=True)
        if pair:
            ratios.append(row)
    print(json.dumps({"summary": "flow", "size": a.size, "provenance": a.provenance, "pairs": a.pairs,
                      "throughput_ratio_median": statistics.median(r["throughput_ratio"] for r in ratios),
                      "cpu_ratio_median": statistics.median(r["cpu_ratio"] for r in ratios),
                      "router_events_per_s_median": statistics.median(r["router"]["events_per_s"] for r in ratios),
                      "router_cpu_s_per_million_median": statistics.median(r["router"]["cpu_s_per_million"] for r in ratios),
                      "router_rss_mib_max": max(r["router"]["rss_mib"] for r in ratios)}))


main_bench()
