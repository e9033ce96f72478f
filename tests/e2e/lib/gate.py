"""A way to etcd (or any server of TCP) that can be cut, made slow, and made to lose; and one to Kafka that holds requests
back and takes the brokers out of answers: for a router that is told the gate's address instead of the server's. Loss is
what TCP makes of it: a piece that comes a retransmission later. One thread per direction and connection; ends with the
program."""
import random, socket, struct, threading, time

RETRANSMIT_S = 0.2  # Linux's shortest


class Gate:
    def __init__(self, address):
        host, port = address.split("://")[-1].rsplit(":", 1)
        self.server = (host, int(port))
        self.latency_s, self.loss = 0.0, 0.0
        self.open = True
        self.accepted = 0
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Ends all connections and takes no new ones until mend()."""
        with self.lock:
            self.open = False
            for s in self.sockets:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def mend(self):
        self.open = True

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            self.accepted += 1
            try:
                if not self.open:
                    raise OSError
                server = socket.create_connection(self.server)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.sockets |= {client, server}
            there, back = self.ways(client, server)
            threading.Thread(target=self._pump, args=(there, client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(back, server, client), daemon=True).start()

    def ways(self, client, server):
        """What goes to the server and what comes back, of one connection."""
        return self.pieces(client), self.pieces(server)

    @staticmethod
    def pieces(source):
        while data := source.recv(65536):
            yield data

    def _pump(self, pieces, source, sink):
        try:
            for data in pieces:
                delay = self.latency_s
                while self.loss and random.random() < self.loss:
                    delay += RETRANSMIT_S
                if delay:
                    time.sleep(delay)
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.sockets -= {source, sink}


class KafkaGate(Gate):
    """A way to a broker, which has to advertise the gate's address; requests of some kinds can be held back, and with them
    what comes behind them on their connection; and answers can lose their brokers, as those of one that has just been
    started may have none."""
    METADATA, OFFSET_COMMIT, OFFSET_FETCH = 3, 8, 9

    def __init__(self, address):
        self.held = set()  # numbers of requests
        self.free = threading.Condition()
        self.waiting = 0
        self.empties = False  # answers about topics have no brokers
        self.bereft = set()  # client.id of those that gave a connection up after such an answer
        self.told = set()  # client.id of those that got an answer with brokers
        super().__init__(address)

    def hold(self, *numbers):
        with self.free:
            self.held = set(numbers)
            self.waiting = 0
            self.free.notify_all()

    def ways(self, client, server):
        asked = {}  # correlation: (version, client.id) of the requests for metadata under way
        return self.requests(client, asked), self.answers(server, asked)

    def requests(self, source, asked):
        with source.makefile("rb") as stream:
            while len(head := stream.read(12)) == 12:
                size, number, version, correlation = struct.unpack(">ihhi", head)
                body = stream.read(size - 8)
                if number == self.METADATA:
                    asked[correlation] = version, body[2:2 + struct.unpack(">h", body[:2])[0]].decode()
                with self.free:
                    self.waiting += number in self.held
                    self.free.wait_for(lambda: number not in self.held)
                yield head + body

    def answers(self, source, asked):
        emptied = set()
        with source.makefile("rb") as stream:
            while len(head := stream.read(8)) == 8:
                size, correlation = struct.unpack(">ii", head)
                body = stream.read(size - 4)
                version, client = asked.pop(correlation, (0, ""))
                if self.empties and version >= 9 and (cut := without_brokers(body)):
                    emptied.add(client)
                    head, body = struct.pack(">ii", len(cut) + 4, correlation), cut
                else:
                    self.told.add(client)
                yield head + body
        self.bereft |= emptied


def varint(data, at):
    """An unsigned one: its value, and where it ends."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def without_tags(data, at):
    count, at = varint(data, at)
    for _ in range(count):
        _, at = varint(data, at)
        length, at = varint(data, at)
        at += length
    return at


def without_brokers(answer):
    """An answer for metadata, version 9 or later and from its header's tags on, without brokers; None: it has no topics,
    and clients would ask again. Lengths are one too large, 0 is null (KIP-482)."""
    start = without_tags(answer, 0) + 4  # how long it was throttled
    count, at = varint(answer, start)
    for _ in range(count - 1):
        length, at = varint(answer, at + 4)  # its number; host
        length, at = varint(answer, at + length - 1 + 4)  # port; rack
        at = without_tags(answer, at + max(length - 1, 0))
    length, cluster = varint(answer, at)
    topics, _ = varint(answer, cluster + max(length - 1, 0) + 4)  # controller
    return answer[:start] + b"\x01" + answer[at:] if topics > 1 else None
