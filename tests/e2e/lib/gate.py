"""A way to etcd (or any server of TCP) that can be cut, made slow, and made to lose: for a router that is told the gate's
address instead of the server's. Loss is what TCP makes of it: a piece that comes a retransmission later. One thread per
direction and connection; ends with the program."""
import random, socket, threading, time

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
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(65536):
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
