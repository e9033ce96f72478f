#!/usr/bin/env python3
"""A broker that has just been started knows topics and no brokers yet: clients that ask it then have nobody left to ask.
They are told where to begin again, and all goes on, the second time as the first."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import admin, game
from gate import KafkaGate

LINES = '''
  topic.metadata.refresh.interval.ms = "1000"
  consumer.client.id = "consumer"
  producer.client.id = "producer"
'''
CLIENTS = {"consumer", "producer"}
EVENTS = 2000
PARTITIONS = 400  # the longer the answer, the likelier that librdkafka stumbles
TRIES = 20


def bereave(gate):
    """Until the consumer and a producer have given up the brokers they had."""
    gate.bereft = set()
    gate.empties = True
    wait_until("the clients drop their brokers", lambda: gate.bereft >= CLIENTS, 60)
    gate.empties = False
    gate.told = set()


def finds_back(gate):
    """Does librdkafka begin again by itself? It does so at once, or never."""
    try:
        wait_until("the clients ask again", lambda: gate.told >= CLIENTS, 5)
        return True
    except Failure:
        return False


def strand(gate):
    for _ in range(TRIES):
        bereave(gate)
        if not finds_back(gate):
            return
    raise Skip(f"this librdkafka found back {TRIES} times")


def test_clients_that_are_told_of_topics_and_no_brokers_come_back():
    port = free_port()
    gate = KafkaGate(f"127.0.0.1:{port}")
    broker = admin.Broker("empty", "--port", port, "--set", f"advertised.listeners=PLAINTEXT://127.0.0.1:{gate.port}")
    fleet = game.start(kafka=f"127.0.0.1:{gate.port}", lines=LINES, partitions=PARTITIONS)
    router = fleet.routers["r1"]
    sent = fleet.feed("in", EVENTS)
    fleet.drained("in")
    for _ in range(2):
        strand(gate)
        sent = fleet.feed("in", EVENTS, sent)
        fleet.drained("in", timeout_s=90)
    expect("event=kafka.bootstrap" in router.log(), "it came back by itself")
    verdict = fleet.verify("in", duplicates=True)
    expect(verdict["events"] == sent, f"{verdict['events']} events of {sent}")
    expect(router.stop() == 0, "left in order")
    fleet.close()
    broker.stop()


main(needs_kafka=False)
