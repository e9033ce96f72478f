/* The follower's thread.
 *
 *     store's thread: on_pointer ──> follow (under the lock) ──> run(): fetch ─ verify ─ compile ─> on_release ─> copy
 *
 * Thread: run(); on_pointer and on_state come from the store's. The lock guards `status`, its follow included; nothing
 * that waits for etcd or compiles is done under it. Owns the texts of the release that runs, so that the next one need
 * not read again what it shares with it.
 */
#include "router/follow/follower.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/follow/cache.h"
#include "router/follow/wants.h"

struct release {
    struct vx_arena arena;
    struct store_entry *entries;
    size_t entry_count;
};

struct follower {
    struct follower_setup setup;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    struct follower_status status; /* under the lock, and these */
    struct wants wants;
    struct store_follow *store_follow;
    struct release *running; /* the thread's own: texts of what runs; NULL: none */
    struct release *copy;    /* the last good copy until it is used or not */
};

static void free_release(struct release *r)
{
    if (!r)
        return;
    vx_arena_done(&r->arena);
    free(r);
}

static struct release *new_release(void)
{
    struct release *r = calloc(1, sizeof *r);
    vx_assert(r != NULL);
    return r;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

/* Texts to table. False with what is wrong in `why`. */
static bool compile(const struct release *r, uint32_t number, struct table **out, struct vx_buf *why)
{
    struct config_source *sources = calloc(r->entry_count + 1, sizeof *sources);
    vx_assert(sources != NULL);
    for (size_t i = 0; i < r->entry_count; i++)
        sources[i] = (struct config_source){
            .path = r->entries[i].path, .text = r->entries[i].text, .first_line = r->entries[i].line};
    struct vx_diags diags = {0};
    struct config_set *set = NULL;
    enum vx_status st = config_load(sources, r->entry_count, &set, &diags);
    if (st == VX_OK)
        st = table_new(set, number, out, &diags);
    if (st != VX_OK) {
        vx_diags_sort(&diags);
        vx_diags_print(&diags, why, false);
        if (why->len == 0)
            vx_buf_str(why, vx_status_text(st));
    }
    config_set_free(set);
    vx_diags_done(&diags);
    free(sources);
    return st == VX_OK;
}

struct loan {
    const struct follower *f;
    struct vx_arena *arena; /* of the release that borrows: what it gets is its own copy */
};

static struct vx_span have(void *ctx, const char *sha256)
{
    const struct loan *loan = ctx;
    const struct release *at_hand[] = {loan->f->running, loan->f->copy};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; at_hand[k] && i < at_hand[k]->entry_count; i++)
            if (strcmp(at_hand[k]->entries[i].sha256, sha256) == 0)
                return vx_arena_span(loan->arena, at_hand[k]->entries[i].text);
    return vx_span(NULL, 0);
}

static enum follow_load fetch(struct follower *f, uint32_t number, struct release *r, struct vx_buf *why)
{
    struct store_manifest manifest;
    struct loan loan = {.f = f, .arena = &r->arena};
    struct vx_err err;
    enum vx_status st = store_manifest(f->setup.store, &r->arena, number, &manifest, &err);
    if (st == VX_OK && manifest.language > STORE_LANGUAGE) {
        vx_buf_printf(why, "release %u needs version %d of the config language, this router (%s) knows %d", number,
                      manifest.language, VELTRIX_VERSION, STORE_LANGUAGE);
        return FOLLOW_BAD;
    }
    if (st == VX_OK)
        st = store_objects(f->setup.store, &r->arena, &manifest, have, &loan, &err);
    if (st == VX_OK) {
        r->entries = manifest.entries;
        r->entry_count = manifest.entry_count;
        return FOLLOW_LOADED;
    }
    vx_buf_str(why, err.message);
    return st == VX_ECORRUPT || st == VX_ENOTFOUND || st == VX_EINVAL ? FOLLOW_CORRUPT : FOLLOW_UNAVAILABLE;
}

static void keep_copy(struct follower *f, const struct follow_pointer *pointer, const struct release *r)
{
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    struct cache_copy copy = {.pointer = *pointer, .entries = r->entries, .entry_count = r->entry_count};
    if (f->setup.state_dir && cache_write(f->setup.state_dir, f->setup.fleet, &copy, &err) != VX_OK)
        vx_log(VX_LOG_ERROR, "copy.failed", "release=%u error=%s", pointer->release, vx_log_quote(err.message, quoted));
}

