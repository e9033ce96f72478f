/* Publishing: objects first, then manifest and head in one guarded transaction, so that no half of a release is visible.
 *
 *     begin   {lock is mine}                                              -> read head; raise gc to revision g
 *     look    which objects exist
 *     write   {lock is mine, these objects are absent}                    -> put them, in batches
 *     commit  {lock is mine, head as read, releases/N absent, gc is at g} -> put releases/N and head
 *
 * Raising `gc` fences a sweeper that is at work: its deletions compare the revision that it raised gc to itself, so what we
 * find after `begin` cannot be deleted by what it had decided before; and one that begins later makes `commit` fail, which
 * then starts over. An object that is there has the right content: its key is its hash, and readers verify it.
 *
 * Every transaction may be sent twice: its guards make the second one fail. A commit whose guard fails reads back and looks
 * for its request id, because it may be its own first sending that moved the head. Nothing is concluded from absence.
 * Runs on the caller's thread. Invariant: head never names a release whose objects are not all there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/store/internal.h"
#include "core/store/keys.h"

enum {
    BATCH_BYTES = 1 << 20, /* values of one transaction; etcd takes 1.5 MiB with everything around */
    BATCH_COUNT = 64,
    LOOK_COUNT = 128,
    ROUNDS_MAX = 8,   /* of begin to commit, while a sweeper or others are in the way */
    SEARCH_COUNT = 32 /* releases that are searched for a request id */
};

struct publish {
    struct store *store;
    struct store_lock *lock;
    struct store_manifest *manifest;
    struct vx_arena arena;
    struct store_entry **objects; /* one entry for each different text, by hash */
    bool *exists;                 /* for each object */
    size_t object_count;
    uint32_t head;
    int64_t head_revision;
    int64_t gc_revision;
};

enum step { NEXT, START_OVER, PUBLISHED, STOP };

/* --- input ------------------------------------------------------------------------------------------------------- */

static enum vx_status check_entry(const struct store_entry *entry, struct vx_err *err)
{
    enum vx_status status = store_check_text(entry->kind, "the kind of a document", 64, err);
    if (!status)
        status = store_check_text(entry->name, "the name of a document", 1024, err);
    if (!status)
        status = store_check_text(entry->path, "the path of a document", 4096, err);
    if (!status && (!entry->kind || !entry->name || !entry->path))
        status = vx_err_set(err, VX_EINVAL, "a document without kind, name or path");
    if (!status && entry->text.len > STORE_OBJECT_MAX_BYTES)
        status = vx_err_set(err, VX_ELIMIT, "%s `%s` has %zu bytes; the limit is %d", entry->kind, entry->name,
                            entry->text.len, STORE_OBJECT_MAX_BYTES);
    return status;
}

static int by_hash(const void *a, const void *b)
{
    return strcmp((*(struct store_entry *const *)a)->sha256, (*(struct store_entry *const *)b)->sha256);
}

static enum vx_status prepare(struct publish *p, struct vx_err *err)
{
    struct store_manifest *manifest = p->manifest;
    enum vx_status status = store_check_text(manifest->author, "the author", STORE_NAME_SIZE - 1, err);
    if (!status)
        status = store_check_text(manifest->message, "the message", 4096, err);
    if (!status)
        status = store_check_text(manifest->request_id, "the request id", STORE_NAME_SIZE - 1, err);
    if (!status && (!manifest->author || !manifest->message || !manifest->request_id || !*manifest->request_id))
        status = vx_err_set(err, VX_EINVAL, "a release needs an author, a message and a request id");
    if (!status && manifest->entry_count > STORE_RELEASE_ENTRIES_MAX)
        status = vx_err_set(err, VX_ELIMIT, "a release of %zu documents; the limit is %d", manifest->entry_count,
                            STORE_RELEASE_ENTRIES_MAX);
    for (size_t i = 0; i < manifest->entry_count && !status; i++)
        status = check_entry(&manifest->entries[i], err);
    if (status)
        return status;
    p->objects = VX_ARENA_ARRAY(&p->arena, struct store_entry *, manifest->entry_count);
    p->exists = VX_ARENA_ARRAY(&p->arena, bool, manifest->entry_count);
    for (size_t i = 0; i < manifest->entry_count; i++) {
        struct store_entry *entry = &manifest->entries[i];
        vx_sha256_hex(entry->text, entry->sha256);
        entry->size = entry->text.len;
        p->objects[i] = entry;
    }
    qsort(p->objects, manifest->entry_count, sizeof(struct store_entry *), by_hash);
    for (size_t i = 0; i < manifest->entry_count; i++)
        if (p->object_count == 0 || by_hash(&p->objects[i], &p->objects[p->object_count - 1]) != 0)
            p->objects[p->object_count++] = p->objects[i];
    return VX_OK;
}

