#!/usr/bin/env python3
"""Etcd goes away: routing goes on, a change lands after it is back, a router starts from its last good copy."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game



def start_fleet():
    fleet = Fleet()
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("c1", game.config(1000)))
    return fleet


def test_routing_goes_on_while_etcd_is_down_for_30_s_and_a_change_lands_after():
    fleet = start_fleet()
    fed = fleet.feed("in", 1000)
    fleet.drained("in")
    fleet.etcd("node", 1, "kill")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        fed = fleet.feed("in", 2000, first=fed, rate=1000)
        fleet.drained("in", timeout_s=20)
    expect(fleet.cli("apply", fleet.dir / "c1", "-m", "no etcd").returncode == 2, "apply without etcd must end with 2")
    fleet.etcd("node", 1, "start")
    fleet.apply(fleet.write_config("c2", game.config(500)))
    fleet.wait_adopted()
    fed = fleet.feed("in", 5000, first=fed)
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1", "2"}, f"releases seen: {verdict['releases']}")
    fleet.close()


def test_a_router_started_without_etcd_runs_from_its_last_good_copy():
    fleet = start_fleet()
    fed = fleet.feed("in", 1000)
    fleet.drained("in")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.etcd("node", 1, "kill")
    router = fleet.routers["r1"]
    router.start()
    router.wait_log("event=release.adopted", 60)
    expect("source=last_good_copy" in router.log(), "says where the release came from\n" + router.log())
    fed = fleet.feed("in", 1000, first=fed)
    fleet.drained("in")
    fleet.etcd("node", 1, "start")
    fleet.apply(fleet.write_config("c2", game.config(500)))
    fleet.wait_adopted()
    fleet.feed("in", 1000, first=fed)
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1", "2"}, f"releases seen: {verdict['releases']}")
    fleet.close()


main()
