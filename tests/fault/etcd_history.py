#!/usr/bin/env python3
"""What happened to etcd's history behind a fleet's back: compacted past where a router's watch stood, out of space, set back
to a snapshot. What runs goes on; what may not be obeyed is an alarm; the next right change lands."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
from gate import Gate

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
SPACE = 16 << 20  # of etcd's quota


def start_fleet(gated=False, etcd=()):
    fleet = Fleet(etcd=etcd)
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2})
    fleet.start_configsvc()
    if gated:
        fleet.gate = Gate(fleet.endpoints[0])
        direct, fleet.endpoints = fleet.endpoints, [f"http://127.0.0.1:{fleet.gate.port}"]
    fleet.start_router("r1")
    if gated:
        fleet.endpoints = direct
    fleet.apply(fleet.write_config("c1", CONFIG.replace("LIMIT", "1000")))
    return fleet


def ctl(fleet, *words, check=0):
    return run(ROOT / "scripts/etcd", "--name", fleet.name, "ctl", *words, check=check)


def status(fleet):
    return json.loads(http(fleet.routers["r1"].admin + "/status")[1])


def flow(fleet, fed):
    fed = fleet.feed("in", 1000, first=fed)
    fleet.drained("in", timeout_s=40)
    return fed


def publish(fleet, n, limit):
    """A release that the pointer names, whether or not the router can know."""
    folder = fleet.write_config(f"c{n}", CONFIG.replace("LIMIT", str(limit)))
    fleet.cli("apply", folder, "-m", f"c{n}", "--wait=0", check=0)
    fleet.remember(folder)


def test_compaction_behind_the_watch_is_a_full_read_and_no_alarm():
    fleet = start_fleet(gated=True)
    router = fleet.routers["r1"]
    fed = flow(fleet, 0)
    fleet.gate.cut()
    router.wait_log("event=etcd.lost")
    publish(fleet, 2, 500)
    for i in range(20):
        ctl(fleet, "put", "/elsewhere", str(i))
    revision = json.loads(ctl(fleet, "get", "/elsewhere", "-w", "json").stdout)["header"]["revision"]
    ctl(fleet, "compaction", str(revision))
    fed = flow(fleet, fed)
    expect(status(fleet)["running"]["release"] == 1, "nothing is known of release 2 yet")
    fleet.gate.mend()
    wait_until("release 2 runs", lambda: status(fleet)["running"]["release"] == 2, 60)
    expect(not status(fleet).get("alarm"), f"{status(fleet)}")
    publish(fleet, 3, 250)
    wait_until("the watch lives again", lambda: status(fleet)["running"]["release"] == 3, 60)
    flow(fleet, fed)
    expect({"1", "3"} <= set(fleet.verify("in")["releases"]), "both releases routed")
    fleet.close()


def test_an_etcd_out_of_space_refuses_changes_and_routing_goes_on():
    fleet = start_fleet(etcd=("--", "--quota-backend-bytes", str(SPACE)))
    fed = flow(fleet, 0)
    filler = fleet.dir / "filler"
    filler.write_text("x" * 1000000)
    wait_until("etcd is full", lambda: run("sh", "-c", f"{ROOT}/scripts/etcd --name {fleet.name} ctl put /filler < {filler}").returncode)
    done = fleet.cli("apply", fleet.write_config("c2", CONFIG.replace("LIMIT", "500")), "-m", "no space")
    expect(done.returncode != 0 and "space" in done.stdout + done.stderr, f"{done}")
    fed = flow(fleet, fed)
    expect(status(fleet)["running"]["release"] == 1 and not status(fleet).get("alarm"), f"{status(fleet)}")
    revision = json.loads(ctl(fleet, "get", "/filler", "-w", "json").stdout)["header"]["revision"]
    ctl(fleet, "compaction", str(revision))
    ctl(fleet, "defrag")
    ctl(fleet, "alarm", "disarm")
    fleet.apply(fleet.write_config("c2", CONFIG.replace("LIMIT", "500")))
    flow(fleet, fed)
    expect(set(fleet.verify("in")["releases"]) == {"1", "2"}, "both releases routed")
    fleet.close()


def restore(fleet, saved):
    """The fleet's etcd is set back to a snapshot; it stays the same cluster."""
    run_dir = pathlib.Path(os.environ.get("VELTRIX_RUN") or f"{os.environ.get('TMPDIR', '/tmp')}/veltrix-{os.getuid()}")
    node = run_dir / "etcd" / fleet.name / "node1"
    words = (node / "cmd").read_bytes().decode().split("\0")
    fleet.etcd("node", 1, "kill")
    shutil.rmtree(node / "data")
    told = lambda flag: words[words.index(flag) + 1]
    run("etcdctl", "snapshot", "restore", saved, "--data-dir", node / "data", "--name", told("--name"), "--initial-cluster",
        told("--initial-cluster"), "--initial-cluster-token", told("--initial-cluster-token"), "--initial-advertise-peer-urls",
        told("--initial-advertise-peer-urls"), check=0, env={"ETCDCTL_API": "3"})
    fleet.etcd("node", 1, "start")


