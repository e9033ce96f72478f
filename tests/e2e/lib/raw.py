"""Kafka records byte by byte, for tests: what no well-meaning client sends, and exactly what came out.

librdkafka through ctypes, the one that scripts/setup builds; standard library only.
"""
import collections, ctypes, os, pathlib
from ctypes import c_char_p, c_int, c_int32, c_int64, c_size_t, c_ssize_t, c_void_p

PREFIX = pathlib.Path(os.environ.get("VELTRIX_PREFIX") or "/opt/veltrix")
LIBRARY = PREFIX / "lib/librdkafka.so.1"
PARTITION_UA = -1
PARTITION_EOF = -191
BEGINNING = -2
TOPIC, PARTITION, VALUE, KEY, MSGFLAGS, TIMESTAMP, HEADERS = 1, 3, 4, 5, 7, 8, 10  # rd_kafka_vtype_t
COPY = 2

Record = collections.namedtuple("Record", "partition offset key value headers timestamp")


class Memory(ctypes.Structure):
    _fields_ = [("at", c_void_p), ("len", c_size_t)]


class Union(ctypes.Union):
    _fields_ = [("text", c_char_p), ("i", c_int), ("i32", c_int32), ("i64", c_int64), ("memory", Memory),
                ("pointer", c_void_p), ("pad", ctypes.c_char * 64)]


class Argument(ctypes.Structure):
    _fields_ = [("kind", c_int), ("u", Union)]


class Message(ctypes.Structure):
    _fields_ = [("err", c_int), ("topic", c_void_p), ("partition", c_int32), ("value", c_void_p), ("len", c_size_t),
                ("key", c_void_p), ("key_len", c_size_t), ("offset", c_int64), ("private", c_void_p)]


def load():
    lib = ctypes.CDLL(str(LIBRARY) if LIBRARY.exists() else "librdkafka.so.1")
    for name, result, *arguments in (
            ("conf_new", c_void_p), ("conf_set", c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t),
            ("new", c_void_p, c_int, c_void_p, c_char_p, c_size_t), ("destroy", None, c_void_p),
            ("headers_new", c_void_p, c_size_t), ("header_add", c_int, c_void_p, c_char_p, c_ssize_t, c_void_p, c_ssize_t),
            ("produceva", c_void_p, c_void_p, c_void_p, c_size_t), ("error_string", c_char_p, c_void_p),
            ("poll", c_int, c_void_p, c_int), ("flush", c_int, c_void_p, c_int),
            ("init_transactions", c_void_p, c_void_p, c_int), ("begin_transaction", c_void_p, c_void_p),
            ("commit_transaction", c_void_p, c_void_p, c_int), ("abort_transaction", c_void_p, c_void_p, c_int),
            ("topic_partition_list_new", c_void_p, c_int), ("topic_partition_list_destroy", None, c_void_p),
            ("topic_partition_list_add", c_void_p, c_void_p, c_char_p, c_int32), ("assign", c_int, c_void_p, c_void_p),
            ("topic_partition_list_set_offset", c_int, c_void_p, c_char_p, c_int32, c_int64),
            ("message_timestamp", c_int64, c_void_p, c_void_p),
            ("consumer_poll", ctypes.POINTER(Message), c_void_p, c_int), ("message_destroy", None, c_void_p),
            ("message_headers", c_int, c_void_p, c_void_p), ("header_cnt", c_size_t, c_void_p),
            ("header_get_all", c_int, c_void_p, c_size_t, c_void_p, c_void_p, c_void_p), ("consumer_close", c_int, c_void_p),
            ("queue_new", c_void_p, c_void_p), ("queue_poll", c_void_p, c_void_p, c_int),
            ("NewPartitions_new", c_void_p, c_char_p, c_size_t, c_char_p, c_size_t),
            ("CreatePartitions", None, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p)):
        f = getattr(lib, "rd_kafka_" + name)
        f.restype, f.argtypes = result, arguments
    return lib


LIB = load()


def client(kind, kafka, **properties):
    """kind 0 a producer, 1 a consumer; `_` in a property's name stands for a dot."""
    conf, text = LIB.rd_kafka_conf_new(), ctypes.create_string_buffer(512)
    for name, value in {"bootstrap_servers": kafka, **properties}.items():
        if LIB.rd_kafka_conf_set(conf, name.replace("_", ".").encode(), str(value).encode(), text, 512):
            raise RuntimeError(text.value.decode())
    rk = LIB.rd_kafka_new(kind, conf, text, 512)
    if not rk:
        raise RuntimeError(text.value.decode())
    return rk


def check(error):
    if error:
        raise RuntimeError(LIB.rd_kafka_error_string(error).decode())


