/* The edit lock on a real etcd: one holder, a queue with names, and holders and waiters that die or sleep. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/etcd/fixture.h"

extern char **environ;

static void one_holds_it_and_the_next_is_told_who(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct vx_err err;
    struct store_lock *lock, *other;
    struct store_lock_info info;
    fixture_init(&f);
    MUST(store_lock_info(f.store, &arena, &info, &must_err));
    assert_false(info.held);
    assert_int_equal(info.waiter_count, 0);
    MUST(store_lock_acquire(f.store, "alice via configsvc-1", "publish", 0, &lock, &must_err));
    MUST(store_lock_info(f.store, &arena, &info, &must_err));
    assert_true(info.held);
    assert_string_equal(info.holder, "alice via configsvc-1");
    assert_string_equal(info.purpose, "publish");
    assert_true(info.revision > 0);
    assert_true(vx_clock_wall_ms() - info.since_ms < 60000);
    assert_int_equal(store_lock_acquire(f.store, "bob", "activate", 0, &other, &err), VX_ECONFLICT);
    char time[VX_TIME_TEXT_SIZE], expected[200];
    snprintf(expected, sizeof expected,
             "the edit lock is taken: alice via configsvc-1 has held it for publish since %s",
             vx_time_print(info.since_ms, time));
    assert_string_equal(err.message, expected);
    int64_t began_ms = vx_clock_ms();
    assert_int_equal(store_lock_acquire(f.store, "bob", "activate", 700, &other, &err), VX_ECONFLICT);
    assert_in_range(vx_clock_ms() - began_ms, 700, 3000);
    MUST(store_lock_info(f.store, &arena, &info, &must_err));
    assert_int_equal(info.waiter_count, 0); /* who gave up leaves no trace */
    store_lock_release(lock);
    MUST(store_lock_acquire(f.store, "bob", "activate", 0, &other, &must_err));
    store_lock_release(other);
    store_lock_release(NULL);
    vx_arena_done(&arena);
    fixture_done(&f);
}

/* --- the queue --------------------------------------------------------------------------------------------------- */

struct waiter {
    struct fixture *f;
    char name[16];
    int64_t wait_ms;
    enum vx_status status;
    struct vx_err err;
    int place; /* in the order of getting it, from 1 */
    pthread_t thread;
};

static _Atomic int places;

static void *wait_for_lock(void *arg)
{
    struct waiter *waiter = arg;
    struct store_lock *lock;
    waiter->status =
        store_lock_acquire(waiter->f->store, waiter->name, "publish", waiter->wait_ms, &lock, &waiter->err);
    if (waiter->status)
        return NULL;
    vx_assert(++waiter->f->inside == 1);
    waiter->place = ++places;
    sleep_ms(20);
    waiter->f->inside--;
    store_lock_release(lock);
    return NULL;
}

static size_t waiter_count(struct fixture *f)
{
    struct vx_arena arena = {0};
    struct store_lock_info info;
    MUST(store_lock_info(f->store, &arena, &info, &must_err));
    vx_arena_done(&arena);
    return info.waiter_count;
}

static void waiters_get_it_in_the_order_they_came(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    struct fixture f;
    struct vx_arena arena = {0};
    struct vx_err err;
    struct store_lock *lock, *late;
    struct store_lock_info info;
    struct waiter waiters[COUNT];
    fixture_init(&f);
    places = 0;
    MUST(store_lock_acquire(f.store, "holder", "publish", 0, &lock, &must_err));
    for (size_t i = 0; i < COUNT; i++) {
        waiters[i] = (struct waiter){.f = &f, .wait_ms = 20000};
        snprintf(waiters[i].name, sizeof waiters[i].name, "waiter-%zu", i);
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_lock, &waiters[i]), 0);
        assert_true(EVENTUALLY(5, waiter_count(&f) == i + 1));
    }
    MUST(store_lock_info(f.store, &arena, &info, &must_err));
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(info.waiters[i], waiters[i].name);
    assert_int_equal(store_lock_acquire(f.store, "late", "publish", 0, &late, &err), VX_ECONFLICT);
    assert_contains(err.message, "; waiting: waiter-0, waiter-1, waiter-2, waiter-3, waiter-4");
    int64_t began_ms = vx_clock_ms();
    store_lock_release(lock);
    for (int i = 0; i < COUNT; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].status, VX_OK);
        assert_int_equal(waiters[i].place, i + 1);
    }
    assert_true(vx_clock_ms() - began_ms < 5000);
    assert_int_equal(waiter_count(&f), 0);
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void breaking_the_lock_lets_the_next_one_in(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct vx_err err;
    struct store_lock *lock;
    struct store_lock_info info;
    struct waiter waiter = {.f = &f, .name = "bob", .wait_ms = 10000};
    fixture_init(&f);
    assert_int_equal(store_lock_break(f.store, 0, &err), VX_ENOTFOUND);
    assert_string_equal(err.message, "nobody holds the edit lock");
    MUST(store_lock_acquire(f.store, "alice", "publish", 0, &lock, &must_err));
    MUST(store_lock_info(f.store, &arena, &info, &must_err));
    assert_int_equal(store_lock_break(f.store, info.revision - 1, &err), VX_ECONFLICT);
    assert_contains(err.message, "the edit lock has changed hands: alice has held it for publish since ");
    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_for_lock, &waiter), 0);
    assert_true(EVENTUALLY(5, waiter_count(&f) == 1));
    MUST(store_lock_break(f.store, info.revision, &must_err));
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, VX_OK);
    assert_int_equal(store_lock_break(f.store, info.revision, &err), VX_ENOTFOUND);
    store_lock_release(lock);
    vx_arena_done(&arena);
    fixture_done(&f);
}

