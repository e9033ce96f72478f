#!/usr/bin/env python3
"""SIGHUP: log level, secrets and certificates are read again under load, without a rebalance and without losing, doubling
or reordering anything; what waits for the next start is named; a file with errors changes nothing."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import admin

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
otherwise: { pipeline: archive }
---
kind: processing
name: shop
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""


def reload(fleet, router, *changes):
    """Changes router.conf, sends SIGHUP, and returns what was logged of it."""
    conf = fleet.dir / "r1.conf"
    text = conf.read_text()
    for old, new in changes:
        expect(old in text, f"`{old}` is in router.conf")
        text = text.replace(old, new)
    conf.write_text(text)
    seen = len(router.log())
    router.signal(signal.SIGHUP)
    ended = lambda: any(e in router.log()[seen:] for e in ("event=settings.reloaded", "event=settings.refused"))
    wait_until("the reload is logged", ended)
    return router.log()[seen:]


def test_sighup_under_load_renews_clients_without_a_rebalance():
    fleet = Fleet()
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    router = fleet.start_router("r1", kafka='sasl.username = "one"\n  sasl.password = "secret-1"', extra='log_level = "info"')
    fleet.apply(fleet.write_config("c0", CONFIG))
    fleet.wait_ready(router)
    feed = fleet.feed_in_background("in", 60000, rate=6000)
    wait_until("events flow", lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"] > 1000)

    line = reload(fleet, router, ("secret-1", "secret-2"), ("workers = 2", "workers = 3"))
    expect("clients=renewed" in line and "at_restart=workers" in line, line)
    for worker in (0, 1):
        router.wait_log(f"event=producer.renewed worker={worker}")
    line = reload(fleet, router)
    expect("clients=kept" in line and 'at_restart=""' in line, line)
    line = reload(fleet, router, ('log_level = "info"', 'log_level = "debug"'))
    expect("log_level=debug" in line and "clients=kept" in line, line)
    line = reload(fleet, router, ("secret-2", "secret-3"), ('log_level = "debug"', 'log_level = "loud"'))
    expect("event=settings.refused" in line and "loud" in line, line)
    line = reload(fleet, router, ('log_level = "loud"', 'log_level = "info"'))
    expect("clients=renewed" in line, f"the password of the refused file comes with the next one: {line}")

    expect("secret" not in router.log(), "a secret is in the log")
    expect("event=partition.revoked" not in router.log(), "a partition was revoked")
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    fleet.verify("in")
    expect(router.stop() == 0, "left in order")
    fleet.close()


BROKER = None


def secure():
    """A broker with TLS, one for all."""
    global BROKER
    BROKER = BROKER or admin.Broker("reload", "--tls")
    return BROKER


def tls(broker, where):
    """A router's lines for certificates of its own: copies in `where`."""
    where.mkdir()
    for name in ("ca.pem", "client.pem", "client.key"):
        shutil.copy(pathlib.Path(broker.ca).parent / name, where)
    return f'''security.protocol = "ssl"
  ssl.ca.location = "{where}/ca.pem"
  ssl.certificate.location = "{where}/client.pem"
  ssl.key.location = "{where}/client.key"'''


def certificates(protocol=""):
    """Both clients read certificates again: of a static member the consumer too, and its neighbour sees nothing of it."""
    broker = secure()
    fleet = Fleet(kafka=broker.bootstrap)
    fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
    fleet.start_configsvc()
    routers = [fleet.start_router(n, kafka=tls(broker, fleet.dir / f"tls-{n}") + protocol, bootstrap=broker.tls,
                                  extra=f'instance_id = "{n}"') for n in ("r1", "r2")]
    router, neighbour = routers
    fleet.apply(fleet.write_config("c0", CONFIG))
    partitions = lambda r: json.loads(http(r.admin + "/status")[1])["partitions"]
    wait_until("each has two partitions", lambda: [partitions(r) for r in routers] == [2, 2], 60)
    feed = fleet.feed_in_background("in", 60000, rate=5000)
    wait_until("events flow", lambda: json.loads(http(router.admin + "/status")[1])["counters"]["out"] > 1000)
    before = neighbour.log()

    key = fleet.dir / "tls-r1/client.key"
    good = key.read_bytes()
    line = reload(fleet, router)
    expect("clients=renewed" in line and 'at_restart=""' in line, line)
    router.wait_log("event=consumer.renewed")
    wait_until("it has its partitions again", lambda: partitions(router) == 2)
    key.write_text("not a key")
    reload(fleet, router)
    router.wait_log("event=renewal.failed client=consumer")
    key.rename(fleet.dir / "tls-r1/other.key")
    (fleet.dir / "tls-r1/other.key").write_bytes(good)
    line = reload(fleet, router, ("tls-r1/client.key", "tls-r1/other.key"))
    expect('at_restart=""' in line, line)
    wait_until("it is renewed again", lambda: router.log().count("event=consumer.renewed") == 2)

    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    fleet.verify("in")
    said = neighbour.log()[len(before):]
    expect(not re.search(r"event=partition\.(?!moved)", said), f"the neighbour was rebalanced: {said}")
    for r in routers:
        expect(r.stop() == 0, "left in order")
    fleet.close()


def test_certificates_of_a_static_member_are_renewed_without_a_rebalance():
    certificates()


def test_certificates_of_a_static_member_are_renewed_under_the_new_group_protocol():
    certificates('\n  group.protocol = "consumer"')


main()
