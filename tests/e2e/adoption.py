#!/usr/bin/env python3
"""A release that changes no topics is adopted without a word to Kafka: no rebalance, no change of the subscription, no
connection made or ended, no producer made again; one that adds a topic changes the subscription and nothing else."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import game

RELEASES = 20
QUIET = ["partition.", "subscription.changed", "producer.", "rebalance.", "commit.failed", "kafka.log", "router.unready"]


def connections(router, kafka):
    """The local ports of a router's connections to the brokers."""
    brokers = {int(address.rsplit(":", 1)[1]) for address in kafka.split(",")}
    sockets = set()
    for fd in pathlib.Path(f"/proc/{router.process.pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    ports = set()
    for line in pathlib.Path(f"/proc/{router.process.pid}/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[9] in sockets and words[3] == "01" and int(words[2].rsplit(":", 1)[1], 16) in brokers:
            ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return ports


def test_releases_that_change_no_topics_reach_no_broker():
    fleet = game.start(("r1",), partitions=8, limit=100)
    fleet.create_topics(more=2)
    router = fleet.routers["r1"]
    feed = fleet.feed_in_background("in", 90000, rate=3000, size=300)
    routed = lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"]
    wait_until("every destination has had events", lambda: routed() > 3000)
    before, seen = connections(router, fleet.kafka), len(router.log())
    expect(before, "it has connections")
    for n in range(1, RELEASES + 1):
        fleet.apply(fleet.write_config(f"c{n}", game.config(100 + 10 * n)))
    expect(feed.process.poll() is None, "the load ended too early: this proves little")
    log = router.log()[seen:]
    expect(log.count("event=release.adopted") == RELEASES, log)
    odd = [line for line in log.splitlines() if any(f"event={name}" in line for name in QUIET)]
    expect(not odd, "\n".join(odd))
    after = connections(router, fleet.kafka)
    expect(after == before, f"connections: {sorted(before)} before, {sorted(after)} after")

    seen = len(router.log())
    fleet.apply(fleet.write_config("more", game.config(100).replace("topics: [@in]", "topics: [@in, @more]")))
    wait_until("the topic is read", lambda: router.log()[seen:].count(f"event=partition.assigned topic={fleet.topic('more')} ") == 2)
    log = router.log()[seen:]
    expect(log.count("event=subscription.changed") == 1 and "event=partition.revoked" not in log, log)
    expect(before <= connections(router, fleet.kafka), "connections were made again")
    game.finish(fleet, feed, 90000)
    expect(router.stop() == 0, "left in order")
    fleet.close()


main()
