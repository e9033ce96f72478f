#!/usr/bin/env python3
"""delivery: exactly_once: a reader of committed records sees every event once, whatever changes: releases, members of the
group, the delivery itself; records that a broker refuses become dead letters, and hold up nobody."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import raw

RATE = 4000


def config(n=0, delivery="exactly_once", topics="@in", more=""):
    """Release n sends each type to another place than the one before; an event may go to two."""
    places = ["left", "right", "middle"]
    rules = "".join(f"""
  - name: {t}
    when: event.type == "{t}"
    pipelines: [{places[(i + n) % 3]}, {places[(i + n + 1) % 3]}]""" for i, t in enumerate(["purchase", "chat", "move"]))
    pipelines = "".join(f"""
---
kind: processing
name: {p}
stages: [emit: {{ topic: @{p} }}]""" for p in places)
    return f"""
kind: routing
name: game
topics: [{topics}]
delivery: {delivery}
rules:{rules}
  - {{ name: heartbeat, when: event.type == "heartbeat", drop: true }}
otherwise: {{ pipeline: {places[n % 3]} }}{pipelines}
{more}
"""


def start(routers=("r1", "r2"), first=None, **options):
    fleet = Fleet()
    fleet.create_topics(**{"in": 6, "left": 3, "right": 3, "middle": 3, "dlq": 1})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, **options)
    fleet.apply(fleet.write_config("c0", first or config()))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    wait_until("an even share", lambda: all(partitions(r) == 6 // len(routers) for r in fleet.routers.values()))
    return fleet


def partitions(router):
    return json.loads(http(router.admin + "/status")[1])["partitions"]


def finish(fleet, feed, *sources, count=None):
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 300)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained(*(sources or ("in",)), timeout_s=120)
    verdict = fleet.verify(*(sources or ("in",)))
    expect(count is None or verdict["events"] == count, f"{verdict['events']} events of {count}")
    for name, router in fleet.routers.items():
        expect(router.process.poll() is not None or router.stop() == 0, f"{name} left in order")
    fleet.close()


def transactions(fleet, outcome):
    texts = [http(r.admin + "/metrics")[1] for r in fleet.routers.values()]
    mark = f'veltrix_transactions_total{{outcome="{outcome}"}} '
    return sum(int(line[len(mark):]) for t in texts for line in t.splitlines() if line.startswith(mark))


def test_releases_change_and_members_come_and_go():
    fleet = start()
    feed = fleet.feed_in_background("in", RATE * 20, rate=RATE, size=300)
    for n in range(1, 7):
        fleet.apply(fleet.write_config(f"c{n}", config(n)))
        if n == 2:
            fleet.start_router("r3")
            fleet.wait_ready(fleet.routers["r3"])
        if n == 4:
            expect(fleet.routers["r1"].stop() == 0, "r1 left in order")
            fleet.routers.pop("r1")
    expect(transactions(fleet, "committed") > 0, "there were transactions")
    finish(fleet, feed, count=RATE * 20)


def test_delivery_changes_under_load_there_and_back():
    fleet = start(first=config(0, "at_least_once"))
    feed = fleet.feed_in_background("in", RATE * 12, rate=RATE, size=300)
    for n, delivery in enumerate(["exactly_once", "at_least_once", "exactly_once"], 1):
        done = fleet.cli("diff", fleet.write_config(f"c{n}", config(n, delivery)))
        expect("each partition is drained before it changes" in done.stdout, done.stdout + done.stderr)
        fleet.apply(fleet.write_config(f"c{n}", config(n, delivery)))
        said = f"delivery={delivery} "
        wait_until(f"all six partitions are {delivery}",
                   lambda: sum(r.log().count(said) for r in fleet.routers.values()) >= 6 * ((n + 1) // 2), 30)
    finish(fleet, feed, count=RATE * 12)


def test_both_kinds_of_delivery_in_one_fleet():
    more = """
---
kind: routing
name: plain
topics: [@plain]
otherwise: { pipeline: left }
"""
    fleet = Fleet()
    fleet.create_topics(**{"in": 3, "plain": 3, "left": 3, "right": 3, "middle": 3, "dlq": 1})
    fleet.start_configsvc()
    fleet.start_router("r1", workers=1)
    fleet.apply(fleet.write_config("c0", config(more=more)))
    fleet.wait_ready(fleet.routers["r1"])
    first = fleet.feed("plain", 5000)
    feed = fleet.feed_in_background("in", 10000, first=first, rate=RATE)
    finish(fleet, feed, "in", "plain", count=15000)


def test_a_partition_full_of_refused_records_holds_up_nobody():
    """left takes small records only: what is too large for it becomes a dead letter; neighbours see no doubles."""
    more = ""
    text = config(more=more).replace("stages: [emit: { topic: @left }]", "dead_letter: @dlq\nstages: [emit: { topic: @left }]")
    fleet = Fleet()
    fleet.create_topics(**{"in": 6, "left": "3:max.message.bytes=2000", "right": 3, "middle": 3, "dlq": 1})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("c0", text))
    fleet.wait_ready(fleet.routers["r1"])
    first = fleet.feed("in", 2000, size=300)
    first = fleet.feed("in", 100, first=first, size=4000)
    feed = fleet.feed_in_background("in", 5000, first=first, rate=RATE, size=300)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    fleet.drained("in", timeout_s=180)
    verdict = fleet.verify("in", refused=True)
    expect(verdict["dead_letters"] > 0 and verdict["events"] == 7100, f"{verdict}")
    expect(transactions(fleet, "aborted") > 0, "a transaction was aborted")
    fleet.close()


def test_the_smallest_bounds():
    """One event of a partition at a time, one byte of window: each event is a transaction of its own."""
    fleet = start(("r1",), extra="window_events = 1\nwindow_bytes = 1\ntransaction_interval = \"5ms\"")
    feed = fleet.feed_in_background("in", 600, rate=300, size=300)
    finish(fleet, feed, count=600)


def test_a_topic_begun_at_its_end_is_not_begun_again():
    fleet = start(("r1",), kafka=SHORT_SESSION, first=config(topics="@in").replace("delivery:", "start: latest\ndelivery:"))
    feed = fleet.feed_in_background("in", 3000, rate=RATE)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    router = fleet.routers["r1"]
    router.kill()
    first = fleet.feed("in", 1000, first=3000)
    router.start()
    fleet.drained("in", timeout_s=60)
    verdict = fleet.verify("in")
    expect(verdict["events"] == 4000 and first == 4000, f"{verdict}")
    fleet.close()


main()
