/* The bookkeeping of feed. See ledger.h. Pure, one thread. */
#include "configsvc/cli/dev/ledger.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/hash.h"

enum { NO_LINE = UINT32_MAX };

void ledger_done(struct ledger *l)
{
    free(l->records);
    free(l->lines);
    vx_arena_done(&l->arena);
    *l = (struct ledger){0};
}

uint64_t ledger_hash(struct vx_span topic, struct vx_span key, struct vx_span value)
{
    /* No key and an empty key, no value and an empty value, are different records. */
    uint64_t parts[] = {vx_hash64(topic), key.at ? vx_hash64(key) : 1, value.at ? vx_hash64(value) : 1};
    uint64_t hash = vx_hash64(vx_span((const char *)parts, sizeof parts));
    return hash ? hash : 1;
}

static struct ledger_record *find(struct ledger_record *records, size_t room, uint64_t hash)
{
    size_t i = hash & (room - 1);
    while (records[i].hash && records[i].hash != hash)
        i = (i + 1) & (room - 1);
    return &records[i];
}

static struct ledger_record *record_of(struct ledger *l, uint64_t hash)
{
    if ((l->used + 1) * 2 > l->room) {
        size_t room = l->room ? l->room * 2 : 1024;
        struct ledger_record *grown = calloc(room, sizeof *grown);
        vx_assert(grown != NULL);
        for (size_t i = 0; i < l->room; i++)
            if (l->records[i].hash)
                *find(grown, room, l->records[i].hash) = l->records[i];
        free(l->records);
        l->records = grown;
        l->room = room;
    }
    struct ledger_record *r = find(l->records, l->room, hash);
    if (!r->hash) {
        *r = (struct ledger_record){.hash = hash, .line = NO_LINE};
        l->used++;
    }
    return r;
}

static uint32_t line_of(struct ledger *l, uint32_t rule, struct vx_span topic, bool dead_letter)
{
    for (size_t i = 0; i < l->line_count; i++)
        if (l->lines[i].rule == rule && vx_span_is(topic, l->lines[i].topic))
            return (uint32_t)i;
    if (l->line_count == l->line_room) {
        l->line_room = l->line_room ? l->line_room * 2 : 32;
        l->lines = realloc(l->lines, l->line_room * sizeof *l->lines);
        vx_assert(l->lines != NULL);
    }
    l->lines[l->line_count] =
        (struct ledger_line){.topic = vx_arena_span(&l->arena, topic).at, .dead_letter = dead_letter, .rule = rule};
    return (uint32_t)l->line_count++;
}

void ledger_expect(struct ledger *l, uint32_t rule, struct vx_span topic, bool dead_letter, uint64_t hash)
{
    struct ledger_record *r = record_of(l, hash);
    uint32_t line = line_of(l, rule, topic, dead_letter);
    if (r->line == NO_LINE)
        r->line = line;
    l->lines[line].expected++;
    if (++r->expected > r->seen)
        l->missing++;
}

void ledger_see(struct ledger *l, uint64_t hash)
{
    struct ledger_record *r = record_of(l, hash);
    if (r->seen++ < r->expected)
        l->missing--;
}

void ledger_sum(struct ledger *l, struct ledger_sum *out)
{
    *out = (struct ledger_sum){0};
    for (size_t i = 0; i < l->line_count; i++)
        l->lines[i].seen = l->lines[i].expected;
    for (size_t i = 0; i < l->room; i++) {
        const struct ledger_record *r = &l->records[i];
        uint64_t arrived = r->seen < r->expected ? r->seen : r->expected;
        out->expected += r->expected;
        out->arrived += arrived;
        out->lost += r->expected - arrived;
        if (r->line != NO_LINE)
            l->lines[r->line].seen -= r->expected - arrived;
        if (r->expected)
            out->doubled += r->seen - arrived;
        else
            out->unexpected += r->seen;
    }
}
