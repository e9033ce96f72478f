#!/usr/bin/env python3
"""configsvc over HTTP, on real etcd and by two replicas: who publishes, who wins, what is said, what stays in the audit."""
import sys, pathlib, threading
sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
from harness import *


def config(topic):
    return f"kind: routing\nname: r\ntopics: [{topic}]\nrules: []\notherwise: {{ drop: true }}\n"


def documents(topic="t"):
    return [{"path": "r.yaml", "text": config(topic)}]


class Api:
    """One fleet as two replicas show it; calls go to them in turn."""

    def __init__(self):
        self.fleet, self.servers, self.turn = Fleet(), [], 0
        for _ in range(2):
            self.fleet.start_configsvc()
            self.servers.append(self.fleet.server)
            self.fleet.dir.joinpath("configsvc.conf").rename(self.fleet.dir / f"configsvc-{len(self.servers)}.conf")

    def call(self, method, path, body=None, status=None, server=None):
        """The answer as JSON; `status` is the HTTP status it must have."""
        self.turn += 1
        server = server or self.servers[self.turn % 2]
        got, text = http(f"{server}/v1/fleets/{self.fleet.name}{path}", body, method, timeout_s=30)
        expect(status is None or got == status, f"{method} {path}: {got}, wanted {status}: {text}")
        return json.loads(text)

    def publish(self, topic, author="ann", **more):
        return self.call("POST", "/releases", dict(documents=documents(topic), message=f"to {topic}", author=author, **more), 201)

    def activate(self, release, **more):
        return self.call("POST", "/activate", dict(release=release, author="ann", **more), 200)["pointer"]

    def close(self):
        self.fleet.close()


def test_a_release_is_published_shown_activated_and_taken_back():
    api = Api()
    expect(api.call("GET", "/pointer", status=200)["generation"] == 0, "nothing runs yet")
    expect([api.publish(t)["release"] for t in ("a", "b", "c")] == [1, 2, 3], "numbers from 1 without a gap")
    shown = api.call("GET", "/releases/2?texts=1", status=200)
    expect((shown["parent"], shown["author"], shown["message"]) == (1, "ann", "to b"), str(shown))
    expect(shown["documents"][0]["text"] == config("b"), "the text as it was published")
    expect("text" not in api.call("GET", "/releases/2", status=200)["documents"][0], "no texts unless asked")
    expect(api.activate(1)["generation"] == 1 and api.activate(3)["stable"] == 3, "the pointer follows")
    back = api.call("POST", "/rollback", {"author": "bob"}, 200)
    expect((back["pointer"]["stable"], back["was"]) == (1, 3), "back to what ran before, not to 2, which never ran")
    expect(api.call("GET", "/releases/running", status=200)["release"] == 1, "running is release 1")
    listed = api.call("GET", "/releases?limit=2", status=200)
    expect([r["release"] for r in listed["releases"]] == [3, 2] and listed["head"] == 3 and listed["running"] == 1, str(listed))
    expect([r["release"] for r in api.call("GET", "/releases?before=2")["releases"]] == [1], "further back")
    audit = [(e["who"], e["action"], e["detail"]) for e in api.call("GET", "/audit", status=200)["entries"]]
    expect(audit == [("bob", "rollback", "release 1 (was 3)"), ("ann", "activate", "release 3 (was 1)"),
                     ("ann", "activate", "release 1 (was 0)"), ("ann", "publish", "release 3 (on 2): to c"),
                     ("ann", "publish", "release 2 (on 1): to b"), ("ann", "publish", "release 1 (on 0): to a")], str(audit))
    expect({e["from"] for e in api.call("GET", "/audit")["entries"]} == {"127.0.0.1"}, "where it came from")
    api.close()


def test_who_asks_is_kept_whole_and_harmless():
    api = Api()
    for author, kept in (("é" * 80, "é" * 50), ("a" + "é" * 80, "a" + "é" * 49), ("x\n\x1b[31my", "x??[31my"), ("", "unknown")):
        api.publish("t", author=author)
        who = api.call("GET", "/audit?limit=1", status=200)["entries"][0]["who"]
        expect(who == kept, f"{author!r} became {who!r}")
    api.close()