/* --- conflicts --------------------------------------------------------------------------------------------------- */

/* The head is not what it was: somebody was faster, or it was we ourselves and the answer got lost. */
static enum step head_has_moved(struct publish *p, uint32_t head, int64_t expected, enum vx_status *status,
                                struct vx_err *err)
{
    struct store_manifest *list;
    size_t count;
    *status = store_history(p->store, &p->arena, 0, SEARCH_COUNT, &list, &count, err);
    if (*status)
        return STOP;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].request_id, p->manifest->request_id) != 0)
            continue;
        p->manifest->number = list[i].number;
        p->manifest->parent = list[i].parent;
        p->manifest->time_ms = list[i].time_ms;
        return PUBLISHED;
    }
    if (expected < 0)
        return START_OVER;
    char time[VX_TIME_TEXT_SIZE];
    if (count && list[0].number == head)
        *status = vx_err_set(err, VX_ECONFLICT,
                             "release %" PRIu32 " was published meanwhile, by %s at %s: \"%.120s\"; yours was made on "
                             "release %" PRId64,
                             head, list[0].author, vx_time_print(list[0].time_ms, time), list[0].message, expected);
    else
        *status = vx_err_set(err, VX_ECONFLICT, "the newest release is %" PRIu32 "; yours was made on release %" PRId64,
                             head, expected);
    return STOP;
}

/* --- the steps --------------------------------------------------------------------------------------------------- */

static enum vx_status read_number(const struct publish *p, const struct etcd_kv *kv, uint32_t *number,
                                  int64_t *revision, struct vx_err *err)
{
    *number = 0;
    *revision = kv ? kv->mod_revision : 0;
    if (kv && !record_number_load(kv->value, number))
        return vx_err_set(err, VX_ECORRUPT, "the head of fleet %s is not a release number in etcd", p->store->fleet);
    return VX_OK;
}

static enum step begin(struct publish *p, int64_t expect_head, enum vx_status *status, struct vx_err *err)
{
    struct vx_arena *arena = &p->arena;
    struct etcd_compare compares[] = {lock_compare(p->lock, arena)};
    struct etcd_op then[] = {
        {.kind = ETCD_GET, .key = keys_head(arena, p->store->fleet)},
        {.kind = ETCD_PUT,
         .key = keys_gc(arena, p->store->fleet),
         .value = vx_span_str(vx_arena_printf(arena, "publish %s", p->manifest->request_id))},
    };
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = compares[0].key}};
    struct etcd_txn txn = ETCD_GUARDED_TXN(compares, then, otherwise);
    struct etcd_txn_result result;
    *status = etcd_txn(p->store->etcd, arena, &txn, &result, err);
    if (*status)
        return STOP;
    if (!result.succeeded) {
        if (!lock_was_lost(p->lock, store_got(&result, 0), err))
            return START_OVER;
        *status = VX_ECONFLICT;
        return STOP;
    }
    p->gc_revision = result.revision;
    *status = read_number(p, store_got(&result, 0), &p->head, &p->head_revision, err);
    if (*status)
        return STOP;
    if (expect_head >= 0 && p->head != expect_head)
        return head_has_moved(p, p->head, expect_head, status, err);
    if (p->head == UINT32_MAX) {
        *status = vx_err_set(err, VX_ELIMIT, "release numbers are used up");
        return STOP;
    }
    return NEXT;
}

