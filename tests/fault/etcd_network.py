#!/usr/bin/env python3
"""A bad network between routers and etcd: latency, loss, and both at once, while releases change under load. Every change
lands, in order, without a lost registration; Kafka is not behind that network and routing does not notice.

By netem in a network namespace where the kernel has it and this is root; and always by a gate (lib/gate.py) that delays what
passes and lets a retransmission pass for a loss."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
from gate import Gate

LATENCY_MS, LOSS_PERCENT = 150, 10
RATE = 1000
CHANGES = 5
CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase" && event.amount >= LIMIT
    pipeline: shop
otherwise: { pipeline: archive }
---
kind: processing
name: shop
stages: [emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


class Netem:
    """A namespace that holds nothing but a relay to etcd: a router outside talks to the relay through a pair of devices,
    of which ours is slow and loses. close() removes all of it."""

    def __init__(self, address):
        self.name = f"vx{os.getpid()}"
        self.net = f"10.{random.randrange(200, 250)}.{random.randrange(250)}"
        self.relays = []
        atexit.register(self.close)
        for words in (f"netns add {self.name}", f"link add {self.name}a type veth peer name {self.name}b netns {self.name}",
                      f"addr add {self.net}.1/30 dev {self.name}a", f"link set {self.name}a up",
                      f"-n {self.name} addr add {self.net}.2/30 dev {self.name}b", f"-n {self.name} link set {self.name}b up",
                      f"-n {self.name} link set lo up"):
            run("ip", *words.split(), check=0)
        # Outside: loopback's etcd on our end of the pair. Inside: the address that routers are told.
        relay = "import socket,sys,threading\n" \
                "def pump(a,b):\n" \
                "    try:\n" \
                "        while d:=a.recv(65536): b.sendall(d)\n" \
                "    except OSError: pass\n" \
                "    for s in (a,b):\n" \
                "        try: s.shutdown(2)\n" \
                "        except OSError: pass\n" \
                "l=socket.create_server((sys.argv[1],int(sys.argv[2])))\n" \
                "print(l.getsockname()[1],flush=True)\n" \
                "while True:\n" \
                "    a,_=l.accept()\n" \
                "    b=socket.create_connection((sys.argv[3],int(sys.argv[4])))\n" \
                "    for x,y in ((a,b),(b,a)): threading.Thread(target=pump,args=(x,y),daemon=True).start()\n"
        host, port = address.split("://")[-1].rsplit(":", 1)
        outside = self.relay([], relay, f"{self.net}.1", "0", host, port)
        inside = self.relay(["ip", "netns", "exec", self.name], relay, f"{self.net}.2", "0", f"{self.net}.1", outside)
        self.address = f"http://{self.net}.2:{inside}"
        run("tc", "qdisc", "add", "dev", f"{self.name}a", "root", "netem", "delay", f"{LATENCY_MS}ms", "loss",
            f"{LOSS_PERCENT}%", check=0)

    def relay(self, under, program, *words):
        process = subprocess.Popen([*under, sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)
        self.relays.append(process)
        return process.stdout.readline().strip()

    def close(self):
        for process in self.relays:
            process.kill()
            process.wait()
        self.relays = []
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", f"{self.name}a"], capture_output=True)


def netem_missing():
    """Why there is no netem here, or None."""
    if os.geteuid() != 0:
        return "not root"
    name = f"vx{os.getpid()}p"
    try:
        run("ip", "netns", "add", name, check=0)
        run("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms", check=0)
    except (Failure, OSError) as e:
        return f"no network namespaces with netem here: {str(e).strip().splitlines()[-1]}"
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return None


def under_load(address_of):
    """A fleet whose routers reach etcd at address_of(endpoint); releases change while events flow."""
    fleet = Fleet()
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    direct, fleet.endpoints = fleet.endpoints, [address_of(fleet.endpoints[0])]
    for name in ("r1", "r2"):
        fleet.start_router(name)
    fleet.endpoints = direct
    fleet.apply(fleet.write_config("c0", CONFIG.replace("LIMIT", "1000")))
    for router in fleet.routers.values():
        fleet.wait_ready(router)
    feed = fleet.feed_in_background("in", RATE * 20, rate=RATE)
    routed = lambda: sum(json.loads(http(r.admin + "/status")[1])["counters"]["out"] for r in fleet.routers.values())
    for n in range(1, CHANGES + 1):
        before = routed()
        wait_until("some events of the last release", lambda: routed() > before + 1000)
        fleet.apply(fleet.write_config(f"c{n}", CONFIG.replace("LIMIT", str(1000 - 100 * n))))
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect(len(verdict["releases"]) >= 2, f"{verdict}")
    for router in fleet.routers.values():
        expect("event=presence.lost" not in router.log(), f"a lease was lost\n{router.log()[-2000:]}")
        expect(router.stop() == 0, "left in order")
    fleet.close()


def test_latency_and_loss_by_a_gate():
    def gate(endpoint):
        g = Gate(endpoint)
        g.latency_s, g.loss = LATENCY_MS / 1000, LOSS_PERCENT / 100
        return f"http://127.0.0.1:{g.port}"
    under_load(gate)


def test_latency_and_loss_by_netem():
    if missing := netem_missing():
        raise Skip(missing)
    made = []

    def netem(endpoint):
        made.append(Netem(endpoint))
        return made[0].address
    try:
        under_load(netem)
    finally:
        for n in made:
            n.close()


main()
