#!/usr/bin/env python3
"""Three members of etcd under a fleet: the leader is killed, the majority is lost, a member freezes, all under load. What
runs goes on, a change waits for a majority and lands then, nobody is re-registered without need."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

QUORUM_S = option("seconds", 20)  # without a majority
RATE = 1000
CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase" && event.amount >= LIMIT
    pipeline: shop
otherwise: { pipeline: archive }
---
kind: processing
name: shop
stages: [emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


def start_fleet(events):
    fleet = Fleet(nodes=3)
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.apply(fleet.write_config("c1", CONFIG.replace("LIMIT", "1000")))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    feed = fleet.feed_in_background("in", events, rate=RATE)
    for router in fleet.routers.values():
        wait_until("the first release routes", lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"] > 0)
    return fleet, feed


def leader(fleet):
    """The number of the node that leads."""
    def look():
        for n, endpoint in enumerate(fleet.endpoints, 1):
            status, body = http(f"{endpoint}/v3/maintenance/status", {}, timeout_s=2)
            told = json.loads(body) if status == 200 else {}
            if told.get("leader") and told["leader"] == told["header"]["member_id"]:
                return n
    return wait_until("a leader", look)


def change(fleet, n, limit):
    """A release that the whole fleet runs afterwards. The answer to a call in flight may be lost: it is asked for again."""
    folder = fleet.write_config(f"c{n}", CONFIG.replace("LIMIT", str(limit)))
    wait_until("the change lands", lambda: fleet.cli("apply", folder, "-m", f"c{n}", "--wait").returncode == 0, 90)
    fleet.remember(folder)
    fleet.wait_adopted()


def finish(fleet, feed, events):
    """Some more events, so that the newest release routes, however late it came."""
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    fleet.feed("in", 2000, first=events)
    fleet.drained("in")
    verdict = fleet.verify("in")
    for router in fleet.routers.values():
        expect("event=presence.lost" not in router.log(), f"a lease was lost\n{router.log()[-2000:]}")
        expect(router.stop() == 0, "left in order")
    fleet.close()
    return verdict


def test_the_leader_is_killed_and_a_change_lands():
    fleet, feed = start_fleet(RATE * 20)
    first = leader(fleet)
    fleet.etcd("node", first, "kill")
    change(fleet, 2, 500)
    fleet.etcd("node", first, "start")
    change(fleet, 3, 250)
    verdict = finish(fleet, feed, RATE * 20)
    expect({"1", "3"} <= set(verdict["releases"]), f"{verdict}")


def test_without_a_majority_routing_goes_on_and_a_change_waits():
    fleet, feed = start_fleet(RATE * (QUORUM_S + 10))
    for n in (1, 2):
        fleet.etcd("node", n, "kill")
    end = time.monotonic() + QUORUM_S
    for router in fleet.routers.values():
        router.wait_log("event=etcd.lost", 60)
    done = fleet.cli("apply", fleet.write_config("c2", CONFIG.replace("LIMIT", "500")), "-m", "no majority")
    expect(done.returncode == 2, f"apply without a majority must end with 2: {done}")
    wait_until("the time without a majority is over", lambda: time.monotonic() > end, QUORUM_S + 5)
    for router in fleet.routers.values():
        expect(http(router.admin + "/healthz")[0] == 200, "a router without etcd is healthy")
    for n in (1, 2):
        fleet.etcd("node", n, "start")
    change(fleet, 2, 500)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    fleet.feed("in", 2000, first=RATE * (QUORUM_S + 10))
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect({"1", "2"} <= set(verdict["releases"]), f"{verdict}")
    fleet.close()


def test_a_frozen_leader_delays_nothing_for_long():
    fleet, feed = start_fleet(RATE * 30)
    frozen = leader(fleet)
    fleet.etcd("node", frozen, "pause")
    change(fleet, 2, 500)
    fleet.etcd("node", frozen, "resume")
    change(fleet, 3, 250)
    verdict = finish(fleet, feed, RATE * 30)
    expect({"1", "3"} <= set(verdict["releases"]), f"{verdict}")


main()
