#!/usr/bin/env python3
"""Where reading begins when offsets and partitions change under a fleet: partitions added to a topic that was begun at its
end, committed offsets that retention has overtaken, records deleted under a partition that is held."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin, raw
from gate import KafkaGate

QUICK = 'topic.metadata.refresh.interval.ms = "1000"'


def config(start, archive="archive"):
    return f"""
kind: routing
name: game
topics: [@in]
start: {start}
otherwise: {{ pipeline: archive }}
---
kind: processing
name: archive
stages: [emit: {{ topic: @{archive} }}]
"""


def start_fleet(start, routers=("r1",), kafka=None, **topics):
    fleet = Fleet(kafka=kafka)
    fleet.create_topics(**{"in": 2, "archive": 1, **topics})
    fleet.start_configsvc()
    for name in routers:
        fleet.start_router(name, kafka=QUICK)
    return fleet


def send(fleet, first, count, partition):
    """Numbered events to one partition."""
    p = raw.Producer(fleet.kafka)
    for i in range(first, first + count):
        p.send(fleet.topic("in"), b'{"n":%d}' % i, b"k", [("check-id", b"%d" % i)], partition)
    p.flush()
    p.close()


def archived(fleet, topic="archive"):
    return [int(dict(r.headers)["check-id"]) for r in raw.read(fleet.kafka, fleet.topic(topic), 1)]


def wait_assigned(fleet, count, router="r1"):
    log = fleet.routers[router].log
    wait_until(f"{count} partitions assigned", lambda: log().count("event=partition.assigned") >= count, 60)


def test_partitions_added_to_a_topic_begun_at_its_end_begin_at_their_beginning():
    fleet = start_fleet("latest", ("r1", "r2"))
    for partition in (0, 1):
        send(fleet, partition * 100, 100, partition)
    fleet.apply(fleet.write_config("c", config("latest")))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    sent = 200
    for count in (5, 7):
        raw.add_partitions(fleet.kafka, fleet.topic("in"), count)
        for partition in range(count):
            wait_until("the partition takes records", lambda: can_send(fleet, sent, partition))
            sent += 100
    fleet.drained("in")
    for router in fleet.routers.values():
        expect(router.stop() == 0, "left in order")
    for partition in range(7):
        send(fleet, sent, 100, partition)
        sent += 100
    fleet.routers["r2"].start()
    fleet.drained("in")
    ids = archived(fleet)
    expect(sorted(ids) == list(range(200, sent)), f"{len(ids)} events of {sent - 200}, {sorted(set(range(200, sent)) - set(ids))[:5]}")
    fleet.close()


def gated_broker():
    """A broker that holds requests back when it is told to."""
    port = free_port()
    gate = KafkaGate(f"127.0.0.1:{port}")
    broker = admin.Broker("gate", "--port", port, "--set", f"advertised.listeners=PLAINTEXT://127.0.0.1:{gate.port}")
    broker.bootstrap = f"127.0.0.1:{gate.port}"
    return broker, gate


def held(router):
    return [a["reason"] for a in json.loads(http(router.admin + "/status")[1])["assignments"] if "reason" in a]


def test_no_partition_begins_before_it_is_known_and_on_record_where():
    broker, gate = gated_broker()
    fleet = start_fleet("latest", kafka=broker.bootstrap)
    router = fleet.routers["r1"]
    send(fleet, 0, 100, 0)
    gate.hold(KafkaGate.OFFSET_COMMIT)
    fleet.apply(fleet.write_config("c", config("latest")), wait=False)
    router.wait_log("event=partition.waiting")
    expect(http(router.admin + "/readyz")[0] == 503 and held(router) == ["unbegun"] * 2, f"{held(router)}")
    gate.hold()
    wait_until("it is ready", lambda: http(router.admin + "/readyz")[0] == 200)

    sent = 100
    gate.hold(KafkaGate.OFFSET_FETCH)
    raw.add_partitions(fleet.kafka, fleet.topic("in"), 4)
    for partition in range(4):
        wait_until("the partition takes records", lambda: can_send(fleet, sent, partition))
        sent += 100
    wait_until("those added wait", lambda: held(router) == ["unbegun"] * 2, 60)
    gate.hold()
    fleet.drained("in")
    ids = archived(fleet)
    expect(sorted(ids) == list(range(100, sent)), f"{len(ids)} events of {sent - 100}")
    expect(router.stop() == 0, "left in order")
    fleet.close()
    broker.stop()


def can_send(fleet, first, partition):
    try:
        send(fleet, first, 100, partition)
        return True
    except RuntimeError:  # the producer has not heard of it yet
        return False


def test_offsets_that_retention_overtook_are_said_and_start_decides():
    for start in ("earliest", "latest"):
        fleet = start_fleet(start)
        fleet.apply(fleet.write_config("c", config(start)))
        router = fleet.routers["r1"]
        wait_assigned(fleet, 2)
        fleet.wait_ready(router)
        send(fleet, 0, 100, 0)
        fleet.drained("in")
        expect(router.stop() == 0, "left in order")
        send(fleet, 100, 200, 0)
        admin.delete_records(fleet.kafka, fleet.topic("in"), p0=250)
        router.start()
        topic = fleet.topic("in")
        router.wait_log(f"event=offset.expired topic={topic} partition=0 committed=100 first=250 start={start}")
        wait_assigned(fleet, 2)
        wait_until("it reads", lambda: http(router.admin + "/readyz")[0] == 200)
        if start == "latest":
            router.wait_log("event=partition.assigned topic=%s partition=0 offset=300" % topic)
        send(fleet, 300, 100, 0)
        fleet.drained("in")
        want = list(range(100)) + list(range(250 if start == "earliest" else 300, 400))
        expect(archived(fleet) == want, f"{start}: {archived(fleet)}")
        fleet.close()


def test_records_deleted_under_a_held_partition_leave_a_gap_that_is_said_and_it_goes_on():
    fleet = start_fleet("earliest")
    router = fleet.routers["r1"]
    fleet.apply(fleet.write_config("c", config("earliest", "missing")), wait=False)
    send(fleet, 0, 100, 0)
    router.wait_log("event=partition.held")
    # more than it has fetched: what is deleted now must be asked for
    p = raw.Producer(fleet.kafka)
    for i in range(100, 40000):
        p.send(fleet.topic("in"), b'{"pad":"%s"}' % (b"x" * 500), b"k", [("check-id", b"%d" % i)], 0)
    p.flush()
    p.close()
    admin.delete_records(fleet.kafka, fleet.topic("in"), p0=39000)
    fleet.create_topics(missing=1)
    fleet.drained("in")
    router.wait_log("facility=OFFSET")
    ids = archived(fleet, "missing")
    expect(ids == sorted(set(ids)) and set(range(100)) | set(range(39000, 40000)) <= set(ids), f"{len(ids)} events")
    fleet.close()


main()
