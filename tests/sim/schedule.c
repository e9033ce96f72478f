/* A schedule: from a seed to a verdict.
 *
 *     draw the mix ── steps: one thing happens somewhere, then the checks ── faults end, everything heals ── what is due
 *                                                                                                             is there */
#include <stdio.h>
#include <string.h>

#include "world.h"

enum { QUIET_ROUNDS = 4000 };

static struct sim_world world; /* large; one at a time */

static bool is_awake(const struct sim_router *r)
{
    return r->up && r->world->now_ms >= r->frozen_ms;
}

/* --- what goes wrong ---------------------------------------------------------------------------------------------- */

static void publish(struct sim_world *w)
{
    struct sim_etcd *e = &w->etcd;
    if (e->published + 1 < SIM_RELEASES && chance(w, w->mix.publish)) {
        uint32_t release = (uint32_t)++e->published;
        if (w->mix.bad && release > 1 && draw(w, 4) == 0)
            e->bad |= 1u << release;
        etcd_point(w, release);
    } else if (chance(w, w->mix.rollback)) {
        etcd_point(w, 1 + draw(w, (uint32_t)e->published));
    } else if (chance(w, w->mix.restore)) {
        etcd_restore(w);
    }
    if (!w->second && chance(w, w->mix.appear * 8)) {
        w->second = true;
        TRACE(w, "source topic %s is made", sim_sources[1]);
    }
    if (chance(w, w->mix.etcd_away))
        e->away = !e->away;
}

static void kill_producer(struct sim_world *w, struct sim_router *r)
{
    int count = 0;
    for (rd_kafka_t *rk = r->clients; rk; rk = rk->next)
        count += rk->conf.on_report != NULL;
    count = (int)draw(w, (uint32_t)count);
    for (rd_kafka_t *rk = r->clients; rk; rk = rk->next)
        if (rk->conf.on_report && count-- == 0)
            broker_break(rk);
}

static void disturb(struct sim_world *w, struct sim_router *r)
{
    if (r->up && chance(w, w->mix.crash)) {
        router_crash(r);
    } else if (is_awake(r) && chance(w, w->mix.freeze)) {
        r->frozen_ms = w->now_ms + draw(w, 2000);
        TRACE(w, "router %d is frozen until %d ms", r->number, (int)r->frozen_ms);
    } else if (chance(w, r->up && w->now_ms >= r->frozen_ms ? w->mix.expire : w->mix.expire * 8)) {
        group_expire(r);
    } else if (r->up && chance(w, w->mix.kill_producer)) {
        kill_producer(w, r);
    } else if (is_awake(r) && chance(w, w->mix.renew)) {
        TRACE(w, "router %d: its producers are to be made anew", r->number);
        for (int i = 0; i < w->mix.workers; i++)
            worker_renew(r->workers[i], &r->settings.kafka);
    }
    if (is_awake(r) && of16(w, w->mix.shift))
        consumer_shift(r);
    if (chance(w, w->mix.missing))
        broker_toggle(w, (int)draw(w, SIM_DLQ));
    if (chance(w, w->mix.grow))
        broker_grow(w, (int)draw(w, SIM_DLQ));
}

/* --- what happens anyway ------------------------------------------------------------------------------------------ */

static void revive(struct sim_router *r)
{
    if (!r->up && r->world->now_ms >= r->up_ms)
        router_begin(r);
}

/* One thing that a router does, or that happens to it. */
static void move_router(struct sim_world *w, struct sim_router *r)
{
    revive(r);
    switch (draw(w, 8)) {
    case 0:
    case 1:
    case 2:
        if (is_awake(r) && !of16(w, w->mix.slow))
            worker_pass(r, w->mix.workers > 1 ? (int)draw(w, (uint32_t)w->mix.workers) : 0);
        break;
    case 3:
        if (is_awake(r))
            consumer_pass(r);
        break;
    case 4:
        if (is_awake(r)) {
            follower_hear(r);
            follower_pass(r);
        }
        break;
    case 5:
        if (r->up && draw(w, 4) == 0)
            follower_written(r);
        if (is_awake(r))
            threads_pass(r, false);
        if (r->up && draw(w, 4) == 0)
            group_tell_lost(r);
        group_serve(r);
        break;
    default:
        broker_move(r);
    }
}

