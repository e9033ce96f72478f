/* The heap. See agenda.h. Thread: its owner's. Invariant: no entry is due before the one above it, and each knows its
 * place. */
#include "router/io/agenda.h"

#include <stdlib.h>

#include "core/base/err.h"

static void set(struct agenda *a, size_t place, struct agenda_entry *e)
{
    a->at[place - 1] = e;
    e->place = place;
}

static struct agenda_entry *get(const struct agenda *a, size_t place)
{
    return a->at[place - 1];
}

static void rise(struct agenda *a, struct agenda_entry *e)
{
    size_t place = e->place;
    for (; place > 1 && e->due_ms < get(a, place / 2)->due_ms; place /= 2)
        set(a, place, get(a, place / 2));
    set(a, place, e);
}

static void sink(struct agenda *a, struct agenda_entry *e)
{
    size_t place = e->place;
    for (size_t below; (below = place * 2) <= a->count; place = below) {
        if (below < a->count && get(a, below + 1)->due_ms < get(a, below)->due_ms)
            below++;
        if (get(a, below)->due_ms >= e->due_ms)
            break;
        set(a, place, get(a, below));
    }
    set(a, place, e);
}

void agenda_put(struct agenda *a, struct agenda_entry *e, int64_t due_ms)
{
    e->due_ms = due_ms;
    if (e->place == 0) {
        if (a->count == a->room) {
            a->room = a->room ? a->room * 2 : 64;
            a->at = realloc(a->at, a->room * sizeof(struct agenda_entry *));
            vx_assert(a->at != NULL);
        }
        set(a, ++a->count, e);
    }
    rise(a, e);
    sink(a, e);
}

void agenda_drop(struct agenda *a, struct agenda_entry *e)
{
    if (e->place == 0)
        return;
    struct agenda_entry *last = get(a, a->count--);
    if (last != e) {
        set(a, e->place, last);
        rise(a, last);
        sink(a, last);
    }
    e->place = 0;
}

struct agenda_entry *agenda_first(const struct agenda *a)
{
    return a->count ? a->at[0] : NULL;
}

void agenda_done(struct agenda *a)
{
    free(a->at);
    *a = (struct agenda){0};
}
