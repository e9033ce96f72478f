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
    fleet.create_topics(**{"in": 2, "shop": 2, "archive": 2})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("c1", game.config(1000)))
    return fleet


def text(data):
    return base64.b64encode(data).decode()


def etcd(fleet, call, **body):
    """A call of etcd's gateway on the fleet's pointer."""
    status, answer = http(f"{fleet.endpoints[0]}/v3/kv/{call}", dict(body, key=text(f"/veltrix/v1/{fleet.name}/pointer".encode())))
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


def test_an_etcd_that_was_wiped_is_not_obeyed_and_a_restart_runs_the_last_good_copy():
    fleet = start_fleet()
    router = fleet.routers["r1"]
    fed = flow(fleet, 0)
    wipe(fleet)
    router.wait_log("event=pointer.refused reason=another_cluster", 60)
    fed = flow(fleet, fed)
    fleet.cli("apply", fleet.write_config("c2", game.config(500)), "-m", "into the wiped etcd", check=0)
    fed = flow(fleet, fed)
    expect(router.stop() == 0, "left in order")
    router.start()
    router.wait_log("source=last_good_copy", 60)
    flow(fleet, fed)
    expect(status(fleet)["alarm"] == "another_cluster", f"{status(fleet)}")
    fleet.releases = {1: fleet.dir / "c1"}
    verdict = fleet.verify("in")
    expect(set(verdict["releases"]) == {"1"}, f"{verdict}")
    fleet.close()


main()
