/* Searching the index. A worker's thread, one question at a time; nothing is allocated but the list of all rules, in the
 * frame's arena.
 *
 * The tree of clauses that need no program is searched first: what it finds spares the programs of all later rules.
 *
 * Equal to the plain loop, also at the limit of its budget. The loop gives each condition CEL_STEPS_MAX steps and takes
 * it for failed when they are spent. The index has no such limit: places are read once, programs of parts of a condition
 * have a budget each. Where the loop says that a condition holds, so does the index, which knows at least as much. Where
 * the index says so, the loop might not have got that far; so the rule's own program is asked again (confirmed) where
 * that is possible: for an event so big that looking at it as often as a condition has characters could spend the
 * budget, when the programs that ran for this event took a good part of it, and for rules of several clauses some of
 * which have programs, because the loop might have run one that the index did not. Where that program says no, its budget
 * was spent; then the plain loop answers the whole question.
 *
 * The budget of the event (DECIDE_STEPS_MAX) is another: the programs that run here take their steps from it too, and when
 * it is spent the answer counts for nothing.
 */
#include "core/plan/index/index.h"

#include <endian.h>
#include <stdlib.h>

#include "core/plan/index/short.h"

enum { STEPS_HEAVY = CEL_STEPS_MAX / 4 };

static void visit(struct search *s, uint32_t reference);

static bool confirmed(struct search *s, uint32_t rule)
{
    bool failed;
    uint8_t confirm = s->index->confirm[rule];
    if (confirm == CONFIRM_NEVER || (confirm == CONFIRM_HEAVY && !s->heavy && s->steps < STEPS_HEAVY))
        return true;
    const struct cel_program *when = index_rule(s->index, rule)->when;
    return !when || cel_test(when, s->frame, &failed);
}

/* A clause of the rule holds. */
static inline void take(struct search *s, uint32_t rule)
{
    if (!confirmed(s, rule)) {
        s->lost = true;
        return;
    }
    if (s->all)
        s->scratch->rules[rule / 64] |= (uint64_t)1 << rule % 64;
    else
        s->best = rule;
    const struct rule *taken = index_rule(s->index, rule); /* somebody asks for it soon */
    __builtin_prefetch(&taken->number);
    __builtin_prefetch(&taken->action);
}

static inline bool holds(struct search *s, const uint32_t *words)
{
    struct literal literal = {words[0] & 0x7f, words[0] >> 7 & 1, words[0] >> 8, words[1], words[2]};
    if (literal.kind == LITERAL_RANGE) { /* of what is tried in order, most are ranges */
        uint32_t position = index_position(s, literal.subject);
        return position >= literal.a && position < literal.b;
    }
    if (literal.kind == LITERAL_ID && !literal.negated)
        return index_id(s, literal.subject) == literal.a;
    return literal_holds(s, &literal);
}

/* Behind the best one, or taken already. */
static inline bool is_settled(const struct search *s, uint32_t rule)
{
    return rule >= s->best || (s->all && s->scratch->rules[rule / 64] >> rule % 64 & 1);
}

static inline void try_clause(struct search *s, const uint32_t *clause)
{
    uint32_t rule = clause[0], count = clause[1];
    if (is_settled(s, rule))
        return;
    if (count == INDEX_ELSEWHERE) {
        clause = &s->index->group.words[clause[2]];
        count = clause[1];
    }
    const uint32_t *literal = clause + INDEX_CLAUSE_WORDS;
    for (; count > 0; count--, literal += INDEX_LITERAL_WORDS) {
        if (!holds(s, literal))
            return;
    }
    take(s, rule);
}

