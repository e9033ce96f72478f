/* etcd, and each router's follower: the thread that asks follow.h what to do and does it.
 *
 *     pointer ──watch: late, twice, not at all──> follow_pointer ──follow_next──> load ──follow_loaded──> mail to the worker
 *        └─────────re-read now and then─────────────┘                                                 └─> the copy on disk
 *
 * A restore sets the pointer back to what it was; what is published after it has generations that were there before. */
#include <stdio.h>
#include <string.h>

#include "router/follow/cache.h"
#include "world.h"

enum { CLUSTER = 77, HISTORY = 64, REREAD_MS = 3000, LIST_MS = 2000 };

static void tell(struct sim_router *r, const struct follow_pointer *p)
{
    struct sim_world *w = r->world;
    struct sim_watch *watch = &r->watch;
    for (int n = of16(w, w->mix.watch_lost) ? 0 : of16(w, w->mix.watch_lost) ? 2 : 1; n > 0; n--)
        if (watch->count < 16)
            watch->at[watch->count++] = *p;
}

static void set_pointer(struct sim_world *w, struct follow_pointer p)
{
    struct sim_etcd *e = &w->etcd;
    e->now = p;
    if (e->history_count < HISTORY)
        e->history[e->history_count++] = p;
    if (p.generation > e->highest)
        e->highest = p.generation;
    TRACE(w, "etcd: pointer is generation %d, release %u", (int)p.generation, p.release);
    for (int i = 0; i < w->mix.routers; i++)
        if (w->routers[i].up)
            tell(&w->routers[i], &p);
}

void etcd_point(struct sim_world *w, uint32_t release)
{
    struct sim_etcd *e = &w->etcd;
    if (e->history_count == HISTORY)
        return;
    uint64_t generation = w->quiet ? e->highest + 1 : e->now.generation + 1;
    set_pointer(w, (struct follow_pointer){.generation = generation, .release = release, .cluster_id = CLUSTER});
}

void etcd_restore(struct sim_world *w)
{
    struct sim_etcd *e = &w->etcd;
    if (e->history_count < 2 || e->history_count == HISTORY)
        return;
    struct follow_pointer p = e->history[draw(w, (uint32_t)e->history_count - 1)];
    if (p.generation >= e->now.generation)
        return;
    TRACE(w, "etcd: a snapshot is restored");
    set_pointer(w, p);
}

/* --- the follower ------------------------------------------------------------------------------------------------ */

static bool load_copy(struct sim_router *r, struct cache_copy *copy, struct vx_arena *arena)
{
    struct vx_span text = vx_buf_view(&r->copy);
    if (r->world->bug != BUG_TORN_COPY)
        return cache_load(text, "sim", arena, copy);
    /* believes what stands there */
    unsigned long release, generation;
    const char *at = strstr(vx_buf_text(&r->copy), "\npointer ");
    if (!at || sscanf(at, "\npointer %lu %lu", &release, &generation) != 2)
        return false;
    copy->pointer =
        (struct follow_pointer){.release = (uint32_t)release, .generation = generation, .cluster_id = CLUSTER};
    return true;
}

void follower_begin(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct cache_copy copy = {0};
    struct vx_arena arena = {0};
    follow_init(&r->follow, w->now_ms, draw(w, UINT32_MAX));
    r->wants = (struct wants){0};
    r->watch.count = 0;
    r->loading = r->loading_older = false;
    r->obeyed = 0;
    r->writing.generation = 0;
    r->reread_ms = w->now_ms;
    if (r->copy.len && load_copy(r, &copy, &arena)) {
        TRACE(w, "router %d has a copy of release %u, generation %d", r->number, copy.pointer.release,
              (int)copy.pointer.generation);
        follow_has_copy(&r->follow, &copy.pointer);
        r->obeyed = copy.pointer.generation;
        check_copy(r, &copy.pointer);
    }
    vx_arena_done(&arena);
}

static void obey(struct sim_router *r, const struct follow_pointer *p)
{
    struct sim_world *w = r->world;
    enum follow_verdict verdict = follow_pointer(&r->follow, p, w->now_ms);
    TRACE(w, "router %d hears of generation %d, release %u: %s", r->number, (int)p->generation, p->release,
          verdict == FOLLOW_NEW    ? "new"
          : verdict == FOLLOW_SAME ? "nothing new"
          : verdict == FOLLOW_FELL ? "fell"
                                   : "missing");
    if (w->bug == BUG_OLD_POINTER && verdict == FOLLOW_FELL) {
        r->follow.known = *p;
        r->follow.alarm = FOLLOW_SAME;
    }
}

bool follower_hear(struct sim_router *r)
{
    struct sim_world *w = r->world;
    struct sim_watch *watch = &r->watch;
    if (w->etcd.away)
        return false;
    if (watch->count && !(watch->count == 1 && of16(w, w->mix.watch_late))) {
        struct follow_pointer p = watch->at[0];
        memmove(watch->at, watch->at + 1, (size_t)--watch->count * sizeof p);
        obey(r, &p);
        return true;
    }
    if (w->now_ms < r->reread_ms)
        return false;
    r->reread_ms = w->now_ms + REREAD_MS / 2 + draw(w, REREAD_MS);
    obey(r, &w->etcd.now);
    return true;
}

static struct table *at_hand(struct sim_router *r, uint32_t release)
{
    return release >= 1 && release <= SIM_RELEASES ? table_ref(r->world->family->tables[release]) : NULL;
}

