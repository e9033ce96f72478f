#!/usr/bin/env python3
"""`veltrix dev` and `veltrix feed`: a fleet from one command, which leaves nothing behind, however it ends."""
import sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *

CONFIG = """
kind: routing
name: game
topics: [moves]
rules:
  - name: big
    when: event.amount >= 10
    pipelines: [big, all]
  - name: quiet
    when: headers.kind == "ping"
    drop: true
otherwise: { pipeline: all }
dead_letter: moves.dlq
---
kind: processing
name: big
stages:
  - filter: event.amount < 1000
  - set: { event.big: true }
  - emit: { topic: big-moves }
---
kind: processing
name: all
stages: [emit: { topic: all-moves }]
"""


class Dev:
    """A folder with a config and events, and `veltrix dev` on it, in a temporary directory of its own."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="veltrix-test-"))
        self.tmp, self.folder, self.events = self.dir / "tmp", self.dir / "config", self.dir / "events.jsonl"
        self.tmp.mkdir(), self.folder.mkdir()
        (self.folder / "game.yaml").write_text(CONFIG)
        lines = [{"headers": {"kind": "ping" if i % 10 == 0 else "move"}, "key": f"p{i % 7}", "value": {"amount": i}} for i in range(20)]
        self.events.write_text("".join(json.dumps(l) + "\n" for l in lines) + '{"amount": 5000}\n{"value": "no amount"}\n')
        self.env = {"TMPDIR": str(self.tmp)}
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)

    def run(self, *words, check=None):
        return run(BIN / "veltrix", "dev", self.folder, *words, env=self.env, check=check)

    def start(self):
        child = Child(self.dir / "dev.log", BIN / "veltrix", "dev", self.folder, env=self.env)
        child.wait_log("Ctrl-C stops all of it.", 60)
        return child

    def processes(self):
        """Those that work in our temporary directory: pid -> command line."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() if entry.name.isdigit() else ""
            except OSError:
                continue
            if str(self.tmp) in words:
                found[int(entry.name)] = words
        return found

    def nothing_is_left(self, files=True):
        wait_until("all processes are gone", lambda: not self.processes(), 10)
        expect(not files or not list(self.tmp.iterdir()), f"left over: {list(self.tmp.iterdir())}")


def test_events_are_fed_and_counted_at_the_outputs():
    dev = Dev()
    done = dev.run("--events", dev.events, "-o", "json", "--", "true", check=0)
    result = json.loads(done.stdout)
    topics = {(r["rule"], t["topic"]): (t["expected"], t["arrived"]) for r in result["rules"] for t in r["topics"]}
    expect(topics == {("big", "big-moves"): (10, 10), ("big", "all-moves"): (11, 11), ("otherwise", "all-moves"): (10, 10)}, str(topics))
    expect((result["events"], result["lost"], result["doubled"], result["unexpected"]) == (22, 0, 0, 0), done.stdout)
    dropped = {r["rule"]: r["dropped"] for r in result["rules"]}
    expect(dropped == {"big": 0, "quiet": 1, "otherwise": 0, None: 0}, str(dropped))
    dev.nothing_is_left()


def test_what_one_routing_sends_to_another_is_followed_to_its_end():
    dev = Dev()
    (dev.folder / "more.yaml").write_text("""
kind: routing
name: second
topics: [big-moves]
rules: [{ name: huge, when: event.amount >= 15, pipeline: huge }]
otherwise: { drop: true }
---
kind: processing
name: huge
stages: [emit: { topic: huge-moves }]
""")
    result = json.loads(dev.run("--events", dev.events, "--topic", "moves", "-o", "json", "--", "true", check=0).stdout)
    topics = {(r["rule"], t["topic"]): (t["expected"], t["arrived"]) for r in result["rules"] for t in r["topics"]}
    expect(topics[("huge", "huge-moves")] == (5, 5), str(topics))
    expect((result["lost"], result["doubled"], result["unexpected"]) == (0, 0, 0), str(result))
    dev.nothing_is_left()


def test_a_change_is_applied_to_the_running_fleet():
    dev = Dev()
    steps = f"""set -e
        veltrix feed --events {dev.events} | tail -n 1
        sed -i 's/>= 10/>= 15/' {dev.folder}/game.yaml
        veltrix diff {dev.folder} || [ $? = 1 ]
        veltrix apply {dev.folder} -m 'raise it' 2>/dev/null | tail -n 1
        veltrix feed --events {dev.events} | tail -n 1
        veltrix rollback 2>/dev/null
        veltrix history"""
    env_path = f"{BIN}:{os.environ['PATH']}"
    done = dev.run("--", "env", f"PATH={env_path}", "bash", "-c", steps, check=0)
    lines = done.stdout.splitlines()
    expect(lines[0] == "release @1: 22 events sent, 31 records due, 31 arrived: 0 lost, 0 doubled, 0 not due", done.stdout)
    expect(lines[2] == "  ~ rules[big].when: event.amount >= 10 → event.amount >= 15", done.stdout)
    expect(lines[3] == "@2 runs on every router (1)", done.stdout)
    expect(lines[4].startswith("release @2: 22 events sent, ") and lines[4].endswith(": 0 lost, 0 doubled, 0 not due"), done.stdout)
    expect(lines[5] == "@1 runs on every router (1)", done.stdout)
    dev.nothing_is_left()


def test_the_exit_code_is_that_of_the_command():
    dev = Dev()
    dev.run("--", "sh", "-c", "exit 7", check=7)
    dev.nothing_is_left()


def test_ctrl_c_stops_everything():
    dev = Dev()
    child = dev.start()
    expect(len(dev.processes()) >= 3, str(dev.processes()))
    child.signal(signal.SIGINT)
    expect(child.process.wait(30) == 0, "exit status")
    dev.nothing_is_left()


def test_a_child_that_dies_is_reported_and_ends_it():
    dev = Dev()
    child = dev.start()
    router = next(pid for pid, words in dev.processes().items() if "veltrix-router" in words)
    os.kill(router, signal.SIGKILL)
    expect(child.process.wait(30) == 1, "exit status")
    expect("veltrix: router has ended; the end of its log:" in child.log(), child.log()[-500:])
    expect("event=router.started" in child.log(), "the log of the router")
    dev.nothing_is_left()


def test_when_it_is_killed_its_children_die_too():
    dev = Dev()
    child = dev.start()
    child.kill()
    dev.nothing_is_left(files=False)


def test_what_does_not_arrive_is_counted_as_lost():
    dev = Dev()
    child = dev.start()
    # the line that dev prints for the operator's other terminal
    export = next(line for line in child.log().splitlines() if line.startswith("  export "))
    env = dict(pair.split("=", 1) for pair in export.split()[1:])
    router = next(pid for pid, words in dev.processes().items() if "veltrix-router" in words)
    os.kill(router, signal.SIGSTOP)
    done = run(BIN / "veltrix", "feed", "--events", dev.events, env=env, check=1)
    expect("31 records due, 0 arrived: 31 lost, 0 doubled, 0 not due\n" in done.stdout, done.stdout)
    os.kill(router, signal.SIGCONT)
    child.signal(signal.SIGTERM)
    expect(child.process.wait(30) == 0, "exit status")
    dev.nothing_is_left()


def test_a_folder_that_is_not_valid_starts_nothing():
    dev = Dev()
    (dev.folder / "game.yaml").write_text(CONFIG.replace("when:", "whem:"))
    done = dev.run(check=1)
    expect("did you mean `when`?" in done.stderr, done.stderr)
    dev.nothing_is_left()


main(needs_kafka=False)