static enum vx_status look(struct publish *p, struct vx_err *err)
{
    enum vx_status status = VX_OK;
    for (size_t from = 0; from < p->object_count && !status; from += LOOK_COUNT) {
        size_t count = p->object_count - from < LOOK_COUNT ? p->object_count - from : LOOK_COUNT;
        struct vx_arena scratch = {0};
        struct etcd_op ops[LOOK_COUNT] = {0};
        struct etcd_txn txn = {.then = ops, .then_count = count, .repeatable = true};
        for (size_t i = 0; i < count; i++)
            ops[i] = (struct etcd_op){.kind = ETCD_GET,
                                      .key = keys_object(&scratch, p->store->fleet, p->objects[from + i]->sha256),
                                      .keys_only = true};
        struct etcd_txn_result result;
        status = etcd_txn(p->store->etcd, &scratch, &txn, &result, err);
        for (size_t i = 0; i < count && !status; i++)
            p->exists[from + i] = store_got(&result, i) != NULL;
        vx_arena_done(&scratch);
    }
    return status;
}

/* Writes the next missing objects, as many as fit; *from moves past them. */
static enum step write_batch(struct publish *p, size_t *from, enum vx_status *status, struct vx_err *err)
{
    struct vx_arena scratch = {0};
    struct etcd_compare compares[BATCH_COUNT + 1] = {lock_compare(p->lock, &scratch)};
    struct etcd_op puts[BATCH_COUNT] = {0};
    struct etcd_op otherwise[] = {{.kind = ETCD_GET, .key = compares[0].key}};
    size_t count = 0, bytes = 0, at = *from;
    for (; at < p->object_count && count < BATCH_COUNT; at++) {
        const struct store_entry *object = p->objects[at];
        if (p->exists[at])
            continue;
        if (count && bytes + object->text.len > BATCH_BYTES)
            break;
        bytes += object->text.len;
        struct vx_span key = keys_object(&scratch, p->store->fleet, object->sha256);
        puts[count] = (struct etcd_op){.kind = ETCD_PUT, .key = key, .value = object->text};
        compares[++count] = (struct etcd_compare){.key = key, .target = ETCD_CREATE_REVISION};
    }
    *from = at;
    enum step step = NEXT;
    struct etcd_txn txn = {.compares = compares,
                           .compare_count = count + 1,
                           .then = puts,
                           .then_count = count,
                           .otherwise = otherwise,
                           .otherwise_count = 1,
                           .repeatable = true};
    struct etcd_txn_result result;
    if (count)
        *status = etcd_txn(p->store->etcd, &scratch, &txn, &result, err);
    if (*status) {
        step = STOP;
    } else if (count && !result.succeeded) {
        /* An object came into being meanwhile, by ourselves where an answer was lost: look again. */
        step = START_OVER;
        if (lock_was_lost(p->lock, store_got(&result, 0), err)) {
            *status = VX_ECONFLICT;
            step = STOP;
        }
    }
    vx_arena_done(&scratch);
    return step;
}

enum { GOT_LOCK, GOT_HEAD, GOT_RELEASE };

/* A guard of the commit failed: which, and what does it mean? */
static enum step commit_failed(struct publish *p, const struct etcd_txn_result *result, int64_t expect_head,
                               enum vx_status *status, struct vx_err *err)
{
    const struct etcd_kv *release = store_got(result, GOT_RELEASE);
    const struct etcd_kv *head = store_got(result, GOT_HEAD);
    struct store_manifest there;
    if (release && release_load(p->store, &p->arena, release, &there, NULL) == VX_OK &&
        strcmp(there.request_id, p->manifest->request_id) == 0)
        return PUBLISHED;
    if (lock_was_lost(p->lock, store_got(result, GOT_LOCK), err)) {
        *status = VX_ECONFLICT;
        return STOP;
    }
    uint32_t number;
    int64_t revision;
    *status = read_number(p, head, &number, &revision, err);
    if (*status)
        return STOP;
    if (revision != p->head_revision)
        return head_has_moved(p, number, expect_head, status, err);
    if (release) {
        *status = vx_err_set(err, VX_ECORRUPT,
                             "release %" PRIu32 " exists in etcd though the head of fleet %s is %" PRIu32
                             ": somebody wrote to etcd by hand",
                             p->manifest->number, p->store->fleet, number);
        return STOP;
    }
    return START_OVER; /* a sweeper raised gc */
}