static void step(struct sim_world *w)
{
    struct sim_router *r = &w->routers[draw(w, (uint32_t)w->mix.routers)];
    sim_now = r;
    w->step++;
    w->now_ms += draw(w, 12);
    switch (draw(w, 10)) {
    case 0:
        broker_write(w);
        break;
    case 1:
        group_balance(w);
        if (draw(w, 4) == 0)
            broker_ghost(w);
        break;
    case 2:
        publish(w);
        disturb(w, r);
        break;
    default:
        move_router(w, r);
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void heal(struct sim_world *w)
{
    TRACE(w, "everything heals");
    w->quiet = w->second = true;
    w->etcd.away = false;
    for (int t = 0; t < SIM_TOPICS; t++)
        if (w->destinations[t].missing)
            broker_toggle(w, t);
    w->mix.move = 0;
    w->mix.commit_lost = w->mix.commit_late = w->mix.early = w->mix.watch_lost = w->mix.watch_late = w->mix.slow = 0;
    for (int i = 0; i < w->mix.routers; i++) {
        w->routers[i].frozen_ms = 0;
        w->routers[i].up_ms = 0;
        revive(&w->routers[i]);
    }
    etcd_point(w, SIM_RELEASES);
}

static bool is_over(const struct sim_world *w)
{
    for (int i = 0; i < w->mix.partitions; i++)
        if (w->partitions[i].checked < w->partitions[i].count)
            return false;
    return true;
}

static void quiet_round(struct sim_world *w)
{
    w->step++;
    w->now_ms += w->step > w->mix.steps + 300 ? 100 : 20;
    group_balance(w);
    broker_ghost(w);
    for (int i = 0; i < w->mix.routers && !w->failed; i++) {
        struct sim_router *r = sim_now = &w->routers[i];
        group_tell_lost(r);
        follower_hear(r);
        follower_pass(r);
        follower_written(r);
        threads_pass(r, true);
        for (int n = 0; n < w->mix.workers; n++)
            worker_pass(r, n);
        for (int n = 0; n < 8 && broker_move(r); n++)
            ;
        for (int n = 0; n < w->mix.workers; n++)
            worker_pass(r, n);
        consumer_pass(r);
        group_serve(r);
    }
}

/* A planted error of changes of delivery needs a family that changes it. */
static unsigned choose_family(struct sim_world *w)
{
    if (w->bug != BUG_SWAP_HANDED && w->bug != BUG_SWAP_UNSAID)
        return draw(w, SIM_FAMILIES);
    return draw(w, SIM_FAMILIES / 16) * 16 + 12 + draw(w, 4);
}

static void begin(uint64_t seed, enum sim_bug bug, bool trace)
{
    struct sim_world *w = &world;
    struct metrics *metrics = w->metrics;
    *w = (struct sim_world){.seed = seed, .state = seed * 0xD1342543DE82EF95u + 1, .bug = bug, .trace = trace};
    w->metrics = metrics;
    w->now_ms = 10000;
    draw_mix(w);
    w->family = sim_family(choose_family(w));
    for (int i = 0; i < SIM_PARTITIONS; i++) {
        struct sim_partition *p = &w->partitions[i];
        p->committed = -1;
        p->source = w->family->patterns && i > 0;
        for (int k = 0; k < SIM_LINES; k++)
            p->last[k] = -1;
    }
    for (int t = 0; t < SIM_TOPICS; t++)
        w->destinations[t].spread = t == SIM_DLQ ? 1 : w->mix.spread;
    w->etcd.published = 1;
    etcd_point(w, 1);
    for (int i = 0; i < w->mix.routers; i++) {
        w->routers[i].world = w;
        w->routers[i].number = i;
        router_begin(&w->routers[i]);
    }
}

void sim_run(uint64_t seed, enum sim_bug bug, bool trace, struct sim_result *out)
{
    struct sim_world *w = &world;
    begin(seed, bug, trace);
    while (w->step < w->mix.steps && !w->failed)
        step(w);
    if (!w->failed)
        heal(w);
    for (int i = 0; i < QUIET_ROUNDS && !w->failed && !is_over(w); i++)
        quiet_round(w);
    if (!w->failed)
        check_end(w);
    *out = (struct sim_result){.failed = w->failed,
                               .steps = w->step,
                               .appended = w->appended,
                               .duplicates = w->duplicates,
                               .unsure = w->unsure,
                               .excused = w->excused,
                               .moved = w->moved};
    memcpy(out->failure, w->failure, sizeof out->failure);
    for (int i = 0; i < w->mix.routers; i++) {
        router_free(&w->routers[i]);
        vx_buf_done(&w->routers[i].copy);
    }
}

void sim_init(void)
{
    world.metrics = metrics_new(SIM_WORKERS);
}

void sim_done(void)
{
    hooks_done();
    metrics_free(world.metrics);
    sim_families_free();
}
