#!/usr/bin/env python3
"""Events that no well-meaning client sends: they leave as they came, or are dead letters; never lost, never a crash."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import raw

BYTES = """
kind: routing
name: bytes
topics: [@in]
rules:
  - name: marked
    when: headers.mark == "yes"
    pipeline: marked
otherwise: { pipeline: all }
---
kind: processing
name: marked
stages: [emit: { topic: @marked }]
---
kind: processing
name: all
stages: [emit: { topic: @all }]
"""
PARSED = """
kind: routing
name: parsed
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipeline: all
otherwise: { pipeline: all }
dead_letter: @dlq
---
kind: processing
name: all
stages: [emit: { topic: @all }]
"""


def odd_events():
    """(key, value, headers), all of them legal in Kafka."""
    many = [(f"h{i}", b"%d" % i) for i in range(1000)]
    return [
        (b"k", None, [("mark", b"yes")]), (b"k", None, []), (b"k", b"", []), (b"", b"", []), (None, b"{}", []),
        (None, None, []), (b"", b'{"type":"purchase"}', []), (b"\xff\xfe\x00k", b'{"type":"purchase"}', []),
        (b"k", bytes(range(256)), []), (b"k", b"\x00" * 1000, []), (b"k" * 40000, b"{}", []),
        (b"k", b'{"pad":"' + b"x" * 900000 + b'"}', []), (b"k", b"[" * 100000, []), (b"k", b'{"type":"purchase"', []),
        (b"k", b'{"type":"purchase"}', many), (b"k", b"{}", [("mark", b"no"), ("mark", b"yes"), ("mark", b"yes")]),
        (b"k", b"{}", [("mark", b"yes"), ("mark", None)]), (b"k", b"{}", [("", b"nameless"), ("empty", b""), ("null", None)]),
        (b"k", b"{}", [("mark", b"\xff\xfe")]), (b"k", b"{}", [("veltrix-release", b"999")]),
        (b"k", b'{"type":"purchase","type":"chat"}', []), (b"k", b'"text"', []), (b"k", b"1e999", []), (b"k", b" ", []),
        (b"k", b"\xef\xbb\xbf{}", []), (b"k", b'{"type":"\xff"}', []), (b"k", b'{"type":"\\ud800"}', []),
    ]


def start_fleet(text, **settings):
    fleet = Fleet()
    fleet.create_topics(**{"in": 1, "all": 1, "marked": 1, "dlq": 1})
    fleet.start_configsvc()
    fleet.start_router("r1", **settings)
    fleet.apply(fleet.write_config("c1", text))
    return fleet


def send(fleet, events):
    p = raw.Producer(fleet.kafka)
    for i, (key, value, headers) in enumerate(events):
        p.send(fleet.topic("in"), value, key, [("check-id", b"%d" % i)] + headers)
    p.flush()


def expected(event):
    """How it must come out: the release of an earlier hop makes place for this one's."""
    key, value, headers = event
    return key, value, [h for h in headers if h[0] != "veltrix-release"]


def seen(record):
    """A record without what the router adds at the end."""
    expect(record.headers[-1] == ("veltrix-release", b"1"), f"the release is the last header: {record.headers[-3:]}")
    return record.key, record.value, record.headers[1:-1]


def test_where_no_rule_reads_the_event_any_bytes_pass_as_they_came():
    fleet = start_fleet(BYTES)
    events = odd_events()
    send(fleet, events)
    fleet.drained("in")
    marked = {0, 15}
    for topic, ids in (("marked", marked), ("all", set(range(len(events))) - marked)):
        records = raw.read(fleet.kafka, fleet.topic(topic), 1)
        expect([int(r.headers[0][1]) for r in records] == sorted(ids), f"{topic}: {[r.headers[0] for r in records]}")
        for r in records:
            want = expected(events[int(r.headers[0][1])])
            expect(seen(r) == want, f"event {r.headers[0]}: {str(seen(r))[:300]} for {str(want)[:300]}")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.close()


def test_where_a_rule_reads_it_what_is_not_json_is_a_dead_letter_and_a_tombstone_is_not():
    fleet = start_fleet(PARSED)
    events = odd_events()
    send(fleet, events)
    fleet.drained("in")
    good = raw.read(fleet.kafka, fleet.topic("all"), 1)
    dead = raw.read(fleet.kafka, fleet.topic("dlq"), 1)
    ids = [int(r.headers[0][1]) for r in good], [int(r.headers[0][1]) for r in dead]
    expect(sorted(ids[0] + ids[1]) == list(range(len(events))), f"each once: {ids}")
    expect(ids[0] == sorted(ids[0]) and ids[1] == sorted(ids[1]), f"in order: {ids}")
    for r in good:
        want = expected(events[int(r.headers[0][1])])
        expect(seen(r) == want, f"event {r.headers[0]}: {str(seen(r))[:300]} for {str(want)[:300]}")
        if want[1] is not None:
            json.loads(want[1])
    for r in dead:
        want = events[int(r.headers[0][1])]
        expect((r.key, r.value) == want[:2], f"a dead letter holds the event as it came: {r.headers[0]}")
        expect(want[1] is not None, f"a tombstone is no dead letter: {r.headers}")
        expect(any(n == "__connect.errors.exception.message" for n, _ in r.headers), f"says why: {r.headers}")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    fleet.close()


def test_aborted_transactions_leave_no_trace_and_do_not_stop_the_offsets():
    fleet = start_fleet(BYTES)
    p = raw.Producer(fleet.kafka, transactional_id=fleet.name)
    want = []
    for n in range(20):
        p.begin()
        for i in range(5):
            p.send(fleet.topic("in"), b"%d %d" % (n, i), b"k", [("check-id", b"%d" % (n * 5 + i))])
        if n % 3 == 1:
            p.abort()
        else:
            p.commit()
            want += [b"%d %d" % (n, i) for i in range(5)]
    plain = raw.Producer(fleet.kafka)
    plain.send(fleet.topic("in"), b"last", b"k", [("check-id", b"1000")])
    plain.flush()
    fleet.drained("in")
    got = [r.value for r in raw.read(fleet.kafka, fleet.topic("all"), 1)]
    expect(got == want + [b"last"], f"{got}")
    fleet.close()


def test_a_window_of_one_event_or_one_byte_goes_on_one_by_one():
    for extra in ("window_events = 1", "window_bytes = 1"):
        fleet = start_fleet(BYTES, extra=extra)
        send(fleet, odd_events() + [(b"k", b"%d" % i, []) for i in range(300)])
        fleet.drained("in")
        ids = [int(r.headers[0][1]) for t in ("all", "marked") for r in raw.read(fleet.kafka, fleet.topic(t), 1)]
        expect(sorted(ids) == list(range(len(odd_events()) + 300)), f"{extra}: each once: {len(ids)}")
        fleet.close()


main()
