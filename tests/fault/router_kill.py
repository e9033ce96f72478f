#!/usr/bin/env python3
"""A router of three is killed with SIGKILL every few seconds, drawn at random, under full load: nothing lost, nothing out
of order, and no more doubled than was not committed at the kills. --seconds N: for how long (40)."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game, offsets

SECONDS = option("seconds", 40)
RATE = 12000  # for three routers, the broker and the tests on two cores; more only makes the end longer
PARTITIONS = 8
RECORDS = 2  # of one event, at most


def kill_at_random(**load):
    """A fleet under load whose routers are killed until it ends, the verdict, and how many records were handed over or due
    but not committed at the kills."""
    fleet = game.start(("r1", "r2", "r3"), PARTITIONS, lines=SHORT_SESSION)
    look = offsets.Offsets(fleet.kafka, fleet.name, fleet.topic("in"), PARTITIONS)
    feed = fleet.feed_in_background("in", RATE * SECONDS, rate=RATE, size=300, **load)
    kills = bound = 0
    while feed.process.poll() is None:
        game.pause(random.uniform(1, 5))
        working = [r for r in fleet.routers.values() if offsets.owned(r.log(), fleet.topic("in"))]
        if not working:
            continue
        victim = random.choice(working)
        victim.kill()
        bound += RECORDS * look.undone(offsets.owned(victim.log(), fleet.topic("in")))
        kills += 1
        victim.start()
    verdict = game.finish(fleet, feed, RATE * SECONDS, duplicates=True)
    for offset, text, epoch in look.commits():
        expect(re.fullmatch(r"veltrix release=1 generation=1 until=\d+.*", text) and epoch >= 0, f"{offset} {text} {epoch}")
    print(f"# kills={kills} duplicated={verdict['duplicated']} not_committed_at_the_kills={bound}")
    expect(kills >= SECONDS // 10, f"only {kills} kills")
    return fleet, verdict, bound


def test_routers_killed_at_random_lose_nothing_and_double_no_more_than_was_not_committed():
    fleet, verdict, bound = kill_at_random()
    expect(verdict["duplicated"] <= bound, f"{verdict['duplicated']} doubled, {bound} records were not committed at the kills")
    fleet.close()


def test_events_without_a_key_that_come_again_go_where_they_went_before():
    fleet, verdict, bound = kill_at_random(keys=0)
    expect(verdict["duplicated"] > 0, "nothing came again: this proves nothing")
    expect(verdict["moved"] == 0, f"{verdict['moved']} records went to another partition than before")
    fleet.close()


main()
