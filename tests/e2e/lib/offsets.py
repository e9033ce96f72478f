"""What a consumer group has committed and where partitions end, asked from the brokers; and what that leaves to a router
that dies. librdkafka through ctypes; standard library only."""
import ctypes, re
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p
from raw import LIB, client

TIMEOUT_MS = 10000
TRIES = 5


class Partition(ctypes.Structure):
    """rd_kafka_topic_partition_t"""
    _fields_ = [("topic", c_char_p), ("partition", c_int32), ("offset", c_int64), ("metadata", c_void_p),
                ("metadata_size", c_size_t), ("opaque", c_void_p), ("err", c_int), ("private", c_void_p)]


class Partitions(ctypes.Structure):
    """rd_kafka_topic_partition_list_t"""
    _fields_ = [("count", c_int), ("size", c_int), ("at", POINTER(Partition))]


for name, result, *arguments in (
        ("committed", c_int, c_void_p, c_void_p, c_int), ("topic_partition_get_leader_epoch", c_int32, c_void_p),
        ("query_watermark_offsets", c_int, c_void_p, c_char_p, c_int32, c_void_p, c_void_p, c_int)):
    f = getattr(LIB, "rd_kafka_" + name)
    f.restype, f.argtypes = result, arguments


class Offsets:
    """Of one group and one topic; keeps its client, so that a look costs a round trip."""

    def __init__(self, kafka, group, topic, partitions):
        self.topic, self.partitions = topic, partitions
        self.rk = client(1, kafka, group_id=group, enable_auto_commit="false")

    def commits(self):
        """[(offset, metadata, leader epoch)] by partition; 0, "" and -1 where nothing is committed."""
        wanted = LIB.rd_kafka_topic_partition_list_new(self.partitions)
        for i in range(self.partitions):
            LIB.rd_kafka_topic_partition_list_add(wanted, self.topic.encode(), i)
        errors = []
        while error := LIB.rd_kafka_committed(self.rk, wanted, TIMEOUT_MS):  # a busy coordinator may say: not now
            errors.append(error)
            if len(errors) == TRIES:
                raise RuntimeError(f"the group's offsets are not to be had: errors {errors}")
        found = Partitions.from_address(wanted)
        commits = []
        for i in range(found.count):
            p = found.at[i]
            text = ctypes.string_at(p.metadata, p.metadata_size).decode() if p.metadata else ""
            commits.append((max(p.offset, 0), text, LIB.rd_kafka_topic_partition_get_leader_epoch(byref(p))))
        LIB.rd_kafka_topic_partition_list_destroy(wanted)
        return commits

    def committed(self):
        """A list by partition; 0 where nothing is committed."""
        return [offset for offset, _, _ in self.commits()]

    def ends(self):
        low, high, offsets = c_int64(), c_int64(), []
        for i in range(self.partitions):
            if LIB.rd_kafka_query_watermark_offsets(self.rk, self.topic.encode(), i, byref(low), byref(high), TIMEOUT_MS):
                raise RuntimeError(f"the end of {self.topic}[{i}] is not to be had")
            offsets.append(high.value)
        return offsets

    def undone(self, partitions):
        """How many events of these partitions may have been decided and are not committed: those that are there, but none
        beyond what their owner has put on record as the furthest that it would decide."""
        commits, ends = self.commits(), self.ends()
        count = 0
        for p in partitions:
            offset, text, _ = commits[p]
            until = re.search(r" until=(\d+)", text)
            count += max(min(ends[p], int(until.group(1)) if until else offset) - offset, 0)
        return count


def owned(log, topic):
    """The partitions of a topic that a router has at the end of its log."""
    out = set()
    for what, partition in re.findall(rf"event=partition\.(assigned|revoked) topic={re.escape(topic)} partition=(\d+) ", log):
        (out.add if what == "assigned" else out.discard)(int(partition))
    return out