def start_restored():
    """A router that runs @2 beside an etcd that knows @1 only. And how many events went through."""
    fleet = start_fleet()
    fleet.create_topics(later=2)
    fed = flow(fleet, 0)
    saved = fleet.dir / "saved.db"
    ctl(fleet, "snapshot", "save", str(saved))
    fleet.apply(fleet.write_config("c2", CONFIG.replace("LIMIT", "500")))
    fed = flow(fleet, fed)
    restore(fleet, saved)
    fleet.routers["r1"].wait_log("event=pointer.refused reason=generation_fell", 60)
    expect(status(fleet)["running"]["release"] == 2, f"{status(fleet)}")
    expect(status(fleet).get("alarm") == "generation_fell", f"{status(fleet)}")
    wait_until("the alarm in `veltrix fleet`", lambda: "r1 does not obey etcd, which was set back" in fleet.cli("fleet").stdout)
    return fleet, flow(fleet, fed)


def all_go_to_later(fleet, fed):
    """What is fed now leaves as the release says that was made after the restore, though its number was given out before."""
    flow(fleet, fed)
    done = run(BIN / "veltrix-check", "count", "--kafka", fleet.kafka, fleet.topic("later"))
    expect(done.stdout.split()[1] == "1000", f"went to the new place: {done.stdout}")


def test_a_restored_snapshot_is_not_obeyed_until_an_operator_accepts_it():
    fleet, fed = start_restored()
    later = fleet.write_config("later", CONFIG.replace("emit: { topic: @archive }", "emit: { topic: @later }")
                               .replace("LIMIT", "100000"))
    done = fleet.cli("fleet", "accept-restore", check=0)
    expect("@1 runs on every router (1)" in done.stdout, done.stdout + done.stderr)
    expect(status(fleet)["running"]["release"] == 1 and not status(fleet).get("alarm"), f"{status(fleet)}")
    fed = flow(fleet, fed)
    fleet.releases = {1: fleet.dir / "c1", 2: fleet.dir / "c2"}
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1", "2"}, f"{verdict}")
    expect("accept-restore" in fleet.cli("audit", check=0).stdout, "the audit tells of it")
    done = fleet.cli("fleet", "accept-restore")
    expect(done.returncode == 1 and "there is nothing to accept" in done.stderr, f"{done}")
    fleet.cli("apply", later, "-m", "@2 once more", check=0)
    all_go_to_later(fleet, fed)
    fleet.close()


def test_a_number_that_a_restored_etcd_gives_out_again_is_not_taken_for_what_runs():
    fleet, fed = start_restored()
    later = fleet.write_config("later", CONFIG.replace("emit: { topic: @archive }", "emit: { topic: @later }")
                               .replace("LIMIT", "100000"))
    done = fleet.cli("apply", later, "-m", "@2 once more, and the generation too", "--wait=3")
    expect(done.returncode == 3 and "r1 (does not obey etcd" in done.stderr, f"{done}")
    expect(status(fleet).get("alarm") == "generation_fell", f"{status(fleet)}")
    fed = flow(fleet, fed)
    fleet.releases = {1: fleet.dir / "c1", 2: fleet.dir / "c2"}
    fleet.verify("in")
    fleet.cli("rollback", "@2", check=0)  # a generation ahead: obeyed, under a number that runs
    fleet.routers["r1"].wait_log("event=release.replaced release=2")
    wait_until("it is loaded", lambda: "event=release.adopted release=2 was=2" in fleet.routers["r1"].log())
    all_go_to_later(fleet, fed)
    fleet.close()


main()
