/* Random conditions and events for the rule index. One thread. */
#ifndef VX_TESTS_UNIT_PLAN_INDEX_RANDOM_H
#define VX_TESTS_UNIT_PLAN_INDEX_RANDOM_H

#include "core/base/arena.h"
#include "core/cel/cel.h"
#include "index_case.h"

enum { KIDS_MAX = 3, MEMBERS_MAX = 10, HEADERS_MAX = 4, RULES_MAX = 300 };

/* A condition, as a tree that can be made smaller. */
struct term {
    char kind; /* 'a' atom, '&', '|', '!', '?', '=' (kid == true) */
    const char *text;
    struct term *kids[KIDS_MAX];
    int count;
};

struct random_event {
    const char *members[MEMBERS_MAX];
    int member_count;
    const char *whole; /* instead of an object; NULL: the members */
    bool tombstone;
    struct cel_header headers[HEADERS_MAX];
    int header_count;
    struct vx_span key;
    const char *topic;
    int32_t partition;
    int64_t offset, timestamp_ms;
};

struct random_rules {
    struct term *terms[RULES_MAX];
    uint32_t count;
    bool all;
    uint32_t over; /* from this one on they are of another routing, to which the one before hands over; 0: none are */
    struct term *hands; /* where this holds; NULL: always */
};

/* A number below `below`. */
uint32_t index_draw(struct index_draw *d, uint32_t below);

/* A condition of at most that depth, which the checker may refuse; `regexes`: some with matches(). */
struct term *random_term(struct index_draw *d, struct vx_arena *arena, int depth, bool regexes);
void term_print(const struct term *term, struct vx_buf *out);

void random_event_make(struct index_draw *d, struct vx_arena *arena, struct random_event *ev);
/* Its value, as JSON. */
void random_event_print(const struct random_event *ev, struct vx_buf *out);

#endif
