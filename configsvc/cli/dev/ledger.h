/* What should come out and what did: the bookkeeping of feed. Pure. One thread.
 *
 * Each record is a hash of topic, key and value. Expected and seen are counted per hash, in any order: an output may be
 * seen before its event's own delivery report says that it was sent.
 */
#ifndef VX_CLI_LEDGER_H
#define VX_CLI_LEDGER_H

#include "core/base/arena.h"
#include "core/base/span.h"

/* One line of the table: what one rule sent to one topic. */
struct ledger_line {
    const char *topic; /* NULL: dropped, filtered, or nothing to say */
    bool dead_letter;
    uint32_t rule;
    uint64_t expected, seen;
};

struct ledger_record {
    uint64_t hash;
    uint32_t line; /* the first line that expects it */
    uint64_t expected, seen;
};

struct ledger {
    struct ledger_record *records; /* open addressing, power of two; hash 0: free */
    size_t room, used;
    struct ledger_line *lines;
    size_t line_count, line_room;
    uint64_t missing; /* records expected and not yet seen */
    struct vx_arena arena;
};

/* Frees what it holds; a ledger of all zeroes is valid and empty. */
void ledger_done(struct ledger *l);
/* The hash of a record. */
uint64_t ledger_hash(struct vx_span topic, struct vx_span key, struct vx_span value);
/* `rule` sends this record. */
void ledger_expect(struct ledger *l, uint32_t rule, struct vx_span topic, bool dead_letter, uint64_t hash);
/* This record came out. */
void ledger_see(struct ledger *l, uint64_t hash);
/* Adds up: fills `seen` of every line; records that came too often, or that nobody expected. */
struct ledger_sum {
    uint64_t expected, arrived, lost, doubled, unexpected;
};
void ledger_sum(struct ledger *l, struct ledger_sum *out);

#endif
