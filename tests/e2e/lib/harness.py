"""What the end-to-end tests stand on: a fleet of real parts in a temporary folder.

A test file is a program: functions named test_*, run in order by main(); each prints `ok - name`, `not ok - name` or
`skip - name: reason`. Etcd is started per fleet through scripts/etcd; Apache Kafka is shared (VELTRIX_KAFKA), so topics,
groups and fleets carry a random suffix. Nothing sleeps: wait_until() polls a condition with a deadline and says what it
waited for when the deadline passes. Standard library only.
"""
import atexit, json, os, pathlib, random, re, shutil, signal, socket, subprocess, sys, tempfile, time, traceback, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("VELTRIX_BIN", ROOT / "build/dev/bin"))
KAFKA = os.environ.get("VELTRIX_KAFKA", "")


def option(name, default):
    """The number after --NAME on the command line (and takes it off), else of VELTRIX_NAME, else the default."""
    if f"--{name}" in sys.argv[1:-1]:
        i = sys.argv.index(f"--{name}")
        value = int(sys.argv[i + 1])
        del sys.argv[i:i + 2]
        return value
    return int(os.environ.get(f"VELTRIX_{name.upper()}", default))


# for routers that are killed or frozen: their group gives them up after 6 s and not after 30; a machine busy with tests may
# well keep a broker from answering for so long
SHORT_SESSION = 'session.timeout.ms = "6000"'

SEED = option("seed", random.randrange(1 << 30))
random.seed(SEED)


class Failure(Exception):
    """What a test found wrong."""


class Skip(Exception):
    """Why a test cannot be run here."""


def wait_until(what, condition, timeout_s=30):
    """Polls until condition() is true and returns its value; fails with `what` after the deadline."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"after {timeout_s} s still not: {what}")
        time.sleep(0.05)


def expect(condition, what):
    if not condition:
        raise Failure(what)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*args, check=None, timeout_s=120, env=None, cwd=None, stdin=None):
    """Runs a program to its end; `check` is the exit status it must have (None: any)."""
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=timeout_s, cwd=cwd, input=stdin,
                          env=dict(os.environ, NO_COLOR="1", **(env or {})))
    if check is not None and done.returncode != check:
        raise Failure(f"{' '.join(map(str, args))}: exit {done.returncode}, wanted {check}\n{done.stdout}{done.stderr}")
    return done


class Child:
    """A program of ours in the background, with its log in a file."""

    def __init__(self, log, *args, env=None):
        self.log_path = log
        self.args = [str(a) for a in args]
        self.env = dict(os.environ, **(env or {}))
        self.start()

    def start(self):
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self.process = subprocess.Popen(self.args, stdout=subprocess.DEVNULL, stderr=open(self.log_path, "ab"), env=self.env)

    def log(self):
        """What it has written since it was last started."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode(errors="replace")

    def wait_log(self, text, timeout_s=30):
        def look():
            if text in self.log():
                return True
            expect(self.process.poll() is None, f"{self.args[0]} ended with {self.process.poll()}\n{self.log()[-2000:]}")
            return False
        return wait_until(f"`{text}` in {self.log_path.name}", look, timeout_s)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s=45):
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failure(f"{self.args[0]} did not leave within {timeout_s} s\n{self.log()[-2000:]}")
        return self.process.returncode


def sanitizer_findings(log_path):
    """What the sanitizers of a test build have said in a log. A report that names no function was made without files open
    and so without the suppressions, which go by name."""
    text = log_path.read_text(errors="replace") if log_path.exists() else ""
    return re.findall(r"^SUMMARY: \w+Sanitizer: .* in .*|^.*: runtime error: .*", text, re.MULTILINE)


