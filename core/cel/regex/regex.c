/* Regular expressions by libhs: compiling, the patterns and sets of a table, matching.
 *
 * Compiling is at load, on any one thread; matching on workers' threads, each with a scratch of its own. A database lies
 * in the arena of who asked for it (libhs can move one there in its serialized form), so a pattern is freed with its
 * arena; sets are libhs's own memory, kept in the pool of a table's cel_slots. Invariant: a database that is scanned was
 * there when the scratch was fitted.
 *
 * libhs is asked for one match and stopped at it. It never sees an empty subject: what matches there is known from the
 * expression.
 */
#include "core/cel/regex/regex.h"

#include <hs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/regex/regex_tree.h"

enum {
    FLAGS = HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH,
    SEEN = 4, /* tables that a scratch remembers: stable, candidate, and those they follow */
};

struct cel_regex_set {
    const struct cel_regex **regexes;
    uint32_t count;
    uint32_t *plain; /* the numbers of those that are plain */
    uint32_t plain_count;
    hs_database_t **databases; /* together they hold every pattern that is not plain */
    uint32_t database_count;
    struct cel_regex_set *next; /* of the same pool */
};

/* The patterns of a table or of a release that is loaded: a hash index (open addressing by the pattern's text), and its sets. */
struct cel_regex_pool {
    uint64_t number; /* no other pool of this process has it */
    const struct cel_regex **index;
    uint32_t count, mask;
    uint64_t weight; /* of a release's patterns together */
    struct cel_regex_set *sets;
};

struct cel_scratch {
    hs_scratch_t *hs;    /* NULL until a pattern needs it */
    uint64_t seen[SEEN]; /* the pools it was fitted to last */
    unsigned next;
};

/* ---- compiling ---- */

/* What an expression is to libhs: its characters with repetitions written out, at most `most`. */
static uint64_t states_of(const struct regex_node *node, uint64_t most)
{
    uint64_t sum = 0;
    if (node->kind == REGEX_SET)
        sum = regex_set_is_wide(&node->set)                     ? 2
              : node->set.ranges[node->set.count - 1].hi < 0x80 ? 1
                                                                : 1 + node->set.count;
    for (uint32_t i = 0; i < node->count && sum < most; i++)
        sum += states_of(node->children[i], most);
    if (node->kind == REGEX_REPEAT)
        sum *= node->max != REGEX_ENDLESS ? node->max : node->min > 1 ? node->min : 1;
    return sum < most ? sum : most;
}

static enum vx_status refuse(struct cel_error *error, struct vx_span pattern, const char *message)
{
    cel_error_set(error, 0, pattern.len ? pattern.len : 1, "%s", message);
    return VX_EUNSUPPORTED;
}

/* Moves a database into the arena. */
static const void *settle_database(struct vx_arena *arena, const hs_database_t *db)
{
    char *bytes;
    size_t len, size;
    vx_assert(hs_serialize_database(db, &bytes, &len) == HS_SUCCESS);
    vx_assert(hs_serialized_database_size(bytes, len, &size) == HS_SUCCESS);
    hs_database_t *home = vx_arena_alloc(arena, size);
    vx_assert(hs_deserialize_database_at(bytes, len, home) == HS_SUCCESS);
    free(bytes);
    return home;
}

static enum vx_status compile(struct vx_arena *arena, struct cel_regex *regex, struct cel_error *error)
{
    hs_compile_error_t *why = NULL;
    hs_database_t *db = NULL;
    if (hs_valid_platform() != HS_SUCCESS)
        return refuse(error, regex->pattern, "regular expressions need a CPU with SSSE3, which this one lacks");
    hs_error_t status = hs_compile(regex->written, FLAGS, HS_MODE_BLOCK, NULL, &db, &why);
    if (status != HS_SUCCESS && strcmp(why->message, "Pattern can never match.") == 0) {
        hs_free_compile_error(why);
        regex->plain = CEL_REGEX_NEVER; /* RE2 takes it: `a\\bb` */
        return VX_OK;
    }
    if (status != HS_SUCCESS) {
        char message[sizeof error->message];
        snprintf(message, sizeof message, "libhs cannot compile it: %s", why->message);
        hs_free_compile_error(why);
        return refuse(error, regex->pattern, message);
    }
    regex->database = settle_database(arena, db);
    hs_free_database(db);
    return VX_OK;
}

