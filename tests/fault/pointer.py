#!/usr/bin/env python3
"""The pointer in etcd is deleted, overwritten with garbage, set back, handed out twice, or belongs to another etcd: what
runs stays, the router says so, and the next right pointer is obeyed."""
import base64, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

GARBAGE = [b"", b"garbage", b"{}", b"[]", b"null", b"\xff\xfe", b'{"generation":-1,"stable":1}',
           b'{"generation":99999999999999999999,"stable":1}', b'{"generation":1e300,"stable":1}',
           b'{"generation":18446744073709551615,"stable":0}', b'{"generation":5,"stable":4294967296}',
           b'{"generation":5,"stable":"1"}', b"{" * 100000, b'{"generation":7,"stable":1,"weight":{}}']


def start_fleet():
    fleet = Fleet()
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2, "later": 2})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("c1", game.config(1000)))
    return fleet


def text(data):
    return base64.b64encode(data).decode()


def etcd(fleet, call, key="pointer", **body):
    """A call of etcd's gateway on a key of the fleet, its pointer."""
    status, answer = http(f"{fleet.endpoints[0]}/v3/kv/{call}", dict(body, key=text(f"/veltrix/v1/{fleet.name}/{key}".encode())))
    expect(status == 200, f"etcd {call}: {status} {answer}")
    return json.loads(answer)


def put(fleet, pointer):
    etcd(fleet, "put", value=text(pointer))


def flow(fleet, fed):
    fed = fleet.feed("in", 500, first=fed)
    fleet.drained("in", timeout_s=40)
    return fed


def status(fleet):
    return json.loads(http(fleet.routers["r1"].admin + "/status")[1])


def test_a_pointer_deleted_or_overwritten_with_garbage_changes_nothing():
    fleet = start_fleet()
    fed = flow(fleet, 0)
    good = base64.b64decode(etcd(fleet, "range")["kvs"][0]["value"])
    for garbage in GARBAGE:
        put(fleet, garbage)
    fleet.routers["r1"].wait_log("event=pointer.unreadable")
    fed = flow(fleet, fed)
    etcd(fleet, "deleterange")
    fleet.routers["r1"].wait_log("event=pointer.refused")
    fed = flow(fleet, fed)
    expect(status(fleet)["running"]["release"] == 1, f"{status(fleet)}")
    put(fleet, good)
    wait_until("the alarm ends", lambda: not status(fleet).get("alarm"))
    fleet.apply(fleet.write_config("c2", game.config(500)))
    flow(fleet, fed)
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1", "2"}, f"{verdict}")
    fleet.close()


def test_a_generation_handed_out_twice_is_an_alarm_until_a_higher_one_comes():
    fleet = start_fleet()
    fed = flow(fleet, 0)
    etcd(fleet, "deleterange")
    fleet.cli("apply", fleet.write_config("c2", game.config(500)), "-m", "forgotten", "--wait=0", check=0)
    wait_until("the alarm", lambda: status(fleet).get("alarm") == "generation_fell" and fleet.running() == 2)
    fed = flow(fleet, fed)
    expect(status(fleet)["running"]["release"] == 1, f"{status(fleet)}")
    fleet.apply(fleet.write_config("c3", game.config(700)))
    flow(fleet, fed)
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1", "3"}, f"{verdict}")
    fleet.close()


def test_a_release_that_runs_and_cannot_be_read_any_more_goes_on_and_is_not_called_another_one():
    fleet = start_fleet()
    router = fleet.routers["r1"]
    fed = flow(fleet, 0)
    key = f"releases/{1:010}"
    manifest = etcd(fleet, "range", key)["kvs"][0]["value"]
    pointer = json.loads(base64.b64decode(etcd(fleet, "range")["kvs"][0]["value"]))
    etcd(fleet, "put", key, value=text(b"garbage"))
    pointer["generation"] += 1
    put(fleet, json.dumps(pointer).encode())
    router.wait_log("event=release.unconfirmed release=1")
    expect("event=release.replaced" not in router.log() and "event=release.rejected" not in router.log(), router.log())
    states = {r["state"] for r in status(fleet)["releases"]}
    expect(states == {"running", "loading"}, f"{status(fleet)}")
    fed = flow(fleet, fed)
    etcd(fleet, "put", key, value=manifest)
    pointer["generation"] += 1
    put(fleet, json.dumps(pointer).encode())  # which has it looked at again at once
    router.wait_log("event=release.confirmed release=1")
    expect(len(status(fleet)["releases"]) == 1, f"{status(fleet)}")
    flow(fleet, fed)
    fleet.verify("in")
    fleet.close()


def wipe(fleet):
    """Starts the fleet's etcd again with nothing in it and another cluster id, at the same address."""
    run_dir = pathlib.Path(os.environ.get("VELTRIX_RUN") or f"{os.environ.get('TMPDIR', '/tmp')}/veltrix-{os.getuid()}")
    node = run_dir / "etcd" / fleet.name / "node1"
    fleet.etcd("node", 1, "kill")
    shutil.rmtree(node / "data")
    words = (node / "cmd").read_bytes().split(b"\0")
    words[words.index(b"--initial-cluster-token") + 1] += b"-again"
    (node / "cmd").write_bytes(b"\0".join(words))
    fleet.etcd("node", 1, "start")


def test_an_etcd_that_was_wiped_is_not_obeyed_not_by_a_restart_either_until_an_operator_accepts_it():
    fleet = start_fleet()
    router = fleet.routers["r1"]
    fed = flow(fleet, 0)
    wipe(fleet)
    router.wait_log("event=pointer.refused reason=another_cluster", 60)
    fed = flow(fleet, fed)
    later = game.config(100000).replace("emit: { topic: @archive }", "emit: { topic: @later }")
    fleet.cli("apply", fleet.write_config("c2", later), "-m", "into the wiped etcd", "--wait=0", check=0)
    fed = flow(fleet, fed)
    expect(router.stop() == 0, "left in order")
    router.start()
    router.wait_log("source=last_good_copy", 60)
    fed = flow(fleet, fed)
    expect(status(fleet)["alarm"] == "another_cluster", f"{status(fleet)}")
    fleet.releases = {1: fleet.dir / "c1"}
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1"}, f"{verdict}")

    wait_until("the alarm in `veltrix fleet`", lambda: "which is another one than before" in fleet.cli("fleet").stdout)
    fleet.cli("fleet", "accept-restore", check=0)
    expect(not status(fleet).get("alarm"), f"{status(fleet)}")
    router.wait_log("event=release.adopted release=1 was=1")
    flow(fleet, fed)
    done = run(BIN / "veltrix-check", "count", "--kafka", fleet.kafka, fleet.topic("later"))
    expect(done.stdout.split()[1] == "500", f"went to the new place: {done.stdout}")
    expect(router.stop() == 0, "left in order")
    router.start()
    router.wait_log("event=release.adopted release=1 was=0")  # the new etcd is known now, to the copy too
    expect(not status(fleet).get("alarm"), f"{status(fleet)}")
    fleet.close()


main()
