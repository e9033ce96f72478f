"""One request to a broker, for what no client library tells: Kafka's wire protocol, in versions without tags. Standard library
only."""
import socket, struct


def text(value):
    """A string of a request."""
    return struct.pack(">h", len(value)) + value.encode()


class Answer:
    """What came back, read field by field."""

    def __init__(self, data):
        self.data, self.at = data, 4  # behind the correlation id

    def take(self, form):
        """The next field, in struct's words."""
        start, self.at = self.at, self.at + struct.calcsize(form)
        return struct.unpack_from(form, self.data, start)[0]

    def bytes(self, form=">h"):
        """The next string or byte array, whose size is of that form; none is empty."""
        size = max(self.take(form), 0)
        self.at += size
        return self.data[self.at - size:self.at]


def request(bootstrap, api, version, body):
    """Asks the first broker of `bootstrap`."""
    host, port = bootstrap.split(",")[0].rsplit(":", 1)
    whole = struct.pack(">hhi", api, version, 1) + text("test") + body
    with socket.create_connection((host, int(port)), 10) as broker, broker.makefile("rb") as lines:
        broker.sendall(struct.pack(">i", len(whole)) + whole)
        return Answer(lines.read(struct.unpack(">i", lines.read(4))[0]))
