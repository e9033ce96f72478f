#!/usr/bin/env python3
"""Bounds of the smallest legal size, which hold, and several producers: slower, and nothing lost, doubled or out of
order."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import raw

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
  - name: chat
    when: event.type == "chat"
    pipeline: keyless
otherwise: { pipeline: archive }
---
kind: processing
name: shop
dead_letter: @dlq
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: keyless
stages: [remove: [key], emit: { topic: @keyless }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


def start(kafka="", extra="", shop="4"):
    fleet = Fleet()
    fleet.create_topics(**{"in": 6, "shop": shop, "archive": 12, "keyless": 5, "dlq": 1})
    fleet.start_configsvc()
    fleet.start_router("r1", kafka=kafka, extra=extra)
    fleet.apply(fleet.write_config("c0", CONFIG))
    fleet.wait_ready(fleet.routers["r1"])
    return fleet


def finish(fleet, count, **options):
    fleet.drained("in", timeout_s=120)
    verdict = fleet.verify("in", **options)
    expect(verdict["events"] == count, f"{verdict['events']} events of {count}")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.close()
    return verdict


def one_at_a_time(extra):
    """Of each partition no more than one event is in the router, whenever one looks."""
    fleet = start(extra=extra)
    feed = fleet.feed_in_background("in", 2000)
    counters, most = {}, 0
    while feed.process.poll() is None or counters["in"] < 2000:
        status = json.loads(http(fleet.routers["r1"].admin + "/status")[1])
        counters, most = status["counters"], max(most, *(p["window_events"] for p in status["assignments"]))
    expect(most == 1, f"{most} events of a partition at once")
    finish(fleet, 2000)


def test_a_window_of_one_event():
    one_at_a_time("window_events = 1")


def test_a_window_of_one_byte_takes_an_event_at_a_time():
    one_at_a_time("window_bytes = 1")


def test_a_producer_queue_of_four_records():
    fleet = start(kafka='queue.buffering.max.messages = "4"')
    finish(fleet, fleet.feed("in", 2000))


def test_a_producer_queue_of_one_kilobyte_and_larger_events():
    fleet = start(kafka='queue.buffering.max.kbytes = "1"')
    finish(fleet, fleet.feed("in", 1000, size=900))


def test_the_smallest_prefetch():
    fleet = start(kafka='queued.min.messages = "1"\n  queued.max.messages.kbytes = "1"')
    finish(fleet, fleet.feed("in", 3000))


def test_four_producers_keep_order_over_releases_and_restarts():
    fleet = start(extra="producers = 4")
    feed = fleet.feed_in_background("in", 60000, rate=6000, size=300)
    for n in range(1, 4):
        fleet.apply(fleet.write_config(f"c{n}", CONFIG.replace("purchase", ["move", "purchase"][n % 2])))
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    finish(fleet, 60000)


def test_a_refused_batch_of_one_of_four_producers():
    fleet = start(extra="producers = 4", shop="4:max.message.bytes=2000")
    first = fleet.feed("in", 2000, size=300)
    first = fleet.feed("in", 20, first=first, size=4000)
    verdict = finish(fleet, fleet.feed("in", 5000, first=first, size=300), refused=True, duplicates=True)
    expect(verdict["dead_letters"] > 0, f"{verdict}")


main()
