#!/usr/bin/env python3
"""A router at the limits of its machine: no room for the last good copy, no more open files, no more memory. It says what
is missing, and goes on where it can; where it cannot it ends, and what it had not committed is done again."""
import contextlib, resource, sys, pathlib
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e/lib"))
from harness import *
import game

RATE, EVENTS = 5000, 60000


def routed(router):
    return json.loads(http(router.admin + "/status")[1])["counters"]["out"]


def refused(fleet, **settings):
    """What a router says that does not start."""
    router = fleet.start_router("refused", wait=False, **settings)
    wait_until("it ends", lambda: router.process.poll() is not None)
    expect(router.process.returncode == 1, f"exit {router.process.returncode}\n{router.log()}")
    expect(router.log().count("event=router.failed") == 1, router.log())
    return router.log()


@contextlib.contextmanager
def small_disk(path, size):
    """A file system of so many bytes; needs root."""
    path.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "veltrix", path, check=0)
    try:
        yield path
    finally:
        run("umount", "-l", path)


def test_a_state_dir_that_cannot_be_written_is_refused_with_the_reason():
    fleet = Fleet()
    file = fleet.dir / "refused-state"  # where the harness has it
    file.write_text("not a directory")
    file.chmod(0o755)
    expect("refused-state is not a directory" in refused(fleet), "says what it is")
    file.unlink()
    if os.getuid() == 0:
        with small_disk(file, 65536):
            run("mount", "-o", "remount,ro", file, check=0)
            expect("Read-only file system" in refused(fleet), "says that it is read-only")
    fleet.close()


def test_a_full_disk_keeps_the_last_good_copy_as_it_was_and_routing_goes_on():
    if os.getuid() != 0:
        raise Skip("needs root, for a file system of its own")
    fleet = Fleet()
    with small_disk(fleet.dir / "r1-state", 65536) as disk:
        fleet.create_topics(**{"in": 4, "shop": 2, "archive": 4})
        fleet.start_configsvc()
        router = fleet.start_router("r1")
        fleet.apply(fleet.write_config("c1", game.config(1000)))
        copy = disk / f"{fleet.name}.release"
        wait_until("the copy is there", copy.exists)
        good = copy.read_bytes()
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        fed = fleet.feed("in", 2000)
        fleet.apply(fleet.write_config("c2", game.config(500)))
        router.wait_log("event=copy.failed release=2")
        expect("No space left on device" in router.log(), router.log())
        expect(copy.read_bytes() == good, "the copy is what it was")
        expect(http(router.admin + "/healthz")[0] == 200, "it routes: it is healthy")
        fed = fleet.feed("in", 2000, first=fed)
        fleet.drained("in")
        (disk / "filler").unlink()
        fleet.apply(fleet.write_config("c3", game.config(700)))
        wait_until("the next copy is there", lambda: b"\npointer 3 " in copy.read_bytes())
        fleet.feed("in", 2000, first=fed)
        fleet.drained("in")
        fleet.verify("in")
    fleet.close()


def test_too_few_open_files_are_refused_at_the_start():
    fleet = Fleet()
    said = refused(fleet, under=("prlimit", "--nofile=20"))
    expect("20 open files are allowed, at least" in said, said)
    fleet.close()


def test_open_files_exhausted_while_running_change_nothing_until_they_are_back():
    fleet = game.start(("r1",), limit=1000)
    router = fleet.routers["r1"]
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=300)
    wait_until("it routes", lambda: routed(router) > 1000)
    pid = router.process.pid
    had = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, had[1]))
    fleet.apply(fleet.write_config("c1", game.config(500)), wait=False)
    router.wait_log("Too many open files")
    game.fed(feed)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, had)
    router.wait_log("event=release.adopted release=2", 60)
    fleet.feed("in", 1000, first=EVENTS)
    fleet.drained("in")
    wait_until("it says that it is well", lambda: http(router.admin + "/healthz")[0] == 200)
    fleet.verify("in")
    fleet.close()


def test_a_router_without_memory_dies_at_once_and_nothing_is_lost():
    if game.sanitizer():
        raise Skip("sanitizers have memory of their own")
    fleet = game.start(("r1",), lines=SHORT_SESSION)
    router = fleet.routers["r1"]
    feed = fleet.feed_in_background("in", EVENTS, rate=RATE, size=3000)
    wait_until("it routes", lambda: routed(router) > 1000)
    for _ in range(3):
        router.kill()
        router.start()
        router.wait_log("event=subscription.changed")
        resource.prlimit(router.process.pid, resource.RLIMIT_DATA, (memory(router) + (4 << 20), resource.RLIM_INFINITY))
        wait_until("it dies", lambda: router.process.poll() is not None, 60)
        expect(router.process.returncode == -signal.SIGABRT, f"exit {router.process.returncode}\n{router.log()[-2000:]}")
        print("#", router.log().splitlines()[-1])
    router.start()
    game.finish(fleet, feed, EVENTS, duplicates=True)
    fleet.close()


def memory(router):
    """What RLIMIT_DATA counts, in bytes."""
    status = pathlib.Path(f"/proc/{router.process.pid}/status").read_text()
    return int(status.split("VmData:")[1].split()[0]) * 1024


main()
