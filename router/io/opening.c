/* See opening.h. Thread: the producer's. Invariant: while a partition's first record is on its way there is no other,
 * but for records that go unguarded (producer_send). */
#include "router/io/opening.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"

enum { NONE, FIRST, KNOWN };

static int state_of(const struct opening *o, int32_t partition)
{
    return partition >= 0 && partition < o->count ? o->states[partition] : NONE;
}

bool opening_is_first(const struct opening *o, int32_t partition)
{
    return state_of(o, partition) == FIRST;
}

bool opening_may(const struct opening *o, unsigned incarnation, int32_t partition)
{
    return incarnation == o->incarnation ? !opening_is_first(o, partition) : o->outstanding == 0;
}

static void grow(struct opening *o, int32_t partition)
{
    if (partition < o->count)
        return;
    int32_t count = partition + 1 > o->count * 2 ? partition + 1 : o->count * 2;
    o->states = realloc(o->states, (size_t)count);
    vx_assert(o->states != NULL);
    memset(o->states + o->count, NONE, (size_t)(count - o->count));
    o->count = count;
}

void opening_sent(struct opening *o, unsigned incarnation, int32_t partition)
{
    if (incarnation != o->incarnation && o->outstanding == 0) {
        if (o->count)
            memset(o->states, NONE, (size_t)o->count);
        o->incarnation = incarnation;
    }
    grow(o, partition);
    if (o->states[partition] == NONE)
        o->states[partition] = FIRST;
    o->outstanding++;
}

void opening_back(struct opening *o, int32_t partition, bool taken)
{
    o->outstanding--;
    if (opening_is_first(o, partition))
        o->states[partition] = taken ? KNOWN : NONE;
}

void opening_done(struct opening *o)
{
    free(o->states);
    *o = (struct opening){0};
}
