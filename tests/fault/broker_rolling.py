#!/usr/bin/env python3
"""Three brokers under load: two are restarted in turn, one is killed, one is frozen past every session: nothing lost, in
order. Topics have three replicas, of which two must have a record."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin

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
FROZEN_S = 12  # longer than the brokers wait for each other, and than the routers' session


def test_three_brokers_restarted_killed_and_frozen_in_turn():
    broker = admin.Broker("three", "--brokers", "3", "--set", "min.insync.replicas=2")
    fleet = Fleet(kafka=broker.bootstrap)
    fleet.create_topics(replicas=3, **{"in": 6, "shop": 3, "archive": 6})
    fleet.start_configsvc()
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.apply(fleet.write_config("c", CONFIG))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    fed = 0

    def under_load(disturb):
        """Events come in while it is disturbed; all of them are routed before the next disturbance."""
        nonlocal fed
        feed = fleet.feed_in_background("in", 8000, first=fed, rate=1500, size=300)
        fed += 8000
        disturb()
        wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
        expect(feed.process.returncode == 0, feed.log())
        fleet.drained("in")

    def restart(node, how):
        broker.node(node, how)
        broker.node(node, "start")

    def freeze(node):
        broker.node(node, "pause")
        end = time.monotonic() + FROZEN_S
        wait_until("the pause is over", lambda: time.monotonic() > end)
        broker.node(node, "resume")

    under_load(lambda: restart(1, "term"))
    under_load(lambda: restart(2, "term"))
    under_load(lambda: restart(3, "kill"))
    under_load(lambda: freeze(random.choice((1, 2, 3))))
    verdict = fleet.verify("in", duplicates=True)
    expect(verdict["events"] >= fed, f"{verdict['events']} events of {fed}")
    for router in fleet.routers.values():
        expect(router.stop() == 0 and "clean=true" in router.log(), f"left in order\n{router.log()[-2000:]}")
    fleet.close()
    broker.stop()


main(needs_kafka=False)