/* Parses and translates; regex->written is set unless it is plain. `work` is where the trees live. */
static enum vx_status translate(struct vx_arena *arena, struct vx_arena *work, struct cel_regex *regex,
                                struct cel_error *error)
{
    struct vx_buf written = {0};
    if (regex->pattern.len > CEL_REGEX_TEXT_MAX_BYTES) {
        cel_error_set(error, CEL_REGEX_TEXT_MAX_BYTES, 1, "a pattern has at most %d bytes", CEL_REGEX_TEXT_MAX_BYTES);
        return VX_EINVAL;
    }
    struct regex_node *node = regex_parse(work, regex->pattern, error);
    if (!node)
        return VX_EINVAL;
    node = regex_simplified(work, node);
    regex->states = (uint32_t)states_of(node, CEL_REGEX_STATES_MAX);
    if (regex->states == CEL_REGEX_STATES_MAX) {
        cel_error_set(error, 0, regex->pattern.len,
                      "too large with its repetitions written out: at most %d characters (\\pL alone is 660)",
                      CEL_REGEX_STATES_MAX);
        return VX_EUNSUPPORTED;
    }
    regex->matches_empty = regex_matches_empty(node);
    node = regex_trimmed(work, node);
    regex->plain = (uint8_t)regex_plain(arena, node, &regex->literal);
    if (regex->plain != CEL_REGEX_NOT_PLAIN)
        return VX_OK;
    node = regex_settle(work, node, error);
    if (!node)
        return VX_EUNSUPPORTED;
    if (node->kind == REGEX_NEVER || node->kind == REGEX_EMPTY) {
        regex->plain = node->kind == REGEX_NEVER ? CEL_REGEX_NEVER : CEL_REGEX_ALWAYS;
        return VX_OK;
    }
    regex_write(node, &written);
    regex->written = vx_arena_str(arena, vx_buf_text(&written));
    vx_buf_done(&written);
    return VX_OK;
}

/* About how long libhs takes, in units of some 40 us: something for each, and more with the square of its states. Plain
 * patterns do not come to it. */
static uint64_t regex_weight(const struct cel_regex *regex)
{
    return regex->plain == CEL_REGEX_NOT_PLAIN ? 16 + regex->states + (uint64_t)regex->states * regex->states / 1000
                                               : 0;
}

/* `weight` is that of the patterns compiled before and becomes that of this one too; NULL: without a limit. */
static enum vx_status make(struct vx_arena *arena, struct vx_span pattern, uint64_t *weight,
                           const struct cel_regex **out, struct cel_error *error)
{
    struct vx_arena work = {0};
    struct cel_error ignored;
    error = error ? error : &ignored;
    struct cel_regex *regex = VX_ARENA_NEW(arena, struct cel_regex);
    regex->pattern = vx_arena_span(arena, vx_span(pattern.at ? pattern.at : "", pattern.len));
    enum vx_status status = translate(arena, &work, regex, error);
    vx_arena_done(&work);
    uint64_t heavier = status == VX_OK && weight ? *weight + regex_weight(regex) : 0;
    if (heavier > CEL_REGEX_WEIGHT_MAX) {
        cel_error_set(error, 0, pattern.len,
                      "too much for a release, whose patterns may weigh %d together: this one of %u characters "
                      "(repetitions written out) would make it %llu; shorten repetitions and classes, join patterns, "
                      "or use startsWith(), "
                      "endsWith(), contains()",
                      CEL_REGEX_WEIGHT_MAX, regex->states, (unsigned long long)heavier);
        return VX_ELIMIT;
    }
    if (status == VX_OK && regex->plain == CEL_REGEX_NOT_PLAIN)
        status = compile(arena, regex, error);
    if (status != VX_OK)
        return status;
    if (weight)
        *weight = heavier;
    *out = regex;
    return VX_OK;
}

enum vx_status cel_regex_new(struct vx_arena *arena, struct vx_span pattern, const struct cel_regex **out,
                             struct cel_error *error)
{
    return make(arena, pattern, NULL, out, error);
}

/* ---- the patterns of a table ---- */

struct cel_regex_pool *cel_regex_pool_new(void)
{
    static _Atomic uint64_t numbers;
    struct cel_regex_pool *pool = calloc(1, sizeof *pool);
    vx_assert(pool != NULL);
    pool->number = atomic_fetch_add(&numbers, 1) + 1;
    return pool;
}

static struct cel_regex_pool *pool_of(struct cel_slots *slots)
{
    if (!slots->regexes)
        slots->regexes = cel_regex_pool_new();
    return slots->regexes;
}

static const struct cel_regex **find_place(const struct cel_regex_pool *pool, struct vx_span pattern)
{
    uint32_t at = (uint32_t)vx_hash64(pattern) & pool->mask;
    while (pool->index[at] && !vx_span_equal(pool->index[at]->pattern, pattern))
        at = (at + 1) & pool->mask;
    return &pool->index[at];
}

