#!/usr/bin/env python3
"""Topic patterns against real Kafka: an exact name beats a pattern, dead letters are never taken, of two patterns the
first routing by name wins and that is reported, and a topic that is new is picked up without disturbing the others."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

CONFIG = """
kind: routing
name: alpha
topics: ["^@player\\\\..*"]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
otherwise: { pipeline: archive }
dead_letter: @player.dlq
---
kind: routing
name: beta
topics: [@player.exact, "^@player\\\\.b"]
otherwise: { pipeline: shop }
---
kind: processing
name: shop
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""
QUICK = 'topic.metadata.refresh.interval.ms = "1000"'


def assigned(fleet, router, topic):
    return router.log().count(f"event=partition.assigned topic={fleet.topic(topic)} ")


def test_patterns_are_resolved_and_new_topics_are_picked_up():
    fleet = Fleet()
    fleet.create_topics(**{"player.a": 2, "player.b": 2, "player.exact": 2, "player.dlq": 1, "other": 1, "shop": 2, "archive": 2})
    fleet.start_configsvc()
    router = fleet.start_router("r1", kafka=QUICK)
    fleet.apply(fleet.write_config("c0", CONFIG))
    fleet.wait_ready(router)
    for topic in ("player.a", "player.b", "player.exact"):
        wait_until(f"{topic} assigned", lambda: assigned(fleet, router, topic) == 2, 60)
    expect(f"event=topic.contested topic={fleet.topic('player.b')} routing=alpha other=beta" in router.log(), "both patterns take player.b")
    feed = fleet.feed_in_background("player.a", 20000, rate=2000)
    fed = fleet.feed("player.b", 3000, first=100000)
    fed = fleet.feed("player.exact", 3000, first=fed)
    fleet.create_topics(**{"player.c": 2, "player.d.x": 1})
    fed = fleet.feed("player.c", 3000, first=fed)
    fleet.feed("player.d.x", 3000, first=fed)
    wait_until("the new topics are assigned", lambda: assigned(fleet, router, "player.c") == 2 and assigned(fleet, router, "player.d.x") == 1)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    sources = ("player.a", "player.b", "player.exact", "player.c", "player.d.x")
    fleet.drained(*sources)
    fleet.verify(*sources)
    log = router.log()
    expect("event=partition.revoked" not in log, "a new topic disturbed the others")
    for topic in ("player.dlq", "other", "shop", "archive"):
        expect(assigned(fleet, router, topic) == 0, f"{topic} is read")
    changes = log.count("event=subscription.changed")

    fleet.apply(fleet.write_config("c1", CONFIG.replace("purchase", "chat")))
    router.wait_log("event=release.adopted release=2 was=1")
    fleet.feed("player.a", 1000, first=200000)
    fleet.drained("player.a")
    expect(router.log().count("event=subscription.changed") == changes, "the same topics, yet the subscription changed")
    fleet.apply(fleet.write_config("c2", CONFIG.replace('"^@player\\\\..*"', "@player.a")))
    wait_until("player.c is given back", lambda: f"event=partition.revoked topic={fleet.topic('player.c')} " in router.log())
    expect(router.stop() == 0, "left in order")
    fleet.close()


main()
