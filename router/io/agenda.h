/* The agenda: what is due when, the earliest first. A binary heap (J. W. J. Williams, 1964) of entries that live in their
 * owners' structures: to put one down, move it or take it off costs the logarithm of how many there are, to look at the
 * first one nothing.
 *
 * Pure: time is a number.
 */
#ifndef ROUTER_IO_AGENDA_H
#define ROUTER_IO_AGENDA_H

#include <stddef.h>
#include <stdint.h>

struct agenda_entry {
    int64_t due_ms; /* monotonic */
    size_t place;   /* in the heap, from 1; 0: not on the agenda */
};

struct agenda {
    struct agenda_entry **at; /* owned; the entries are borrowed */
    size_t count, room;
};

/* Puts an entry down for that time; one that is on the agenda moves. */
void agenda_put(struct agenda *a, struct agenda_entry *e, int64_t due_ms);
/* Takes it off, if it is on. */
void agenda_drop(struct agenda *a, struct agenda_entry *e);
/* The one that is due first; NULL: nothing is. */
struct agenda_entry *agenda_first(const struct agenda *a);
void agenda_done(struct agenda *a);

#endif
