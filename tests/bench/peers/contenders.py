"""The peers as contenders (flow_lib.Contender): the same job as the router's on the same topics.

Each folder beside this file holds a peer's program or configuration and its version; `install` gets it. All are given the same
rules in the same order, as a file or, for rsyslog, as configuration.
"""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from flow_lib import *

PEERS = pathlib.Path(__file__).resolve().parent
# The garbage collector's settings of Kafka's own scripts (kafka-run-class.sh), and a heap that is not resized while measured. Half
# of it would be near the share, with the producer's buffers (128 MiB) and what is fetched, from which the collector always marks.
JVM = ["java", "-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]


class Peer(Contender):
    def installed(self):
        done = run(PEERS / "install", self.name, timeout_s=1200)
        expect(done.returncode == 0, f"{self.name} cannot be had: {done.stderr.strip()}")
        return pathlib.Path(done.stdout.strip())

    def rules_file(self, case, topics):
        expect(case.routing == "json", "the peers know one job")
        path = self.dir / "rules"
        lines = [f"{t}\t{r}\t{a}\t{topics.outs[o]}\n" for t, r, a, o in rules(case.rules)]
        path.write_text("".join(lines) + f"*\t*\t0\t{topics.outs[OTHERWISE]}\n")
        return path

    def words(self, case, topics):
        return [KAFKA, f"{topics.prefix}-{self.name}", topics.source, int(case.form == "header"), self.rules_file(case, topics)]


class Plain(Peer):
    name, title = "plain", "Java client with Jackson"
    warm_events, warm_s = 1000000, 15  # until the compiler is done

    def start(self, case, topics):
        at = self.installed()
        self.spawn(*JVM, "-cp", f"{at}:{at}/jars/*", "Plain", *self.words(case, topics))


class Streams(Peer):
    name, title = "streams", "Kafka Streams 4.1"
    warm_events, warm_s = 1000000, 15

    def start(self, case, topics):
        at = self.installed()
        self.spawn(*JVM, "-cp", f"{at}:{at}/jars/*", "Streams", *self.words(case, topics), self.dir / "state")


class Python(Peer):
    name, title = "python", "Python, confluent-kafka and orjson"

    def start(self, case, topics):
        at = self.installed()
        self.spawn(at / "bin/python", PEERS / "python/router.py", *self.words(case, topics))


class Rsyslog(Peer):
    name, title = "rsyslog", "rsyslog"
    headers = False  # omkafka of this version has none

    def start(self, case, topics):
        at = self.installed()
        library = next(at.rglob("omkafka.so")).parent
        conf = self.dir / "rsyslog.conf"
        words = {"DIR": self.dir, "CORES": os.cpu_count(), "BROKERS": KAFKA, "IN": topics.source, "GROUP": f"{topics.prefix}-rsyslog",
                 "OTHERWISE": topics.outs[OTHERWISE], "RULES": self.conditions(case, topics)}
        text = (PEERS / "rsyslog/rsyslog.conf.in").read_text()
        for name, value in words.items():
            text = text.replace(f"@{name}@", str(value))
        conf.write_text(text)
        self.spawn(at / "usr/sbin/rsyslogd", "-n", "-f", conf, "-i", self.dir / "pid", "-M", library,
                   env={"LD_LIBRARY_PATH": f"{library.parent}"})

    def conditions(self, case, topics):
        """Rules of one type and region stand together, so that an event meets few of the hundred: first match all the same."""
        table = {}
        for kind, region, least, out in rules(case.rules):
            table.setdefault(kind, {}).setdefault(region, []).append((f"$!amount >= {least}", f'set $.topic = "{topics.outs[out]}";'))

        def chain(tests):
            return " else ".join(f"if {condition} then {{ {then} }}" for condition, then in tests)
        return chain([(f'$!type == "{kind}"', chain([(f'$!region == "{region}"', chain(tests)) for region, tests in regions.items()]))
                      for kind, regions in table.items()])


ALL = [Streams, Plain, Rsyslog, Python]