class Fleet:
    """Etcd, configsvc and routers of one fleet, and its topics."""
    open = []

    def __init__(self, nodes=1, kafka=None, etcd=(), etcd_lines=""):
        """`etcd`: more words for scripts/etcd start, @name is the fleet's; `etcd_lines`: more lines of the etcd sections of
        router.conf and configsvc.conf, with @program and what scripts/etcd start printed: @ca, @cert, @key."""
        self.name = f"t{random.randrange(1 << 30):x}"
        self.kafka = kafka or KAFKA
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="veltrix-test-"))
        self.children, self.routers, self.releases = [], {}, {}
        self.configsvc = None
        atexit.register(self.close)
        Fleet.open.append(self)
        words = [w.replace("@name", self.name) for w in etcd]
        line = run(ROOT / "scripts/etcd", "start", "--name", self.name, "--nodes", nodes, *words, check=0).stdout
        said = dict(word.split("=", 1) for word in line.split())
        self.endpoints = said["endpoints"].split(",")
        self.etcd_lines = etcd_lines
        for name in ("ca", "cert", "key"):
            self.etcd_lines = self.etcd_lines.replace("@" + name, said.get(name, ""))

    def etcd(self, *words):
        """scripts/etcd for this fleet's etcd: etcd("node", 1, "kill")."""
        return run(ROOT / "scripts/etcd", *words, "--name", self.name, check=0)

    def tell(self):
        """What its routers said last, for whoever reads of a failure."""
        for name, router in self.routers.items():
            lines = router.log_path.read_text(errors="replace").splitlines()
            print("".join(f"# {name}: {line}\n" for line in lines[-60:]), end="")

    def close(self):
        if self in Fleet.open:
            Fleet.open.remove(self)
        findings = []
        for child in self.children:
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGCONT)
                child.kill()
            findings += sanitizer_findings(child.log_path)
        self.children = []
        subprocess.run([str(ROOT / "scripts/etcd"), "stop", "--name", self.name], capture_output=True)
        if os.environ.get("VELTRIX_KEEP"):
            print(f"# kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        expect(not findings, "\n".join(findings))

    def topic(self, name):
        """A topic name of this fleet's own."""
        return f"{self.name}.{name}"

    def create_topics(self, replicas=1, **partitions):
        """name=partitions, or name="partitions:config=value:..."."""
        topics = [f"{self.topic(n.replace('_', '-'))}:{p}" for n, p in partitions.items()]
        check_tool("topics", "--kafka", self.kafka, "--replicas", replicas, *topics)

    def write_config(self, folder, text):
        """Writes YAML into folder fleet.yaml; `@name` stands for a topic of this fleet."""
        path = self.dir / folder
        path.mkdir(exist_ok=True)
        (path / "fleet.yaml").write_text(text.replace("@", self.name + "."))
        return path

    def start_configsvc(self):
        port = free_port()
        conf = self.dir / "configsvc.conf"
        endpoints = ", ".join(f'"{e}"' for e in self.endpoints)
        conf.write_text(f'listen = "127.0.0.1:{port}"\netcd {{ endpoints = {{{endpoints}}}\n{self.etcd_lines.replace("@program", "configsvc")} }}\n')
        self.server = f"http://127.0.0.1:{port}"
        self.configsvc = Child(self.dir / "configsvc.log", BIN / "veltrix-configsvc", "-c", conf)
        self.children.append(self.configsvc)
        self.configsvc.wait_log("event=configsvc.started")

    def start_router(self, name="r1", kafka="", workers=2, extra="", env=None, wait=True, bootstrap=None, under=()):
        """`kafka`: more lines of that section; `bootstrap`: brokers, where they are not those of the tests' own tools;
        `under`: a command that runs it (prlimit --nofile=20)."""
        port = free_port()
        conf = self.dir / f"{name}.conf"
        endpoints = ", ".join(f'"{e}"' for e in self.endpoints)
        if "session.timeout.ms" not in kafka and "group.protocol" not in kafka:  # else it is the broker's
            kafka += '\n  session.timeout.ms = "30000"'
        conf.write_text(f'''fleet = "{self.name}"
id = "{name}"
etcd {{ endpoints = {{{endpoints}}}
{self.etcd_lines.replace("@program", "router")} }}
kafka {{
  bootstrap.servers = "{bootstrap or self.kafka}"
  {kafka}
}}
workers = {workers}
admin = "127.0.0.1:{port}"
state_dir = "{self.dir / (name + "-state")}"
{extra}
''')
        router = Child(self.dir / f"{name}.log", *under, BIN / "veltrix-router", "-c", conf, env=env)
        router.admin = f"http://127.0.0.1:{port}"
        self.children.append(router)
        self.routers[name] = router
        if wait:
            router.wait_log("event=router.started")
        return router

    def wait_ready(self, router, timeout_s=60):
        wait_until("router ready", lambda: http(router.admin + "/readyz")[0] == 200, timeout_s)

    def cli(self, *args, check=None, timeout_s=120, env=None):
        return run(BIN / "veltrix", *args, "--server", self.server, "--fleet", self.name, check=check, timeout_s=timeout_s, env=env)

    def apply(self, folder, check=0, wait=True):
        """Applies a folder and remembers it as the release it became."""
        done = self.cli("apply", folder, "-m", f"apply {pathlib.Path(folder).name}", *(["--wait"] if wait else []), check=check)
        self.remember(folder)
        return done

    def running(self):
        """The release that the pointer names."""
        return json.loads(self.cli("fleet", "-o", "json", check=0).stdout)["pointer"]["stable"]

    def remember(self, folder):
        copy = self.dir / f"release-{self.running()}"
        if not copy.exists():
            shutil.copytree(folder, copy)
        self.releases[self.running()] = copy

    def wait_adopted(self):
        """Until every router runs the release that the pointer names: `apply` waits for those only that etcd knows to be
        there, and one that has just lost it may not be back yet."""
        release = self.running()
        for router in self.routers.values():
            runs = lambda: json.loads(http(router.admin + "/status")[1]).get("running", {}).get("release") == release
            wait_until(f"{router.admin} runs @{release}", runs, 60)

    def feed(self, topic, count, first=0, **options):
        """Produces numbered events and waits for their acknowledgement; returns the next number."""
        words = [w for k, v in options.items() for w in (f"--{k}", v)]
        check_tool("produce", "--kafka", self.kafka, "--topic", self.topic(topic), "--count", count, "--first", first, *words)
        return first + count

    def feed_in_background(self, topic, count, first=0, **options):
        words = [str(w) for k, v in options.items() for w in (f"--{k}", v)]
        child = Child(self.dir / "feed.log", BIN / "veltrix-check", "produce", "--kafka", self.kafka, "--topic",
                      self.topic(topic), "--count", count, "--first", first, *words)
        self.children.append(child)
        return child

    def drained(self, *topics, timeout_s=120):
        """Waits until the fleet has committed everything in the topics."""
        done = run(BIN / "veltrix-check", "wait", "--kafka", self.kafka, "--group", self.name, "--timeout", timeout_s,
                   *[self.topic(t) for t in topics], timeout_s=timeout_s + 60)
        if done.returncode:
            logs = "".join(f"\n--- {n}: {r.log()[-1500:]}" for n, r in self.routers.items())
            raise Failure(f"the fleet did not finish {topics} within {timeout_s} s: {done.stderr}{logs}")

    def verify(self, *sources, duplicates=False, refused=False):
        """Judges everything in the fleet's topics; returns the verdict. `refused`: brokers may have refused records."""
        words = [w for n, d in self.releases.items() for w in ("--release", f"{n}={d}")]
        words += ["--allow-duplicates"] * duplicates + ["--allow-refused"] * refused
        done = run(BIN / "veltrix-check", "verify", "--kafka", self.kafka, "--source", ",".join(self.topic(s) for s in sources),
                   "--outputs", self.name + ".*", *words, timeout_s=600)
        expect(done.returncode == 0, f"veltrix-check: {done.stdout}{done.stderr[:3000]}")
        verdict = json.loads(done.stdout)
        print("#", done.stdout.strip())
        return verdict


def check_tool(*args, timeout_s=600):
    return run(BIN / "veltrix-check", *args, check=0, timeout_s=timeout_s)


def http(url, data=None, method=None, headers=None, timeout_s=10):
    """(status, body); (0, reason) when there is no answer."""
    body = json.dumps(data).encode() if data is not None else None
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError as e:
        return 0, str(e)


def main(needs_kafka=True):
    """Runs the test_* functions of the calling program; with arguments, only those whose names hold one of them."""
    tests = [(n, f) for n, f in vars(sys.modules["__main__"]).items() if n.startswith("test_") and callable(f)]
    wanted = sys.argv[1:]
    failed = False
    print(f"# seed {SEED} (--seed {SEED} or VELTRIX_SEED={SEED} draws the same)")
    for name, test in tests:
        title = name[5:]
        if wanted and not any(w in name for w in wanted):
            continue
        if needs_kafka and not KAFKA:
            print(f"skip - {title}: no Apache Kafka (VELTRIX_KAFKA)")
            continue
        start = time.monotonic()
        try:
            test()
            print(f"ok - {title} ({time.monotonic() - start:.0f} s)", flush=True)
        except Skip as e:
            print(f"skip - {title}: {e}", flush=True)
        except Exception as e:
            failed = True
            text = str(e) if isinstance(e, Failure) else traceback.format_exc()
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")
            for fleet in Fleet.open[:]:
                fleet.tell()
                try:
                    fleet.close()
                except Failure as also:
                    print("#", also)
            print(f"not ok - {title}", flush=True)
    sys.exit(1 if failed else 0)
