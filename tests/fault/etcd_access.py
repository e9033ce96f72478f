#!/usr/bin/env python3
"""An etcd behind TLS with users that may do the least, whose tokens live for seconds: a fleet works there; a certificate that
has expired ends what it ends, is said, and heals when it is renewed; so does a role taken away, and a password changed."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *

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
LINES = 'user = "@program"\npassword = "@program"\nca_file = "@ca"\ncert_file = "@cert"\nkey_file = "@key"'


def start_fleet():
    fleet = Fleet(etcd=("--tls", "--auth", "@name", "--", "--auth-token-ttl", "2"), etcd_lines=LINES)
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.start_router("r2")
    fleet.apply(fleet.write_config("c1", CONFIG.replace("LIMIT", "1000")))
    return fleet


def flow(fleet, fed):
    fed = fleet.feed("in", 1000, first=fed)
    fleet.drained("in", timeout_s=40)
    return fed


def rejected(fleet):
    """Connections that etcd's log tells as failed handshakes."""
    run_dir = pathlib.Path(os.environ.get("VELTRIX_RUN") or f"{os.environ.get('TMPDIR', '/tmp')}/veltrix-{os.getuid()}")
    return (run_dir / "etcd" / fleet.name / "node1/log").read_text(errors="replace").count("rejected connection")


def lands(fleet, n, limit):
    """Applies until configsvc can, and waits until every router runs it."""
    folder = fleet.write_config(f"c{n}", CONFIG.replace("LIMIT", str(limit)))
    done = wait_until("the change lands", lambda: next((d for d in [fleet.cli("apply", folder, "-m", f"c{n}", "--wait")]
                                                        if d.returncode == 0), None), 60)
    print(f"# {done.stdout.splitlines()[-1]}")
    fleet.remember(folder)
    fleet.wait_adopted()


def test_a_certificate_expires_and_is_renewed_and_tokens_expire_all_the_time():
    fleet = start_fleet()
    fed = flow(fleet, 0)
    fleet.etcd("issue", "server", "expired")
    fleet.etcd("node", 1, "kill")
    fleet.etcd("node", 1, "start")
    for router in fleet.routers.values():
        router.wait_log("its certificate has expired", 60)
    fed = flow(fleet, fed)
    before, end = rejected(fleet), time.monotonic() + 10
    wait_until("ten seconds are over", lambda: time.monotonic() > end)
    tries = rejected(fleet) - before
    print(f"# {tries} connections in 10 s of two routers and a configsvc")
    expect(tries < 300, f"{tries} connections in 10 s: somebody runs away")
    lines = sum(r.log().count("its certificate has expired") for r in fleet.routers.values())
    expect(lines < 40, f"{lines} lines about it")
    fleet.etcd("issue", "server")
    lands(fleet, 2, 500)
    flow(fleet, fed)
    expect(set(fleet.verify("in")["releases"]) == {"1", "2"}, "both releases routed")
    for router in fleet.routers.values():
        expect(router.stop() == 0, "left in order")
    fleet.close()


def test_a_role_taken_away_is_said_and_what_runs_stays():
    fleet = start_fleet()
    fed = flow(fleet, 0)
    ctl = lambda *words: run(ROOT / "scripts/etcd", "--name", fleet.name, "ctl", *words, check=0)
    ctl("user", "revoke-role", "router", "router")
    for router in fleet.routers.values():
        router.wait_log("permission denied", 60)
    fed = flow(fleet, fed)
    ctl("user", "grant-role", "router", "router")
    lands(fleet, 2, 500)
    flow(fleet, fed)
    expect(set(fleet.verify("in")["releases"]) == {"1", "2"}, "both releases routed")
    fleet.close()


def test_a_password_is_changed_and_read_again_by_sighup():
    fleet = start_fleet()
    fed = flow(fleet, 0)
    run(ROOT / "scripts/etcd", "--name", fleet.name, "ctl", "user", "passwd", "router", "--interactive=false", check=0, stdin="changed-7\n")
    for name, router in fleet.routers.items():
        router.wait_log("authentication failed", 60)
        conf = fleet.dir / f"{name}.conf"
        conf.write_text(conf.read_text().replace('password = "router"', 'password = "changed-7"'))
    fed = flow(fleet, fed)
    for router in fleet.routers.values():
        router.signal(signal.SIGHUP)
    lands(fleet, 2, 500)
    flow(fleet, fed)
    expect(set(fleet.verify("in")["releases"]) == {"1", "2"}, "both releases routed")
    for router in fleet.routers.values():
        expect("changed-7" not in router.log(), "a secret is in the log")
    fleet.close()


main()