def test_of_several_publishers_exactly_one_wins_and_the_others_are_told_who():
    api, answers = Api(), {}
    head = api.publish("t0")["release"]
    for round in range(5):
        def publish(i):
            body = dict(documents=documents(f"r{round}.{i}"), message=f"m{i}", author=f"author{i}", expect_head=head)
            answers[i] = http(f"{api.servers[i % 2]}/v1/fleets/{api.fleet.name}/releases", body, timeout_s=30)
        threads = [threading.Thread(target=publish, args=(i,)) for i in range(6)]
        [t.start() for t in threads], [t.join() for t in threads]
        winners = [i for i, (status, _) in answers.items() if status == 201]
        expect(len(winners) == 1, str(answers))
        head = json.loads(answers[winners[0]][1])["release"]
        for i, (status, text) in answers.items():
            error = json.loads(text).get("error", {})
            expect(i == winners[0] or (status, error["code"]) == (409, "conflict"), text)
            expect(i == winners[0] or (f"release {head} " in error["message"] and f"author{winners[0]} " in error["message"]), text)
    api.close()


def test_publishers_without_expectations_queue_and_all_get_in():
    api, numbers = Api(), []
    threads = [threading.Thread(target=lambda i=i: numbers.append(api.publish(f"t{i}")["release"])) for i in range(6)]
    [t.start() for t in threads], [t.join() for t in threads]
    expect(sorted(numbers) == [1, 2, 3, 4, 5, 6], str(numbers))
    expect(not api.call("GET", "/lock", status=200)["held"], "the lock is given back")
    api.close()


def test_a_pointer_that_was_moved_meanwhile_is_not_moved_again():
    api = Api()
    api.publish("a"), api.publish("b")
    api.activate(1, expect_generation=0)
    for path in ("/activate", "/rollback"):
        error = api.call("POST", path, {"release": 2, "expect_generation": 0}, 409)["error"]
        expect(error["message"] == "the pointer is at generation 1, not 0: ann has made release 1 the running one meanwhile", str(error))
    expect(api.call("POST", "/activate", {"release": 9}, 404)["error"]["message"] == "release 9 does not exist", "says which")
    api.close()


def test_what_a_router_would_refuse_is_not_published():
    api = Api()
    bad = [{"path": "dir/r.yaml", "line": 5, "text": config("t").replace("rules: []", "rules: [{ name: x, when: event.a +, drop: true }]")}]
    error = api.call("POST", "/releases", dict(documents=bad, message="m"), 422)["error"]
    finding = error["findings"][0]
    expect((error["code"], finding["file"], finding["line"]) == ("invalid", "dir/r.yaml", 8), str(error))
    expect(finding["column"] == 35 and finding["quoted"].startswith("rules: ["), str(finding))
    checked = api.call("POST", "/validate", {"documents": bad}, 200)
    expect(not checked["valid"] and checked["findings"] == error["findings"], "validate says the same")
    error = api.call("POST", "/releases", dict(documents=[{"path": "r.yaml", "text": "# nothing yet\n"}], message="m"), 422)["error"]
    expect(error["message"] == "refused: there is no document in these texts", str(error))
    error = api.call("POST", "/releases", dict(documents=documents(), message="m", expect_head="0"), 400)["error"]
    expect(error["message"] == "`expect_head` must be a whole number from 0", "a guard of the wrong type is not left out")
    expect(api.call("GET", "/releases")["head"] == 0, "nothing was published")
    api.close()


def test_a_test_document_is_no_part_of_a_release():
    api = Api()
    text = config("t") + "---\nkind: test\nname: t\ntopic: t\ngiven: {}\nexpect: { outcome: dropped }\n"
    error = api.call("POST", "/releases", {"documents": [{"path": "r.yaml", "text": text}], "message": "m"}, 422)["error"]
    expect(error["findings"][0]["message"] == "a `kind: test` document is no part of a release", str(error))
    expect(error["findings"][0]["line"] == 7, str(error))
    api.close()