static void note_failure(const struct follow *follow, uint32_t number, enum follow_load how, const char *why)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    if (how == FOLLOW_UNAVAILABLE) {
        if (follow->tries == 1)
            vx_log(VX_LOG_WARN, "release.unavailable", "release=%u running=%u reason=%s", number, follow->running,
                   vx_log_quote(why, quoted));
        return;
    }
    vx_log(VX_LOG_ERROR, "release.rejected", "release=%u running=%u why=%s reason=%s", number, follow->running,
           how == FOLLOW_BAD ? "does_not_compile" : "corrupt", vx_log_quote(why, quoted));
}

/* Fetches, compiles and runs the release of a pointer, or reports why not. Not under the lock. */
static void load(struct follower *f, const struct follow_pointer *wanted)
{
    uint32_t number = wanted->release;
    struct release *r = new_release();
    struct table *t = NULL;
    struct vx_buf why = {0};
    int64_t start_ms = vx_clock_ms();
    enum follow_load how = fetch(f, number, r, &why);
    if (how == FOLLOW_LOADED && !compile(r, number, &t, &why))
        how = FOLLOW_BAD;

    pthread_mutex_lock(&f->lock);
    uint32_t was = f->status.follow.running;
    bool run = follow_loaded(&f->status.follow, number, wanted->generation, how, vx_buf_text(&why), vx_clock_ms());
    struct follow follow = f->status.follow;
    f->status.reload_ms = vx_clock_wall_ms();
    f->status.reload_ok = how == FOLLOW_LOADED;
    if (run)
        f->status.running_since_ms = f->status.reload_ms;
    pthread_mutex_unlock(&f->lock);

    if (run) {
        f->setup.on_release(f->setup.ctx, t, follow.running_generation);
        vx_log(VX_LOG_INFO, "release.adopted", "release=%u was=%u generation=%llu took_ms=%lld", number, was,
               (unsigned long long)follow.running_generation, (long long)(vx_clock_ms() - start_ms));
        keep_copy(f, wanted, r);
        free_release(f->running);
        free_release(f->copy);
        f->running = r;
        f->copy = NULL;
    } else {
        table_unref(t);
        if (how != FOLLOW_LOADED)
            note_failure(&follow, number, how, vx_buf_text(&why));
        free_release(r);
    }
    vx_buf_done(&why);
    f->setup.on_change(f->setup.ctx);
}

/* Fetches and compiles a release that somebody wants beside the one in force. False: etcd is away. Not under the lock. */
static bool load_older(struct follower *f, uint32_t number)
{
    struct release *r = new_release();
    struct table *t = NULL;
    struct vx_buf why = {0};
    char quoted[VX_LOG_QUOTE_SIZE];
    enum follow_load how = fetch(f, number, r, &why);
    if (how == FOLLOW_LOADED && !compile(r, number, &t, &why))
        how = FOLLOW_BAD;
    if (how == FOLLOW_LOADED)
        vx_log(VX_LOG_INFO, "release.recalled", "release=%u", number);
    else if (how != FOLLOW_UNAVAILABLE)
        vx_log(VX_LOG_WARN, "release.lost", "release=%u reason=%s", number, vx_log_quote(vx_buf_text(&why), quoted));
    if (how != FOLLOW_UNAVAILABLE)
        f->setup.on_older(f->setup.ctx, number, t);
    free_release(r);
    vx_buf_done(&why);
    return how != FOLLOW_UNAVAILABLE;
}

/* Sees to one wanted release whose time has come. Under the lock, but not while it loads. False: there is none, and
 * `*until_ms` is when there may be one. */
static bool serve_want(struct follower *f, int64_t *until_ms)
{
    struct want w;
    if (!wants_take(&f->wants, vx_clock_ms(), &w, until_ms))
        return false;
    pthread_mutex_unlock(&f->lock);
    bool done = load_older(f, w.release);
    pthread_mutex_lock(&f->lock);
    if (done || wants_again(&f->wants, &w, vx_clock_ms()))
        return true;
    pthread_mutex_unlock(&f->lock);
    vx_log(VX_LOG_WARN, "release.lost", "release=%u reason=\"etcd does not answer\"", w.release);
    f->setup.on_older(f->setup.ctx, w.release, NULL);
    pthread_mutex_lock(&f->lock);
    return true;
}

