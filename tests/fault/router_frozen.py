#!/usr/bin/env python3
"""A router that is frozen (SIGSTOP) past its session and wakes up. Its commits are refused. What was in its producers'
queues it may still write, doubling what its neighbours did meanwhile: first occurrences keep their order."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game, offsets

PARTITIONS = 8
EVENTS, RATE = 60000, 6000
# records wait this long in the producers, so that there are many at any time
SLOW = 'producer.linger.ms = "1500"\n  producer.batch.num.messages = "1000000"\n  producer.batch.size = "10000000"\n  ' + SHORT_SESSION


def start(text):
    fleet = game.start(("r1", "r2"), PARTITIONS, text=text, lines=SLOW)
    return fleet, offsets.Offsets(fleet.kafka, fleet.name, fleet.topic("in"), PARTITIONS)


def freeze(fleet, router):
    """Stops it in the middle of its work. What it did not commit: events."""
    topic = fleet.topic("in")
    wait_until("it has partitions and events", lambda: offsets.owned(router.log(), topic) and routed(router) > 2000)
    router.signal(signal.SIGSTOP)


def routed(router):
    return json.loads(http(router.admin + "/status")[1])["counters"]["out"]


def wait_taken_over(fleet, other):
    wait_until("its partitions are its neighbour's",
               lambda: len(offsets.owned(other.log(), fleet.topic("in"))) == PARTITIONS, 60)


def wake(router, look):
    """Continues it, and waits until it has let go of what it lost and has left in order."""
    before = look.committed()
    router.signal(signal.SIGCONT)
    router.wait_log("lost=true", 60)
    expect(router.stop() == 0, f"left in order\n{router.log()[-2000:]}")
    after = look.committed()
    expect(all(b <= a for b, a in zip(before, after)), f"offsets went back: {before} {after}")


def test_a_frozen_router_that_wakes_up_moves_no_offset_and_what_it_writes_late_is_no_first_occurrence():
    fleet, look = start(game.config())
    router, other = fleet.routers["r1"], fleet.routers["r2"]
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=300)
    freeze(fleet, router)
    wait_taken_over(fleet, other)
    asleep = game.finish(fleet, feed, EVENTS, duplicates=True)
    wake(router, look)
    awake = fleet.verify("in", duplicates=True)
    print(f"# written late: {awake['duplicated'] - asleep['duplicated']} records")
    fleet.close()


def test_first_occurrences_keep_their_order_when_the_release_changed_while_it_slept_and_it_wakes_under_load():
    fleet, look = start(game.config())
    router, other = fleet.routers["r1"], fleet.routers["r2"]
    feed = fleet.feed_in_background("in", EVENTS * 2, rate=RATE, size=300)
    freeze(fleet, router)
    # from now on what went to the archive goes to the shop
    fleet.apply(fleet.write_config("c1", game.config().replace("otherwise: { pipeline: archive }", "otherwise: { pipeline: shop }")),
                wait=False)
    wait_taken_over(fleet, other)
    game.pause(random.uniform(0, 3))
    expect(feed.process.poll() is None, "the load ended too early: this proves little")
    wake(router, look)
    game.finish(fleet, feed, EVENTS * 2, duplicates=True)
    fleet.close()


main()
