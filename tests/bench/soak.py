#!/usr/bin/env python3
"""A router at full load with a release every ten seconds, for minutes or hours: is its memory flat? Run by scripts/bench soak.

A JSON line at each release, and at the end the slope of the second half, by least squares. What came out is not judged, the
topics keep only their end: the faults of tests/fault do that.
"""
import argparse, pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e/lib"))
from harness import *
import admin, game

RELEASE_S = 10
KEPT = "8:retention.bytes=67108864:segment.bytes=16777216"  # a few GiB of disk in all


def rss_mib(router):
    status = pathlib.Path(f"/proc/{router.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def slope(points):
    """Of a line through (x, y), by least squares."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / (sum((x - mean_x) ** 2 for x, _ in points) or 1)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=int, default=0, help="events a second; 0, the default: as fast as it goes")
    parser.add_argument("--size", type=int, default=1024, help="bytes of an event")
    args = parser.parse_args()
    broker = admin.Broker("soak", "--set", "log.retention.check.interval.ms=5000", "--set", "log.segment.delete.delay.ms=1000")
    fleet = Fleet(kafka=broker.bootstrap)
    fleet.create_topics(**{"in": KEPT, "shop": KEPT, "archive": KEPT})
    fleet.start_configsvc()
    router = fleet.start_router("r1")
    fleet.apply(fleet.write_config("c0", game.config()))
    fleet.wait_ready(router)
    fleet.feed_in_background("in", 1 << 40, size=args.size, **({"rate": args.rate} if args.rate else {}))
    start, points, release, before = time.monotonic(), [], 1, 0
    while (now_s := time.monotonic() - start) < args.minutes * 60:
        expect(router.process.poll() is None, f"the router ended\n{router.log()[-2000:]}")
        events = json.loads(http(router.admin + "/status")[1])["counters"]["in"]
        points.append((now_s, rss_mib(router)))
        print(json.dumps({"bench": "soak", "s": round(now_s), "rss_mib": round(points[-1][1], 1), "release": release,
                          "events_per_s": round((events - before) / RELEASE_S)}), flush=True)
        before, release = events, release + 1
        fleet.cli("apply", fleet.write_config("next", game.config(release % 1000)), "-m", "soak", check=0)
        game.pause(max(0.1, start + len(points) * RELEASE_S - time.monotonic()))
    half = points[len(points) // 2:]
    expect(router.stop() == 0, f"left in order\n{router.log()[-2000:]}")
    print(json.dumps({"bench": "soak", "minutes": args.minutes, "events": before, "releases": release,
                      "peak_mib": round(max(y for _, y in points), 1), "end_mib": round(points[-1][1], 1),
                      "slope_mib_per_hour": round(slope(half) * 3600, 2) if len(half) > 2 else None}))
    fleet.close()
    broker.stop()


main()
