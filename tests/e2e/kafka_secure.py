#!/usr/bin/env python3
"""TLS, SASL and ACLs: every mechanism that librdkafka has, secrets that are wrong and mended, and a router with exactly the
permissions that it needs, each of which is missing once. One broker of its own for all."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *
import admin, base64, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONFIG = """
kind: routing
name: game
topics: [@in]
rules:
  - name: purchase
    when: event.type == "purchase"
    pipelines: [shop, archive]
  - name: chat
    when: event.type == "chat"
    pipeline: broken
otherwise: { pipeline: archive }
dead_letter: @dlq
---
kind: processing
name: shop
stages: [set: { event.seen: true }, emit: { topic: @shop }]
---
kind: processing
name: broken
stages: [set: { event.total: "${event.nothing * 2}" }, emit: { topic: @archive }]
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""
TOPICS = {"in": 4, "shop": 2, "archive": 4, "dlq": 1}
SECRET = "router-secret"
BROKER = None


def broker():
    global BROKER
    if not BROKER:
        BROKER = admin.Broker("secure", "--tls", "--sasl", "plain,scram-sha-256,scram-sha-512,oauthbearer", "--acl")
    return BROKER


def start_fleet():
    fleet = Fleet(kafka=broker().bootstrap)
    fleet.create_topics(**TOPICS)
    fleet.start_configsvc()
    fleet.write_config("c", CONFIG)
    return fleet


def grant(fleet, principal="User:router"):
    """All that a router needs, and nothing else."""
    admin.allow(fleet.kafka, "group", fleet.name, "read", principal)
    admin.allow(fleet.kafka, "topic", fleet.topic("in"), "read", principal)
    for name in ("shop", "archive", "dlq"):
        admin.allow(fleet.kafka, "topic", fleet.topic(name), "write", principal)


def sasl(mechanism, user="router", password=SECRET):
    """Lines of router.conf."""
    lines = [f'security.protocol = "SASL_SSL"', f'ssl.ca.location = "{broker().ca}"', f'sasl.mechanisms = "{mechanism}"']
    if password:
        lines += [f'sasl.username = "{user}"', f'sasl.password = "{password}"']
    return "\n  ".join(lines)


def tls(certificate=""):
    """With a client's certificate where one is named."""
    where = pathlib.Path(broker().ca).parent
    lines = ['security.protocol = "SSL"', f'ssl.ca.location = "{broker().ca}"']
    if certificate:
        lines += [f'ssl.certificate.location = "{where / certificate}.pem"', f'ssl.key.location = "{where / certificate}.key"']
    return "\n  ".join(lines)


class Tokens:
    """An OpenID provider: unsigned tokens for whoever knows the client's secret."""
    LIFE_S = 6

    def __init__(self):
        self.given = 0
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                want = base64.b64encode(f"router:{SECRET}".encode()).decode()
                good = self.headers["Authorization"] == f"Basic {want}"
                tokens.given += good
                body = json.dumps({"access_token": tokens.make(), "token_type": "bearer"} if good else {"error": "no"}).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"

    def make(self):
        def part(data):
            return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
        now = int(time.time())
        return f'{part({"alg": "none"})}.{part({"sub": "router", "iat": now, "exp": now + self.LIFE_S})}.'


def test_each_mechanism_reads_and_writes():
    fleet, tokens, fed = start_fleet(), Tokens(), 0
    grant(fleet)
    grant(fleet, "User:CN=router")
    oidc = sasl("OAUTHBEARER", password="") + f'''
  sasl.oauthbearer.method = "oidc"
  sasl.oauthbearer.client.id = "router"
  sasl.oauthbearer.client.secret = "{SECRET}"
  sasl.oauthbearer.token.endpoint.url = "{tokens.url}"'''
    unsecured = sasl("OAUTHBEARER", password="") + '''
  enable.sasl.oauthbearer.unsecure.jwt = "true"
  sasl.oauthbearer.config = "principal=router"'''
    ways = {"plain": sasl("PLAIN"), "scram-256": sasl("SCRAM-SHA-256"), "scram-512": sasl("SCRAM-SHA-512"),
            "unsecured token": unsecured, "oidc": oidc, "certificate": tls("client")}
    for i, (way, lines) in enumerate(ways.items()):
        router = fleet.start_router("r1", kafka=lines, bootstrap=broker().tls if way == "certificate" else broker().sasl)
        if i == 0:
            fleet.apply(fleet.dir / "c")
        fed = fleet.feed("in", 500, first=fed)
        try:
            fleet.drained("in", timeout_s=30)
        except Failure as e:
            raise Failure(f"{way}: {e}")
        if way == "oidc":
            given = tokens.given
            wait_until("tokens are renewed", lambda: tokens.given >= given + 3)
            fed = fleet.feed("in", 500, first=fed)
            fleet.drained("in", timeout_s=30)
        expect(router.stop() == 0 and "clean=true" in router.log(), f"{way}: left in order\n{router.log()[-2000:]}")
        expect(SECRET not in router.log(), f"{way}: the secret is in the log")
    fleet.verify("in")
    fleet.close()


