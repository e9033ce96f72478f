#!/usr/bin/env python3
"""delivery: exactly_once under faults: routers killed, a router frozen past its session that wakes up, a broker killed and
started again. A reader of committed records finds nothing lost, nothing doubled and nothing out of order."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

SECONDS = option("seconds", 45)
RATE = 4000
TRANSACTION_S = 11  # more than transaction.timeout.ms


def config(n):
    """Release n sends every type of event to another one of three places than the release before."""
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
topics: [@in]
delivery: exactly_once
rules:{rules}
otherwise: {{ pipeline: {places[n % 3]} }}{pipelines}
"""


def start(routers, **options):
    fleet = Fleet(**options)
    fleet.create_topics(**{"in": 6, "left": 3, "right": 3, "middle": 3})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, kafka=SHORT_SESSION)
    fleet.apply(fleet.write_config("c0", config(0)))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    return fleet


def pause(seconds):
    end = time.monotonic() + seconds
    wait_until("the moment drawn", lambda: time.monotonic() > end, seconds + 30)


def finish(fleet, feed, count):
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 300)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained("in", timeout_s=180)
    pause(TRANSACTION_S)  # what a killed router left open holds up readers of committed records for so long
    verdict = fleet.verify("in")
    expect(verdict["events"] >= count, f"{verdict['events']} events of {count}")
    fleet.close()


def test_routers_killed_while_the_release_changes():
    fleet = start(("r1", "r2", "r3"))
    feed = fleet.feed_in_background("in", RATE * SECONDS, rate=RATE, size=300)
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
        pause(random.uniform(0.3, 1))
    print(f"# kills={kills} changes={changes}")
    finish(fleet, feed, RATE * SECONDS)


def test_a_killed_router_that_does_not_come_back():
    fleet = start(("r1", "r2"))
    feed = fleet.feed_in_background("in", RATE * 20, rate=RATE, size=300)
    pause(random.uniform(2, 4))
    fleet.routers.pop("r1").kill()
    finish(fleet, feed, RATE * 20)


def frozen(seconds):
    fleet = start(("r1", "r2"))
    feed = fleet.feed_in_background("in", RATE * (seconds + 12), rate=RATE, size=300)
    pause(random.uniform(2, 4))
    r1, r2 = fleet.routers["r1"], fleet.routers["r2"]
    r1.signal(signal.SIGSTOP)
    wait_until("the other has all partitions", lambda: json.loads(http(r2.admin + "/status")[1])["partitions"] == 6, 60)
    pause(seconds - 6)
    r1.signal(signal.SIGCONT)
    r1.wait_log("lost=true")
    finish(fleet, feed, RATE * (seconds + 12))


def test_a_router_frozen_past_its_session_wakes_up():
    frozen(8)


def test_a_router_frozen_past_its_transaction_wakes_up():
    frozen(16)


def test_a_broker_killed_and_started_again():
    name = f"exact{os.getpid()}"
    kafka = run(ROOT / "scripts/kafka", "start", "--name", name, check=0).stdout.split("bootstrap=")[1].strip()
    atexit.register(lambda: run(ROOT / "scripts/kafka", "stop", "--name", name))
    fleet = start(("r1", "r2"), kafka=kafka)
    feed = fleet.feed_in_background("in", RATE * 20, rate=RATE, size=300)
    pause(random.uniform(3, 5))
    run(ROOT / "scripts/kafka", "node", 1, "kill", "--name", name, check=0)
    run(ROOT / "scripts/kafka", "node", 1, "start", "--name", name, check=0)
    pause(random.uniform(3, 5))
    run(ROOT / "scripts/kafka", "node", 1, "pause", "--name", name, check=0)
    pause(12)
    run(ROOT / "scripts/kafka", "node", 1, "resume", "--name", name, check=0)
    finish(fleet, feed, RATE * 20)


main()
