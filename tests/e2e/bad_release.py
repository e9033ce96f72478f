#!/usr/bin/env python3
"""A bad release never takes the fleet down: refused by configsvc, or kept out by the routers, with the reason to be read."""
import base64, hashlib, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

GOOD = """
kind: routing
name: game
topics: [@in]
otherwise: { pipeline: archive }
---
kind: processing
name: archive
stages: [emit: { topic: @archive }]
"""
UNKNOWN_STAGE = GOOD.replace("stages: [emit", "stages: [teleport: { to: mars }, emit")


class EtcdKeys:
    """Just enough of the gateway to plant faults."""

    def __init__(self, fleet):
        self.url, self.prefix = fleet.endpoints[0], f"/veltrix/v1/{fleet.name}/"

    def call(self, path, **body):
        status, text = http(self.url + path, body)
        expect(status == 200, f"{path}: {status} {text}")
        return json.loads(text)

    def put(self, key, value):
        b64 = lambda b: base64.b64encode(b).decode()
        self.call("/v3/kv/put", key=b64((self.prefix + key).encode()), value=b64(value))

    def get(self, key):
        answer = self.call("/v3/kv/range", key=base64.b64encode((self.prefix + key).encode()).decode())
        expect("kvs" in answer, f"no key {key}")
        return base64.b64decode(answer["kvs"][0]["value"])


def start_fleet():
    fleet = Fleet()
    fleet.create_topics(**{"in": 2, "archive": 2})
    fleet.start_configsvc()
    fleet.start_router("r1")
    fleet.apply(fleet.write_config("good", GOOD))
    return fleet


def goes_on(fleet, fed):
    fed = fleet.feed("in", 500, first=fed)
    fleet.drained("in")
    verdict = fleet.verify("in")
    expect(verdict["events"] == fed, "every event came out")
    return fed


def force_release(fleet, text, sha=None):
    """Writes release 2 into etcd by hand, as no configsvc would."""
    keys = EtcdKeys(fleet)
    manifest = json.loads(keys.get("releases/0000000001"))
    entry = next(e for e in manifest["entries"] if e["name"] == "archive")
    sha = sha or hashlib.sha256(text.encode()).hexdigest()
    entry.update(sha256=sha, size=len(text))
    manifest["number"], manifest["parent"] = 2, 1
    keys.put(f"objects/{sha}", text.encode())
    keys.put("releases/0000000002", json.dumps(manifest).encode())
    keys.put("head", b"2")
    pointer = json.loads(keys.get("pointer"))
    pointer.update(stable=2, generation=int(pointer["generation"]) + 1)
    keys.put("pointer", json.dumps(pointer).encode())


def test_configsvc_refuses_a_bad_release_with_its_place():
    fleet = start_fleet()
    bad = fleet.write_config("bad", UNKNOWN_STAGE)
    done = fleet.cli("apply", bad, "-m", "bad", "--wait")
    expect(done.returncode == 1, f"exit {done.returncode}")
    expect("fleet.yaml:9:" in done.stdout + done.stderr, done.stdout + done.stderr)
    documents = [{"path": "fleet.yaml", "line": 1, "text": bad.joinpath("fleet.yaml").read_text()}]
    status, text = http(f"{fleet.server}/v1/fleets/{fleet.name}/releases", {"documents": documents, "message": "x", "author": "x"})
    expect(400 <= status < 500 and json.loads(text)["error"]["findings"], f"{status} {text}")
    expect(fleet.running() == 1, "the pointer has not moved")
    goes_on(fleet, 0)
    fleet.close()


def test_a_release_that_a_router_cannot_compile_leaves_it_on_the_old_one_and_says_why():
    fleet = start_fleet()
    fed = goes_on(fleet, 0)
    force_release(fleet, "kind: processing\nname: archive\nstages:\n  - teleport: { to: mars }\n")
    fleet.routers["r1"].wait_log("event=release.rejected")
    wait_until("the reason in `veltrix fleet`", lambda: "teleport" in fleet.cli("fleet").stdout)
    goes_on(fleet, fed)
    fleet.close()


def test_a_corrupted_object_is_refused_by_its_hash():
    fleet = start_fleet()
    fed = goes_on(fleet, 0)
    force_release(fleet, "kind: processing\nname: archive\nstages: [emit: { topic: elsewhere }]\n", sha="0" * 64)
    fleet.routers["r1"].wait_log("event=release.rejected")
    wait_until("the reason in `veltrix fleet`", lambda: "0000000" in fleet.cli("fleet").stdout)
    goes_on(fleet, fed)
    fleet.close()


main()
