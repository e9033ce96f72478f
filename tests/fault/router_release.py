#!/usr/bin/env python3
"""Routers killed with SIGKILL while the release changes every second and moves events from one destination to another:
nothing lost, and nothing out of order. What the dead router had decided and not committed is decided again by the
release that it had, which stands in the metadata of its commits; also when the release changed while nobody owned the
partition, and when etcd is away then."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

SECONDS = option("seconds", 45)
RATE = 6000


def config(n):
    """Release n sends every type of event to another one of three places than the release before."""
    places = ["left", "right", "middle"]
    types = ["purchase", "chat", "move", "login"]
    rules = "".join(f"""
  - name: {t}
    when: event.type == "{t}"
    pipelines: [{places[(i + n) % 3]}, {places[(i + n + 1) % 3]}]""" for i, t in enumerate(types[:3]))
    pipelines = "".join(f"""
---
kind: processing
name: {p}
stages: [emit: {{ topic: @{p} }}]""" for p in places)
    return f"""
kind: routing
name: game
topics: [@in]
rules:{rules}
otherwise: {{ pipeline: {places[n % 3]} }}{pipelines}
"""


def start(routers):
    fleet = Fleet()
    fleet.create_topics(**{"in": 6, "left": 3, "right": 3, "middle": 3})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, kafka=SHORT_SESSION)
    fleet.apply(fleet.write_config("c0", config(0)))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    return fleet


def finish(fleet, feed):
    game.fed(feed)
    fleet.drained("in", timeout_s=180)
    verdict = fleet.verify("in", duplicates=True)
    logs = "".join(r.log_path.read_text(errors="replace") for r in fleet.routers.values())
    print(f"# recalled={logs.count('event=release.recalled')} unsure={logs.count('event=order.unsure')}")
    expect("event=order.unsure" not in logs, "a release was not to be had")
    return verdict, logs


def test_routers_killed_while_the_release_changes_every_second():
    fleet = start(("r1", "r2", "r3"))
    feed = fleet.feed_in_background("in", RATE * SECONDS, rate=RATE, size=200)
    kills, changes = 0, 0
    next_kill = time.monotonic() + 3
    while feed.process.poll() is None:
        changes += 1
        if changes < 60:
            fleet.apply(fleet.write_config(f"c{changes}", config(changes)), wait=False)
        if time.monotonic() > next_kill:
            victim = fleet.routers[random.choice(list(fleet.routers))]
            victim.kill()
            victim.start()
            kills += 1
            next_kill = time.monotonic() + random.uniform(2, 5)
        game.pause(random.uniform(0.3, 1))
    verdict, _ = finish(fleet, feed)
    print(f"# kills={kills} changes={changes}")
    expect(verdict["events"] == RATE * SECONDS, f"{verdict['events']} events of {RATE * SECONDS}")
    fleet.close()


def test_the_release_changes_while_nobody_owns_the_partitions():
    fleet = start(("r1",))
    feed = fleet.feed_in_background("in", RATE * 20, rate=RATE, size=200)
    for n in range(1, 6):
        router = fleet.routers["r1"]
        fleet.wait_ready(router)
        game.pause(random.uniform(0.5, 2))
        router.kill()
        fleet.apply(fleet.write_config(f"c{n}", config(n)), wait=False)
        router.start()
    _, logs = finish(fleet, feed)
    expect("event=release.recalled" in logs, "no older release was needed: this proves nothing")
    fleet.close()


main()
