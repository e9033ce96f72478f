#!/usr/bin/env python3
"""Records as they are out there: every codec in and out, keys and values of every kind, aborted and open transactions,
both kinds of timestamps, records up to the brokers' limit and beyond it, compacted topics. One broker of its own, whose
cleaner is in a hurry."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import admin, raw

CONFIG = """
kind: routing
name: bytes
topics: [@in]
rules:
  - name: small
    when: headers.small == "yes"
    pipeline: small
otherwise: { pipeline: all }
dead_letter: @dlq
---
kind: processing
name: small
stages: [emit: { topic: @small }]
---
kind: processing
name: all
stages: [emit: { topic: @out }]
"""
MIB = 1 << 20
BROKER = None


def broker():
    global BROKER
    if not BROKER:
        BROKER = admin.Broker("records", "--set", "log.cleaner.backoff.ms=100", "--set", "log.retention.check.interval.ms=1000")
    return BROKER


def start_fleet(kafka="", **topics):
    fleet = Fleet(kafka=broker().bootstrap)
    fleet.create_topics(**{"in": 1, "out": 1, "small": 1, "dlq": 1, **topics})
    fleet.start_configsvc()
    fleet.start_router("r1", kafka=kafka)
    fleet.apply(fleet.write_config("c", CONFIG))
    return fleet


def send(fleet, events, first=0, **properties):
    """(key, value, headers, timestamp), numbered."""
    p = raw.Producer(fleet.kafka, message_max_bytes=100000000, **properties)
    for i, (key, value, headers, timestamp) in enumerate(events):
        p.send(fleet.topic("in"), value, key, [("check-id", b"%d" % (first + i))] + headers, 0, timestamp)
    p.flush()


def read(fleet, topic="out"):
    return raw.read(fleet.kafka, fleet.topic(topic), 1)


def ids(records):
    return [int(dict(r.headers)["check-id"]) for r in records]


def metric(router, name):
    lines = [l for l in http(router.admin + "/metrics")[1].splitlines() if l.startswith(name)]
    return sum(float(l.split()[-1]) for l in lines)


def test_every_codec_in_and_out_leaves_records_of_every_kind_as_they_came():
    fleet = start_fleet()
    keys = [None, b"", b"k", b"\xff\x00\xfe", b"k" * 1000]
    values = [None, b"", b"{}", bytes(range(256)) * 20, b"x" * 200000]
    headers = [[], [("a", b"1"), ("a", b"2"), ("a", None)], [("empty", b""), ("null", None), ("", b"nameless"), ("b", b"\xff\x00")]]
    base = 1700000000000
    events = [(k, v, h, base - 1000 * i) for i, (k, v, h) in enumerate((k, v, h) for k in keys for v in values for h in headers)]
    want, first = [], 0
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        if first:
            expect(fleet.routers["r1"].stop() == 0, "left in order")
            fleet.start_router("r1", kafka=f'producer.compression.codec = "{codec}"')
        send(fleet, events, first, compression_codec=codec)
        fleet.drained("in")
        first += len(events)
        want += events
    got = read(fleet)
    expect(ids(got) == list(range(first)), f"{len(got)} of {first}")
    for r, event in zip(got, want):
        seen = (r.key, r.value, r.headers[1:-1], r.timestamp)
        expect(seen == event, f"event {r.headers[0]}: {str(seen)[:300]} for {str(event)[:300]}")
    fleet.verify("in")
    fleet.close()


def test_timestamps_of_both_kinds():
    fleet = start_fleet()
    now = int(time.time() * 1000)
    stamps = [-1, 1, 1000, now - 86400000 * 365 * 40, now, now + 60000, -1, now]
    send(fleet, [(b"k", b"{}", [], t) for t in stamps])
    fleet.drained("in")
    expect([r.timestamp for r in read(fleet)] == stamps, f"{[r.timestamp for r in read(fleet)]} for {stamps}")
    admin.set_topic(fleet.kafka, fleet.topic("in"), "message.timestamp.type", "LogAppendTime")
    send(fleet, [(b"k", b"{}", [], 1000)] * 10, len(stamps))
    fleet.drained("in")
    came = [r.timestamp for r in read(fleet, "in")[len(stamps):]]
    expect(min(came) >= now, "the broker's own time")
    expect([r.timestamp for r in read(fleet)[len(stamps):]] == came, "the time at which it was appended goes on with it")
    admin.set_topic(fleet.kafka, fleet.topic("out"), "message.timestamp.type", "LogAppendTime")
    send(fleet, [(b"k", b"{}", [], 1000)] * 10, len(stamps) + 10)
    fleet.drained("in")
    expect(all(r.timestamp >= now for r in read(fleet)[len(stamps) + 10:]), "the destination's own time")
    fleet.verify("in")
    fleet.close()


def test_an_open_transaction_holds_back_what_is_behind_it_and_leaves_nothing_when_it_is_aborted():
    fleet = start_fleet()
    txn = raw.Producer(fleet.kafka, transactional_id=fleet.name, compression_codec="lz4")
    plain, n, want = raw.Producer(fleet.kafka), 0, []
    for turn in range(4):
        txn.begin()
        for i in range(2000):
            txn.send(fleet.topic("in"), b"{}", b"k", [("check-id", b"%d" % (n + i))])
        txn.flush()
        plain.send(fleet.topic("in"), b"{}", b"k", [("check-id", b"%d" % (n + 2000))])
        plain.flush()
        expect(len(read(fleet)) == len(want), "what is behind an open transaction has come out")
        if turn % 2:
            txn.commit()
        else:
            txn.abort()
        # an end that is no record is never committed: a last one behind the marker, which brokers write when they like
        want += [*range(n if turn % 2 else n + 2000, n + 2001)]
        wait_until("the marker is written", lambda: len(read(fleet, "in")) == len(want))
        plain.send(fleet.topic("in"), b"{}", b"k", [("check-id", b"%d" % (n + 2001))])
        plain.flush()
        want.append(n + 2001)
        n += 2002
        fleet.drained("in")
    expect(ids(read(fleet)) == want, f"{len(ids(read(fleet)))} for {len(want)}")
    fleet.verify("in")
    fleet.close()


def test_records_up_to_the_limit_go_on_and_beyond_it_are_dead_letters_that_cost_no_producer():
    large = "1:max.message.bytes=10485760"
    fleet = start_fleet(**{"in": large, "out": large, "dlq": large})
    router = fleet.routers["r1"]
    sizes = [100, 9 * MIB, 200, 2 * MIB, 100, 10 * MIB - 1000, 300] + [random.randrange(100, 3 * MIB) for _ in range(20)]
    events = [(b"k", random.randbytes(size), [("small", b"yes")] if i % 3 == 2 else [], None) for i, size in enumerate(sizes * 2)]
    limit = 1048588 - 200  # of a topic unless told otherwise
    send(fleet, events)
    fleet.drained("in")
    to_small = {i for i, e in enumerate(events) if e[2]}
    dead = {i for i in to_small if len(events[i][1]) > limit}
    for topic, want in (("out", set(range(len(events))) - to_small), ("small", to_small - dead), ("dlq", dead)):
        got = read(fleet, topic)
        expect(ids(got) == sorted(want), f"{topic}: {ids(got)} for {sorted(want)}")
        expect(all(r.value == events[i][1] for r, i in zip(got, ids(got))), f"{topic}: other bytes")
    expect(dead and router.log().count("event=producer.recreated") == 0, "a producer was lost")

    # a topic that takes less than it did: found out at the cost of a producer, and then known
    admin.set_topic(fleet.kafka, fleet.topic("out"), "max.message.bytes", 50000)
    admin.set_topic(fleet.kafka, fleet.topic("small"), "max.message.bytes", 50000)
    events = [(b"k", random.randbytes(60000 if i % 10 == 0 else 3000), [("small", b"yes")] if i % 3 == 0 else [], None)
              for i in range(1000)]
    send(fleet, events, 1000)
    fleet.drained("in")
    dead = ids(read(fleet, "dlq"))[len(dead):]
    expect(dead == list(range(1000, 2000, 10)), f"dead letters: {dead}")
    made = router.log().count("event=producer.recreated")
    expect(made <= 14, f"{made} producers for two topics that take less")
    print(f"# {made} producers were made again for 100 refused records")
    fleet.verify("in", duplicates=True, refused=True)
    fleet.close()


def test_a_refused_batch_that_is_the_first_of_its_producer_is_not_overtaken():
    """A broker takes any batch of a producer that it has not seen yet, also one behind a batch that it has refused."""
    fleet = start_fleet(out="1:max.message.bytes=50000")
    fleet.drained("in")
    expect(fleet.routers["r1"].stop() == 0, "left in order")
    sizes = ([6000] * 10 + [100] * 10) * 30  # ten are too large for a batch, ten are not
    send(fleet, [(b"k", random.randbytes(size), [], None) for size in sizes])
    fleet.start_router("r1", kafka='producer.batch.num.messages = "10"')
    fleet.drained("in")
    expect("event=producer.recreated" in fleet.routers["r1"].log(), "no batch was refused: this proves nothing")
    fleet.verify("in", duplicates=True)
    fleet.close()


def test_compacted_topics_with_holes_as_source_and_as_destination():
    fleet = start_fleet(**{"in": "1:cleanup.policy=compact:segment.ms=100:min.cleanable.dirty.ratio=0.01:segment.bytes=1048576",
                           "out": "1:cleanup.policy=compact"})
    router = fleet.routers["r1"]
    fleet.drained("in")
    expect(router.stop() == 0, "left in order")
    events = [(b"key-%d" % (i % 50 if i % 7 else i), b'{"n":%d}' % i, [], None) for i in range(5000)]
    for start in range(0, 5000, 1000):
        send(fleet, events[start:start + 1000], start)
    tail = 5000

    def compacted():
        nonlocal tail
        send(fleet, [(b"tail-%d" % tail, b"{}", [], None)], tail)  # closes the segment before
        tail += 1
        return len(read(fleet, "in")) < 2000
    wait_until("the cleaner has been there", compacted, 60)
    router.start()
    fleet.drained("in")
    left = read(fleet, "in")
    seen = ids(read(fleet))
    expect(left[-1].offset > len(left) and set(ids(left)) <= set(seen), "holes, and what is left came out")
    expect(seen == sorted(seen), "in order")
    fleet.close()


def test_a_record_without_key_for_a_compacted_destination_is_a_dead_letter():
    fleet = start_fleet(out="1:cleanup.policy=compact")
    events = [(None if i % 5 == 0 else b"k%d" % i, b"{}", [], None) for i in range(200)]
    send(fleet, events)
    fleet.drained("in")
    expect(ids(read(fleet, "dlq")) == list(range(0, 200, 5)), f"{ids(read(fleet, 'dlq'))}")
    expect(ids(read(fleet)) == [i for i in range(200) if i % 5], "the others")
    print(f"# producers made again: {fleet.routers['r1'].log().count('event=producer.recreated')}")
    fleet.verify("in", duplicates=True, refused=True)
    fleet.close()


main(needs_kafka=False)
