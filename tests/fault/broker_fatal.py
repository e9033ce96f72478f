#!/usr/bin/env python3
"""What librdkafka does not recover from by itself: a twin that takes a static member's place, and brokers that have
forgotten what a producer wrote."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin

CONFIG = """
kind: routing
name: game
topics: [@in]
otherwise: { pipeline: archive }
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


def start_fleet(**options):
    fleet = Fleet()
    fleet.create_topics(**{"in": 4, "archive": 4})
    fleet.start_configsvc()
    fleet.start_router("r1", **options)
    fleet.apply(fleet.write_config("c", CONFIG))
    fleet.wait_ready(fleet.routers["r1"])
    return fleet


def test_a_twin_with_the_same_instance_id_turns_the_first_one_red_and_goes_on():
    fleet = start_fleet(extra='instance_id = "twin"')
    r1 = fleet.routers["r1"]
    feed = fleet.feed_in_background("in", 20000, rate=2000)
    wait_until("events flow", lambda: json.loads(http(r1.admin + "/status")[1])["counters"]["out"] > 500)
    r2 = fleet.start_router("r2", extra='instance_id = "twin"')
    r1.wait_log("event=consumer.failed code=FENCED_INSTANCE_ID", 60)
    status, text = http(r1.admin + "/healthz")
    expect(status == 503 and "start this router again" in text, f"{status} {text}")
    wait_until("it is not ready", lambda: http(r1.admin + "/readyz")[0] == 503)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    doubled = fleet.verify("in", duplicates=True)["duplicated"]
    expect(doubled < 6000, f"the first one went on: {doubled} doubled")
    expect(http(r2.admin + "/healthz")[0] == 200, "the twin is well")
    for router in (r1, r2):
        expect(router.stop() == 0, f"left\n{router.log()[-2000:]}")
    fleet.close()


def test_a_destination_emptied_under_the_producers_changes_nothing():
    fleet = start_fleet()
    feed = fleet.feed_in_background("in", 30000, rate=5000)
    out = lambda: json.loads(http(fleet.routers["r1"].admin + "/status")[1])["counters"]["out"]
    for wanted in (3000, 10000, 20000):
        wait_until("events flow", lambda: out() > wanted)
        for partition in range(4):
            admin.delete_records(fleet.kafka, fleet.topic("archive"), **{f"p{partition}": -1})
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    expect(out() == 30000, f"{out()} events of 30000")
    expect("event=producer.recreated" not in fleet.routers["r1"].log(), "a producer was lost")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.close()


main()
