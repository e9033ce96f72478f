/* The course. See course.h. One thread at a time: the worker that owns the partition (course_print: a copy, the
 * consumer's).
 *
 * Why versions: between two acknowledgements several courses may have been sent, and any of them may be the one that the
 * next owner reads. They agree below the first leg that is newer than the acknowledged one, because a change never
 * touches what lies below it; so that is how far events may be decided.
 *
 * Invariants: legs ascend by `from`; `safe` <= `until`, and <= `from` of every leg that is not on record.
 */
#include "router/io/course.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MARK "veltrix "

void course_init(struct course *c, int64_t offset)
{
    *c = (struct course){.begin = offset, .reached = offset, .floor = offset, .safe = offset, .until = offset};
}

/* --- text -------------------------------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
};

static bool skip(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

static bool number(struct reader *r, uint64_t max, uint64_t *out)
{
    const char *start = r->at;
    uint64_t n = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        uint64_t digit = (uint64_t)(*r->at - '0');
        if (n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return r->at > start;
}

static bool leg(struct reader *r, const char *middle, struct course_leg *out)
{
    uint64_t release, generation;
    if (!number(r, UINT32_MAX, &release) || release == 0 || !skip(r, middle) || !number(r, UINT64_MAX, &generation))
        return false;
    out->release = (uint32_t)release;
    out->generation = generation;
    return true;
}

static bool later_leg(struct reader *r, struct course *c)
{
    uint64_t from;
    struct course_leg *l = &c->legs[c->count];
    if (c->count == COURSE_LEGS_MAX || !number(r, INT64_MAX, &from) || (int64_t)from < l[-1].from || !skip(r, ":"))
        return false;
    l->from = (int64_t)from;
    c->count++;
    return leg(r, ":", l);
}

static bool read(struct reader *r, struct course *c)
{
    uint64_t until, takeovers = 0, partitions = 0;
    if (!skip(r, MARK))
        return false;
    if (skip(r, "partitions=")) {
        if (!number(r, UINT32_MAX, &partitions) || partitions == 0)
            return false;
        c->partitions = (uint32_t)partitions;
        if (r->at == r->end) /* begun, and nothing decided */
            return true;
        if (!skip(r, " "))
            return false;
    }
    if (!skip(r, "release=") || !leg(r, " generation=", &c->legs[0]) || !skip(r, " until=") ||
        !number(r, INT64_MAX, &until))
        return false;
    c->until = (int64_t)until;
    c->count = 1;
    if (skip(r, " takeovers=") && !number(r, 1000, &takeovers))
        return false;
    c->takeovers = (unsigned)takeovers;
    if (skip(r, " then="))
        do
            if (!later_leg(r, c))
                return false;
        while (skip(r, ","));
    return r->at == r->end;
}

bool course_load(struct course *c, const char *text, size_t len, int64_t offset, int64_t end)
{
    struct reader r = {text, text + len};
    course_init(c, offset);
    c->legs[0].from = offset;
    if (len == 0 || !read(&r, c) || c->until < offset) {
        course_init(c, offset);
        return false;
    }
    c->safe = c->until;
    c->floor = end >= offset && end < c->until ? end : c->until;
    return true;
}

static size_t first_leg(const struct course *c, int64_t offset)
{
    size_t i = c->count;
    while (i > 1 && c->legs[i - 1].from > offset)
        i--;
    return i ? i - 1 : 0;
}

void course_print(const struct course *c, int64_t offset, int64_t until, char *out)
{
    size_t i = first_leg(c, offset);
    int n = 0;
    out[0] = '\0';
    if (c->partitions)
        n = snprintf(out, COURSE_TEXT_SIZE, MARK "partitions=%" PRIu32, c->partitions);
    if (c->count == 0)
        return;
    n +=
        snprintf(out + n, (size_t)(COURSE_TEXT_SIZE - n), "%srelease=%" PRIu32 " generation=%" PRIu64 " until=%" PRId64,
                 c->partitions ? " " : MARK, c->legs[i].release, c->legs[i].generation, until);
    if (c->takeovers && offset == c->begin)
        n += snprintf(out + n, (size_t)(COURSE_TEXT_SIZE - n), " takeovers=%u", c->takeovers);
    const char *before = " then=";
    for (i++; i < c->count; i++, before = ",")
        n += snprintf(out + n, (size_t)(COURSE_TEXT_SIZE - n), "%s%" PRId64 ":%" PRIu32 ":%" PRIu64, before,
                      c->legs[i].from, c->legs[i].release, c->legs[i].generation);
    vx_assert(n < COURSE_TEXT_SIZE);
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

bool course_turn(struct course *c, int64_t from, uint32_t release, uint64_t generation)
{
    size_t keep = c->count;
    while (keep > 0 && c->legs[keep - 1].from >= from)
        keep--;
    if (keep == COURSE_LEGS_MAX)
        return false;
    c->legs[keep] =
        (struct course_leg){.from = from, .release = release, .generation = generation, .version = ++c->version};
    c->count = keep + 1;
    if (c->safe > from)
        c->safe = from;
    return true;
}

bool course_take_over(struct course *c)
{
    if (c->takeovers >= COURSE_TAKEOVERS_MAX)
        return false;
    c->takeovers++;
    c->legs[0].version = ++c->version;
    c->safe = c->begin;
    return true;
}

void course_hand_over(struct course *c)
{
    if (c->takeovers == 0)
        return;
    c->takeovers--;
    c->version++;
}

uint32_t course_release(const struct course *c, int64_t offset)
{
    return c->count ? c->legs[first_leg(c, offset)].release : 0;
}

void course_raise_floor(struct course *c)
{
    if (c->floor < c->reached)
        c->floor = c->reached;
}

void course_recorded(struct course *c, uint64_t version, int64_t until)
{
    if (version < c->recorded)
        return;
    c->recorded = version;
    c->until = until;
    c->safe = until;
    for (size_t i = 0; i < c->count; i++)
        if (c->legs[i].version > version && c->legs[i].from < c->safe)
            c->safe = c->legs[i].from;
}

void course_drop(struct course *c, int64_t offset)
{
    size_t gone = first_leg(c, offset);
    if (gone == 0)
        return;
    c->count -= gone;
    memmove(c->legs, c->legs + gone, c->count * sizeof c->legs[0]);
}

bool course_names(const struct course *c, uint32_t release)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->legs[i].release == release)
            return true;
    return false;
}