static void on_topics(void *ctx, const struct vx_strings *topics)
{
    subscription_list(((struct sim_router *)ctx)->subscription, topics);
}

static void post(struct sim_router *r, uint32_t release, uint64_t generation)
{
    struct table *t = at_hand(r, release);
    for (int i = 0; i < r->world->mix.workers; i++)
        worker_post(r->workers[i], adoption_new(table_ref(t), generation, r->world->metrics));
    subscription_admit(r->subscription);
    subscription_follow(r->subscription, t);
    destinations_list(r->destinations, table_has_patterns(t) ? LIST_MS : 0, on_topics);
    table_unref(t);
    TRACE(r->world, "router %d: release %u of generation %d is posted", r->number, release, (int)generation);
    check_adopted(r, release, generation);
}

/* The copy is being written; until then the old one is there. */
static void keep_copy(struct sim_router *r, const struct follow_pointer *p)
{
    follower_written(r);
    r->writing = *p;
}

void follower_written(struct sim_router *r)
{
    if (r->writing.generation == 0)
        return;
    const struct sim_family *f = r->world->family;
    uint32_t release = r->writing.release;
    struct store_entry entry = {.kind = "routing", .name = "in", .path = "sim.yaml", .line = 1};
    entry.text = vx_span_str(f->texts[release]);
    entry.size = entry.text.len;
    memcpy(entry.sha256, f->sha256[release], sizeof f->sha256[release]);
    struct cache_copy copy = {.pointer = r->writing, .entries = &entry, .entry_count = 1};
    r->copy.len = 0;
    cache_print(&r->copy, "sim", &copy);
    r->copy_generation = r->writing.generation;
    r->writing.generation = 0;
    TRACE(r->world, "router %d: the copy of release %u is on disk", r->number, release);
}

static enum follow_load fetch(struct sim_router *r, uint32_t release)
{
    struct sim_world *w = r->world;
    if (w->etcd.away)
        return FOLLOW_UNAVAILABLE;
    if (w->etcd.bad & 1u << release)
        return FOLLOW_BAD;
    if (!w->quiet && of16(w, w->mix.corrupt))
        return FOLLOW_CORRUPT;
    return FOLLOW_LOADED;
}

static void came(struct sim_router *r, uint32_t release, bool there)
{
    struct table *t = there ? at_hand(r, release) : NULL;
    for (int i = 0; i < r->world->mix.workers; i++)
        worker_post_older(r->workers[i], release, t ? adoption_new(table_ref(t), 0, r->world->metrics) : NULL);
    table_unref(t);
    TRACE(r->world, "router %d: the older release %u %s", r->number, release, there ? "came" : "is not to be had");
}

static void loaded_older(struct sim_router *r)
{
    enum follow_load how = fetch(r, r->want.release);
    r->loading_older = false;
    if (how != FOLLOW_UNAVAILABLE)
        came(r, r->want.release, how == FOLLOW_LOADED);
    else if (!wants_again(&r->wants, &r->want, r->world->now_ms))
        came(r, r->want.release, false);
}

static void loaded(struct sim_router *r)
{
    uint32_t release = r->wanted.release;
    enum follow_load how = fetch(r, release);
    r->loading = false;
    bool run = follow_loaded(&r->follow, release, r->wanted.generation, how, how == FOLLOW_LOADED ? NULL : "no",
                             r->world->now_ms);
    TRACE(r->world, "router %d: release %u %s", r->number, release,
          run                         ? "is loaded"
          : how == FOLLOW_LOADED      ? "is loaded and not wanted any more"
          : how == FOLLOW_UNAVAILABLE ? "cannot be had now"
                                      : "is rejected");
    if (!run)
        return;
    post(r, release, r->follow.running_generation);
    keep_copy(r, &r->wanted);
}

static void run_copy(struct sim_router *r)
{
    struct follow_pointer p = r->follow.copy;
    bool ok = p.release >= 1 && p.release <= SIM_RELEASES;
    follow_copied(&r->follow, ok);
    if (ok)
        post(r, p.release, p.generation);
}

void follower_want_older(struct sim_router *r, uint32_t release)
{
    TRACE(r->world, "router %d wants the older release %u", r->number, release);
    if (!wants_add(&r->wants, release, r->world->now_ms))
        came(r, release, false);
}

void follower_pass(struct sim_router *r)
{
    struct sim_world *w = r->world;
    if (r->loading || r->loading_older) {
        if (w->now_ms < r->load_ms)
            return;
        if (r->loading)
            loaded(r);
        else
            loaded_older(r);
        return;
    }
    struct follow_action action = follow_next(&r->follow, w->now_ms);
    r->load_ms = w->now_ms + draw(w, 200);
    switch (action.what) {
    case FOLLOW_WAIT:
        r->loading_older = wants_take(&r->wants, w->now_ms, &r->want, &action.until_ms);
        break;
    case FOLLOW_LOAD:
        r->loading = true;
        r->wanted = r->follow.known;
        break;
    case FOLLOW_COPY:
        run_copy(r);
        break;
    case FOLLOW_MOVE:
        if (!follow_moved(&r->follow, action.generation, w->etcd.away ? FOLLOW_LOOKED_AWAY : FOLLOW_LOOKED_SAME,
                          w->now_ms))
            break;
        r->obeyed = action.generation > r->obeyed ? action.generation : r->obeyed;
        keep_copy(r, &r->follow.known);
    }
}
