/* Which rules take an event. A worker's thread; cost of the loops: one evaluation per rule up to the one that matches, or
 * of all; of the index: see index/index.h.
 *
 * This is the one place that knows how rules are searched: the plain loops are the definition, and the index, where a
 * route has one, finds the same rules.
 */
#include "core/plan/match.h"

#include <stdlib.h>

#include "core/plan/index/index.h"

struct match_scratch *match_scratch_new(void)
{
    struct match_scratch *scratch = calloc(1, sizeof *scratch);
    vx_assert(scratch != NULL);
    return scratch;
}

void match_scratch_free(struct match_scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->readings);
    free(scratch->tests);
    free(scratch->members);
    free(scratch->found);
    free(scratch->rules);
    free(scratch->numbers.at);
    free(scratch);
}

void match_begin(struct match *m, struct match_scratch *scratch, const struct route *entry, struct cel_frame *frame)
{
    *m = (struct match){.scratch = scratch, .entry = entry, .frame = frame};
    if (!scratch)
        return;
    struct cel_numbers *numbers = &scratch->numbers;
    if (numbers->count < entry->slot_end) {
        numbers->at = realloc(numbers->at, entry->slot_end * sizeof *numbers->at);
        vx_assert(numbers->at != NULL);
        memset(numbers->at + numbers->count, 0, (entry->slot_end - numbers->count) * sizeof *numbers->at);
        numbers->count = entry->slot_end;
    }
    if (++numbers->epoch == 0 && numbers->count > 0) {
        memset(numbers->at, 0, numbers->count * sizeof *numbers->at);
        numbers->epoch = 1;
    }
    frame->numbers = numbers;
    index_next_event(scratch);
}

/* The event's budget is spent: nothing more can be found out, and the event is refused (decide.c). */
static bool is_spent(const struct match *m)
{
    return m->frame->budget && *m->frame->budget == 0;
}

/* True when the rule's condition holds. */
static bool holds(struct match *m, const struct rule *rule)
{
    bool failed = false;
    bool result = !rule->when || cel_test(rule->when, m->frame, &failed);
    m->failed += failed && !m->frame->absent;
    return result;
}

const struct rule *match_hands_on(const struct route *route)
{
    for (size_t i = 0; i < route->rule_count && !route->match_all; i++) {
        const struct rule *rule = &route->rules[i];
        if (!rule->when)
            return rule->action.kind == ACTION_HAND_OVER && !rule->action.route->match_all ? rule : NULL;
    }
    return NULL;
}

const struct rule *match_first_loop(struct match *m, const struct route *route)
{
    for (size_t i = 0; i < route->rule_count && !is_spent(m); i++) {
        if (holds(m, &route->rules[i]))
            return &route->rules[i];
    }
    return &route->otherwise;
}

const struct rule *const *match_all_loop(struct match *m, const struct route *route, size_t *count)
{
    const struct rule **rules = VX_ARENA_ARRAY(m->frame->arena, const struct rule *, route->rule_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < route->rule_count && !is_spent(m); i++) {
        if (holds(m, &route->rules[i]))
            rules[n++] = &route->rules[i];
    }
    if (!n)
        rules[n++] = &route->otherwise;
    *count = n;
    return rules;
}

const struct rule *match_first(struct match *m, const struct route *route)
{
    const struct rule *known = index_known(m, route);
    if (known)
        return known;
    return route->index ? index_first(route->index, m) : match_first_loop(m, route);
}

const struct rule *const *match_all(struct match *m, const struct route *route, size_t *count)
{
    return route->index ? index_all(route->index, m, count) : match_all_loop(m, route, count);
}
