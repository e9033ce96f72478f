#!/usr/bin/env python3
"""A release changes under full load: nothing lost, doubled or reordered, every event routed as the release it names says."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

COUNT = int(os.environ.get("VELTRIX_EVENTS", 1000000))
CHANGES = 20


def config(threshold, eu_topic):
    return f"""
kind: routing
name: game
topics: [@in]
rules:
  - name: big-spender
    when: event.type == "purchase" && event.amount >= {threshold}
    pipelines: [fraud, archive]
  - name: chat
    when: event.type == "chat"
    drop: true
  - name: europe
    when: event.region.startsWith("eu-")
    pipeline: europe
otherwise: {{ pipeline: archive }}
dead_letter: @dlq
---
kind: processing
name: fraud
stages:
  - set: {{ event.checked: {threshold}, headers.region: "${{event.region}}" }}
  - emit: {{ topic: @fraud }}
---
kind: processing
name: europe
stages:
  - emit: {{ topic: @{eu_topic} }}
---
kind: processing
name: archive
stages:
  - remove: [event.pad]
  - emit: {{ topic: @archive }}
"""


def test_a_million_events_survive_twenty_changes():
    fleet = Fleet()
    fleet.create_topics(**{"in": 12, "fraud": 4, "archive": 12, "eu_a": 3, "eu_b": 3, "dlq": 1})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.start_router("r2")
    fleet.apply(fleet.write_config("c0", config(1000, "eu-a")))
    fed = fleet.feed("in", COUNT // 100, keys=5000, size=400)
    fleet.drained("in")
    feed = fleet.feed_in_background("in", COUNT - fed, first=fed, rate=COUNT // 40, keys=5000, size=400)
    for i in range(1, CHANGES + 1):
        fleet.apply(fleet.write_config(f"c{i}", config(1000 + 10 * i, "eu-b" if i % 2 else "eu-a")))
        expect(feed.process.poll() is None or i > CHANGES // 2, "the feed ended before the changes; raise VELTRIX_EVENTS")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 300)
    expect(feed.process.returncode == 0, feed.log())
    fleet.drained("in", timeout_s=300)
    verdict = fleet.verify("in")
    expect(verdict["events"] == COUNT, f"{verdict['events']} events of {COUNT}")
    seen = {int(n) for n in verdict["releases"]}
    expect(len(seen) >= CHANGES // 2 and 1 in seen, f"releases seen: {sorted(seen)}")
    for name, router in fleet.routers.items():
        expect(router.stop() == 0, f"{name} left with {router.process.returncode}")
    fleet.close()


main()