/* All clauses of a block at once, for which of them holds is what a processor cannot guess. */
static void try_blocks(struct search *s, const uint32_t *words, uint32_t count, uint32_t subject)
{
    if (words[0] >= s->best)
        return;
    const struct reading *r = index_read(s, subject);
    if (r->key.kind != CEL_KEY_NUMBER) {
        index_position(s, subject); /* no number is in a range; what is none is counted */
        return;
    }
    double value = (double)r->key.whole + r->key.rest;
    for (; count > 0 && words[0] < s->best; count--, words += INDEX_BLOCK_WORDS) {
        struct index_block block;
        uint32_t hits = 0;
        memcpy(&block, words, sizeof block);
        for (uint32_t k = 0; k < INDEX_BLOCK; k++)
            hits |= (uint32_t)((value >= block.least[k]) & (value <= block.most[k])) << k;
        for (; hits; hits &= hits - 1) {
            uint32_t rule = block.rules[__builtin_ctz(hits)];
            if (!is_settled(s, rule))
                take(s, rule);
        }
    }
}

/* The whole part of a number, as a guard has it. */
static inline uint32_t whole_of(struct json_value json, struct vx_span around)
{
    uint32_t whole;
    struct cel_key key;
    if (index_short_whole(json, around, &whole))
        return whole;
    key_of_json(json, NULL, &key);
    return (uint32_t)(int32_t)(key.whole < INT32_MIN ? INT32_MIN : key.whole > INT32_MAX ? INT32_MAX : key.whole);
}

/* index_text_head(), of a string in the text `around`. */
static inline uint32_t head_of(struct json_value json, struct vx_span around)
{
    uint32_t head;
    if (!index_is_inside(json.at, sizeof head, around))
        return index_text_head(vx_span(json.at, json.len));
    memcpy(&head, json.at, sizeof head);
    return be32toh(head) & (json.len < sizeof head ? ~(UINT32_MAX >> 8 * json.len) : UINT32_MAX);
}

/* May anything hold, or fail, that stands behind the guard? Each guard is asked, whatever the ones before it say: which of
 * them lets an event pass is what a processor cannot guess. */
static inline bool passes(struct search *s, const struct index_access *access, const uint32_t *guard)
{
    const struct cel_event *ev = s->frame->event;
    bool passed = false;
    for (uint32_t i = 0; i < access->guard_count; i++) {
        const struct json_value json = ev->slots[access->guards[i] >> 1];
        uint32_t least = *++guard, more = *++guard;
        if (access->guards[i] & 1)
            passed |= json.kind == JSON_KIND_STRING && (json.escaped || head_of(json, ev->value) - least <= more);
        else if (json.kind == JSON_KIND_INT || json.kind == JSON_KIND_DOUBLE)
            passed |= whole_of(json, ev->value) - least <= more;
        else
            passed |= json.kind != JSON_KIND_MISSING; /* where numbers are asked for, it counts as failed */
    }
    return passed;
}

/* What is filed under a key, or INDEX_NOTHING. */
static inline uint32_t find_entry(const struct index_access *access, uint32_t key)
{
    if (!access->entries)
        return access->children[key];
    for (uint32_t at = index_hash_key(key);; at++) {
        const struct index_entry *entry = &access->entries[at & access->mask];
        if (entry->key == key)
            return entry->reference;
        if (entry->key == 0)
            return INDEX_NOTHING;
    }
}

static void visit_key(struct search *s, const struct index_access *access, const struct index_access *next)
{
    uint32_t key = 0;
    for (uint32_t i = 0; i < access->width; i++) {
        uint32_t id = index_id(s, access->subjects[i]);
        if (id == INDEX_NO_ID)
            return;
        key += id * access->scales[i];
    }
    /* Both of these wait for memory, together. */
    __builtin_prefetch(access->entries ? (const void *)&access->entries[index_hash_key(key) & access->mask]
                                       : (const void *)&access->children[key]);
    if (next && next->kind == ACCESS_KEY && next->certain && next->first_rule < s->best)
        index_id(s, next->subjects[0]);
    uint32_t reference = find_entry(access, key);
    if (reference == INDEX_NOTHING)
        return;
    if (access->guard_count > 0 && !(reference & INDEX_BARE)) {
        const uint32_t *guard = &s->index->group.words[reference];
        if (!passes(s, access, guard))
            return;
        reference = guard[0];
    }
    visit(s, reference & ~INDEX_BARE);
}