static void grow(struct cel_regex_pool *pool)
{
    uint32_t room = pool->index ? 2 * (pool->mask + 1) : 16;
    const struct cel_regex **old = pool->index;
    uint32_t old_room = old ? pool->mask + 1 : 0;
    pool->index = calloc(room, sizeof *pool->index);
    vx_assert(pool->index != NULL);
    pool->mask = room - 1;
    for (uint32_t i = 0; i < old_room; i++) {
        if (old[i])
            *find_place(pool, old[i]->pattern) = old[i];
    }
    free(old);
}

/* Where the pattern is, or will be. */
static const struct cel_regex **place_of(struct cel_regex_pool *pool, struct vx_span pattern)
{
    if (!pool->index || 2 * pool->count > pool->mask)
        grow(pool);
    return find_place(pool, pattern);
}

enum vx_status cel_regex_shared(struct cel_regex_pool *pool, struct vx_arena *arena, struct vx_span pattern,
                                const struct cel_regex **out, struct cel_error *error)
{
    const struct cel_regex **place = place_of(pool, pattern);
    if (!*place) {
        enum vx_status status = make(arena, pattern, &pool->weight, place, error);
        if (status != VX_OK)
            return status;
        pool->count++;
    }
    *out = *place;
    return VX_OK;
}

const struct cel_regex *cel_slots_regex(struct cel_slots *slots, struct vx_arena *arena, const struct cel_regex *regex)
{
    struct cel_regex_pool *pool = pool_of(slots);
    const struct cel_regex **place = place_of(pool, regex->pattern);
    if (*place)
        return *place;
    struct cel_regex *copy = VX_ARENA_NEW(arena, struct cel_regex);
    *copy = *regex;
    copy->pattern = vx_arena_span(arena, regex->pattern);
    if (regex->literal.at)
        copy->literal = vx_arena_span(arena, regex->literal);
    if (regex->written)
        copy->written = vx_arena_str(arena, regex->written);
    if (regex->database)
        copy->database = settle_database(arena, regex->database);
    pool->count++;
    *place = copy;
    return copy;
}

void cel_regex_pool_free(struct cel_regex_pool *pool)
{
    if (!pool)
        return;
    while (pool->sets) {
        struct cel_regex_set *set = pool->sets;
        pool->sets = set->next;
        for (uint32_t i = 0; i < set->database_count; i++)
            hs_free_database(set->databases[i]);
        free(set->databases);
        free(set->regexes);
        free(set->plain);
        free(set);
    }
    free(pool->index);
    free(pool);
}

/* ---- sets ---- */

/* Compiles the patterns of these numbers into one database, or, where that is too large, into several. */
static void compile_numbers(struct cel_regex_set *set, const unsigned *numbers, uint32_t count)
{
    hs_database_t *db = NULL;
    hs_compile_error_t *why = NULL;
    const char **written = calloc(count, sizeof *written);
    unsigned *flags = calloc(count, sizeof *flags);
    vx_assert(written != NULL && flags != NULL);
    for (uint32_t i = 0; i < count; i++) {
        written[i] = set->regexes[numbers[i]]->written;
        flags[i] = FLAGS;
    }
    hs_error_t status = hs_compile_multi(written, flags, numbers, count, HS_MODE_BLOCK, NULL, &db, &why);
    free(written);
    free(flags);
    if (status == HS_SUCCESS) {
        set->databases = realloc(set->databases, (set->database_count + 1) * sizeof *set->databases);
        vx_assert(set->databases != NULL);
        set->databases[set->database_count++] = db;
        return;
    }
    hs_free_compile_error(why);
    vx_assert(count > 1); /* each of them alone has been compiled before */
    compile_numbers(set, numbers, count / 2);
    compile_numbers(set, numbers + count / 2, count - count / 2);
}

const struct cel_regex_set *cel_regex_set_new(struct cel_slots *slots, const struct cel_regex *const *regexes,
                                              uint32_t count)
{
    struct cel_regex_pool *pool = pool_of(slots);
    struct cel_regex_set *set = calloc(1, sizeof *set);
    vx_assert(set != NULL);
    const struct cel_regex **copy = calloc(count + 1, sizeof *copy);
    unsigned *numbers = calloc(count + 1, sizeof *numbers);
    set->plain = calloc(count + 1, sizeof *set->plain);
    uint32_t n = 0;
    vx_assert(copy != NULL && numbers != NULL && set->plain != NULL);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = regexes[i];
        if (regexes[i]->plain == CEL_REGEX_NOT_PLAIN)
            numbers[n++] = i;
        else
            set->plain[set->plain_count++] = i;
    }
    set->regexes = copy;
    set->count = count;
    if (n > 0)
        compile_numbers(set, numbers, n);
    free(numbers);
    set->next = pool->sets;
    pool->sets = set;
    return set;
}

