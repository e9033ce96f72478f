/* Lists whose order means something: the longest run of what kept its order stays, the rest moved, came or went. No state;
 * any one thread.
 */
#include "core/config/diff_order.h"

#include <stdlib.h>

#include "core/base/err.h"

static void *new_array(size_t count, size_t size)
{
    void *array = calloc(count + 1, size);
    vx_assert(array != NULL);
    return array;
}

struct named {
    struct vx_span name;
    int index;
};

static int compare_named(const void *a, const void *b)
{
    return vx_span_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct vx_span name_of(const struct config_node *item)
{
    const struct config_node *name = config_node_find(item, "name");
    return name ? name->text : (struct vx_span){0};
}

/* For each item of `b` the index of its namesake in `a`, or -1. */
static void match_names(const struct config_node *a, size_t a_count, const struct config_node *b, size_t b_count,
                        int *out)
{
    struct named *names = new_array(a_count, sizeof *names);
    for (size_t i = 0; i < a_count; i++)
        names[i] = (struct named){name_of(&a->items[i]), (int)i};
    qsort(names, a_count, sizeof *names, compare_named);
    for (size_t i = 0; i < b_count; i++) {
        struct named key = {name_of(&b->items[i]), 0};
        const struct named *found = a_count ? bsearch(&key, names, a_count, sizeof key, compare_named) : NULL;
        out[i] = found ? found->index : -1;
    }
    free(names);
}

/* Marks in `kept` one longest increasing subsequence of values[i] >= 0 (patience sorting, M. Fredman 1975). */
static void keep_increasing(const int *values, size_t count, bool *kept)
{
    int *tails = new_array(count, sizeof *tails); /* index of the smallest last value of a run of that length */
    int *before = new_array(count, sizeof *before);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] < 0)
            continue;
        size_t low = 0, high = length;
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (values[tails[mid]] < values[i])
                low = mid + 1;
            else
                high = mid;
        }
        before[i] = low > 0 ? tails[low - 1] : -1;
        tails[low] = (int)i;
        length += low == length;
    }
    for (int i = length > 0 ? tails[length - 1] : -1; i >= 0; i = before[i])
        kept[i] = true;
    free(tails);
    free(before);
}

/* All pairs in the order of b, what is only in a before the first kept item that followed it. */
static struct order_pair *merge(const int *match, const bool *kept, size_t a_count, size_t b_count, size_t *count)
{
    struct order_pair *pairs = new_array(a_count + b_count, sizeof *pairs);
    bool *matched = new_array(a_count, sizeof *matched);
    size_t n = 0, next = 0;
    for (size_t i = 0; i < b_count; i++) {
        if (match[i] >= 0)
            matched[match[i]] = true;
    }
    for (size_t i = 0; i <= b_count; i++) {
        size_t until = i == b_count ? a_count : kept[i] ? (size_t)match[i] : next;
        for (; next < until; next++) {
            if (!matched[next])
                pairs[n++] = (struct order_pair){(int)next, -1, false};
        }
        if (i < b_count)
            pairs[n++] = (struct order_pair){match[i], (int)i, match[i] >= 0 && !kept[i]};
    }
    free(matched);
    *count = n;
    return pairs;
}

struct order_pair *order_by_name(const struct config_node *a, const struct config_node *b, size_t *count)
{
    size_t a_count = a ? a->count : 0, b_count = b ? b->count : 0;
    int *match = new_array(b_count, sizeof *match);
    bool *kept = new_array(b_count, sizeof *kept);
    match_names(a, a_count, b, b_count, match);
    keep_increasing(match, b_count, kept);
    struct order_pair *pairs = merge(match, kept, a_count, b_count, count);
    free(match);
    free(kept);
    return pairs;
}

/* A longest common subsequence by the usual table: match[i] for items of b. */
static void align(const struct config_node *a, size_t a_count, const struct config_node *b, size_t b_count,
                  bool (*equal)(const struct config_node *, const struct config_node *), int *match, bool *kept)
{
    size_t width = b_count + 1;
    int *table = new_array((a_count + 1) * width, sizeof *table);
    for (size_t i = a_count; i-- > 0;) {
        for (size_t k = b_count; k-- > 0;) {
            int skip_a = table[(i + 1) * width + k], skip_b = table[i * width + k + 1];
            int *cell = &table[i * width + k];
            *cell = skip_a > skip_b ? skip_a : skip_b;
            if (equal(&a->items[i], &b->items[k]) && table[(i + 1) * width + k + 1] + 1 > *cell)
                *cell = table[(i + 1) * width + k + 1] + 1;
        }
    }
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        if (equal(&a->items[i], &b->items[k]) && table[i * width + k] == table[(i + 1) * width + k + 1] + 1) {
            match[k] = (int)i++;
            kept[k++] = true;
        } else if (table[(i + 1) * width + k] >= table[i * width + k + 1]) {
            i++;
        } else {
            k++;
        }
    }
    free(table);
}

struct order_pair *order_by_value(const struct config_node *a, const struct config_node *b,
                                  bool (*equal)(const struct config_node *, const struct config_node *),
                                  bool (*same)(const struct config_node *, const struct config_node *), size_t *count)
{
    size_t a_count = a ? a->count : 0, b_count = b ? b->count : 0;
    int *match = new_array(b_count, sizeof *match);
    bool *kept = new_array(b_count, sizeof *kept), *taken = new_array(a_count, sizeof *taken);
    for (size_t k = 0; k < b_count; k++)
        match[k] = -1;
    align(a, a_count, b, b_count, equal, match, kept);
    for (size_t k = 0; k < b_count; k++) {
        if (match[k] >= 0)
            taken[match[k]] = true;
    }
    for (size_t k = 0; k < b_count; k++) { /* equal, but elsewhere: moved */
        for (size_t i = 0; i < a_count && match[k] < 0; i++) {
            if (!taken[i] && equal(&a->items[i], &b->items[k])) {
                match[k] = (int)i;
                taken[i] = true;
            }
        }
    }
    size_t next = 0;                       /* the first item of a behind the last kept one */
    for (size_t k = 0; k < b_count; k++) { /* of the same kind between the same neighbours: changed */
        if (kept[k]) {
            next = (size_t)match[k] + 1;
            continue;
        }
        size_t stop = next;
        while (stop < a_count && !taken[stop])
            stop++;
        for (size_t i = next; i < stop && match[k] < 0; i++) {
            if (same(&a->items[i], &b->items[k])) {
                match[k] = (int)i;
                kept[k] = taken[i] = true;
                next = i + 1;
            }
        }
    }
    struct order_pair *pairs = merge(match, kept, a_count, b_count, count);
    free(match);
    free(kept);
    free(taken);
    return pairs;
}
