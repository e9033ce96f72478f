"""The fleet that faults are tried on: purchases from `limit` on go to the shop and to the archive, all else to the
archive only. Also what such tests do again and again: wait for a moment that was drawn, and end a load."""
from harness import *


def config(limit=0):
    return f"""
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase" && event.amount >= {limit}
    pipelines: [shop, archive]
otherwise: {{ pipeline: archive }}
---
kind: processing
name: shop
stages: [set: {{ event.seen: true }}, emit: {{ topic: @shop }}]
---
kind: processing
name: archive
stages: [emit: {{ topic: @archive }}]
"""


def start(routers=("r1",), partitions=8, limit=0, kafka=None, text=None, lines="", **settings):
    """Routers that are ready, under release 1. `text`: another config than the above; `lines` of their section `kafka`,
    and the other `settings` of start_router()."""
    fleet = Fleet(kafka=kafka)
    fleet.create_topics(**{"in": partitions, "shop": partitions // 2, "archive": partitions})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, kafka=lines, **settings)
    fleet.apply(fleet.write_config("c0", text or config(limit)))
    for name in routers:
        fleet.wait_ready(fleet.routers[name])
    return fleet


def pause(seconds):
    """The time between two faults is drawn; it waits for nothing."""
    end = time.monotonic() + seconds
    wait_until("the moment drawn", lambda: time.monotonic() > end, seconds + 5)


def fed(feed, timeout_s=300):
    wait_until("everything is fed", lambda: feed.process.poll() is not None, timeout_s)
    expect(feed.process.returncode == 0, feed.log())


def finish(fleet, feed, events, duplicates=False, timeout_s=180):
    """Waits for the load and for the fleet, and judges: every event is there, in order. The verdict."""
    fed(feed)
    fleet.drained("in", timeout_s=timeout_s)
    verdict = fleet.verify("in", duplicates=duplicates)
    expect(verdict["events"] == events, f"{verdict['events']} events of {events}")
    return verdict


def sanitizer():
    """The one that the router under test is built with: asan, tsan, or none."""
    libraries = run("ldd", BIN / "veltrix-router").stdout
    return next((name for name in ("asan", "tsan") if f"lib{name}" in libraries), "")
