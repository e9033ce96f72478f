#!/usr/bin/env python3
"""Partitions are spread over a router's workers: what comes goes to the one that has fewest, and where all that one worker had
went, it is given some of the others. Topics go and come back under load, with either delivery, nothing lost, doubled or out
of order."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

TOPICS = ("a", "b", "c", "d", "e", "f")


def config(topics, delivery):
    return f"""
kind: routing
name: game
topics: [{", ".join("@" + t for t in topics)}]
delivery: {delivery}
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
otherwise: {{ pipeline: archive }}
---
kind: processing
name: shop
stages: [set: {{ event.seen: true }}, emit: {{ topic: @shop }}]
---
kind: processing
name: archive
stages: [emit: {{ topic: @archive }}]
"""


def spread(fleet, router):
    """Which worker has each partition, as the log tells: {(topic, partition): worker}."""
    has = {}
    for what, topic, partition, worker in re.findall(
            r"event=partition\.(assigned|revoked|moved) topic=(\S+) partition=(\d+) (?:.* (?:worker|to)=(\d+))?", router.log()):
        if what == "revoked":
            has.pop((topic, partition), None)
        else:
            has[topic, partition] = int(worker)
    return has


def loads(fleet, router):
    workers = list(spread(fleet, router).values())
    return [workers.count(0), workers.count(1)]


def uneven(delivery):
    fleet = Fleet()
    fleet.create_topics(**{t: 1 for t in TOPICS}, shop=2, archive=4)
    fleet.start_configsvc()
    router = fleet.start_router("r1")
    fleet.apply(fleet.write_config("c0", config(TOPICS, delivery)))
    wait_until("all are assigned", lambda: len(spread(fleet, router)) == 6)
    expect(loads(fleet, router) == [3, 3], f"{spread(fleet, router)}")
    feeds = [fleet.feed_in_background(t, 30000, first=i * 30000, rate=2000) for i, t in enumerate(TOPICS)]
    routed = lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"]
    wait_until("events flow", lambda: routed() > 5000)
    # all that one worker has go
    stay = [t for t in TOPICS if spread(fleet, router)[fleet.topic(t), "0"] == 0]
    fleet.apply(fleet.write_config("c1", config(stay, delivery)))
    wait_until("the others are gone", lambda: len(spread(fleet, router)) == 3)
    moved = lambda: re.findall(r"event=partition\.moved .* from=(\d) to=(\d) ", router.log())
    wait_until("the worker without any has one", lambda: loads(fleet, router) == [2, 1])
    expect(moved() == [("0", "1")], f"{moved()}")
    before = routed()
    wait_until("events flow", lambda: routed() > before + 5000)
    fleet.apply(fleet.write_config("c2", config(TOPICS, delivery)))
    wait_until("all are back", lambda: len(spread(fleet, router)) == 6)
    expect(loads(fleet, router) == [3, 3], f"{spread(fleet, router)}")
    # and the same the other way round
    stay = [t for t in TOPICS if spread(fleet, router)[fleet.topic(t), "0"] == 1]
    fleet.apply(fleet.write_config("c3", config(stay, delivery)))
    wait_until("the worker without any has one again", lambda: loads(fleet, router) == [1, 2])
    fleet.apply(fleet.write_config("c4", config(TOPICS, delivery)))
    wait_until("all are back again", lambda: loads(fleet, router) == [3, 3])
    expect(moved() == [("0", "1"), ("1", "0")], f"{moved()}")
    wait_until("everything is fed", lambda: all(f.process.poll() is not None for f in feeds), 90)
    fleet.drained(*TOPICS)
    verdict = fleet.verify(*TOPICS)
    expect(verdict["events"] == 180000 and {"1", "2", "3"} <= set(verdict["releases"]), f"{verdict}")
    expect("event=partition.undrained" not in router.log(), "drained before it goes")
    expect(router.stop() == 0, "left in order")
    fleet.close()


def test_partitions_are_spread_over_workers():
    uneven("at_least_once")


def test_partitions_are_spread_with_transactions_too():
    uneven("exactly_once")


main()
