#!/usr/bin/env python3
"""500 real GitHub webhooks through configs/examples/github: routed as the golden table says, counted at the outputs."""
import gzip, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

GOLDEN = ROOT / "tests/e2e/webhooks.golden"


def test_real_webhooks_are_routed_as_the_golden_table_says():
    fleet = Fleet()
    folder = fleet.dir / "github"
    shutil.copytree(ROOT / "configs/examples/github", folder)
    names = [line.split()[0] for line in GOLDEN.read_text().splitlines()]
    check_tool("delete", "--kafka", fleet.kafka, "github-webhooks", *names)
    wait_until("old topics gone", lambda: not run(BIN / "veltrix-check", "count", "--kafka", fleet.kafka, "github-webhooks", *names).stdout)
    check_tool("topics", "--kafka", fleet.kafka, "github-webhooks:4", *[f"{n}:3" for n in names])
    events = fleet.dir / "events.jsonl"
    events.write_bytes(gzip.decompress((ROOT / "tests/data/github-webhooks.jsonl.gz").read_bytes()))
    fleet.start_configsvc()
    fleet.start_router()
    fleet.apply(folder)
    check_tool("produce", "--kafka", fleet.kafka, "--topic", "github-webhooks", "--file", events)
    done = run(BIN / "veltrix-check", "wait", "--kafka", fleet.kafka, "--group", fleet.name, "github-webhooks", timeout_s=120)
    expect(done.returncode == 0, "the router did not finish")
    counts = check_tool("count", "--kafka", fleet.kafka, *names).stdout
    expect(sorted(counts.splitlines()) == sorted(GOLDEN.read_text().splitlines()), f"counted:\n{counts}")
    verdict = run(BIN / "veltrix-check", "verify", "--kafka", fleet.kafka, "--source", "github-webhooks", "--outputs", ",".join(names), "--release", f"1={folder}")
    expect(verdict.returncode == 0, verdict.stdout + verdict.stderr[:2000])
    fleet.close()


main()