static void visit_members(struct search *s, const struct index_access *access)
{
    const struct reading *r = index_members(s, access->subjects[0]);
    uint32_t members_at = s->index->group.subjects[access->subjects[0]].members_at;
    if (r->found_count <= access->mask) {
        for (uint32_t i = 0; i < r->found_count; i++) {
            uint32_t reference = find_entry(access, s->scratch->found[members_at + i]);
            if (reference != INDEX_NOTHING)
                visit(s, reference);
        }
        return;
    }
    for (uint32_t i = 0; i <= access->mask; i++) { /* there may be thousands of accesses, and of found ids */
        uint32_t id = access->entries[i].key;
        if (id != INDEX_NO_ID && s->scratch->members[members_at + id - 1] == s->epoch)
            visit(s, access->entries[i].reference);
    }
}

static void visit_range(struct search *s, const struct index_access *access, uint32_t position)
{
    uint32_t low = 0, high = access->count;
    if (position == INDEX_NO_POSITION)
        return;
    while (low < high) { /* the segments that begin at or before it */
        uint32_t middle = low + (high - low) / 2;
        if (access->keys[middle] <= position)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || low == access->count)
        return;
    for (uint32_t at = access->mask + low; at > 0; at /= 2) {
        if (access->children[at] != INDEX_NOTHING)
            visit(s, access->children[at]);
    }
}

static void visit_among(struct search *s, const struct index_access *access)
{
    struct index_climb climb = {.access = access, .positions = index_positions_of(s, access->subjects[0])};
    for (uint32_t at = index_climb_next(&climb); at > 0; at = index_climb_next(&climb)) {
        if (access->children[at] != INDEX_NOTHING)
            visit(s, access->children[at]);
    }
}

static void visit(struct search *s, uint32_t reference)
{
    const struct match_index *index = s->index;
    const uint32_t *at = &index->group.words[reference & ~(uint32_t)INDEX_CLAUSE];
    if (reference & INDEX_CLAUSE) {
        try_clause(s, at);
        return;
    }
    uint32_t clauses = at[0], accesses = at[1];
    const struct index_access *access = &index->group.accesses[at[2]];
    uint32_t blocks = at[3];
    if (blocks > 0)
        try_blocks(s, at + INDEX_NODE_WORDS, blocks, at[4]);
    at += INDEX_NODE_WORDS + blocks * INDEX_BLOCK_WORDS;
    for (; clauses > 0 && at[0] < s->best; clauses--) {
        try_clause(s, at);
        at += at[1] == INDEX_ELSEWHERE ? INDEX_CLAUSE_WORDS + 1 : INDEX_CLAUSE_WORDS + at[1] * INDEX_LITERAL_WORDS;
    }
    for (; accesses > 0; accesses--, access++) {
        if (access->first_rule >= s->best)
            break;
        if (access->kind == ACCESS_KEY)
            visit_key(s, access, accesses > 1 ? access + 1 : NULL);
        else if (access->kind == ACCESS_MEMBER)
            visit_members(s, access);
        else if (access->kind == ACCESS_AMONG)
            visit_among(s, access);
        else if (access->kind == ACCESS_TAIL)
            visit_range(s, access, index_tail(s, access->subjects[0]));
        else
            visit_range(s, access, index_position(s, access->subjects[0]));
    }
}

/* ---- questions ---- */

static void *grow(void *old, uint32_t *room, uint32_t count, size_t size)
{
    if (count <= *room)
        return old;
    char *bigger = realloc(old, count * size);
    vx_assert(bigger != NULL);
    memset(bigger + *room * size, 0, (count - *room) * size);
    *room = count;
    return bigger;
}

static void forget(void *at, size_t bytes)
{
    if (bytes > 0)
        memset(at, 0, bytes);
}

/* A new epoch forgets all readings; its two highest bits are kept free for the tests. */
void index_next_event(struct match_scratch *scratch)
{
    if (++scratch->epoch < (uint32_t)1 << 30)
        return;
    forget(scratch->readings, scratch->reading_room * sizeof *scratch->readings);
    forget(scratch->tests, scratch->test_room * sizeof *scratch->tests);
    forget(scratch->members, scratch->member_room * sizeof *scratch->members);
    scratch->epoch = 1;
}

