/* Releases and the pointer on a real etcd: what publishing, reading, activating and rolling back promise. */
#include <pthread.h>

#include "core/store/keys.h"
#include "tests/etcd/fixture.h"

static void put(struct fixture *f, struct vx_span key, const char *value)
{
    struct vx_arena arena = {0};
    struct etcd_op op = {.kind = ETCD_PUT, .key = key, .value = vx_span_str(value)};
    struct etcd_txn txn = {.then = &op, .then_count = 1, .repeatable = true};
    struct etcd_txn_result result;
    MUST(etcd_txn(f->etcd, &arena, &txn, &result, &must_err));
    vx_arena_done(&arena);
}

static void a_fleet_without_releases_has_head_0_and_no_pointer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    uint32_t head = 99;
    int64_t revision = 99;
    struct store_pointer pointer = {.generation = 99};
    MUST(store_head(f.store, &head, &revision, &must_err));
    assert_int_equal(head, 0);
    assert_int_equal(revision, 0);
    MUST(store_pointer_read(f.store, &pointer, &must_err));
    assert_int_equal(pointer.generation, 0);
    assert_int_equal(pointer.mod_revision, 0);
    assert_true(pointer.cluster_id != 0);
    fixture_done(&f);
}

static void what_was_published_is_read_back_verified(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    fixture_init(&f);
    uint32_t number = 0;
    MUST(publish_as(f.store, "alice", "first: \"ü\"\n", "r1", 0, &number, &must_err));
    assert_int_equal(number, 1);
    MUST(publish_as(f.store, "bob", "second\n", "r2", 1, &number, &must_err));
    assert_int_equal(number, 2);
    MUST(store_head(f.store, &number, NULL, &must_err));
    assert_int_equal(number, 2);

    struct store_manifest manifest;
    MUST(store_manifest(f.store, &arena, 1, &manifest, &must_err));
    assert_string_equal(manifest.author, "alice");
    assert_string_equal(manifest.message, "first: \"ü\"\n");
    assert_int_equal(manifest.parent, 0);
    assert_int_equal(manifest.language, STORE_LANGUAGE);
    assert_int_equal(manifest.entry_count, 2);
    assert_true(manifest.time_ms > 1600000000000);
    assert_null(manifest.entries[0].text.at);
    MUST(store_objects(f.store, &arena, &manifest, NULL, NULL, &must_err));
    assert_true(vx_span_is(manifest.entries[0].text, "first: \"ü\"\n"));
    assert_true(vx_span_is(manifest.entries[1].text, "kind: processing\nname: shared\n"));
    assert_string_equal(manifest.entries[1].path, "shared.yaml");
    assert_int_equal(manifest.entries[1].line, 7);
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void a_release_that_does_not_exist_is_named(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct vx_err err;
    struct store_manifest manifest;
    fixture_init(&f);
    assert_int_equal(store_manifest(f.store, &arena, 7, &manifest, &err), VX_ENOTFOUND);
    assert_string_equal(err.message, "release 7 does not exist");
    struct store_pointer pointer, moved;
    MUST(store_pointer_read(f.store, &pointer, &must_err));
    assert_int_equal(store_rollback(f.store, &pointer, 7, "alice", &moved, &err), VX_ENOTFOUND);
    assert_string_equal(err.message, "release 7 does not exist");
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void a_release_of_every_size_is_published(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    fixture_init(&f);
    /* 300 small documents (more than one look and one batch), some the same, and three of the largest size. */
    enum { COUNT = 303 };
    struct store_entry *entries = calloc(COUNT, sizeof *entries);
    for (int i = 0; i < COUNT; i++) {
        entries[i] =
            (struct store_entry){.kind = "routing",
                                 .name = vx_arena_printf(&arena, "rules-%d", i),
                                 .path = "all.yaml",
                                 .line = i + 1,
                                 .text = vx_span_str(vx_arena_printf(&arena, "text %d of %s", i % 250, f.fleet))};
        if (i >= 300) {
            char *big = malloc(STORE_OBJECT_MAX_BYTES);
            memset(big, 'a' + i % 26, STORE_OBJECT_MAX_BYTES);
            entries[i].text = vx_span(big, STORE_OBJECT_MAX_BYTES);
        }
    }
    struct store_manifest manifest = {
        .author = "alice", .message = "many", .request_id = "many", .entries = entries, .entry_count = COUNT};
    struct store_lock *lock;
    MUST(store_lock_acquire(f.store, "alice", "publish", 0, &lock, &must_err));
    MUST(store_publish(f.store, lock, -1, &manifest, &must_err));
    struct store_manifest read;
    MUST(store_manifest(f.store, &arena, manifest.number, &read, &must_err));
    MUST(store_objects(f.store, &arena, &read, NULL, NULL, &must_err));
    assert_int_equal(read.entry_count, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_true(vx_span_equal(read.entries[i].text, entries[i].text));

    /* One byte more is refused, by name, and nothing changes. */
    struct vx_err err;
    char *big = calloc(1, STORE_OBJECT_MAX_BYTES + 1);
    struct store_entry large = {
        .kind = "routing", .name = "huge", .path = "h.yaml", .text = {big, STORE_OBJECT_MAX_BYTES + 1}};
    struct store_manifest refused = {
        .author = "alice", .message = "huge", .request_id = "huge", .entries = &large, .entry_count = 1};
    assert_int_equal(store_publish(f.store, lock, -1, &refused, &err), VX_ELIMIT);
    assert_string_equal(err.message, "routing `huge` has 1048577 bytes; the limit is 1048576");
    store_lock_release(lock);
    for (int i = 300; i < COUNT; i++)
        free((void *)entries[i].text.at);
    free(big);
    free(entries);
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void texts_that_are_not_utf8_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_err err;
    fixture_init(&f);
    assert_int_equal(publish_as(f.store, "bob", "\xff", "r", -1, NULL, &err), VX_EINVAL);
    assert_string_equal(err.message, "the message is not UTF-8");
    fixture_done(&f);
}

static void who_publishes_on_an_old_head_is_told_who_was_faster(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_err err;
    fixture_init(&f);
    MUST(publish_as(f.store, "alice", "raise the threshold", "a", 0, NULL, &must_err));
    assert_int_equal(publish_as(f.store, "bob", "mine", "b", 0, NULL, &err), VX_ECONFLICT);
    assert_contains(err.message, "release 1 was published meanwhile, by alice at 20");
    assert_contains(err.message, ": \"raise the threshold\"; yours was made on release 0");
    uint32_t head;
    MUST(store_head(f.store, &head, NULL, &must_err));
    assert_int_equal(head, 1);
    fixture_done(&f);
}

static void publishing_again_with_the_same_request_id_is_publishing_once(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t number = 0;
    fixture_init(&f);
    MUST(publish_as(f.store, "alice", "one", "same", 0, &number, &must_err));
    MUST(publish_as(f.store, "bob", "two", "other", 1, &number, &must_err));
    MUST(publish_as(f.store, "alice", "one", "same", 0, &number, &must_err));
    assert_int_equal(number, 1);
    MUST(store_head(f.store, &number, NULL, &must_err));
    assert_int_equal(number, 2);
    fixture_done(&f);
}

static void without_the_lock_nothing_is_published_or_activated(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_err err;
    struct store_entry entries[2];
    struct store_manifest manifest = small_release(entries, "alice", "late", "late");
    struct store_lock *lock, *other;
    struct store_pointer pointer, moved;
    fixture_init(&f);
    MUST(publish_as(f.store, "carol", "first", "first", 0, NULL, &must_err));
    MUST(store_pointer_read(f.store, &pointer, &must_err));
    MUST(store_lock_acquire(f.store, "alice", "publish", 0, &lock, &must_err));
    MUST(store_lock_break(f.store, 0, &must_err));
    assert_int_equal(store_publish(f.store, lock, -1, &manifest, &err), VX_ECONFLICT);
    assert_string_equal(err.message,
                        "the edit lock was lost and nothing was changed: its lease expired, or somebody broke "
                        "it; nobody holds it now");
    MUST(store_lock_acquire(f.store, "bob via configsvc-2", "activate", 0, &other, &must_err));
    assert_int_equal(store_publish(f.store, lock, -1, &manifest, &err), VX_ECONFLICT);
    assert_contains(err.message, "the edit lock was lost and nothing was changed: bob via configsvc-2 has held it for "
                                 "activate since 20");
    assert_int_equal(store_activate(f.store, lock, &pointer, 1, "alice", &moved, &err), VX_ECONFLICT);
    assert_contains(err.message, "the edit lock was lost");
    uint32_t head;
    MUST(store_head(f.store, &head, NULL, &must_err));
    assert_int_equal(head, 1);
    store_lock_release(lock);
    /* The loser's release must not take the winner's lock away. */
    MUST(store_activate(f.store, other, &pointer, 1, "bob", &moved, &must_err));
    store_lock_release(other);
    fixture_done(&f);
}

/* A sweeper raises gc between our look and our commit: everything is looked at again. Played by writing gc all the time. */
static _Atomic bool sweeping;
static void *sweep(void *arg)
{
    struct fixture *f = arg;
    struct vx_arena arena = {0};
    for (int i = 0; i < 3 && sweeping; i++) {
        put(f, keys_gc(&arena, f->fleet), "sweeper");
        sleep_ms(3);
    }
    vx_arena_done(&arena);
    return NULL;
}

static void a_sweeper_in_the_way_delays_but_does_not_break(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        char id[32];
        sweeping = true;
        snprintf(id, sizeof id, "sweep-%d", i);
        assert_int_equal(pthread_create(&thread, NULL, sweep, &f), 0);
        MUST(publish_as(f.store, "alice", id, id, i, NULL, &must_err));
        sweeping = false;
        pthread_join(thread, NULL);
    }
    fixture_done(&f);
}

static void a_corrupt_object_is_refused_by_name(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct vx_err err;
    struct store_manifest manifest;
    fixture_init(&f);
    MUST(publish_as(f.store, "alice", "text", "r", 0, NULL, &must_err));
    MUST(store_manifest(f.store, &arena, 1, &manifest, &must_err));
    put(&f, keys_object(&arena, f.fleet, manifest.entries[0].sha256), "texT");
    assert_int_equal(store_objects(f.store, &arena, &manifest, NULL, NULL, &err), VX_ECORRUPT);
    char expected[200];
    snprintf(expected, sizeof expected, "object %s in etcd is corrupt: it is the routing `main` of release 1",
             manifest.entries[0].sha256);
    assert_contains(err.message, expected);

    struct etcd_op op = {.kind = ETCD_DELETE, .key = keys_object(&arena, f.fleet, manifest.entries[0].sha256)};
    struct etcd_txn txn = {.then = &op, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err));
    assert_int_equal(store_objects(f.store, &arena, &manifest, NULL, NULL, &err), VX_ECORRUPT);
    assert_contains(err.message, "is missing in etcd: it is the routing `main` of release 1");

    put(&f, keys_release(&arena, f.fleet, 1), "{\"number\":2}");
    assert_int_equal(store_manifest(f.store, &arena, 1, &manifest, &err), VX_ECORRUPT);
    assert_contains(err.message, "the manifest of release 1 of fleet ");
    put(&f, keys_head(&arena, f.fleet), "one");
    uint32_t head = 5;
    assert_int_equal(store_head(f.store, &head, NULL, &err), VX_ECORRUPT);
    assert_contains(err.message, "is `one` in etcd, which is not a release number");
    assert_int_equal(head, 5);
    put(&f, keys_pointer(&arena, f.fleet), "{\"generation\":-1}");
    struct store_pointer pointer;
    assert_int_equal(store_pointer_read(f.store, &pointer, &err), VX_ECORRUPT);
    assert_contains(err.message, "the pointer of fleet ");
    assert_contains(err.message, " is corrupt in etcd: `{\"generation\":-1}`");
    vx_arena_done(&arena);
    fixture_done(&f);
}

struct cache {
    struct vx_span text;
    int asked, wrong;
};

static struct vx_span have(void *ctx, const char *sha256)
{
    struct cache *cache = ctx;
    char own[VX_SHA256_HEX_SIZE];
    cache->asked++;
    vx_sha256_hex(cache->text, own);
    if (strcmp(own, sha256) == 0)
        return cache->text;
    cache->wrong++;
    return VX_SPAN_LITERAL("something else");
}

static void objects_at_hand_are_used_only_when_their_hash_is_right(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct store_manifest manifest;
    struct cache cache = {.text = VX_SPAN_LITERAL("mine")};
    fixture_init(&f);
    MUST(publish_as(f.store, "alice", "mine", "r", 0, NULL, &must_err));
    MUST(store_manifest(f.store, &arena, 1, &manifest, &must_err));
    struct etcd_op op = {.kind = ETCD_DELETE, .key = keys_object(&arena, f.fleet, manifest.entries[0].sha256)};
    struct etcd_txn txn = {.then = &op, .then_count = 1};
    struct etcd_txn_result result;
    MUST(etcd_txn(f.etcd, &arena, &txn, &result, &must_err)); /* so that only the cache has it */
    MUST(store_objects(f.store, &arena, &manifest, have, &cache, &must_err));
    assert_int_equal(cache.asked, 2);
    assert_int_equal(cache.wrong, 1);
    assert_true(vx_span_is(manifest.entries[0].text, "mine"));
    assert_true(vx_span_is(manifest.entries[1].text, "kind: processing\nname: shared\n"));
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void history_is_newest_first_and_paged(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct store_manifest *list;
    size_t count;
    fixture_init(&f);
    MUST(store_history(f.store, &arena, 0, 10, &list, &count, &must_err));
    assert_int_equal(count, 0);
    for (int i = 0; i < 12; i++) {
        char id[16];
        snprintf(id, sizeof id, "r%d", i);
        MUST(publish_as(f.store, "alice", id, id, i, NULL, &must_err));
    }
    MUST(store_history(f.store, &arena, 0, 5, &list, &count, &must_err));
    assert_int_equal(count, 5);
    assert_int_equal(list[0].number, 12);
    assert_int_equal(list[4].number, 8);
    MUST(store_history(f.store, &arena, 8, 100, &list, &count, &must_err));
    assert_int_equal(count, 7);
    assert_int_equal(list[0].number, 7);
    assert_int_equal(list[6].number, 1);
    assert_string_equal(list[6].message, "r0");
    MUST(store_history(f.store, &arena, 1, 100, &list, &count, &must_err));
    assert_int_equal(count, 0);
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void the_pointer_moves_only_from_where_it_was_seen(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_err err;
    struct store_lock *lock;
    struct store_pointer none, first, second, third, read;
    fixture_init(&f);
    MUST(publish_as(f.store, "alice", "one", "1", 0, NULL, &must_err));
    MUST(publish_as(f.store, "alice", "two", "2", 1, NULL, &must_err));
    MUST(store_pointer_read(f.store, &none, &must_err));
    MUST(store_lock_acquire(f.store, "alice", "activate", 0, &lock, &must_err));
    MUST(store_activate(f.store, lock, &none, 1, "alice", &first, &must_err));
    assert_int_equal(first.generation, 1);
    assert_int_equal(first.stable, 1);
    MUST(store_pointer_read(f.store, &read, &must_err));
    assert_int_equal(read.generation, 1);
    assert_int_equal(read.mod_revision, first.mod_revision);
    assert_true(read.cluster_id == first.cluster_id);
    assert_string_equal(read.by, "alice");
    assert_string_equal(read.rollout, "");
    MUST(store_activate(f.store, lock, &first, 2, "alice", &second, &must_err));
    assert_int_equal(second.generation, 2);

    /* From an old sight of it: by nobody. */
    assert_int_equal(store_activate(f.store, lock, &first, 1, "alice", &third, &err), VX_ECONFLICT);
    assert_contains(err.message, "alice moved the pointer to release 2 at 20");
    assert_contains(err.message, "(generation 2); you have seen generation 1");
    assert_int_equal(store_rollback(f.store, &none, 1, "bob", &third, &err), VX_ECONFLICT);
    assert_int_equal(store_activate(f.store, lock, &second, 3, "alice", &third, &err), VX_ENOTFOUND);
    assert_string_equal(err.message, "release 3 does not exist");
    /* Rolling back needs no lock, though somebody holds it, and makes no release. */
    MUST(store_rollback(f.store, &second, 1, "bob", &third, &must_err));
    assert_int_equal(third.generation, 3);
    assert_int_equal(third.stable, 1);
    uint32_t head;
    MUST(store_head(f.store, &head, NULL, &must_err));
    assert_int_equal(head, 2);
    store_lock_release(lock);
    fixture_done(&f);
}

static void an_accepted_restore_is_ahead_of_all_and_names_the_clusters_it_goes_on_with(void **state)
{
    (void)state;
    struct fixture f;
    struct store_pointer none, first, accepted, later, read;
    struct vx_err err;
    fixture_init(&f);
    MUST(store_pointer_read(f.store, &none, &must_err));
    assert_int_equal(store_accept_restore(f.store, &none, 7, NULL, 0, "ann", &first, &err), VX_ENOTFOUND);
    MUST(publish_as(f.store, "alice", "one", "1", 0, NULL, &must_err));
    MUST(store_rollback(f.store, &none, 1, "alice", &first, &must_err));

    const uint64_t clusters[] = {UINT64_MAX, first.cluster_id, 77};
    MUST(store_accept_restore(f.store, &first, 41, clusters, 3, "ann", &accepted, &must_err));
    assert_int_equal(store_accept_restore(f.store, &first, 41, clusters, 3, "ann", &later, &err), VX_ECONFLICT);
    MUST(store_pointer_read(f.store, &read, &must_err));
    assert_int_equal(read.generation, 42);
    assert_int_equal(read.stable, 1);
    assert_true(read.former[0] == UINT64_MAX && read.former[1] == 77 && read.former[2] == 0);

    /* For good: also for a router that comes back later. */
    MUST(store_rollback(f.store, &read, 1, "alice", &later, &must_err));
    MUST(store_pointer_read(f.store, &read, &must_err));
    assert_true(read.former[0] == UINT64_MAX && read.former[1] == 77);
    /* Beyond the room there is the oldest goes; one that is named again is the newest. */
    uint64_t more[STORE_FORMER_MAX];
    for (size_t i = 0; i < STORE_FORMER_MAX; i++)
        more[i] = i == 2 ? 77 : 100 + i;
    MUST(store_accept_restore(f.store, &read, 0, more, STORE_FORMER_MAX, "ann", &later, &must_err));
    MUST(store_pointer_read(f.store, &read, &must_err));
    assert_int_equal(read.generation, 44);
    assert_memory_equal(read.former, more, sizeof more);
    fixture_done(&f);
}

/* --- races ------------------------------------------------------------------------------------------------------- */

struct racer {
    struct fixture *f;
    char name[16];
    int64_t expect_head;
    enum vx_status status;
    struct vx_err err;
    uint32_t number;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    racer->status = publish_as(racer->f->store, racer->name, racer->name, racer->name, racer->expect_head,
                               &racer->number, &racer->err);
    return NULL;
}

static void of_two_racing_publishers_one_wins_and_the_other_is_told(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int round = 0; round < 20; round++) {
        struct racer racers[2];
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) {
            racers[i] = (struct racer){.f = &f, .expect_head = round};
            snprintf(racers[i].name, sizeof racers[i].name, "%s-%d", i ? "bob" : "alice", round);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        assert_true((racers[0].status == VX_OK) != (racers[1].status == VX_OK));
        struct racer *winner = racers[0].status == VX_OK ? &racers[0] : &racers[1];
        struct racer *loser = racers[0].status == VX_OK ? &racers[1] : &racers[0];
        assert_int_equal(winner->number, round + 1);
        assert_int_equal(loser->status, VX_ECONFLICT);
        assert_contains(loser->err.message, winner->name);
    }
    fixture_done(&f);
}

static void publishers_that_take_any_head_all_get_a_number_of_their_own(void **state)
{
    (void)state;
    struct fixture f;
    enum { COUNT = 6 };
    struct racer racers[COUNT];
    pthread_t threads[COUNT];
    bool seen[COUNT + 1] = {false};
    fixture_init(&f);
    for (int i = 0; i < COUNT; i++) {
        racers[i] = (struct racer){.f = &f, .expect_head = -1};
        snprintf(racers[i].name, sizeof racers[i].name, "editor-%d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        if (racers[i].status)
            fail_msg("%s", racers[i].err.message);
        assert_in_range(racers[i].number, 1, COUNT);
        assert_false(seen[racers[i].number]);
        seen[racers[i].number] = true;
    }
    fixture_done(&f);
}

static void audit_is_read_newest_first(void **state)
{
    (void)state;
    struct fixture f;
    struct vx_arena arena = {0};
    struct store_audit *list;
    size_t count;
    fixture_init(&f);
    for (int i = 1; i <= 5; i++)
        MUST(store_audit_add(f.store,
                             &(struct store_audit){.time_ms = 1700000000000 + i,
                                                   .who = "alice",
                                                   .action = "publish",
                                                   .from = "127.0.0.1",
                                                   .detail = vx_arena_printf(&arena, "release %d", i)},
                             &must_err));
    MUST(store_audit_list(f.store, &arena, 3, &list, &count, &must_err));
    assert_int_equal(count, 3);
    assert_string_equal(list[0].detail, "release 5");
    assert_string_equal(list[2].detail, "release 3");
    assert_int_equal(list[0].time_ms, 1700000000005);
    assert_string_equal(list[0].from, "127.0.0.1");
    vx_arena_done(&arena);
    fixture_done(&f);
}

static void fleets_are_listed_once_each(void **state)
{
    (void)state;
    struct fixture a, b;
    struct vx_arena arena = {0};
    const char **names;
    size_t count;
    fixture_init(&a);
    fixture_init(&b);
    MUST(publish_as(a.store, "alice", "one", "1", 0, NULL, &must_err));
    MUST(publish_as(b.store, "alice", "one", "1", 0, NULL, &must_err));
    put(&a, VX_SPAN_LITERAL("/veltrix/v1/stray"), "not a fleet");
    MUST(store_fleets(a.etcd, &arena, &names, &count, &must_err));
    int found_a = 0, found_b = 0, stray = 0;
    for (size_t i = 0; i < count; i++) {
        found_a += strcmp(names[i], a.fleet) == 0;
        found_b += strcmp(names[i], b.fleet) == 0;
        stray += strcmp(names[i], "stray") == 0;
    }
    assert_int_equal(found_a, 1);
    assert_int_equal(found_b, 1);
    assert_int_equal(stray, 0);
    vx_arena_done(&arena);
    fixture_done(&a);
    fixture_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_without_releases_has_head_0_and_no_pointer),
        cmocka_unit_test(what_was_published_is_read_back_verified),
        cmocka_unit_test(a_release_that_does_not_exist_is_named),
        cmocka_unit_test(a_release_of_every_size_is_published),
        cmocka_unit_test(texts_that_are_not_utf8_are_refused),
        cmocka_unit_test(who_publishes_on_an_old_head_is_told_who_was_faster),
        cmocka_unit_test(publishing_again_with_the_same_request_id_is_publishing_once),
        cmocka_unit_test(without_the_lock_nothing_is_published_or_activated),
        cmocka_unit_test(a_sweeper_in_the_way_delays_but_does_not_break),
        cmocka_unit_test(a_corrupt_object_is_refused_by_name),
        cmocka_unit_test(objects_at_hand_are_used_only_when_their_hash_is_right),
        cmocka_unit_test(history_is_newest_first_and_paged),
        cmocka_unit_test(the_pointer_moves_only_from_where_it_was_seen),
        cmocka_unit_test(an_accepted_restore_is_ahead_of_all_and_names_the_clusters_it_goes_on_with),
        cmocka_unit_test(of_two_racing_publishers_one_wins_and_the_other_is_told),
        cmocka_unit_test(publishers_that_take_any_head_all_get_a_number_of_their_own),
        cmocka_unit_test(audit_is_read_newest_first),
        cmocka_unit_test(fleets_are_listed_once_each),
    };
    int failed = cmocka_run_group_tests_name("store_releases", tests, NULL, NULL);
    test_done();
    return failed;
}
