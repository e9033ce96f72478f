"""What the benchmarks over Kafka share: topics, rules, contenders, measuring, medians, tables.

A contender is a program that takes events from one topic and spreads them over eight. All are measured alike, from outside,
by bench_watch: from its first event to the last record. Topics are fresh for each run, and gone after it, but for the input.
"""
import argparse, contextlib, json, os, pathlib, random, re, shutil, signal, statistics, subprocess, sys, tempfile, threading, time
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e/lib"))
from harness import BIN, KAFKA, ROOT, Child, Failure, Fleet, check_tool, expect, free_port, http, run, wait_until

OUTS = 8
PARTITIONS_IN = 12
# As flow_events.c makes them.
TYPES = ["move", "chat", "puzzle", "login", "purchase", "trade", "levelup", "match", "gift", "report"]
REGIONS = ["eu-west", "eu-north", "us-east", "us-west", "ap-south"]
OTHERWISE = 0
RULES_IN_DOCUMENT = 5000  # keeps a document below its 1 MiB
RULES_MAX = 10000  # of a release; what leads from one document to the next is one too


def rules(count=100):
    """First-match rules (type, region, least amount, number of the output): of each pair of names one from 50,000 and one from
    5,000 on, so that one event in twenty matches none. Beyond 100: rules in front of those that no event matches."""
    never = [(f"{TYPES[i % 10]}.{i}", REGIONS[i // 10 % 5], i % 100000, i % OUTS) for i in range(count - 100)]
    return never + [(TYPES[i % 10], REGIONS[i // 10 % 5], 50000 if i < 50 else 5000, i * 7 % OUTS) for i in range(100)]


def json_conditions(count):
    return [(f'event.type == "{t}" && event.region == "{r}" && event.amount >= {a}', out) for t, r, a, out in rules(count)]


def key_conditions(count):
    """Nothing of the event itself: prefixes of the key, and two headers that no event has."""
    keys = [(f'key.startsWith("user-{i:02}")', i % OUTS) for i in range(count - 2)]
    return [('headers["x-region"] == "eu"', 1), ('headers["x-region"] == "us"', 2)] + keys


class Case:
    """What is measured: sizes, forms, rules. `row` of the issue's table and its target are with flow.py."""

    def __init__(self, size=1024, form="header", partitions=3, routing="json", rules=100, workers=0, delivery=None,
                 releases=0, kafka=""):
        self.size, self.form, self.partitions, self.routing = size, form, partitions, routing
        self.rules, self.workers, self.delivery = rules, workers, delivery
        self.releases = releases  # more of them, that route the same way, ready to be activated
        self.kafka = kafka  # more lines of router.conf's section

    def name(self):
        return f"{self.size} B, {self.form}, {OUTS} x {self.partitions}, {self.routing}, {self.rules} rules"

    def config(self, fleet, topics, variant=0):
        """The release; each `variant` is another one that routes the same way."""
        links = (self.rules - 1) // RULES_IN_DOCUMENT
        made = (json_conditions if self.routing == "json" else key_conditions)(min(self.rules, RULES_MAX - links))
        lines = [f"  - {{ name: r{i}, when: '{c}', pipeline: p{o} }}\n" for i, (c, o) in enumerate(made)]
        if variant:
            lines.append(f"  - {{ name: variant, when: 'key == \"nobody-{variant}\"', pipeline: p0 }}\n")
        parts = [lines[i:i + RULES_IN_DOCUMENT] for i in range(0, len(lines), RULES_IN_DOCUMENT)]
        text = f"kind: fleet\nname: {fleet}\nprovenance: {'header' if self.form == 'header' else 'none'}\n"
        for i, part in enumerate(parts):
            more = f"  - {{ name: more, routing: bench-{i + 1} }}\n" if i + 1 < len(parts) else ""
            head = (f"topics: [{topics.source}]\n" + (f"delivery: {self.delivery}\n" if self.delivery else "")) if i == 0 else ""
            text += (f"---\nkind: routing\nname: bench-{i}\n{head}rules:\n{''.join(part)}{more}"
                     f"otherwise: {{ pipeline: p{OTHERWISE} }}\n")
        return text + "".join(f"---\nkind: processing\nname: p{i}\nstages: [emit: {{ topic: {o} }}]\n"
                              for i, o in enumerate(topics.outs))


class Topics:
    """The topics of one run. With `source` the input is one that is there already."""

    def __init__(self, partitions, source=None):
        self.prefix = f"b{random.randrange(1 << 30):x}"
        self.partitions = partitions
        self.outs = [f"{self.prefix}.out{i}" for i in range(OUTS)]
        self.source = source or f"{self.prefix}.in"
        self.made = [f"{o}:{partitions}" for o in self.outs] + ([] if source else [f"{self.source}:{PARTITIONS_IN}"])

    def __enter__(self):
        check_tool("topics", "--kafka", KAFKA, *self.made)
        return self

    def __exit__(self, *_):
        check_tool("delete", "--kafka", KAFKA, *[m.rsplit(":", 1)[0] for m in self.made])

    def out_words(self):
        return [f"{o}:{self.partitions}" for o in self.outs]


def feed(topic, count, size):
    """Adds that many events to a topic."""
    run(BIN / "bench_feed", KAFKA, topic, count, size, check=0, timeout_s=1800)


class Contender:
    """start() begins to route `topics` as `case` says and sets pid; stop() ends it in order. `warm_events` and `warm_s`: what
    goes before the events that are counted, so that what compiles itself while it runs has done so."""
    warm_events, warm_s = 0, 3
    headers = True  # it can add the header

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="veltrix-bench-"))
        self.child = None

    def spawn(self, *words, env=None):
        self.child = Child(self.dir / f"{self.name}.log", *words, env=env)
        self.pid = self.child.process.pid

    def log(self):
        return self.child.log()[-2000:] if self.child else ""

    def stop(self):
        try:
            if self.child:
                self.child.stop()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


class Loop(Contender):
    """bench_loop. `settings`: its words, -p and -X."""
    name = "loop"

    def __init__(self, settings=()):
        super().__init__()
        self.settings = list(settings)

    def start(self, case, topics):
        form = ["-h"] if case.form == "header" else []
        self.spawn(BIN / "bench_loop", *form, *self.settings, KAFKA, f"{topics.prefix}-loop", topics.source, topics.partitions,
                   *topics.outs)


class Refused(Exception):
    """The release is not one that this Veltrix takes."""


class Router(Contender):
    """veltrix-router, with an etcd and a configsvc of its own that are idle while it is measured."""
    name = "router"

    def start(self, case, topics):
        self.fleet = Fleet()
        self.fleet.start_configsvc()
        self.case, self.topics = case, topics
        self.apply()
        self.ready = [self.publish(variant) for variant in range(1, case.releases + 1)]
        self.child = self.fleet.start_router("router", kafka=case.kafka, workers=case.workers, wait=False)
        self.pid = self.child.process.pid

    def apply(self):
        path = self.fleet.dir / "c"
        path.mkdir(exist_ok=True)
        (path / "bench.yaml").write_text(self.case.config(self.fleet.name, self.topics))
        done = self.fleet.cli("apply", path, "-m", "bench")
        if done.returncode:
            raise Refused(f"{done.stdout}{done.stderr}".strip())

    def publish(self, variant):
        text = self.case.config(self.fleet.name, self.topics, variant)
        return self.call("releases", {"documents": [{"path": "bench.yaml", "text": text}], "message": "bench"})["release"]

    def activate(self, number):
        self.call("activate", {"release": number})

    def call(self, what, body):
        status, text = http(f"{self.fleet.server}/v1/fleets/{self.fleet.name}/{what}", body, "POST")
        expect(status in (200, 201), f"{what}: {status} {text}")
        return json.loads(text)

    def stop(self):
        try:
            super().stop()
        finally:
            if hasattr(self, "fleet"):
                self.fleet.close()


class Releases:
    """Activates one of the router's ready releases a second, in turn, from when it is entered until it is left. `waits_ms`: for
    how long, by its own count, all partitions together stood still for each of them."""

    def __init__(self, router):
        self.router = router
        self.over = threading.Event()
        self.done, self.failure = 0, None
        self.waits_ms, self.waited_ms = [], None

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        try:
            while not self.over.wait(1):
                self.note_wait()
                self.router.activate(self.router.ready[self.done % len(self.router.ready)])
                self.done += 1
        except Exception as e:
            self.failure = e

    def note_wait(self):
        """What has come since the activation before."""
        text = http(self.router.child.admin + "/metrics")[1]
        waited_ms = int(re.search(r"^veltrix_release_wait_microseconds_total (\d+)", text, re.M)[1]) / 1000
        if self.done:
            self.waits_ms.append(round(waited_ms - self.waited_ms, 3))
        self.waited_ms = waited_ms

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        if not kind:
            self.note_wait()
        if self.failure and not kind:
            raise self.failure


@contextlib.contextmanager
def perf(pid, path):
    """Where the process is, sampled by the software clock for as long as it is entered: the record, and beside it a report.
    All of the machine is recorded, since threads that begin while one attaches to a process are missed; needs root."""
    path.parent.mkdir(parents=True, exist_ok=True)
    recorder = subprocess.Popen(["perf", "record", "-q", "-a", "-e", "cpu-clock", "-F", "499", "-g", "-o", path],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)
        said = recorder.communicate()[1]
        expect(path.exists(), f"perf: {said}")
        report = ["perf", "report", "--stdio", "--no-children", "-g", "none", "-i", path]
        parts = [subprocess.run(report + more, capture_output=True, text=True).stdout
                 for more in (["--sort", "comm"], ["--pid", str(pid), "--percentage", "relative", "--sort", "comm,dso,sym"])]
        path.with_suffix(".txt").write_text("\n".join(parts))


IDLE = 0.2  # of a core: a process that joins its group and waits uses less, one that has its first events uses more


def span(samples, wanted):
    """Events, seconds and CPU seconds from the first event to the last record. What a contender reads ahead costs it something
    before its first record is in a topic; so back from there to where it last was idle."""
    base = samples[0][1]
    first = next((i for i, s in enumerate(samples) if s[1] > base), 0)
    expect(first >= 3, "it had begun before it was watched")
    expect(len(samples) - first >= 10, "it was over too soon for a figure: more events are needed")
    i = first - 1
    while i > 2 and samples[i][2] - samples[i - 2][2] > IDLE * (samples[i][0] - samples[i - 2][0]):
        i -= 1
    return wanted - base, samples[-1][0] - samples[i][0], samples[-1][2] - samples[i][2]


def watch(contender, topics, wanted, timeout_s):
    done = run(BIN / "bench_watch", KAFKA, contender.pid, wanted, timeout_s, *topics.out_words(), timeout_s=timeout_s + 60)
    expect(done.returncode == 0, f"{contender.name} did not do it: {done.stdout[-400:]}{done.stderr}{contender.log()}")
    return json.loads(done.stdout)


def warm_up(contender, case, topics, timeout_s):
    """Lets a contender route events that are not counted, and freezes it until bench_watch is there."""
    feed(topics.source, contender.warm_events, case.size)
    watch(contender, topics, contender.warm_events, timeout_s)
    os.kill(contender.pid, signal.SIGSTOP)


def measure(contender, case, topics, count, timeout_s=900, around=None):
    """One run: what bench_watch saw, as figures. The input holds the events, or, of a contender that must be warm, is empty.
    `around(contender)`: a context to be in while it runs."""
    try:
        contender.start(case, topics)
        wanted = count + contender.warm_events
        if contender.warm_events:
            warm_up(contender, case, topics, timeout_s)
            feed(topics.source, count, case.size)
        else:  # until bench_watch is there
            os.kill(contender.pid, signal.SIGSTOP)
        with around(contender) if around else contextlib.nullcontext():
            seen = watch(contender, topics, wanted, timeout_s)
    finally:
        contender.stop()
    if case.delivery is None:  # markers of transactions count as records
        total = sum(seen["topics"].values())
        expect(total == wanted, f"{contender.name} made {total} records of {wanted} events")
    shape = {"headers": 1 if case.form == "header" and contender.headers else 0, "key": True, "bytes": case.size}
    expect(seen.get("last") == shape, f"{contender.name} writes {seen.get('last')}, wanted {shape}")
    events, seconds, cpu = span(seen["samples"], wanted)
    return {"who": contender.name, "events": events, "seconds": round(seconds, 3), "events_per_s": round(events / seconds),
            "cpu_s_per_million": round(cpu * 1e6 / events, 3), "rss_mib": seen["peak_mib"],
            "topics": [seen["topics"][o] for o in topics.outs]}


def median(rows, *path):
    def pick(row):
        for name in path:
            row = row[name]
        return row
    return statistics.median(pick(r) for r in rows)


def machine():
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores shared with the broker, Linux {os.uname().release}"


def write_readme(what, text):
    """Replaces what stands between the two marks of `what` in README.md."""
    path = ROOT / "README.md"
    whole = path.read_text()
    marks = f"<!-- scripts/bench {what} --readme writes from here -->", f"<!-- to here: {what} -->"
    if any(whole.count(m) != 1 for m in marks):
        sys.exit(f"{what}: README.md needs these lines, once each:\n{marks[0]}\n{marks[1]}")
    start, end = whole.index(marks[0]) + len(marks[0]), whole.index(marks[1])
    path.write_text(whole[:start] + f"\n{text}\n" + whole[end:])


def say(row):
    print(json.dumps(row), flush=True)


def steady(contender, case, topics, rate, seconds, around=None):
    """Latency at a steady rate (bench_latency); `contender` None: straight into the outputs."""
    try:
        source, warm_s = "-", 2
        if contender:
            contender.start(case, topics)
            source, warm_s = f"{topics.source}:{PARTITIONS_IN}", contender.warm_s
        with around(contender) if around else contextlib.nullcontext():
            done = run(BIN / "bench_latency", KAFKA, rate, warm_s, seconds, case.size, source, *topics.out_words(),
                       timeout_s=warm_s + seconds + 300)
        log = contender.log() if contender else ""
        expect(done.returncode == 0, f"{contender.name if contender else 'direct'}: {done.stdout[-300:]}{done.stderr}{log}")
    finally:
        if contender:
            contender.stop()
    return {"who": contender.name if contender else "direct", **json.loads(done.stdout)}
