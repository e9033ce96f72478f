#!/usr/bin/env python3
"""Routers join and leave in order under load, every second, while releases change, and while the group waits for one
that does not answer: nothing lost, in order, and nothing doubled, because each of them commits what it did before it
lets go, and none goes without a word. --seconds N: for how long they join and leave (30)."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
import struct
from harness import *
import game
from request import request, text

SECONDS = option("seconds", 30)
RATE = 7000
GUESTS = 3  # routers that come and go, at most at once; two more stay


def group(fleet):
    """What the broker says of the fleet's group (DescribeGroups, version 0): its state, and its members' client.ids."""
    answer, names = request(fleet.kafka, 15, 0, struct.pack(">i", 1) + text(fleet.name)), []
    answer.take(">i")  # groups: one
    expect(answer.take(">h") == 0, "the broker describes the group")
    answer.bytes()  # the group's name
    state = answer.bytes().decode()
    answer.bytes(), answer.bytes()  # protocol type, protocol
    for _ in range(answer.take(">i")):
        answer.bytes()
        names.append(answer.bytes().decode())
        answer.bytes(), answer.bytes(">i"), answer.bytes(">i")  # host, subscription, assignment
    return state, names


def members(fleet):
    return group(fleet)[1]


def settled(fleet):
    """Waits until each router has partitions, and no rebalance is under way."""
    wait_until("each has partitions",
               lambda: all("event=partition.assigned" in r.log() for r in fleet.routers.values()))
    wait_until("the group is at rest", lambda: group(fleet)[0] == "Stable")


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


def test_a_router_that_leaves_before_it_was_let_in_is_no_member_any_more():
    """One that goes without a word is counted until its session ends: nobody can join or leave before that."""
    fleet = game.start(("r1", "r2"), partitions=2, lines=SHORT_SESSION)
    settled(fleet)
    fleet.routers["r2"].signal(signal.SIGSTOP)  # the group waits for it
    guest = fleet.start_router("guest", kafka='\n  client.id = "guest"')
    wait_until("it asks to be let in", lambda: "guest" in members(fleet))
    leave(guest)
    left(guest)
    expect("guest" not in members(fleet), "it is counted still")
    fleet.close()


def leave_within_a_rebalance(extra=""):
    """A router leaves whose last commit waits behind its JoinGroup, which waits for a router that is frozen. When that
    one is given up there is an assignment in the queue, to be given back before the client closes."""
    fleet = game.start(("r1", "r2"), partitions=6, lines=SHORT_SESSION)
    guest = fleet.start_router("guest", kafka=SHORT_SESSION, extra=extra)
    settled(fleet)
    fleet.routers["r2"].signal(signal.SIGSTOP)  # before there are events: it has none that it could double
    feed = fleet.feed_in_background("in", 20000, rate=4000, size=300)
    fleet.start_router("late", kafka='\n  client.id = "late"')
    wait_until("another asks to be let in", lambda: "late" in members(fleet))
    game.pause(1.5)  # with its next heartbeat, one a second, the guest joins again
    leave(guest)
    left(guest)
    expect("level=warn event=commit.failed" not in guest.log(), f"it commits after it has left\n{guest.log()}")
    fleet.routers["r2"].kill()
    game.finish(fleet, feed, 20000)
    fleet.close()


def test_a_router_whose_last_commit_waits_for_a_rebalance_leaves_in_order():
    leave_within_a_rebalance()


def test_a_static_member_whose_last_commit_waits_for_a_rebalance_stops_in_order():
    leave_within_a_rebalance('instance_id = "guest"')


main()