def test_a_wrong_password_is_said_and_mended_while_the_router_runs():
    fleet = start_fleet()
    grant(fleet)
    router = fleet.start_router("r1", kafka=sasl("PLAIN", password="not-the-one"), bootstrap=broker().sasl)
    fleet.apply(fleet.dir / "c", wait=False)
    fleet.feed("in", 1000)
    router.wait_log("Authentication failed")
    expect(http_status(router) == 503, "not ready")
    conf = fleet.dir / "r1.conf"
    conf.write_text(conf.read_text().replace("not-the-one", SECRET))
    router.signal(signal.SIGHUP)
    fleet.wait_ready(router)
    fleet.drained("in")
    expect("not-the-one" not in router.log() and SECRET not in router.log(), "a secret is in the log")
    fleet.verify("in")
    expect(router.stop() == 0, "left in order")
    fleet.close()


def http_status(router):
    return http(router.admin + "/readyz")[0]


def test_a_user_made_later_and_an_unknown_authority():
    fleet = start_fleet()
    user = fleet.name + "-user"
    grant(fleet, f"User:{user}")
    router = fleet.start_router("r1", kafka=sasl("SCRAM-SHA-256", user, "later-secret"), bootstrap=broker().sasl)
    fleet.apply(fleet.dir / "c", wait=False)
    fed = fleet.feed("in", 1000)
    router.wait_log("Authentication failed")
    admin.set_scram_user(fleet.kafka, user, "later-secret")
    fleet.drained("in")
    expect(router.stop() == 0, "left in order")
    expect("later-secret" not in router.log(), "the secret is in the log")

    other = fleet.dir / "other"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10", "-subj",
        "/CN=another CA", "-keyout", f"{other}.key", "-out", f"{other}.pem", check=0)
    lines = sasl("SCRAM-SHA-256", user, "later-secret")
    router = fleet.start_router("r1", kafka=lines.replace(broker().ca, f"{other}.pem"), bootstrap=broker().sasl)
    fleet.feed("in", 1000, first=fed)
    router.wait_log("certificate verify failed")
    expect(http_status(router) == 503 and router.process.poll() is None, "it stays, and is not ready")
    expect(router.stop() == 0, "left in order")
    fleet.start_router("r1", kafka=lines, bootstrap=broker().sasl)
    fleet.drained("in")
    fleet.verify("in")
    bad = fleet.start_router("r2", kafka=lines.replace(broker().ca, "/nowhere.pem"), bootstrap=broker().sasl, wait=False)
    wait_until("it ends", lambda: bad.process.poll() is not None)
    expect("event=router.failed" in bad.log() and "/nowhere.pem" in bad.log(), bad.log())
    fleet.close()


def test_a_router_with_exactly_the_permissions_it_needs_names_each_one_that_is_missing():
    fleet = start_fleet()
    quick = '\n  topic.metadata.refresh.interval.ms = "1000"'
    router = fleet.start_router("r1", kafka=sasl("PLAIN") + quick, bootstrap=broker().sasl)
    fleet.apply(fleet.dir / "c", wait=False)
    fleet.feed("in", 3000)
    router.wait_log("code=GROUP_AUTHORIZATION_FAILED")
    admin.allow(fleet.kafka, "group", fleet.name, "read")
    router.wait_log(f"event=topic.missing topic={fleet.topic('in')} ")
    admin.allow(fleet.kafka, "topic", fleet.topic("in"), "read")
    for topic in ("archive", "shop", "dlq"):
        held = f"reason=destination_forbidden detail={fleet.topic(topic)}"
        router.wait_log(held, 60)
        admin.allow(fleet.kafka, "topic", fleet.topic(topic), "write")
    fleet.drained("in")
    fleet.verify("in")
    expect(router.stop() == 0 and "clean=true" in router.log(), "left in order")
    fleet.close()


def test_permissions_taken_away_under_load_and_given_back():
    fleet = start_fleet()
    grant(fleet)
    for name in ("in", "archive"):
        admin.allow(fleet.kafka, "topic", fleet.topic(name), "describe")
    router = fleet.start_router("r1", kafka=sasl("PLAIN"), bootstrap=broker().sasl)
    fleet.apply(fleet.dir / "c")
    feed = fleet.feed_in_background("in", 40000, rate=4000)
    fleet.wait_ready(router)
    steps = [("topic", fleet.topic("archive"), "write", "event=partition.held"),
             ("topic", fleet.topic("in"), "read", "event=partition.error"),
             ("group", fleet.name, "read", "GROUP_AUTHORIZATION_FAILED")]
    for kind, name, operation, said in steps:
        admin.disallow(fleet.kafka, kind, name, operation)
        router.wait_log(said, 60)
        admin.allow(fleet.kafka, kind, name, operation)
    wait_until("everything is fed", lambda: feed.process.poll() is not None, 60)
    fleet.drained("in")
    fleet.verify("in", duplicates=True)
    expect(router.stop() == 0 and "clean=true" in router.log(), "left in order")
    fleet.close()


main(needs_kafka=False)
