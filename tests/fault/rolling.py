#!/usr/bin/env python3
"""Routers leave and come back under load, one after another, while releases change: nothing lost, in order, and nothing
doubled, because each of them leaves in order; a router that is stopped past its session loses nothing either."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase" && event.amount >= LIMIT
    pipelines: [shop, archive]
otherwise: { pipeline: archive }
---
kind: processing
name: shop
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


def start_fleet():
    fleet = Fleet()
    fleet.create_topics(**{"in": 8, "shop": 4, "archive": 8})
    fleet.start_configsvc()
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.apply(fleet.write_config("c0", CONFIG.replace("LIMIT", "1000")))
    return fleet


def test_routers_that_leave_in_order_double_nothing_while_neighbours_join_and_releases_change():
    fleet = start_fleet()
    feed = fleet.feed_in_background("in", 120000, rate=7000, size=300)
    for i in range(1, 9):
        router = fleet.routers[random.choice(["r1", "r2"])]
        expect(router.stop() == 0, f"left in order\n{router.log()[-2000:]}")
        expect("clean=true" in router.log(), f"drained\n{router.log()[-2000:]}")
        router.start()
        fleet.apply(fleet.write_config(f"c{i}", CONFIG.replace("LIMIT", str(200 * i))), wait=False)
        pause = time.monotonic() + random.uniform(0, 2)
        wait_until("the moment drawn", lambda: time.monotonic() > pause)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 100)
    fleet.drained("in")
    fleet.verify("in")
    fleet.close()


def test_a_router_stopped_past_its_session_and_continued_loses_nothing():
    fleet = start_fleet()
    feed = fleet.feed_in_background("in", 80000, rate=5000, size=300)
    router, other = fleet.routers["r1"], fleet.routers["r2"]
    fleet.wait_ready(router)
    fleet.wait_ready(other)
    seen = other.log().count("event=partition.assigned")
    wait_until("events flow", lambda: "veltrix_events_total" in http(router.admin + "/metrics")[1])
    router.signal(signal.SIGSTOP)
    wait_until("its partitions are its neighbour's", lambda: other.log().count("event=partition.assigned") > seen, 60)
    router.signal(signal.SIGCONT)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 100)
    fleet.drained("in")
    fleet.verify("in", duplicates=True)
    fleet.close()


main()