/* --- processes that die or sleep --------------------------------------------------------------------------------- */

/* The child: takes the lock, says so, waits for a line, publishes, says how it ended. */
static int child_main(const char *endpoints, const char *fleet, int64_t wait_ms)
{
    struct etcd *etcd = client_of(endpoints);
    struct store *store;
    struct store_lock *lock;
    struct store_entry entries[2];
    struct vx_err err = {0};
    MUST(store_new(etcd, fleet, &store, &must_err));
    struct store_manifest manifest = small_release(entries, "sleeper", "late", "late");
    MUST(store_lock_acquire(store, "sleeper", "publish", wait_ms, &lock, &must_err));
    char line[8];
    if (write(1, "locked\n", 7) != 7 || read(0, line, sizeof line) <= 0)
        return 2;
    enum vx_status status = store_publish(store, lock, -1, &manifest, &err);
    dprintf(1, "%s: %s\n", vx_status_label(status), err.message);
    store_lock_release(lock);
    store_free(store);
    etcd_free(etcd);
    return 0;
}

struct child {
    pid_t pid;
    int in, out;
};

static struct child child_start(struct fixture *f, const char *wait_ms)
{
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    char *const args[] = {"child", (char *)test_endpoints(), f->fleet, (char *)wait_ms, NULL};
    struct child child = {.in = in[1], .out = out[0]};
    assert_int_equal(posix_spawn(&child.pid, "/proc/self/exe", &actions, NULL, args, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    return child;
}

static void child_line(struct child *child, char *line, size_t size)
{
    size_t n = 0;
    while (n < size - 1 && read(child->out, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
}

static void child_end(struct child *child)
{
    kill(child->pid, SIGKILL);
    kill(child->pid, SIGCONT);
    waitpid(child->pid, NULL, 0);
    close(child->in);
    close(child->out);
}

/* Both tests wait for a lease to expire: they begin together, before all others. */
static struct sleeper {
    struct fixture f;
    struct child child;
} sleeper;

static struct dead {
    struct fixture f;
    struct child child;
    struct waiter waiter;
} dead;

static int begin_waiting(void **state)
{
    (void)state;
    char line[16];
    fixture_init(&sleeper.f);
    sleeper.child = child_start(&sleeper.f, "0");
    child_line(&sleeper.child, line, sizeof line);
    assert_string_equal(line, "locked");
    kill(sleeper.child.pid, SIGSTOP);

    struct store_lock *lock;
    fixture_init(&dead.f);
    MUST(store_lock_acquire(dead.f.store, "holder", "publish", 0, &lock, &must_err));
    dead.child = child_start(&dead.f, "60000");
    assert_true(EVENTUALLY(5, waiter_count(&dead.f) == 1));
    dead.waiter = (struct waiter){.f = &dead.f, .name = "alive", .wait_ms = (STORE_LOCK_TTL_S + 20) * 1000};
    assert_int_equal(pthread_create(&dead.waiter.thread, NULL, wait_for_lock, &dead.waiter), 0);
    assert_true(EVENTUALLY(5, waiter_count(&dead.f) == 2));
    child_end(&dead.child); /* SIGKILL while it is the first in the queue */
    store_lock_release(lock);
    return 0;
}

static void a_holder_that_slept_past_its_lease_cannot_write(void **state)
{
    (void)state;
    struct fixture *f = &sleeper.f;
    char line[600];
    uint32_t head;
    /* Its lease expires, and somebody else takes the lock. */
    struct store_lock *lock;
    MUST(store_lock_acquire(f->store, "awake", "publish", (STORE_LOCK_TTL_S + 5) * 1000, &lock, &must_err));
    assert_int_equal(write(sleeper.child.in, "go\n", 3), 3);
    kill(sleeper.child.pid, SIGCONT);
    child_line(&sleeper.child, line, sizeof line);
    assert_contains(line,
                    "conflict: the edit lock was lost and nothing was changed: awake has held it for publish since ");
    store_lock_release(lock);
    MUST(store_head(f->store, &head, NULL, &must_err));
    assert_int_equal(head, 0);
    child_end(&sleeper.child);
    fixture_done(f);
}

static void dead_waiters_do_not_block_the_queue(void **state)
{
    (void)state;
    pthread_join(dead.waiter.thread, NULL);
    assert_int_equal(dead.waiter.status, VX_OK);
    fixture_done(&dead.f);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[0], "child") == 0)
        return child_main(argv[1], argv[2], atoll(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_it_and_the_next_is_told_who),
        cmocka_unit_test(waiters_get_it_in_the_order_they_came),
        cmocka_unit_test(breaking_the_lock_lets_the_next_one_in),
        cmocka_unit_test(a_holder_that_slept_past_its_lease_cannot_write),
        cmocka_unit_test(dead_waiters_do_not_block_the_queue),
    };
    int failed = cmocka_run_group_tests_name("store_lock", tests, begin_waiting, NULL);
    test_done();
    return failed;
}
