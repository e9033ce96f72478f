/* Sorting keys. Any thread; nothing allocates. */
#include <stdlib.h>

#include "core/cel/analysis/key.h"

static int by_key(const void *a, const void *b)
{
    return cel_key_compare(a, b);
}

uint32_t cel_keys_sort(struct cel_key *keys, uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1)
        qsort(keys, count, sizeof *keys, by_key);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || !cel_key_equal(&keys[kept - 1], &keys[i]))
            keys[kept++] = keys[i];
    }
    return kept;
}
