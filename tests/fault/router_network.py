#!/usr/bin/env python3
"""The network between routers and brokers is slow, loses packets, and is cut for longer than a session; the tests' own
way to the broker too, as a broker names one address to all. Nothing lost, in order; a network that is only bad doubles
nothing."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin, game, wire

EVENTS, RATE = 60000, 2500
CUT_S = 10  # beyond the routers' session


def bad_network():
    """A broker behind a wire, and the wire."""
    port, name = free_port(), free_port()
    broker = admin.Broker("wire", "--port", port, "--set", f"advertised.listeners=PLAINTEXT://127.0.0.1:{name}")
    broker.bootstrap = f"127.0.0.1:{name}"
    return broker, wire.Wire(name, port)


def test_latency_and_loss_between_router_and_broker_lose_and_double_nothing():
    broker, line = bad_network()
    fleet = game.start(("r1", "r2"), kafka=broker.bootstrap)
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=300)
    line.bad(0.050, 0.020, 0.01)
    game.fed(feed)
    fleet.drained("in")
    for router in fleet.routers.values():
        expect(router.stop() == 0 and "clean=true" in router.log(), f"left in order\n{router.log()[-2000:]}")
    line.bad()
    game.finish(fleet, feed, EVENTS)
    fleet.close()
    broker.stop()


def test_a_partition_past_the_session_between_routers_and_broker_loses_nothing():
    broker, line = bad_network()
    fleet = game.start(("r1", "r2"), kafka=broker.bootstrap, lines=SHORT_SESSION)
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=300)
    for _ in range(2):
        game.pause(random.uniform(2, 4))
        line.cut(True)
        game.pause(CUT_S)
        health = [http(r.admin + "/healthz")[0] for r in fleet.routers.values()]
        expect(health == [200, 200], f"a broker that is away is no fault of the router: {health}")
        line.cut(False)
    game.finish(fleet, feed, EVENTS, duplicates=True)
    for router in fleet.routers.values():
        expect(router.stop() == 0 and "clean=true" in router.log(), f"left in order\n{router.log()[-2000:]}")
    fleet.close()
    broker.stop()


main()