static enum step commit(struct publish *p, int64_t expect_head, enum vx_status *status, struct vx_err *err)
{
    struct vx_arena *arena = &p->arena;
    const char *fleet = p->store->fleet;
    p->manifest->number = p->head + 1;
    p->manifest->parent = p->head;
    p->manifest->time_ms = vx_clock_wall_ms();
    struct vx_span release = keys_release(arena, fleet, p->manifest->number), head = keys_head(arena, fleet);
    struct etcd_compare compares[] = {
        lock_compare(p->lock, arena),
        {.key = head, .target = ETCD_MOD_REVISION, .number = p->head_revision},
        {.key = release, .target = ETCD_CREATE_REVISION, .number = 0},
        {.key = keys_gc(arena, fleet), .target = ETCD_MOD_REVISION, .number = p->gc_revision},
    };
    struct etcd_op then[] = {
        {.kind = ETCD_PUT, .key = release, .value = record_manifest_print(arena, p->manifest)},
        {.kind = ETCD_PUT, .key = head, .value = vx_span_str(vx_arena_printf(arena, "%" PRIu32, p->manifest->number))},
    };
    struct etcd_op otherwise[] = {[GOT_LOCK] = {.kind = ETCD_GET, .key = compares[0].key},
                                  [GOT_HEAD] = {.kind = ETCD_GET, .key = head},
                                  [GOT_RELEASE] = {.kind = ETCD_GET, .key = release}};
    struct etcd_txn txn = ETCD_GUARDED_TXN(compares, then, otherwise);
    struct etcd_txn_result result;
    *status = etcd_txn(p->store->etcd, arena, &txn, &result, err);
    if (*status)
        return STOP;
    return result.succeeded ? PUBLISHED : commit_failed(p, &result, expect_head, status, err);
}

static enum step run_round(struct publish *p, int64_t expect_head, enum vx_status *status, struct vx_err *err)
{
    enum step step = begin(p, expect_head, status, err);
    if (step != NEXT)
        return step;
    *status = look(p, err);
    if (*status)
        return STOP;
    for (size_t at = 0; at < p->object_count && step == NEXT;)
        step = write_batch(p, &at, status, err);
    return step == NEXT ? commit(p, expect_head, status, err) : step;
}

enum vx_status store_publish(struct store *store, struct store_lock *lock, int64_t expect_head,
                             struct store_manifest *manifest, struct vx_err *err)
{
    vx_assert(lock != NULL);
    struct publish p = {.store = store, .lock = lock, .manifest = manifest};
    manifest->language = manifest->language ? manifest->language : STORE_LANGUAGE;
    enum vx_status status = prepare(&p, err);
    enum step step = status ? STOP : START_OVER;
    for (int i = 0; i < ROUNDS_MAX && step == START_OVER; i++)
        step = run_round(&p, expect_head, &status, err);
    if (step == START_OVER)
        status = vx_err_set(
            err, VX_ECONFLICT,
            "fleet %s changed under %d attempts to publish (a sweep of old objects, or other editors); try again",
            store->fleet, ROUNDS_MAX);
    if (status)
        manifest->number = manifest->parent = 0;
    if (status == VX_ETIMEOUT || status == VX_EUNAVAILABLE)
        vx_err_wrap(err,
                    "whether the release was published is not known (look at the history, or send it again with the "
                    "same request id)");
    vx_arena_done(&p.arena);
    return status;
}
