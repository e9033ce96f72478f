#!/usr/bin/env python3
"""Topics change under a running router: partitions are added, topics are deleted and made again, releases add and drop
topics; and where a topic without a committed offset begins."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import raw

QUICK = 'topic.metadata.refresh.interval.ms = "1000"'


def config(topics="@in", start="earliest", archive="archive"):
    return f"""
kind: routing
name: game
topics: [{topics}]
start: {start}
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
stages: [emit: {{ topic: @{archive} }}]
"""


def start_fleet(text, **topics):
    fleet = Fleet()
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2, **topics})
    fleet.start_configsvc()
    fleet.start_router("r1", kafka=QUICK)
    fleet.apply(fleet.write_config("c0", text))
    return fleet


def assigned(fleet, name):
    log = fleet.routers["r1"].log()
    return log.count(f"event=partition.assigned topic={fleet.topic(name)} ")


def wait_assigned(fleet, name, count):
    wait_until(f"{count} partitions of {name} assigned", lambda: assigned(fleet, name) >= count, 60)


def test_start_latest_is_fixed_at_the_first_assignment_not_found_again_after_a_restart():
    fleet = Fleet()
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2})
    fed = fleet.feed("in", 1000)
    fleet.start_configsvc()
    router = fleet.start_router("r1")
    fleet.apply(fleet.write_config("c0", config(start="latest")))
    wait_assigned(fleet, "in", 2)
    fleet.wait_ready(router)
    expect(router.stop() == 0, "left in order")
    fleet.feed("in", 500, first=fed)
    router.start()
    fleet.drained("in", timeout_s=40)
    records = raw.read(fleet.kafka, fleet.topic("archive"), 2)
    ids = sorted(int(dict(r.headers)["check-id"]) for r in records)
    expect(ids == list(range(fed, fed + 500)), f"{len(ids)} events came out, from {ids[:1]}, not {fed} to {fed + 499}")
    fleet.close()


def test_partitions_added_to_source_and_destination_while_running():
    fleet = start_fleet(config())
    feed = fleet.feed_in_background("in", 60000, rate=10000)
    wait_assigned(fleet, "in", 2)
    raw.add_partitions(fleet.kafka, fleet.topic("archive"), 5)
    raw.add_partitions(fleet.kafka, fleet.topic("in"), 6)
    wait_assigned(fleet, "in", 6)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.feed("in", 5000, first=60000)
    fleet.drained("in")
    fleet.verify("in")
    fleet.close()


def test_a_destination_deleted_and_made_again_under_load():
    fleet = start_fleet(config())
    feed = fleet.feed_in_background("in", 60000, rate=10000)
    wait_assigned(fleet, "in", 2)
    check_tool("delete", "--kafka", fleet.kafka, fleet.topic("shop"))
    fleet.routers["r1"].wait_log("event=partition.held", 30)
    fleet.create_topics(shop=3)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in", timeout_s=90)
    ids = [int(dict(r.headers)["check-id"]) for r in raw.read(fleet.kafka, fleet.topic("archive"), 2)]
    expect(set(ids) == set(range(60000)), f"{60000 - len(set(ids))} events did not reach the other destination")
    shop = [int(dict(r.headers)["check-id"]) for r in raw.read(fleet.kafka, fleet.topic("shop"), 3)]
    expect(shop and max(shop) > 59900, f"the new topic has {len(shop)} events")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.close()


def test_a_source_deleted_and_made_again_is_read_from_its_beginning():
    fleet = start_fleet(config())
    fleet.feed("in", 2000)
    fleet.drained("in")
    check_tool("delete", "--kafka", fleet.kafka, fleet.topic("in"))
    fleet.routers["r1"].wait_log("event=partition.revoked", 60)
    fleet.create_topics(**{"in": 2})
    fleet.feed("in", 5000, first=2000)
    wait_assigned(fleet, "in", 4)
    fleet.drained("in", timeout_s=90)
    ids = {int(dict(r.headers)["check-id"]) for r in raw.read(fleet.kafka, fleet.topic("archive"), 2)}
    expect(ids == set(range(7000)), f"{7000 - len(ids)} events are missing, first {min(set(range(7000)) - ids, default=None)}")
    fleet.close()


def test_releases_that_add_and_drop_topics_lose_nothing_and_others_cause_no_rebalance():
    fleet = start_fleet(config("@in, @extra"), extra=2, other=2)
    feeds = [fleet.feed_in_background(t, 40000, first=i * 40000, rate=8000) for i, t in enumerate(("in", "extra", "other"))]
    wait_assigned(fleet, "in", 2)
    router = fleet.routers["r1"]
    fleet.apply(fleet.write_config("c1", config("@in, @extra", archive="shop")))
    expect("event=partition.revoked" not in router.log(), "values only, yet partitions were revoked")
    for i, topics in enumerate(("@in", "@in, @other", "@other, @extra", "@in, @extra, @other")):
        fleet.apply(fleet.write_config(f"c{i + 2}", config(topics)))
    wait_until("everything is fed", lambda: all(f.process.poll() is not None for f in feeds), 90)
    fleet.drained("in", "extra", "other")
    fleet.verify("in", "extra", "other", duplicates=False)
    fleet.close()


main()