/* Runs the last good copy. Not under the lock. */
static void run_copy(struct follower *f)
{
    struct table *t = NULL;
    struct vx_buf why = {0};
    char quoted[VX_LOG_QUOTE_SIZE];
    struct release *r = f->copy;
    f->copy = NULL;
    pthread_mutex_lock(&f->lock);
    struct follow_pointer pointer = f->status.follow.copy;
    bool connected = f->status.connected;
    pthread_mutex_unlock(&f->lock);
    bool ok = r && compile(r, pointer.release, &t, &why);

    pthread_mutex_lock(&f->lock);
    follow_copied(&f->status.follow, ok);
    if (ok)
        f->status.running_since_ms = vx_clock_wall_ms();
    pthread_mutex_unlock(&f->lock);
    if (ok) {
        f->setup.on_release(f->setup.ctx, t, pointer.generation);
        vx_log(VX_LOG_WARN, "release.adopted", "release=%u was=0 generation=%llu source=last_good_copy etcd=%s",
               pointer.release, (unsigned long long)pointer.generation, connected ? "connected" : "lost");
        f->running = r;
    } else {
        vx_log(VX_LOG_ERROR, "copy.useless", "release=%u reason=%s", pointer.release,
               vx_log_quote(vx_buf_text(&why), quoted));
        free_release(r);
    }
    vx_buf_done(&why);
    f->setup.on_change(f->setup.ctx);
}

static void read_copy(struct follower *f)
{
    struct cache_copy copy;
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    struct release *r = new_release();
    enum vx_status st = cache_read(f->setup.state_dir, f->setup.fleet, &r->arena, &copy, &err);
    if (st == VX_OK) {
        r->entries = copy.entries;
        r->entry_count = copy.entry_count;
        f->copy = r;
        follow_has_copy(&f->status.follow, &copy.pointer);
        return;
    }
    if (st != VX_ENOTFOUND)
        vx_log(VX_LOG_ERROR, "copy.useless", "reason=%s", vx_log_quote(err.message, quoted));
    free_release(r);
}

static bool same_entries(const struct release *r, const struct store_manifest *manifest)
{
    bool same = r && r->entry_count == manifest->entry_count;
    for (size_t i = 0; same && i < r->entry_count; i++)
        same = strcmp(r->entries[i].sha256, manifest->entries[i].sha256) == 0 &&
               strcmp(r->entries[i].path, manifest->entries[i].path) == 0;
    return same;
}

/* Is release `number` in etcd the one that runs? Not under the lock. */
static enum follow_look look(struct follower *f, uint32_t number, struct vx_err *err)
{
    struct vx_arena arena = {0};
    struct store_manifest manifest;
    enum vx_status st = store_manifest(f->setup.store, &arena, number, &manifest, err);
    bool same = st == VX_OK && same_entries(f->running, &manifest);
    vx_arena_done(&arena);
    if (st == VX_ECORRUPT || st == VX_ENOTFOUND || st == VX_EINVAL)
        return FOLLOW_LOOKED_UNREADABLE;
    return st != VX_OK ? FOLLOW_LOOKED_AWAY : same ? FOLLOW_LOOKED_SAME : FOLLOW_LOOKED_OTHER;
}

/* The same release under a new generation: the copy on disk has to know. */
static void move(struct follower *f, const struct follow_action *action)
{
    struct vx_err err;
    char quoted[VX_LOG_QUOTE_SIZE];
    enum follow_look how = look(f, action->release, &err);
    pthread_mutex_lock(&f->lock);
    bool stays = follow_moved(&f->status.follow, action->generation, how, vx_clock_ms());
    struct follow_pointer known = f->status.follow.known;
    pthread_mutex_unlock(&f->lock);
    if (stays) {
        keep_copy(f, &known, f->running);
        vx_log(VX_LOG_INFO, "release.confirmed", "release=%u generation=%llu", known.release,
               (unsigned long long)known.generation);
    } else if (how == FOLLOW_LOOKED_OTHER) {
        vx_log(VX_LOG_WARN, "release.replaced", "release=%u detail=\"etcd has another one under this number now\"",
               action->release);
    } else if (how == FOLLOW_LOOKED_UNREADABLE) {
        vx_log(VX_LOG_ERROR, "release.unconfirmed",
               "release=%u reason=%s detail=\"it cannot be read in etcd; what runs stays\"", action->release,
               vx_log_quote(err.message, quoted));
    }
    f->setup.on_change(f->setup.ctx);
}

/* --- the store's thread ------------------------------------------------------------------------------------------ */

static void note_verdict(const struct follow *was, const struct follow *is, const struct store_pointer *p)
{
    if (is->missing && !was->missing)
        vx_log(VX_LOG_WARN, "pointer.missing", "detail=\"the fleet has no release yet: waiting for one\"");
    if (is->alarm != was->alarm && is->alarm == FOLLOW_FELL)
        vx_log(VX_LOG_ERROR, "pointer.refused",
               "reason=generation_fell generation=%llu known=%llu detail=\"etcd was set back; what runs stays\"",
               (unsigned long long)p->generation, (unsigned long long)is->known.generation);
    if (is->alarm == FOLLOW_SAME && was->alarm != FOLLOW_SAME)
        vx_log(VX_LOG_INFO, "pointer.accepted", "generation=%llu release=%u cluster=%llu",
               (unsigned long long)p->generation, p->stable, (unsigned long long)p->cluster_id);
    if (is->alarm != was->alarm && is->alarm == FOLLOW_CLUSTER)
        vx_log(VX_LOG_ERROR, "pointer.refused",
               "reason=another_cluster cluster=%llu known=%llu detail=\"another etcd answers; what runs stays\"",
               (unsigned long long)p->cluster_id, (unsigned long long)is->known.cluster_id);
}

