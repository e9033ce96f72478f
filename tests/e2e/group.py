#!/usr/bin/env python3
"""The consumer group: static membership, KIP-848 (group.protocol = consumer), and a worker that hangs."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import ctypes

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
otherwise: { pipeline: archive }
---
kind: processing
name: shop
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""
NEW = 'group.protocol = "consumer"'


def start_fleet(*routers, **options):
    fleet = Fleet()
    fleet.create_topics(**{"in": 6, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, **{k: v.replace("NAME", name) for k, v in options.items()})
    fleet.apply(fleet.write_config("c0", CONFIG))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    return fleet


def partitions(router):
    return json.loads(http(router.admin + "/status")[1])["partitions"]


def finish(fleet, feed, **options):
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained("in")
    fleet.verify("in", **options)
    for name, router in fleet.routers.items():
        expect(router.process.poll() is not None or router.stop() == 0, f"{name} left in order")
    fleet.close()


def test_a_static_member_that_is_back_in_time_disturbs_nobody():
    fleet = start_fleet("r1", "r2", extra='instance_id = "NAME"')
    r1, r2 = fleet.routers["r1"], fleet.routers["r2"]
    wait_until("an even share", lambda: partitions(r1) == partitions(r2) == 3)
    feed = fleet.feed_in_background("in", 30000, rate=3000)
    came, went = (r2.log().count(f"event=partition.{w}") for w in ("assigned", "revoked"))
    expect(r1.stop() == 0, "r1 left in order")
    r1.start()
    wait_until("r1 has its partitions again", lambda: r1.log().count("event=partition.assigned") == 3)
    expect(r2.log().count("event=partition.revoked") == went, "the other lost a partition")
    expect(r2.log().count("event=partition.assigned") == came, "the other was given a partition")
    finish(fleet, feed)


def test_a_static_member_that_stays_away_is_replaced():
    fleet = start_fleet("r1", "r2", kafka=SHORT_SESSION, extra='instance_id = "NAME"')
    wait_until("an even share", lambda: partitions(fleet.routers["r2"]) == 3)
    feed = fleet.feed_in_background("in", 20000, rate=2000)
    fleet.routers["r1"].kill()
    wait_until("r2 has all partitions", lambda: partitions(fleet.routers["r2"]) == 6, 60)
    finish(fleet, feed, duplicates=True)


def test_the_new_group_protocol_with_members_that_come_and_go_and_releases_that_change():
    fleet = start_fleet("r1", "r2", kafka=NEW)
    r1, r2 = fleet.routers["r1"], fleet.routers["r2"]
    wait_until("an even share", lambda: partitions(r1) == partitions(r2) == 3, 60)
    feed = fleet.feed_in_background("in", 60000, rate=4000)
    fleet.apply(fleet.write_config("c1", CONFIG.replace("purchase", "chat")))
    r3 = fleet.start_router("r3", kafka=NEW)
    wait_until("r3 has its share", lambda: partitions(r3) == 2, 60)
    expect(r1.stop() == 0, "r1 left in order")
    wait_until("the others have its share", lambda: partitions(r2) + partitions(r3) == 6, 60)
    fleet.apply(fleet.write_config("c2", CONFIG))
    finish(fleet, feed)


def test_a_static_member_under_the_new_protocol():
    fleet = start_fleet("r1", "r2", kafka=NEW, extra='instance_id = "NAME"')
    r1, r2 = fleet.routers["r1"], fleet.routers["r2"]
    wait_until("an even share", lambda: partitions(r1) == partitions(r2) == 3, 60)
    feed = fleet.feed_in_background("in", 20000, rate=2000)
    went = r2.log().count("event=partition.revoked")
    expect(r1.stop() == 0, "r1 left in order")
    r1.start()
    wait_until("r1 has its partitions again", lambda: r1.log().count("event=partition.assigned") == 3, 60)
    expect(r2.log().count("event=partition.revoked") == went, "the other lost a partition")
    finish(fleet, feed)


class Frozen:
    """One thread of a process, stopped by ptrace while the others go on."""
    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, pid, name):
        tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
        self.tid = next(int(t.name) for t in tasks if (t / "comm").read_text().strip() == name)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long] * 4
        self.libc.ptrace.restype = ctypes.c_long
        self.trace(self.SEIZE)
        self.trace(self.INTERRUPT)
        os.waitpid(self.tid, self.WALL)

    def trace(self, request):
        if self.libc.ptrace(request, self.tid, 0, 0) != 0:
            raise Failure(f"ptrace: {os.strerror(ctypes.get_errno())}")

    def thaw(self):
        self.trace(self.DETACH)


def test_a_worker_that_hangs_is_reported_and_turns_healthz_red():
    fleet = start_fleet("r1", extra='worker_timeout = "1s"')
    router = fleet.routers["r1"]
    expect(http(router.admin + "/healthz") == (200, "ok\n"), "healthy at first")
    frozen = Frozen(router.process.pid, "worker-1")
    router.wait_log("event=worker.hung worker=1 ")
    status, text = http(router.admin + "/healthz")
    expect(status == 503 and text.startswith("worker 1 has not moved for "), f"{status} {text}")
    expect(json.loads(http(router.admin + "/status")[1])["workers_hung"] == 1, "in /status")
    reported = lambda: '"workers_hung":1' in fleet.cli("fleet", "-o", "json", check=0).stdout.replace(" ", "")
    wait_until("the presence report says so", reported)
    frozen.thaw()
    router.wait_log("event=worker.moves worker=1")
    expect(http(router.admin + "/healthz")[0] == 200, "healthy again")
    finish(fleet, fleet.feed_in_background("in", 1000))


main()
