#!/usr/bin/env python3
"""The wall clock of a router is set forward and back by an hour, again and again, under load: nothing happens but other
times in its log. What it waits for it waits for by the monotonic clock; librdkafka, which does not everywhere, is woken
often enough."""
import struct, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

EVENTS, RATE = 150000, 5000
HOURS = [1, 0, -1, 0, -1, 1, -24, 24 * 365, 0]


def test_a_wall_clock_set_by_an_hour_changes_nothing():
    if game.sanitizer() == "tsan":
        raise Skip("the thread sanitizer's build has conditions of its own")
    fleet = Fleet()
    clock = fleet.dir / "clock"
    clock.write_bytes(struct.pack("q", 0))
    fleet.create_topics(**{"in": 8, "shop": 4, "archive": 8})
    fleet.start_configsvc()
    env = {"LD_PRELOAD": str(BIN / "tests/wall_clock.so"), "VELTRIX_TEST_CLOCK": str(clock),
           "ASAN_OPTIONS": "verify_asan_link_order=0"}
    router = fleet.start_router("r1", env=env)
    fleet.start_router("r2")
    fleet.apply(fleet.write_config("c0", game.config(1000)))
    for r in fleet.routers.values():
        fleet.wait_ready(r)
    wait_until("each has its half", lambda: all(partitions(r) == 4 for r in fleet.routers.values()))
    since = len(router.log())
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=300)
    for i, hours in enumerate(HOURS):
        with clock.open("r+b") as f:
            f.write(struct.pack("q", hours * 3600))
        game.pause(random.uniform(1, 4))
        fleet.apply(fleet.write_config(f"c{i + 1}", game.config(100 * i)))
    game.finish(fleet, feed, EVENTS)
    log = router.log()[since:]
    odd = [line for line in log.splitlines() if "event=release.adopted" not in line]
    expect(not odd, "\n".join(odd))
    years = {line[3:7] for line in log.splitlines()}
    expect(len(years) == 2, f"the clock was not set: {years}")
    for r in fleet.routers.values():
        expect(r.stop() == 0 and "clean=true" in r.log(), f"left in order\n{r.log()[-2000:]}")
    fleet.close()


def partitions(router):
    return json.loads(http(router.admin + "/status")[1])["partitions"]


main()
