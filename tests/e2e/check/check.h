/* veltrix-check's judgement: given what went into the source topics and what came out of the destinations, says what was
 * lost, doubled, reordered or routed other than the release named in the record would route it.
 *
 * Independent of the router's own counters: it sees records only. It shares core/plan's decide() on purpose (what a
 * release means has one definition; the golden tests check that definition); everything else is its own.
 *
 * Every source event carries a number in the header `check-id`, which the router carries over to all its outputs.
 */
#ifndef TESTS_E2E_CHECK_H
#define TESTS_E2E_CHECK_H

#include "core/plan/decide.h"

#define CHECK_ID_HEADER "check-id"
#define CHECK_RELEASE_HEADER "veltrix-release"

/* One record of Kafka, as read; all spans owned by whoever read it. */
struct check_record {
    struct vx_span topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    struct vx_span key;
    struct vx_span value;
    const struct cel_header *headers;
    size_t header_count;
};

struct check_verdict {
    uint64_t events;       /* source events with a number */
    uint64_t outputs;      /* records in destinations */
    uint64_t dead_letters; /* of those, dead letters */
    uint64_t refused;      /* of those, in the place of a record that a broker would not take */
    uint64_t lost;         /* events of which no release's outputs are all there */
    uint64_t duplicated;   /* records beyond one complete set of outputs per event */
    uint64_t out_of_order; /* first occurrences that stand behind a later event of their source partition */
    uint64_t moved;        /* first occurrences of events that another partition of that destination has already */
    uint64_t misrouted;    /* records that the release named in their header would not have made */
    uint64_t unknown;      /* records without a number, or with one that no source event has */
    uint64_t silent;       /* events without any output, rightly so under some release */
    struct {
        uint32_t release;
        uint64_t records;
    } releases[64]; /* records by the release in their header */
    size_t release_count;
};

struct check;
struct check *check_new(void);
void check_free(struct check *check);
/* `t` is release `number`; the reference is the caller's. */
void check_add_table(struct check *check, const struct table *t);
/* A source event, in order of offset within its partition. Borrowed until check_free(). */
void check_add_source(struct check *check, const struct check_record *record);
/* An output, in order of offset within its partition. Borrowed until check_free(). */
void check_add_output(struct check *check, const struct check_record *record);
/* Judges; calls `problem` with a sentence for each of the first 20 problems of a kind. */
void check_judge(struct check *check, struct check_verdict *out, void (*problem)(void *ctx, const char *text),
                 void *ctx);

#endif
