#!/usr/bin/env python3
"""An event that is sent again goes into the partition that it went into before, with one producer as with several, with a
key and without: when producers break, when partitions are added, and when a destination is made again with fewer."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game, raw

QUICK = 'consumer.topic.metadata.refresh.interval.ms = "1000"'  # producers ask for themselves only every five minutes


def config(delivery="at_least_once"):
    return f"""
kind: routing
name: game
topics: [@in]
delivery: {delivery}
otherwise: {{ pipeline: archive }}
---
kind: processing
name: archive
stages: [emit: {{ topic: @archive }}]
"""


def start(delivery="at_least_once", source=4, archive=6, **options):
    fleet = Fleet()
    fleet.create_topics(**{"in": source, "archive": archive})
    fleet.start_configsvc()
    router = fleet.start_router("r1", **options)
    fleet.apply(fleet.write_config("c0", config(delivery)))
    fleet.wait_ready(router)
    return fleet, router


def out_of(fleet, partitions):
    """[(partition, number of the event)] of what the archive has."""
    return [(r.partition, int(dict(r.headers)["check-id"])) for r in raw.read(fleet.kafka, fleet.topic("archive"), partitions)]


def breaks(fleet, router, count, **load):
    """The destination takes a 50th of what batches hold at first."""
    fleet.feed("in", count, size=300, **load)
    fleet.drained("in", timeout_s=180)
    verdict = fleet.verify("in", duplicates=True)
    print(f"# producers={router.log().count('event=producer.recreated')} duplicated={verdict['duplicated']}")
    expect(verdict["events"] == count and verdict["moved"] == 0, f"{verdict}")
    expect("event=producer.recreated" in router.log(), "no producer broke: this proves nothing")
    expect(router.stop() == 0, "left in order")
    fleet.close()


def test_a_producer_breaks_under_events_without_a_key():
    fleet, router = start(archive="6:max.message.bytes=20000")
    breaks(fleet, router, 60000, keys=0)


def test_one_of_four_producers_breaks_under_events_without_a_key():
    fleet, router = start(archive="6:max.message.bytes=20000", extra="producers = 4")
    breaks(fleet, router, 60000, keys=0)


def added(delivery, **load):
    """Partitions are added under load: they are used, and nobody is held meanwhile."""
    fleet, router = start(delivery, kafka=QUICK)
    feed = fleet.feed_in_background("in", 60000, rate=8000, **load)
    routed = lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"]
    wait_until("events flow", lambda: routed() > 10000)
    raw.add_partitions(fleet.kafka, fleet.topic("archive"), 11)
    game.fed(feed)
    fleet.drained("in")
    verdict = fleet.verify("in")
    used = {p for p, _ in out_of(fleet, 11)}
    expect(used == set(range(11)), f"used: {used}")
    expect(verdict["moved"] == 0, f"{verdict}")
    expect("event=partition.held" not in router.log(), router.log()[-2000:])
    expect(router.stop() == 0, "left in order")
    fleet.close()


def test_partitions_that_are_added_are_used_and_hold_nobody():
    added("at_least_once")


def test_partitions_that_are_added_are_used_without_a_key_too():
    added("at_least_once", keys=0)


def test_partitions_that_are_added_are_used_with_exactly_once():
    added("exactly_once", keys=0)


def fewer(delivery, **options):
    """A destination is made again with fewer partitions than the router thinks it has: nothing behind that is lost."""
    fleet, router = start(delivery, **options)
    fed = fleet.feed("in", 2000)
    fleet.drained("in")
    check_tool("delete", "--kafka", fleet.kafka, fleet.topic("archive"))
    fleet.create_topics(archive=2)
    fleet.feed("in", 3000, first=fed)
    fleet.feed("in", 3000, first=fed + 3000, keys=0)
    fleet.drained("in", timeout_s=90)
    out = out_of(fleet, 2)
    there = {number for _, number in out}
    expect(there == set(range(fed, fed + 6000)), f"{len(there)} of 6000 events came out")
    if delivery == "exactly_once":
        expect(len(out) == 6000, f"{len(out) - 6000} doubled")
        at = {int(dict(r.headers)["check-id"]): (r.partition, r.offset) for r in raw.read(fleet.kafka, fleet.topic("in"), 4)}
        last, back = {}, 0  # of a partition of the source in one of the destination
        for partition, number in out:
            source, offset = at[number]
            back += offset < last.get((source, partition), -1)
            last[source, partition] = offset
        expect(back == 0, f"{back} out of order")
    expect(router.stop() == 0, "left in order")
    fleet.close()


def test_a_destination_made_again_with_fewer_partitions_loses_nothing():
    fewer("at_least_once")


def test_a_destination_made_again_with_fewer_partitions_loses_nothing_with_four_producers():
    fewer("at_least_once", extra="producers = 4")


def test_a_destination_made_again_with_fewer_partitions_loses_nothing_with_exactly_once():
    fewer("exactly_once")


def test_a_transaction_is_given_up_whose_only_partition_is_gone():
    """Nothing of it is refused: librdkafka would ask for that partition until the record times out, a minute."""
    fleet, router = start("exactly_once", source=1, archive=48)
    fed = fleet.feed("in", 100, keys=1)
    fleet.drained("in")
    gone = {partition for partition, _ in out_of(fleet, 48)}
    expect(len(gone) == 1 and min(gone) > 0, f"one key is in one partition, not the first: {gone}")
    check_tool("delete", "--kafka", fleet.kafka, fleet.topic("archive"))
    fleet.create_topics(archive=1)
    fleet.feed("in", 1000, first=fed, keys=1)
    fleet.drained("in", timeout_s=45)
    out = [number for _, number in out_of(fleet, 1)]
    expect(out == list(range(fed, fed + 1000)), f"{len(out)} events came out, of 1000 in order")
    expect("a destination is gone" in router.log(), router.log()[-2000:])
    expect(router.stop() == 0, "left in order")
    fleet.close()


main()