static void on_pointer(void *ctx, const struct store_pointer *p, bool found_by_reread)
{
    struct follower *f = ctx;
    struct follow_pointer pointer = {
        .generation = p->generation, .release = p->stable, .cluster_id = p->cluster_id, .move_id = p->move_id};
    memcpy(pointer.former, p->former, sizeof pointer.former);
    pthread_mutex_lock(&f->lock);
    struct follow was = f->status.follow;
    follow_pointer(&f->status.follow, &pointer, vx_clock_ms());
    struct follow is = f->status.follow;
    f->status.missed_count += found_by_reread;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    if (found_by_reread)
        vx_log(VX_LOG_WARN, "pointer.missed", "generation=%llu detail=\"the watch should have told\"",
               (unsigned long long)p->generation);
    note_verdict(&was, &is, p);
    f->setup.on_change(f->setup.ctx);
}

static void on_state(void *ctx, bool connected, const char *reason)
{
    struct follower *f = ctx;
    char quoted[VX_LOG_QUOTE_SIZE];
    pthread_mutex_lock(&f->lock);
    bool was = f->status.connected;
    f->status.connected = connected;
    snprintf(f->status.disconnected_why, sizeof f->status.disconnected_why, "%s", connected || !reason ? "" : reason);
    pthread_mutex_unlock(&f->lock);
    if (connected && !was)
        vx_log(VX_LOG_INFO, "etcd.connected", "fleet=%s", f->setup.fleet);
    if (connected && reason && reason[0])
        vx_log(VX_LOG_ERROR, "pointer.unreadable", "reason=%s", vx_log_quote(reason, quoted));
    if (!connected)
        vx_log(VX_LOG_WARN, "etcd.lost", "reason=%s", vx_log_quote(reason ? reason : "", quoted));
    f->setup.on_change(f->setup.ctx);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void wait_until(struct follower *f, int64_t until_ms)
{
    struct timespec ts = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (until_ms == INT64_MAX)
        pthread_cond_wait(&f->wake, &f->lock);
    else
        pthread_cond_timedwait(&f->wake, &f->lock, &ts);
}

static void *run(void *arg)
{
    struct follower *f = arg;
    pthread_mutex_lock(&f->lock);
    while (!f->stopping) {
        struct follow_action action = follow_next(&f->status.follow, vx_clock_ms());
        struct follow_pointer wanted = f->status.follow.known;
        if (action.what == FOLLOW_WAIT) {
            if (!serve_want(f, &action.until_ms))
                wait_until(f, action.until_ms);
            continue;
        }
        pthread_mutex_unlock(&f->lock);
        if (action.what == FOLLOW_LOAD)
            load(f, &wanted);
        else if (action.what == FOLLOW_COPY)
            run_copy(f);
        else
            move(f, &action);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

enum vx_status follower_start(const struct follower_setup *setup, struct follower **out, struct vx_err *err)
{
    static const struct store_follow_ops ops = {.on_pointer = on_pointer, .on_state = on_state};
    struct follower *f = calloc(1, sizeof *f);
    vx_assert(f != NULL);
    f->setup = *setup;
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->wake, &attr);
    pthread_condattr_destroy(&attr);
    follow_init(&f->status.follow, vx_clock_ms(), (uint64_t)vx_clock_us());
    if (setup->state_dir)
        read_copy(f);
    enum vx_status st = store_follow_start(setup->store, &ops, f, &f->store_follow, err);
    if (st != VX_OK) {
        f->stopping = true;
        free_release(f->copy);
        free(f);
        return st;
    }
    vx_assert(pthread_create(&f->thread, NULL, run, f) == 0);
    *out = f;
    return VX_OK;
}

void follower_stop(struct follower *f)
{
    if (!f)
        return;
    store_follow_stop(f->store_follow);
    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    free_release(f->running);
    free_release(f->copy);
    pthread_cond_destroy(&f->wake);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

void follower_status(struct follower *f, struct follower_status *out)
{
    pthread_mutex_lock(&f->lock);
    *out = f->status;
    pthread_mutex_unlock(&f->lock);
}

void follower_want(struct follower *f, uint32_t release)
{
    pthread_mutex_lock(&f->lock);
    bool taken = wants_add(&f->wants, release, vx_clock_ms());
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
    if (!taken)
        f->setup.on_older(f->setup.ctx, release, NULL);
}
