/* See destination.h. Thread: destination_take() under the registry's lock; destination_resize() any. */
#include "router/io/destination.h"

static bool is_known(const struct destination_id *id)
{
    return id->high || id->low;
}

static bool is_other(const struct destination_id *was, const struct destination_id *is)
{
    return is_known(was) && is_known(is) && (was->high != is->high || was->low != is->low);
}

/* True: it has fewer. The number first: whoever sees the new incarnation sees it, too. */
static bool resize(struct destination *e, int partition_count)
{
    return atomic_exchange(&e->partition_count, partition_count) > partition_count;
}

void destination_resize(struct destination *e, int partition_count)
{
    if (resize(e, partition_count))
        atomic_fetch_add(&e->incarnation, 1);
}

bool destination_take(struct destination *e, const struct destination_answer *answer)
{
    if (answer->state == DESTINATION_UNKNOWN)
        return false;
    bool other = e->seen && (answer->gone || answer->state == DESTINATION_MISSING);
    if (other) {
        e->seen = false;
        e->id = (struct destination_id){0};
    }
    if (answer->state == DESTINATION_THERE) {
        other |= resize(e, answer->partition_count);
        other |= is_other(&e->id, &answer->id);
        if (is_known(&answer->id))
            e->id = answer->id;
        e->seen = true;
    }
    if (other)
        atomic_fetch_add(&e->incarnation, 1);
    return atomic_exchange(&e->state, (int)answer->state) != (int)answer->state || other;
}
