#!/usr/bin/env python3
"""The broker stops answering past every session, and is killed and started again, both under load: nothing lost, in
order; afterwards routers leave in order. A broker of its own, so that neighbours are not disturbed."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

PAUSE_S = 9  # beyond the routers' session


def test_a_broker_paused_past_the_session_then_killed_and_started_again():
    kafka = run(ROOT / "scripts/kafka", "start", "--name", f"broker{os.getpid()}", check=0).stdout.split("bootstrap=")[1].strip()

    def broker(*words):
        run(ROOT / "scripts/kafka", *words, "--name", f"broker{os.getpid()}", check=0)
    atexit.register(lambda: run(ROOT / "scripts/kafka", "stop", "--name", f"broker{os.getpid()}"))
    fleet = Fleet(kafka=kafka)
    fleet.create_topics(**{"in": 8, "shop": 4, "archive": 8})
    fleet.start_configsvc()
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.apply(fleet.write_config("c", game.config()))
    feed = fleet.feed_in_background("in", 60000, rate=4000, size=300)
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    broker("node", 1, "pause")
    end = time.monotonic() + PAUSE_S
    wait_until("the pause is over", lambda: time.monotonic() > end)
    broker("node", 1, "resume")
    fleet.drained("in")
    broker("node", 1, "kill")
    broker("node", 1, "start")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 120)
    fleet.drained("in")
    verdict = fleet.verify("in", duplicates=True)
    expect(verdict["events"] >= 60000, f"{verdict['events']} events of 60000")
    for router in fleet.routers.values():
        expect(router.stop() == 0 and "clean=true" in router.log(), f"left in order\n{router.log()[-2000:]}")
    fleet.close()


main()
