#!/usr/bin/env python3
"""Routers join and leave in order under load, every second and while releases change: nothing lost, in order, and nothing
doubled, because each of them commits what it did before it lets go. --seconds N: for how long (30)."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

SECONDS = option("seconds", 30)
RATE = 7000
GUESTS = 3  # routers that come and go, at most at once; two more stay


def leave(router):
    """Tells it to; waiting for it is left()'s: a second signal would end it at once."""
    router.signal(signal.SIGTERM)


def left(router):
    wait_until("it has left", lambda: router.process.poll() is not None)
    expect(router.process.returncode == 0 and "clean=true" in router.log(),
           f"exit {router.process.returncode}\n{router.log()[-3000:]}")


def test_routers_that_join_and_leave_every_second_double_nothing():
    fleet = game.start(("r1", "r2"))
    feed = fleet.feed_in_background("in", RATE * SECONDS, rate=RATE, size=300)
    guests, gone, count = [], [], 0
    while feed.process.poll() is None:
        if len(guests) == GUESTS or (guests and random.random() < 0.5):
            guest = guests.pop(random.randrange(len(guests)))
            leave(guest)
            gone.append(guest)
        else:
            guests.append(fleet.start_router(f"guest{count}", wait=False))
            count += 1
        game.pause(random.uniform(0.5, 1.5))
    game.fed(feed)
    for guest in guests:
        leave(guest)
    for guest in gone + guests:
        left(guest)
    fleet.drained("in")
    verdict = fleet.verify("in")
    came = sum("event=partition.assigned" in guest.log() for guest in gone + guests)
    print(f"# guests={count} of which {came} had partitions")
    expect(came > 0, f"none of {count} had partitions: this proves nothing")
    expect(verdict["events"] == RATE * SECONDS, f"{verdict['events']} events of {RATE * SECONDS}")
    fleet.close()


def test_routers_that_leave_in_order_double_nothing_while_neighbours_join_and_releases_change():
    fleet = game.start(("r1", "r2"), limit=1000)
    feed = fleet.feed_in_background("in", 120000, rate=7000, size=300)
    for i in range(1, 9):
        router = fleet.routers[random.choice(["r1", "r2"])]
        leave(router)
        left(router)
        router.start()
        fleet.apply(fleet.write_config(f"c{i}", game.config(200 * i)), wait=False)
        game.pause(random.uniform(0, 2))
    game.finish(fleet, feed, 120000)
    fleet.close()


main()
