"""The job in Python: confluent-kafka (librdkafka) and orjson, at least once.

    router.py BROKERS GROUP IN HEADER RULES         HEADER: 1 adds veltrix-release, 0 does not

One process: more of them would share the partitions, not the CPU time of an event.
"""
import signal, sys, time
import orjson
from confluent_kafka import Consumer, Producer

brokers, group, source, header, rules_file = sys.argv[1:6]
COMMIT_S = 1  # as often as the router
stop = False


def on_signal(*_):
    global stop
    stop = True


def load(path):
    """(type, region) -> [(least amount, topic)] in order, and the topic of what no rule takes."""
    table, otherwise = {}, None
    for line in open(path):
        kind, region, least, topic = line.rstrip("\n").split("\t")
        if kind == "*":
            otherwise = topic
        else:
            table.setdefault((kind, region), []).append((int(least), topic))
    return table, otherwise


def forward(messages):
    for m in messages:
        value = m.value()
        event = orjson.loads(value)
        amount = event["amount"]
        for least, topic in table.get((event["type"], event["region"]), ()):
            if amount >= least:
                break
        else:
            topic = otherwise
        while True:
            try:
                producer.produce(topic, value, m.key(), headers=headers, timestamp=m.timestamp()[1])
                break
            except BufferError:  # the queue is full: the broker is behind
                producer.poll(0.01)


signal.signal(signal.SIGTERM, on_signal)
table, otherwise = load(rules_file)
headers = [("veltrix-release", b"1")] if header == "1" else None
# librdkafka's measured best, as the router has it: a small prefetch that is refilled at once.
consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                     "isolation.level": "read_committed", "fetch.queue.backoff.ms": 1, "queued.min.messages": 10000,
                     "queued.max.messages.kbytes": 24576, "fetch.wait.max.ms": 100})
# No delivery callback: a Python call an event would cost more than all else. What is not delivered stops the flush below.
producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "linger.ms": 3, "partitioner": "murmur2_random",
                     "delivery.report.only.error": True, "message.timeout.ms": 0})
consumer.subscribe([source])
committed, taken = time.monotonic(), False
while not stop:
    # At most so many, or what is there after 10 ms: a longer wait would be latency, a shorter one turns for nothing.
    messages = [m for m in consumer.consume(1000, 0.01) if not m.error()]
    forward(messages)
    producer.poll(0)
    taken = taken or bool(messages)
    if taken and time.monotonic() - committed >= COMMIT_S:
        producer.flush()  # everything before the offsets is acknowledged
        consumer.commit(asynchronous=True)
        committed, taken = time.monotonic(), False
producer.flush(10)
if taken:
    consumer.commit(asynchronous=False)
consumer.close()