class Producer:
    """Sends records as they are told. With transactional_id=..., begin() and commit() or abort() around them."""

    def __init__(self, kafka, **properties):
        self.rk = client(0, kafka, linger_ms=0, **properties)
        if "transactional_id" in properties:
            check(LIB.rd_kafka_init_transactions(self.rk, 60000))

    def begin(self):
        check(LIB.rd_kafka_begin_transaction(self.rk))

    def commit(self):
        check(LIB.rd_kafka_commit_transaction(self.rk, 60000))

    def abort(self):
        check(LIB.rd_kafka_abort_transaction(self.rk, 60000))

    def send(self, topic, value, key=None, headers=(), partition=PARTITION_UA, timestamp=None):
        keep = []

        def memory(data):
            if data is None:
                return Memory(None, 0)
            keep.append(ctypes.create_string_buffer(data, max(len(data), 1)))
            return Memory(ctypes.cast(keep[-1], c_void_p), len(data))

        arguments = [(TOPIC, "text", topic.encode()), (MSGFLAGS, "i", COPY), (PARTITION, "i32", partition),
                     (VALUE, "memory", memory(value)), (KEY, "memory", memory(key))]
        if timestamp is not None:
            arguments.append((TIMESTAMP, "i64", timestamp))
        if headers:
            list_of = LIB.rd_kafka_headers_new(len(headers))
            for name, data in headers:
                m = memory(data)
                LIB.rd_kafka_header_add(list_of, name.encode(), -1, m.at, m.len)
            arguments.append((HEADERS, "pointer", list_of))
        array = (Argument * len(arguments))()
        for a, (kind, member, data) in zip(array, arguments):
            a.kind = kind
            setattr(a.u, member, data)
        check(LIB.rd_kafka_produceva(self.rk, array, len(arguments)))
        LIB.rd_kafka_poll(self.rk, 0)

    def flush(self):
        if LIB.rd_kafka_flush(self.rk, 60000):
            raise RuntimeError("not everything was acknowledged")

    def close(self):
        LIB.rd_kafka_destroy(self.rk)


def headers_of(message):
    out, found = [], c_void_p()
    if LIB.rd_kafka_message_headers(message, ctypes.byref(found)):
        return out
    for i in range(LIB.rd_kafka_header_cnt(found)):
        name, value, size = c_char_p(), c_void_p(), c_size_t()
        LIB.rd_kafka_header_get_all(found, i, ctypes.byref(name), ctypes.byref(value), ctypes.byref(size))
        out.append((name.value.decode(), ctypes.string_at(value, size.value) if value.value else None))
    return out


def read(kafka, topic, partitions):
    """Every committed record of a topic, in order of offset within each partition."""
    rk = client(1, kafka, group_id="raw", enable_partition_eof="true", enable_auto_commit="false",
                isolation_level="read_committed", fetch_wait_max_ms=10)
    wanted = LIB.rd_kafka_topic_partition_list_new(partitions)
    for i in range(partitions):
        LIB.rd_kafka_topic_partition_list_add(wanted, topic.encode(), i)
        LIB.rd_kafka_topic_partition_list_set_offset(wanted, topic.encode(), i, BEGINNING)
    LIB.rd_kafka_assign(rk, wanted)
    LIB.rd_kafka_topic_partition_list_destroy(wanted)
    records, left = [], partitions
    while left:
        message = LIB.rd_kafka_consumer_poll(rk, 30000)
        if not message:
            raise RuntimeError(f"reading {topic}: nothing came for 30 s")
        m = message.contents
        if m.err == PARTITION_EOF:
            left -= 1
        elif m.err == 0:
            records.append(Record(m.partition, m.offset, ctypes.string_at(m.key, m.key_len) if m.key else None,
                                  ctypes.string_at(m.value, m.len) if m.value else None, headers_of(message),
                                  LIB.rd_kafka_message_timestamp(message, None)))
        LIB.rd_kafka_message_destroy(message)
    LIB.rd_kafka_consumer_close(rk)
    LIB.rd_kafka_destroy(rk)
    return records


def add_partitions(kafka, topic, count):
    """Raises a topic's number of partitions to `count`."""
    rk, text = client(0, kafka), ctypes.create_string_buffer(512)
    wanted = (c_void_p * 1)(LIB.rd_kafka_NewPartitions_new(topic.encode(), count, text, 512))
    queue = LIB.rd_kafka_queue_new(rk)
    LIB.rd_kafka_CreatePartitions(rk, wanted, 1, None, queue)
    if not LIB.rd_kafka_queue_poll(queue, 30000):
        raise RuntimeError(f"{topic}: no answer about more partitions")
