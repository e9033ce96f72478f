"""What an administrator of Kafka does, for tests: ACLs, users, settings of topics, records that are gone; and a broker of
a test's own. librdkafka's admin client through ctypes; standard library only."""
import atexit, ctypes, os, pathlib, struct
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_void_p
from harness import ROOT, Failure, run
from raw import LIB, client
from request import request, text

# rd_kafka_ResourceType_t, _ResourcePatternType_t, _AclOperation_t, _AclPermissionType_t, _ScramMechanism_t
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
OPERATIONS = {"read": 3, "write": 4, "create": 5, "describe": 8, "idempotent-write": 12}
LITERAL, PREFIXED, ALLOW, SCRAM_SHA_256 = 3, 4, 3, 1

for name, result, *arguments in (
        ("AclBinding_new", c_void_p, c_int, c_char_p, c_int, c_char_p, c_char_p, c_int, c_int, c_char_p, c_size_t),
        ("AclBindingFilter_new", c_void_p, c_int, c_char_p, c_int, c_char_p, c_char_p, c_int, c_int, c_char_p, c_size_t),
        ("CreateAcls", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p),
        ("DeleteAcls", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p),
        ("ConfigResource_new", c_void_p, c_int, c_char_p),
        ("ConfigResource_add_incremental_config", c_void_p, c_void_p, c_char_p, c_int, c_char_p),
        ("IncrementalAlterConfigs", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p),
        ("DeleteRecords_new", c_void_p, c_void_p),
        ("DeleteRecords", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p),
        ("UserScramCredentialUpsertion_new", c_void_p, c_char_p, c_int, c_int32, c_char_p, c_size_t, c_char_p, c_size_t),
        ("AlterUserScramCredentials", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p),
        ("queue_destroy", None, c_void_p), ("event_error", c_int, c_void_p), ("event_error_string", c_char_p, c_void_p), ("event_destroy", None, c_void_p)):
    f = getattr(LIB, "rd_kafka_" + name)
    f.restype, f.argtypes = result, arguments


def ask(kafka, call, item):
    """One item of one admin call, and its answer's error."""
    rk = client(0, kafka)
    queue = LIB.rd_kafka_queue_new(rk)
    call(rk, (c_void_p * 1)(item), 1, None, queue)
    event = LIB.rd_kafka_queue_poll(queue, 30000)
    if not event or LIB.rd_kafka_event_error(event):
        raise Failure(f"admin: {LIB.rd_kafka_event_error_string(event).decode() if event else 'no answer'}")
    LIB.rd_kafka_event_destroy(event)
    LIB.rd_kafka_queue_destroy(queue)
    LIB.rd_kafka_destroy(rk)


def acl(make, resource, name, operation, principal):
    pattern = PREFIXED if name.endswith("*") else LITERAL
    return make(RESOURCES[resource], name.rstrip("*").encode(), pattern, principal.encode(), b"*", OPERATIONS[operation],
                ALLOW, ctypes.create_string_buffer(512), 512)


def allow(kafka, resource, name, operation, principal="User:router"):
    """`name` may end in `*`: a prefix."""
    ask(kafka, LIB.rd_kafka_CreateAcls, acl(LIB.rd_kafka_AclBinding_new, resource, name, operation, principal))


def disallow(kafka, resource, name, operation, principal="User:router"):
    ask(kafka, LIB.rd_kafka_DeleteAcls, acl(LIB.rd_kafka_AclBindingFilter_new, resource, name, operation, principal))


def set_topic(kafka, topic, name, value):
    """A setting of a topic, from now on."""
    resource = LIB.rd_kafka_ConfigResource_new(RESOURCES["topic"], topic.encode())
    LIB.rd_kafka_ConfigResource_add_incremental_config(resource, name.encode(), 0, str(value).encode())
    ask(kafka, LIB.rd_kafka_IncrementalAlterConfigs, resource)


def delete_records(kafka, topic, **before):
    """p0=100: the records of partition 0 before offset 100 are gone, as retention would have it."""
    offsets = LIB.rd_kafka_topic_partition_list_new(len(before))
    for partition, offset in before.items():
        number = int(partition[1:])
        LIB.rd_kafka_topic_partition_list_add(offsets, topic.encode(), number)
        LIB.rd_kafka_topic_partition_list_set_offset(offsets, topic.encode(), number, offset)
    ask(kafka, LIB.rd_kafka_DeleteRecords, LIB.rd_kafka_DeleteRecords_new(offsets))
    LIB.rd_kafka_topic_partition_list_destroy(offsets)


def set_scram_user(kafka, user, password):
    """A user of SCRAM-SHA-256, new or with another password."""
    salt = os.urandom(16)
    ask(kafka, LIB.rd_kafka_AlterUserScramCredentials, LIB.rd_kafka_UserScramCredentialUpsertion_new(
        user.encode(), SCRAM_SHA_256, 4096, password.encode(), len(password), salt, len(salt)))


def leader(kafka, topic, partition=0):
    """The number of the broker that leads a partition (Metadata, version 1)."""
    answer = request(kafka, 3, 1, struct.pack(">i", 1) + text(topic))
    for _ in range(answer.take(">i")):  # brokers: number, host, port, rack
        answer.take(">i"), answer.bytes(), answer.take(">i"), answer.bytes()
    answer.take(">i")  # controller
    for _ in range(answer.take(">i")):
        answer.take(">h"), answer.bytes(), answer.take(">b")
        for _ in range(answer.take(">i")):
            answer.take(">h")
            number, leads = answer.take(">i"), answer.take(">i")
            if number == partition:
                return leads
            for _ in ("replicas", "in sync"):
                for _ in range(answer.take(">i")):
                    answer.take(">i")
    raise Failure(f"nobody leads {topic}[{partition}]")


class Broker:
    """scripts/kafka for one test alone; bootstrap, and tls, sasl and ca where it was asked for them."""

    def __init__(self, name, *words):
        self.name = f"{name}{os.getpid()}"
        self.tls = self.sasl = self.ca = None
        atexit.register(self.stop)
        for line in self.run("start", *words).stdout.splitlines():
            key, value = line.split("=", 1)
            setattr(self, key, value)

    def run(self, *words):
        return run(ROOT / "scripts/kafka", *words, "--name", self.name, check=0)

    def node(self, number, what):
        self.run("node", number, what)

    def runs(self):
        return run(ROOT / "scripts/kafka", "status", "--name", self.name).returncode == 0

    def log(self, number):
        status = run(ROOT / "scripts/kafka", "status", "--name", self.name).stdout
        return pathlib.Path(status.split(f"node{number} ")[1].split("log ")[1].split()[0]).read_text(errors="replace")

    def stop(self):
        run(ROOT / "scripts/kafka", "stop", "--name", self.name)