def test_who_waits_for_news_gets_them_from_any_replica():
    api = Api()
    api.publish("a")
    seen = api.call("GET", "/routers", status=200)["revision"]
    answers = []
    def ask():
        answers.append(api.call("GET", f"/routers?after={seen}&wait=5000", status=200, server=api.servers[0]))
    waiting = threading.Thread(target=ask)
    waiting.start()
    api.activate(1)
    waiting.join()
    expect(answers[0]["revision"] > seen, f"news after {seen}: {answers}")
    for query in ("after=1", "wait=1", "after=x&wait=1", "after=1&wait=-1", "after=&wait="):
        error = api.call("GET", f"/routers?{query}", status=400)["error"]
        expect("`after` must be a revision" in error["message"], str(error))
    api.close()


def test_releases_and_documents_are_compared():
    api = Api()
    api.publish("a"), api.publish("b")
    answer = api.call("GET", "/diff?from=1&to=2&unified=1", status=200)
    expect([(c["kind"], c["where"]) for c in answer["changes"]] == [("removed", "topics"), ("added", "topics")], str(answer))
    expect("-topics: [a]\n+topics: [b]\n" in answer["unified"], answer["unified"])
    posted = api.call("POST", "/diff?from=1", {"documents": documents("b")}, 200)
    expect(posted["changes"] == answer["changes"], str(posted))
    expect(api.call("POST", "/diff?from=2", {"documents": documents("b")}, 200)["changes"] == [], "the same is no change")
    expect(api.call("GET", "/diff?from=empty&to=1", status=200)["changes"][0]["kind"] == "added", "from nothing")
    expect(api.call("GET", "/diff", status=200)["from"] == 0, "nothing runs yet")
    api.close()


def test_a_published_release_is_explained_and_simulated_as_its_folder_is():
    api = Api()
    folder = api.fleet.dir / "rules"
    folder.mkdir()
    text = config("t").replace("rules: []", "rules:\n  - { name: big, when: 'event.amount > 5', drop: true }")
    (folder / "r.yaml").write_text(text)
    (folder / "event.json").write_text('{"amount":7}\n')
    api.publish("other")
    api.call("POST", "/releases", {"documents": [{"path": "r.yaml", "text": text}], "message": "rules", "author": "ann"}, 201)
    api.activate(2)
    address = ["--server", api.fleet.server, "--fleet", api.fleet.name]
    for command, more in (("explain", ["--event", folder / "event.json", "-o", "json"]), ("simulate", [])):
        said = {what: run(BIN / "veltrix", command, what, *more, *address, stdin=(folder / "event.json").read_text(), check=0).stdout
                for what in (str(folder), "@2", "@running")}
        expect(said["@2"] == said["@running"] and '"big"' in said["@2"], str(said))
        expect(said["@2"] == said[str(folder)], str(said))
    other = api.fleet.cli("explain", "@1", "--event", folder / "event.json", check=0).stdout
    expect("big" not in other, other)
    api.close()


def test_while_etcd_is_silent_configsvc_says_so_and_stays_alive():
    api = Api()
    api.publish("a")
    api.fleet.etcd("node", 1, "pause")
    try:
        waiting = threading.Thread(target=lambda: api.call("GET", "/pointer"))
        waiting.start()
        start = time.monotonic()
        expect(http(api.servers[0] + "/healthz")[0] == 200 and time.monotonic() - start < 2, "others are answered meanwhile")
        error = api.call("GET", "/pointer")["error"]
        expect(error["code"] in ("unavailable", "timeout") and api.fleet.endpoints[0] in error["message"], str(error))
        status, text = http(api.servers[0] + "/readyz", timeout_s=30)
        expect(status == 503, text)
        waiting.join()
    finally:
        api.fleet.etcd("node", 1, "resume")
    wait_until("configsvc is ready again", lambda: http(api.servers[0] + "/readyz")[0] == 200)
    expect(api.publish("b")["release"] == 2, "it goes on")
    api.close()


def test_a_stopped_configsvc_leaves_with_0():
    api = Api()
    expect([c.stop() for c in api.fleet.children] == [0, 0], "exit status")
    api.close()


main(needs_kafka=False)
