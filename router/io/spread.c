/* See spread.h. Any thread. */
#include "router/io/spread.h"

size_t spread_least(const struct spread_worker *at, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (at[i].moves > at[best].moves || (at[i].moves == at[best].moves && at[i].load < at[best].load))
            best = i;
    return best;
}

bool spread_is_uneven(const struct spread_worker *at, size_t count, size_t *from, size_t *to)
{
    size_t most = count, fewest = spread_least(at, count);
    for (size_t i = 0; i < count; i++)
        if (at[i].moves && (most == count || at[i].load > at[most].load))
            most = i;
    if (most == count || at[most].load < at[fewest].load + 2)
        return false;
    *from = most;
    *to = fewest;
    return true;
}
