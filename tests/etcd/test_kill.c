/* A publisher that is killed at any moment leaves no half release visible.
 *
 * Children publish and activate without end and are killed with SIGKILL at random times, sometimes two at once. After each
 * kill everything that head, history and pointer name must be whole. */
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/etcd/fixture.h"

extern char **environ;

enum { KILLS = 40, LIFE_MAX_MS = 120 };

/* Publishes a few new documents, activates, and begins again. Breaks the lock of a dead predecessor, as an operator would. */
static int child_main(const char *endpoints, const char *fleet)
{
    struct etcd *etcd = client_of(endpoints);
    struct store *store;
    MUST(store_new(etcd, fleet, &store, &must_err));
    for (int round = 0;; round++) {
        struct store_entry entries[12] = {0};
        char texts[12][64], id[64];
        for (int i = 0; i < 12; i++) {
            snprintf(texts[i], sizeof texts[i], "pid %d round %d document %d", (int)getpid(), round, i);
            entries[i] = (struct store_entry){
                .kind = "routing", .name = "doc", .path = "doc.yaml", .line = i, .text = vx_span_str(texts[i])};
        }
        snprintf(id, sizeof id, "%d-%d", (int)getpid(), round);
        struct store_manifest manifest = {
            .author = "child", .message = id, .request_id = id, .entries = entries, .entry_count = 12};
        struct store_lock *lock = NULL;
        struct store_pointer pointer;
        struct vx_err err;
        if (store_lock_acquire(store, "child", "publish", 0, &lock, &err) != VX_OK) {
            (void)!store_lock_break(store, 0, &err);
            continue;
        }
        if (store_publish(store, lock, -1, &manifest, &err) == VX_OK &&
            store_pointer_read(store, &pointer, &err) == VX_OK)
            (void)!store_activate(store, lock, &pointer, manifest.number, "child", &pointer, &err);
        store_lock_release(lock);
    }
}

static pid_t child_start(const char *fleet)
{
    char *const args[] = {"child", (char *)test_endpoints(), (char *)fleet, NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, environ), 0);
    return pid;
}

/* Everything from `from` to the head is whole; returns the head. */
static uint32_t check_whole(struct fixture *f, uint32_t from)
{
    struct vx_arena arena = {0};
    struct store_pointer pointer;
    struct store_manifest manifest;
    uint32_t head;
    MUST(store_head(f->store, &head, NULL, &must_err));
    for (uint32_t number = from; number <= head; number++) {
        MUST(store_manifest(f->store, &arena, number, &manifest, &must_err));
        assert_int_equal(manifest.parent, number - 1);
        assert_int_equal(manifest.entry_count, 12);
        MUST(store_objects(f->store, &arena, &manifest, NULL, NULL, &must_err));
    }
    MUST(store_pointer_read(f->store, &pointer, &must_err));
    if (pointer.generation) {
        MUST(store_manifest(f->store, &arena, pointer.stable, &manifest, &must_err));
        MUST(store_objects(f->store, &arena, &manifest, NULL, NULL, &must_err));
    }
    MUST(store_head(f->store, &head, NULL, &must_err));
    struct vx_err err;
    assert_int_equal(store_manifest(f->store, &arena, head + 1, &manifest, &err), VX_ENOTFOUND);
    vx_arena_done(&arena);
    return head;
}

static void a_publisher_killed_at_any_moment_leaves_no_half_release(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t checked = 0;
    fixture_init(&f);
    for (int i = 0; i < KILLS; i++) {
        pid_t children[2] = {child_start(f.fleet), i % 2 ? child_start(f.fleet) : 0};
        sleep_ms(10 + (int)arc4random_uniform(LIFE_MAX_MS));
        for (int c = 0; c < 2; c++) {
            if (!children[c])
                continue;
            kill(children[c], SIGKILL);
            waitpid(children[c], NULL, 0);
        }
        checked = check_whole(&f, checked + 1);
    }
    print_message("%u releases, all whole, after %d kills\n", checked, KILLS);
    assert_true(checked > KILLS / 4);
    fixture_done(&f);
}

static void publishers_in_many_processes_never_share_a_number(void **state)
{
    (void)state;
    struct fixture f;
    pid_t children[3];
    fixture_init(&f);
    for (int i = 0; i < 3; i++)
        children[i] = child_start(f.fleet);
    for (uint32_t head = 0; head <= 10; sleep_ms(20)) /* the test's own deadline ends it if they hang */
        assert_int_equal(store_head(f.store, &head, NULL, NULL), VX_OK);
    for (int i = 0; i < 3; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    assert_true(check_whole(&f, 1) > 10);
    fixture_done(&f);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[0], "child") == 0)
        return child_main(argv[1], argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publisher_killed_at_any_moment_leaves_no_half_release),
        cmocka_unit_test(publishers_in_many_processes_never_share_a_number),
    };
    int failed = cmocka_run_group_tests_name("store_kill", tests, NULL, NULL);
    test_done();
    return failed;
}
