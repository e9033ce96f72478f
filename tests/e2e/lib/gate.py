"""A way to etcd (or any server of TCP) that can be cut, made slow, and made to lose; and one to Kafka that holds requests
back: for a router that is told the gate's address instead of the server's. Loss is what TCP makes of it: a piece that comes a retransmission later. One thread per
direction and connection; ends with the program."""
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
            threading.Thread(target=self._pump, args=(self.requests(client), client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(self.pieces(server), server, client), daemon=True).start()

    @staticmethod
    def pieces(source):
        while data := source.recv(65536):
            yield data

    requests = pieces

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
    what comes behind them on their connection."""
    OFFSET_COMMIT, OFFSET_FETCH = 8, 9

    def __init__(self, address):
        self.held = set()  # numbers of requests
        self.free = threading.Condition()
        self.waiting = 0
        super().__init__(address)

    def hold(self, *numbers):
        with self.free:
            self.held = set(numbers)
            self.waiting = 0
            self.free.notify_all()

    def requests(self, source):
        with source.makefile("rb") as stream:
            while len(head := stream.read(6)) == 6:
                size, number = struct.unpack(">ih", head)
                body = stream.read(size - 2)
                with self.free:
                    self.waiting += number in self.held
                    self.free.wait_for(lambda: number not in self.held)
                yield head + body
