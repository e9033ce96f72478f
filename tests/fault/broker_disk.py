#!/usr/bin/env python3
"""The broker's disk is full: it stops, the fleet waits without losing its place, and goes on when there is room again. The
broker's data lie on a small file system of the test's own, which only root can make."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin, errno

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


class Disk:
    """A file system of its own, and a file that takes the rest of it."""

    def __init__(self, mib):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="veltrix-disk-"))
        self.mounted = run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", self.dir).returncode == 0
        atexit.register(self.close)

    def fill(self):
        """Nothing is left of it."""
        with open(self.dir / "ballast", "wb", buffering=0) as f:
            try:
                while f.write(bytes(1 << 20)):
                    pass
            except OSError as e:
                expect(e.errno == errno.ENOSPC, str(e))

    def free(self):
        (self.dir / "ballast").unlink()

    def close(self):
        if self.mounted:
            run("umount", "-l", self.dir)
        self.mounted = False
        shutil.rmtree(self.dir, ignore_errors=True)


def test_a_full_disk_at_the_broker_is_waited_for():
    disk = Disk(400)
    if not disk.mounted:
        raise Skip("no file system can be mounted here")
    (disk.dir / "data").mkdir()
    broker = admin.Broker("disk", "--set", f"log.dirs={disk.dir}/data", "--set", "log.segment.bytes=8388608")
    fleet = Fleet(kafka=broker.bootstrap)
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.apply(fleet.write_config("c", CONFIG))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    feed = fleet.feed_in_background("in", 60000, rate=6000, size=400)
    wait_until("events flow", lambda: json.loads(http(fleet.routers["r1"].admin + "/status")[1])["counters"]["out"] > 1000)
    disk.fill()
    wait_until("the broker has stopped", lambda: not broker.runs(), 60)
    expect("No space left on device" in broker.log(1), "for want of space")
    for name, router in fleet.routers.items():
        expect(router.process.poll() is None and http(router.admin + "/healthz")[0] == 200, f"{name} lives")
    disk.free()
    broker.node(1, "start")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained("in")
    verdict = fleet.verify("in", duplicates=True)
    expect(verdict["events"] >= 60000, f"{verdict['events']} events of 60000")
    for router in fleet.routers.values():
        expect(router.stop() == 0 and "clean=true" in router.log(), f"left in order\n{router.log()[-2000:]}")
    fleet.close()
    broker.stop()
    disk.close()


main(needs_kafka=False)
