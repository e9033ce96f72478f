/* Chance: everything that is not decided by the product is drawn here. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "world.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
uint32_t draw(struct sim_world *w, uint32_t below)
{
    uint64_t z = (w->state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return below ? (uint32_t)((z >> 32) * below >> 32) : 0;
}

bool chance(struct sim_world *w, int of_1024)
{
    return of_1024 > 0 && (int)draw(w, 1024) < of_1024;
}

bool of16(struct sim_world *w, int n)
{
    return n > 0 && (int)draw(w, 16) < n;
}

/* Half of the faults are switched off in a schedule; the others come as often as drawn. */
static int some(struct sim_world *w, int max)
{
    return draw(w, 2) ? 1 + (int)draw(w, (uint32_t)max) : 0;
}

void draw_mix(struct sim_world *w)
{
    struct sim_mix *m = &w->mix;
    bool calm = draw(w, 16) == 0; /* nothing goes wrong at all */
    *m = (struct sim_mix){
        .routers = 1 + (int)draw(w, SIM_ROUTERS),
        .partitions = 1 + (int)draw(w, SIM_PARTITIONS),
        .events = 8 + (int)draw(w, SIM_EVENTS - 7),
        .steps = 100 + (int)draw(w, draw(w, 4) ? 800 : 3000),
        .window_events = draw(w, 4) ? 2 + (int)draw(w, 40) : 1,
        .window_bytes = draw(w, 4) ? 1 << 20 : 100 + (int)draw(w, 6000),
        .room = draw(w, 2) ? 1 + (int)draw(w, 30) : 0,
        .producers = draw(w, 4) ? 1 : 2 + (int)draw(w, 2),
        .spread = 1 + (int)draw(w, 3),
        .holes = some(w, 10),
        .far = draw(w, 4) == 0,
        .no_ids = draw(w, 4) == 0,
        .appear = draw(w, 2) ? 1 + (int)draw(w, 40) : 0,
        .publish = draw(w, 4) ? 1 + (int)draw(w, 60) : 0,
        .watch_late = (int)draw(w, 15),
        .slow = (int)draw(w, 14),
        .move = some(w, 40),
    };
    /* by the seed: a schedule of one worker draws the same as if there never were more */
    m->workers = w->seed % 2 ? 1 : 2 + (int)(w->seed / 2 % (SIM_WORKERS - 1));
    if (m->workers > 1)
        m->shift = 1 + (int)draw(w, 16);
    if (calm)
        return;
    m->refuse = some(w, 1);
    m->crash = some(w, 24);
    m->freeze = some(w, 24);
    m->expire = some(w, 20);
    m->kill_producer = some(w, 40);
    m->missing = some(w, 40);
    m->lookup = some(w, 8);
    m->grow = some(w, 20);
    m->renew = some(w, 10);
    m->rollback = some(w, 20);
    m->bad = some(w, 1);
    m->restore = draw(w, 4) == 0 ? 1 + (int)draw(w, 12) : 0;
    m->etcd_away = some(w, 30);
    m->corrupt = some(w, 4);
    m->watch_lost = some(w, 10);
    m->commit_lost = some(w, 8);
    m->early = some(w, 8);
    m->commit_late = some(w, 15);
    m->ends_unknown = some(w, 8);
    m->damage_copy = some(w, 8);
    m->duplicate_report = some(w, 6);
    m->full = some(w, 60);
}

void sim_trace(struct sim_world *w, const char *fmt, ...)
{
    va_list args;
    printf("%6ld %8" PRId64 " ms  ", w->step, w->now_ms);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}
