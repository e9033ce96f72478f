#!/usr/bin/env python3
"""A router killed with SIGKILL at random times, five times, under load: nothing lost, nothing out of order."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
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
COUNT = 300000


def test_a_router_killed_five_times_loses_nothing():
    fleet = Fleet()
    fleet.create_topics(**{"in": 8, "shop": 4, "archive": 8})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.start_router("r2")
    fleet.apply(fleet.write_config("c", CONFIG))
    feed = fleet.feed_in_background("in", COUNT, rate=COUNT // 40, size=300)
    for _ in range(5):
        victim = fleet.routers[random.choice(["r1", "r2"])]
        fleet.wait_ready(victim)
        deadline = time.monotonic() + random.uniform(0.2, 3)
        wait_until("the moment drawn", lambda: time.monotonic() > deadline)
        victim.kill()
        victim.start()
        victim.wait_log("event=router.started")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 300)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained("in", timeout_s=180)
    verdict = fleet.verify("in", duplicates=True)
    expect(verdict["events"] == COUNT, f"{verdict['events']} events of {COUNT}")
    fleet.close()


main()
