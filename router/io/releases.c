/* See releases.h. The worker's thread. */
#include "router/io/releases.h"

#include <string.h>

static void drop(struct releases *r, size_t i)
{
    adoption_unref(r->older[i]);
    r->older_count--;
    memmove(&r->older[i], &r->older[i + 1], (r->older_count - i) * sizeof r->older[0]);
}

static void add_older(struct releases *r, struct adoption *a)
{
    if (r->older_count == RELEASES_OLDER_MAX)
        drop(r, 0);
    r->older[r->older_count++] = a;
}

bool releases_adopt(struct releases *r, struct adoption *a)
{
    uint32_t number = table_release(a->t);
    const struct adoption *before = releases_find(r, number);
    bool other = before ? table_content(before->t) != table_content(a->t) : number <= r->highest;
    if (r->highest < number)
        r->highest = number;
    if (r->now && table_release(r->now->t) != number)
        add_older(r, r->now);
    else
        adoption_unref(r->now);
    for (size_t i = r->older_count; i-- > 0;)
        if (table_release(r->older[i]->t) == number)
            drop(r, i);
    r->now = a;
    for (size_t i = 0; i < RELEASES_WANTED_MAX; i++)
        if (r->wanted[i].gone)
            r->wanted[i].release = 0;
    return other;
}

void releases_came(struct releases *r, uint32_t release, struct adoption *a)
{
    for (size_t i = 0; i < RELEASES_WANTED_MAX; i++)
        if (r->wanted[i].release == release)
            r->wanted[i] = (struct releases_want){.release = a ? 0 : release, .gone = true};
    if (a)
        add_older(r, a);
    if (a && r->highest < release)
        r->highest = release;
}

const struct adoption *releases_find(const struct releases *r, uint32_t release)
{
    if (r->now && table_release(r->now->t) == release)
        return r->now;
    for (size_t i = 0; i < r->older_count; i++)
        if (table_release(r->older[i]->t) == release)
            return r->older[i];
    return NULL;
}

enum lane_release releases_look(struct releases *r, uint32_t release, bool *ask)
{
    if (releases_find(r, release))
        return LANE_RELEASE_HERE;
    for (size_t i = 0; i < RELEASES_WANTED_MAX; i++)
        if (r->wanted[i].release == release)
            return r->wanted[i].gone ? LANE_RELEASE_GONE : LANE_RELEASE_COMING;
    r->wanted[r->wanted_count++ % RELEASES_WANTED_MAX] = (struct releases_want){.release = release};
    *ask = true;
    return LANE_RELEASE_COMING;
}

void releases_drop(struct releases *r, bool (*is_used)(void *ctx, uint32_t release), void *ctx)
{
    for (size_t i = r->older_count; i-- > 0;)
        if (!is_used(ctx, table_release(r->older[i]->t)))
            drop(r, i);
}

void releases_done(struct releases *r)
{
    adoption_unref(r->now);
    while (r->older_count)
        drop(r, r->older_count - 1);
    *r = (struct releases){0};
}