size_t cel_regex_set_bytes(const struct cel_regex_set *set)
{
    size_t sum = sizeof *set + (set->count + 1) * (sizeof *set->regexes + sizeof *set->plain), size;
    for (uint32_t i = 0; i < set->database_count; i++) {
        if (hs_database_size(set->databases[i], &size) == HS_SUCCESS)
            sum += size;
    }
    return sum;
}

/* ---- scratch ---- */

struct cel_scratch *cel_scratch_new(void)
{
    struct cel_scratch *scratch = calloc(1, sizeof *scratch);
    vx_assert(scratch != NULL);
    return scratch;
}

void cel_scratch_free(struct cel_scratch *scratch)
{
    if (scratch && scratch->hs)
        hs_free_scratch(scratch->hs);
    free(scratch);
}

static void fit(struct cel_scratch *scratch, const void *database)
{
    if (database)
        vx_assert(hs_alloc_scratch(database, &scratch->hs) == HS_SUCCESS);
}

void cel_scratch_fit(struct cel_scratch *scratch, const struct cel_slots *slots)
{
    const struct cel_regex_pool *pool = slots->regexes;
    if (!pool)
        return;
    for (unsigned i = 0; i < SEEN; i++) {
        if (scratch->seen[i] == pool->number)
            return;
    }
    for (uint32_t i = 0; pool->index && i <= pool->mask; i++)
        fit(scratch, pool->index[i] ? pool->index[i]->database : NULL);
    for (const struct cel_regex_set *set = pool->sets; set; set = set->next) {
        for (uint32_t i = 0; i < set->database_count; i++)
            fit(scratch, set->databases[i]);
    }
    scratch->seen[scratch->next++ % SEEN] = pool->number;
}

/* ---- matching ---- */

static int on_first(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    (void)id, (void)from, (void)to, (void)flags;
    *(bool *)ctx = true;
    return 1; /* stop */
}

bool cel_regex_match(const struct cel_regex *regex, struct cel_scratch *scratch, struct vx_span subject)
{
    bool found = false;
    struct cel_scratch own = {0};
    if (regex->plain != CEL_REGEX_NOT_PLAIN)
        return cel_regex_plain_match((enum cel_regex_plain)regex->plain, regex->literal, subject);
    if (subject.len == 0)
        return regex->matches_empty;
    vx_assert(subject.len <= UINT32_MAX);
    if (!scratch)
        fit(&own, regex->database);
    hs_error_t status = hs_scan(regex->database, subject.at, (unsigned)subject.len, 0, scratch ? scratch->hs : own.hs,
                                on_first, &found);
    vx_assert(status == HS_SUCCESS || status == HS_SCAN_TERMINATED);
    if (!scratch)
        hs_free_scratch(own.hs);
    return found;
}

/* What on_match() of a set is given. */
struct scan {
    void (*on_match)(void *ctx, uint32_t number);
    void *ctx;
};

static int on_number(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    const struct scan *scan = ctx;
    (void)from, (void)to, (void)flags;
    scan->on_match(scan->ctx, id);
    return 0;
}

void cel_regex_set_scan(const struct cel_regex_set *set, struct cel_scratch *scratch, struct vx_span subject,
                        void (*on_match)(void *ctx, uint32_t number), void *ctx)
{
    struct scan scan = {on_match, ctx};
    vx_assert(subject.len <= UINT32_MAX);
    for (uint32_t i = 0; i < set->plain_count; i++) {
        const struct cel_regex *regex = set->regexes[set->plain[i]];
        if (cel_regex_plain_match((enum cel_regex_plain)regex->plain, regex->literal, subject))
            on_match(ctx, set->plain[i]);
    }
    for (uint32_t i = 0; i < set->count && subject.len == 0; i++) {
        if (set->regexes[i]->plain == CEL_REGEX_NOT_PLAIN && set->regexes[i]->matches_empty)
            on_match(ctx, i);
    }
    if (subject.len == 0)
        return;
    for (uint32_t i = 0; i < set->database_count; i++)
        vx_assert(hs_scan(set->databases[i], subject.at, (unsigned)subject.len, 0, scratch->hs, on_number, &scan) ==
                  HS_SUCCESS);
}