static bool is_heavy(const struct match_index *index, const struct cel_event *ev)
{
    size_t bytes = ev->value.len + ev->key.len;
    for (size_t i = 0; index->headers && i < ev->header_count; i++)
        bytes += ev->headers[i].name.len + ev->headers[i].value.len;
    return bytes > index->heavy_bytes;
}

/* Makes the scratch large enough for an index that it has not just been used for. */
static void fit(struct match_scratch *scratch, const struct match_index *index)
{
    uint32_t words = index->rule_count / 64 + 1;
    scratch->readings =
        grow(scratch->readings, &scratch->reading_room, index->group.subject_count, sizeof *scratch->readings);
    scratch->tests = grow(scratch->tests, &scratch->test_room, index->group.test_count, sizeof *scratch->tests);
    scratch->members =
        grow(scratch->members, &scratch->member_room, index->group.member_count, sizeof *scratch->members);
    scratch->found = grow(scratch->found, &scratch->found_room, index->group.member_count, sizeof *scratch->found);
    scratch->rules = grow(scratch->rules, &scratch->rule_room, words, sizeof *scratch->rules);
    scratch->fitted = index->serial;
}

static void search(struct search *s, const struct match_index *index, struct match *m, bool all)
{
    struct match_scratch *scratch = m->scratch;
    if (scratch->fitted != index->serial)
        fit(scratch, index);
    s->index = index;
    s->scratch = scratch;
    s->frame = m->frame;
    s->epoch = scratch->epoch;
    s->best = UINT32_MAX;
    s->all = all;
    s->heavy = is_heavy(index, m->frame->event);
    s->lost = false;
    s->steps = m->steps;
    s->failed = 0;
    for (int i = 0; i < 2; i++) {
        if (index->roots[i] != INDEX_NOTHING)
            visit(s, index->roots[i]);
    }
    m->steps = s->steps;
}

const struct rule *index_rule(const struct match_index *index, uint32_t number)
{
    const struct index_part *part = index->parts;
    while (number - part->first >= part->count)
        part++;
    return &part->route->rules[number - part->first];
}

static const struct rule *answer_of(const struct index_part *part, uint32_t best)
{
    if (best - part->first < part->count)
        return &part->route->rules[best - part->first];
    return part->over ? part->over : &part->route->otherwise;
}

const struct rule *index_first(const struct match_index *index, struct match *m)
{
    struct search s;
    m->asked = NULL;
    search(&s, index, m, false);
    if (s.lost)
        return match_first_loop(m, index->route);
    m->failed += s.failed;
    m->asked = index;
    m->best = s.best;
    return answer_of(&index->parts[0], s.best);
}

const struct rule *index_known(const struct match *m, const struct route *route)
{
    for (uint32_t i = 1; m->asked && i < m->asked->part_count; i++) {
        if (m->asked->parts[i].route == route)
            return answer_of(&m->asked->parts[i], m->best);
    }
    return NULL;
}

const struct rule *const *index_all(const struct match_index *index, struct match *m, size_t *count)
{
    const struct route *route = index->route;
    struct match_scratch *scratch = m->scratch;
    struct search s;
    uint32_t words = (uint32_t)(route->rule_count / 64 + 1);
    size_t n = 0;
    search(&s, index, m, true);
    if (s.lost) {
        memset(scratch->rules, 0, words * sizeof *scratch->rules);
        return match_all_loop(m, route, count);
    }
    m->failed += s.failed;
    for (uint32_t i = 0; i < words; i++)
        n += (size_t)__builtin_popcountll(scratch->rules[i]);
    const struct rule **rules = VX_ARENA_ARRAY(m->frame->arena, const struct rule *, n + 1);
    n = 0;
    for (uint32_t i = 0; i < words; i++) {
        for (uint64_t bits = scratch->rules[i]; bits; bits &= bits - 1)
            rules[n++] = &route->rules[i * 64 + (uint32_t)__builtin_ctzll(bits)];
        scratch->rules[i] = 0;
    }
    if (n == 0)
        rules[n++] = &route->otherwise;
    *count = n;
    return rules;
}
