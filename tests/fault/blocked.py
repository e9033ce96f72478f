#!/usr/bin/env python3
"""A destination that blocks stops the partitions that feed it and no other: one that is missing, and one whose broker is
frozen while more is due to it than the producer's queue holds. Both are fed by partitions of one worker."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin

CONFIG = """
kind: routing
name: slow
topics: [@in]
otherwise: { pipeline: slow }
---
kind: routing
name: side
topics: [@side]
otherwise: { pipeline: shop }
---
kind: processing
name: slow
stages: [emit: { topic: @slow }]
---
kind: processing
name: shop
stages: [emit: { topic: @shop }]
"""
EVENTS = 20000  # of the neighbour


def start(kafka=None, lines="", replicas=1, **topics):
    fleet = Fleet(kafka=kafka)
    fleet.create_topics(replicas=replicas, **{"in": 4, "side": 4, "shop": 2})
    if topics:
        fleet.create_topics(**topics)
    fleet.start_configsvc()
    fleet.start_router("r1", workers=1, kafka=lines, extra='drain_timeout = "2s"')
    fleet.apply(fleet.write_config("c", CONFIG))
    fleet.wait_ready(fleet.routers["r1"])
    return fleet


def lag(fleet, topic):
    """Events that are not committed, as the router says."""
    assignments = json.loads(http(fleet.routers["r1"].admin + "/status")[1])["assignments"]
    return sum(p["lag"] for p in assignments if p["topic"] == fleet.topic(topic))


def finish(fleet, blocked):
    """What was held up goes on, and all of it was only held up."""
    fleet.drained("in", "side")
    verdict = fleet.verify("in", "side", duplicates=True)  # a frozen coordinator takes partitions away
    expect(verdict["events"] == blocked + EVENTS, f"{verdict}")
    for router in fleet.routers.values():
        expect(router.stop() == 0, "left in order")
    fleet.close()


def test_a_missing_destination_stops_nobody_else():
    fleet = start()
    fleet.feed("in", 3000)
    fleet.routers["r1"].wait_log("event=partition.held")
    fleet.feed("side", EVENTS, first=3000)
    fleet.drained("side", timeout_s=60)
    expect(lag(fleet, "in") == 3000, f"{lag(fleet, 'in')} events of the held topic wait")
    fleet.create_topics(slow=1)
    finish(fleet, 3000)


def frozen(lines, then=lambda fleet: None):
    """The broker of one destination answers nobody, in the middle of its work; the others take over what else it led."""
    count = 60000
    broker = admin.Broker(f"blocked{random.randrange(1000)}-", "--brokers", "3", "--set", "min.insync.replicas=2")
    fleet = start(broker.bootstrap, lines, replicas=3, slow="1:min.insync.replicas=1")
    router = fleet.routers["r1"]
    node = admin.leader(broker.bootstrap, fleet.topic("slow"))
    feed = fleet.feed_in_background("in", count, rate=5000)
    wait_until("events flow", lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"] > 3000)
    broker.node(node, "pause")
    try:
        fleet.feed("side", EVENTS, first=count)
        fleet.drained("side", timeout_s=60)
        expect(lag(fleet, "in") > 0, "nothing was held up: this proves nothing")
        print(f"# {lag(fleet, 'in')} events were held up")
        then(fleet)
    finally:
        broker.node(node, "resume")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    finish(fleet, count)
    broker.stop()


def test_a_frozen_broker_stops_nobody_who_does_not_feed_it():
    frozen("")


def test_a_frozen_broker_stops_nobody_else_when_the_producer_cannot_hold_what_is_due_to_it():
    frozen('queue.buffering.max.messages = "2000"')


def another_joins(fleet):
    """A partition that cannot be drained is given up after drain_timeout: it holds up nobody's rebalance."""
    other = fleet.start_router("r2", workers=1)
    wait_until("it has partitions", lambda: "event=partition.assigned" in other.log(), 60)
    expect("event=partition.undrained" in fleet.routers["r1"].log(), "all were drained: this proves nothing")


def test_a_partition_that_cannot_be_drained_is_given_up_after_its_time():
    frozen("", another_joins)


main()
