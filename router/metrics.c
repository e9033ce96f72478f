/* Counters. A registry from (family, label values) to a number under a lock, and shards of chunks that never move: a
 * chunk is published with one release store, so that its one writer and any scraper may use it without a lock.
 *
 * Thread: see the header. Owns all names and chunks. Invariant: a counter's chunk exists in every shard before its
 * number is handed out.
 */
#include "router/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/hash.h"

enum { CHUNKS_MAX = METRICS_COUNTERS_MAX / METRICS_CHUNK, BUCKETS = 4096 };

static const struct {
    const char *name, *labels, *help;
} families[] = {
#define X(family, name, labels, help) {name, labels, help},
    METRICS_LIST(X)
#undef X
};

struct counter {
    const char *a, *b; /* label values or NULL */
    enum metrics_family family;
    uint32_t next; /* of the same bucket, + 1 */
};

typedef _Atomic uint64_t cell;
struct shard {
    _Atomic(cell *) chunks[CHUNKS_MAX];
};

struct metrics {
    pthread_mutex_t lock; /* of the registry */
    struct vx_arena arena;
    struct counter *counters;
    uint32_t count, room;
    uint32_t buckets[BUCKETS]; /* first counter + 1 */
    size_t shard_count;
    struct shard shards[];
};

struct metrics *metrics_new(size_t shard_count)
{
    vx_assert(shard_count <= METRICS_SHARDS_MAX);
    struct metrics *m = calloc(1, sizeof *m + shard_count * sizeof m->shards[0]);
    vx_assert(m != NULL);
    pthread_mutex_init(&m->lock, NULL);
    m->shard_count = shard_count;
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t s = 0; s < m->shard_count; s++)
        for (size_t c = 0; c < CHUNKS_MAX; c++)
            free(atomic_load(&m->shards[s].chunks[c]));
    free(m->counters);
    vx_arena_done(&m->arena);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static uint32_t *find(struct metrics *m, enum metrics_family family, const char *a, const char *b)
{
    uint64_t h = family;
    h = h * 31 + (a ? vx_hash64(vx_span_str(a)) : 0);
    h = h * 31 + (b ? vx_hash64(vx_span_str(b)) : 0);
    uint32_t *at = &m->buckets[h % BUCKETS];
    for (; *at; at = &m->counters[*at - 1].next) {
        const struct counter *c = &m->counters[*at - 1];
        if (c->family == family && same(c->a, a) && same(c->b, b))
            break;
    }
    return at;
}

static uint32_t add(struct metrics *m, enum metrics_family family, const char *a, const char *b)
{
    if (m->count == m->room) {
        m->room = m->room ? m->room * 2 : 256;
        m->counters = realloc(m->counters, m->room * sizeof *m->counters);
        vx_assert(m->counters != NULL);
    }
    uint32_t number = m->count++;
    m->counters[number] = (struct counter){
        .family = family, .a = a ? vx_arena_str(&m->arena, a) : NULL, .b = b ? vx_arena_str(&m->arena, b) : NULL};
    if (number % METRICS_CHUNK == 0)
        for (size_t s = 0; s < m->shard_count; s++) {
            cell *chunk = calloc(METRICS_CHUNK, sizeof *chunk);
            vx_assert(chunk != NULL);
            atomic_store_explicit(&m->shards[s].chunks[number / METRICS_CHUNK], chunk, memory_order_release);
        }
    *find(m, family, a, b) = number + 1;
    return number;
}

uint32_t metrics_counter(struct metrics *m, enum metrics_family family, const char *a, const char *b)
{
    pthread_mutex_lock(&m->lock);
    uint32_t number = *find(m, family, a, b);
    if (number == 0 && m->count >= METRICS_COUNTERS_MAX - METRICS_FAMILY_COUNT) {
        a = a ? "overflow" : NULL;
        b = b ? "overflow" : NULL;
        number = *find(m, family, a, b);
    }
    number = number ? number - 1 : add(m, family, a, b);
    pthread_mutex_unlock(&m->lock);
    return number;
}

static cell *at(struct metrics *m, size_t shard, uint32_t counter)
{
    cell *chunk = atomic_load_explicit(&m->shards[shard].chunks[counter / METRICS_CHUNK], memory_order_acquire);
    return &chunk[counter % METRICS_CHUNK];
}

void metrics_add(struct metrics *m, size_t shard, uint32_t counter, uint64_t n)
{
    cell *c = at(m, shard, counter);
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

uint64_t metrics_sum(struct metrics *m, uint32_t counter)
{
    uint64_t sum = 0;
    for (size_t s = 0; s < m->shard_count; s++)
        sum += atomic_load_explicit(at(m, s, counter), memory_order_relaxed);
    return sum;
}

static void add_value(struct vx_buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            vx_buf_char(out, '\\');
        if (*value == '\n')
            vx_buf_str(out, "\\n");
        else
            vx_buf_char(out, *value);
    }
}

void metrics_name(struct vx_buf *out, const char *name, const char *const *pairs)
{
    vx_buf_str(out, name);
    for (size_t i = 0; pairs && pairs[i]; i += 2) {
        vx_buf_char(out, i ? ',' : '{');
        vx_buf_str(out, pairs[i]);
        vx_buf_str(out, "=\"");
        add_value(out, pairs[i + 1]);
        vx_buf_char(out, '"');
    }
    vx_buf_str(out, pairs && pairs[0] ? "} " : " ");
}

static void print_counter(struct metrics *m, struct vx_buf *out, uint32_t number)
{
    const struct counter *c = &m->counters[number];
    const char *labels = families[c->family].labels, *second = strchr(labels, '\1');
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(second ? (size_t)(second - labels) : strlen(labels)), labels);
    const char *pairs[] = {c->a ? first : NULL, c->a, c->b && second ? second + 1 : NULL, c->b, NULL};
    metrics_name(out, families[c->family].name, pairs);
    vx_buf_printf(out, "%llu\n", (unsigned long long)metrics_sum(m, number));
}

void metrics_print(struct metrics *m, struct vx_buf *out)
{
    pthread_mutex_lock(&m->lock);
    for (int family = 0; family < METRICS_FAMILY_COUNT; family++) {
        vx_buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n", families[family].name, families[family].help,
                      families[family].name);
        for (uint32_t i = 0; i < m->count; i++)
            if (m->counters[i].family == (enum metrics_family)family)
                print_counter(m, out, i);
    }
    pthread_mutex_unlock(&m->lock);
}

uint64_t metrics_total(struct metrics *m, enum metrics_family family)
{
    uint64_t sum = 0;
    pthread_mutex_lock(&m->lock);
    for (uint32_t i = 0; i < m->count; i++)
        if (m->counters[i].family == family)
            sum += metrics_sum(m, i);
    pthread_mutex_unlock(&m->lock);
    return sum;
}
