#!/usr/bin/env python3
"""Destinations that are missing or refuse, events that cannot be handled: held, dead-lettered or stuck; never dropped."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *


def config(archive="archive", dead_letter="dead_letter: @dlq", extra=""):
    return f"""
kind: routing
name: game
topics: [@in]
rules:
  - name: shop
    when: event.type == "purchase"
    pipeline: shop
otherwise: {{ pipeline: archive }}
{dead_letter}
---
kind: processing
name: shop
stages:
  {extra}
  - emit: {{ topic: @shop }}
---
kind: processing
name: archive
stages: [emit: {{ topic: @{archive} }}]
"""


def start_fleet(text, **topics):
    fleet = Fleet()
    fleet.create_topics(**{"in": 2, "shop": 2, **topics})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("c1", text))
    return fleet


def test_a_missing_destination_holds_its_partition_until_the_topic_is_there():
    fleet = start_fleet(config(), dlq=1)
    fleet.feed("in", 2000)
    fleet.routers["r1"].wait_log("event=partition.held", 60)
    fleet.create_topics(archive=2)
    fleet.drained("in", timeout_s=120)
    fleet.verify("in", duplicates=True)
    fleet.close()


def test_a_missing_destination_is_released_by_a_release_that_routes_elsewhere():
    fleet = start_fleet(config(), dlq=1, elsewhere=2)
    fleet.feed("in", 2000)
    fleet.routers["r1"].wait_log("event=partition.held", 60)
    fleet.apply(fleet.write_config("c2", config(archive="elsewhere")))
    fleet.drained("in", timeout_s=120)
    fleet.verify("in", duplicates=True)
    fleet.close()


def test_a_failing_stage_goes_to_the_dead_letters_with_its_reason():
    fleet = start_fleet(config(extra="- set: { event.total: \"${event.price * event.qty}\" }"), archive=2, dlq=1)
    fleet.feed("in", 2000)
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect(verdict["dead_letters"] > 100, f"{verdict}")
    fleet.close()


def test_without_a_dead_letter_topic_a_failing_event_stops_its_partition_until_a_release_changes_that():
    fleet = start_fleet(config(dead_letter="", extra="- set: { event.total: \"${event.price * event.qty}\" }"), archive=2)
    fleet.feed("in", 2000)
    fleet.routers["r1"].wait_log("event=partition.stuck", 60)
    expect(not run(BIN / "veltrix-check", "wait", "--kafka", fleet.kafka, "--group", fleet.name, "--timeout", 3,
                   fleet.topic("in")).returncode == 0, "the partition must not move on")
    fleet.apply(fleet.write_config("c2", config(dead_letter="")))
    fleet.drained("in")
    fleet.verify("in", duplicates=True)
    fleet.close()


def test_a_record_too_large_for_the_broker_is_a_dead_letter_and_neighbours_keep_their_order():
    fleet = start_fleet(config(extra="- set: { event.pad: \"${event.pad + event.pad + event.pad + event.pad}\" }"), archive=2, dlq=1)
    fed = fleet.feed("in", 200)
    events = fleet.dir / "large.jsonl"
    with events.open("w") as out:
        for i in range(10):
            pad = "x" * (300000 if i % 3 == 0 else 10)
            out.write(json.dumps({"key": f"player-{i % 2}", "headers": {}, "value": {"type": "purchase", "pad": pad}}) + "\n")
    check_tool("produce", "--kafka", fleet.kafka, "--topic", fleet.topic("in"), "--first", fed, "--file", events)
    fleet.feed("in", 200, first=fed + 10)
    fleet.drained("in")
    done = run(BIN / "veltrix-check", "count", "--kafka", fleet.kafka, fleet.topic("dlq"))
    expect(done.stdout.split()[1] == "4", f"dead letters: {done.stdout}")
    fleet.close()


main()
