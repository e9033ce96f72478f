/* Random rule sets × random events, index against loop. A failure is made small: rules, parts of conditions, members of the
 * event are taken away as long as it stays one.
 */
#include "index_random.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/cel/analysis/predicate.h"
#include "core/cel/regex/regex.h"
#include "core/json/write.h"
#include "core/plan/decide.h"
#include "core/plan/match.h"
#include "core/plan/simulate.h"

enum { IMPLICATIONS_MAX = 64 };

static struct cel_event as_event(const struct random_event *ev, struct vx_buf *value)
{
    vx_buf_clear(value);
    random_event_print(ev, value);
    return (struct cel_event){.topic = vx_span_str(ev->topic),
                              .partition = ev->partition,
                              .offset = ev->offset,
                              .timestamp_ms = ev->timestamp_ms,
                              .key = ev->key,
                              .value = ev->tombstone ? (struct vx_span){0} : vx_buf_view(value),
                              .headers = ev->headers,
                              .header_count = (size_t)ev->header_count};
}

/* ---- both answers ---- */

/* Where rule `a` holds, `b` does: what the warnings about rules that never match rest on. */
struct implication {
    uint32_t a, b;
};

/* The rule set as a table: a routing made by hand, so that a hundred thousand of them need no YAML. */
struct both {
    struct vx_arena arena; /* of the config */
    struct vx_arena frame;
    struct config_set set;
    struct table *t;
    struct route *route;
    struct json_scanner *scanner;
    struct match_scratch *scratch;
    struct cel_scratch *regex;
    struct json_value *slots;
    struct vx_buf value, text;
    struct implication implications[IMPLICATIONS_MAX];
    size_t implication_count;
};

static bool implies(const struct cel_clauses *a, const struct cel_clauses *b)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t k = 0;
        while (k < b->count && !cel_clause_implies(&a->clauses[i], &b->clauses[k]))
            k++;
        if (k == b->count)
            return false;
    }
    return true;
}

static void find_implications(struct both *both, const struct config_routing *routing)
{
    struct cel_clauses clauses[16];
    uint32_t count = routing->rule_count < 16 ? (uint32_t)routing->rule_count : 16;
    both->implication_count = 0;
    for (uint32_t i = 0; i < count; i++)
        clauses[i] = cel_clauses_of(&both->arena, routing->rules[i].when.cel, NULL);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count && both->implication_count < IMPLICATIONS_MAX; k++) {
            if (i != k && clauses[i].count < 16 && clauses[k].count < 16 && implies(&clauses[i], &clauses[k]))
                both->implications[both->implication_count++] = (struct implication){i, k};
        }
    }
}

/* False where the checker refuses the condition. */
static bool make_rule(struct both *both, const struct term *term, uint32_t number, struct config_rule *rule)
{
    vx_buf_clear(&both->text);
    term_print(term, &both->text);
    if (cel_parse(&both->arena, vx_buf_view(&both->text), cel_env_event(), &rule->when.cel, NULL) != VX_OK)
        return false;
    enum cel_type type = cel_expr_type(rule->when.cel);
    if (type != CEL_BOOL && type != CEL_DYN)
        return false;
    rule->name = vx_arena_printf(&both->arena, "r%u", number);
    rule->enabled = true;
    rule->action.kind = CONFIG_DROP;
    return true;
}

/* What follows the rules of the first routing, where there is a second one. */
static void hand_over(struct both *both, const struct random_rules *rules, struct config_routing *routing)
{
    struct config_rule *rule = &routing->rules[routing->rule_count];
    *rule = (struct config_rule){0};
    if (rules->hands && !make_rule(both, rules->hands, 0, rule))
        *rule = (struct config_rule){0};
    rule->name = "more";
    rule->enabled = true;
    rule->action.kind = CONFIG_HAND_OVER;
    rule->action.routing = "s";
    routing->rule_count++;
}

/* Conditions that the checker refuses are left out; terms[] keeps those that are in. */
static void both_init(struct both *both, struct random_rules *rules)
{
    static const char *topics[] = {"in"};
    struct vx_diags diags = {0};
    struct config_routing *routings = VX_ARENA_ARRAY(&both->arena, struct config_routing, 2);
    uint32_t kept = 0, over = 0;
    for (int i = 0; i < 2; i++) {
        routings[i] = (struct config_routing){.name = i ? "s" : "r", .topics = topics, .topic_count = i ? 0 : 1};
        routings[i].match = rules->all ? CONFIG_MATCH_ALL : CONFIG_MATCH_FIRST;
        routings[i].otherwise.kind = CONFIG_DROP;
        routings[i].rules = VX_ARENA_ARRAY(&both->arena, struct config_rule, rules->count + 1);
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        struct config_routing *routing = &routings[rules->over && i >= rules->over];
        if (!make_rule(both, rules->terms[i], kept, &routing->rules[routing->rule_count]))
            continue;
        rules->terms[kept++] = rules->terms[i];
        routing->rule_count++;
        over = i < rules->over ? kept : over;
    }
    rules->count = kept;
    rules->over = over < kept ? over : 0;
    find_implications(both, &routings[0]);
    if (rules->over)
        hand_over(both, rules, &routings[0]);
    both->set.routings = routings;
    both->set.routing_count = rules->over ? 2 : 1;
    vx_assert(table_new(&both->set, 1, &both->t, &diags) == VX_OK);
    vx_diags_done(&diags);
    both->route = &both->t->routes[0];
    cel_scratch_fit(both->regex, &both->t->slots);
    both->slots = calloc(both->t->slots.count + 1, sizeof *both->slots);
    vx_assert(both->slots != NULL);
}

static void both_done(struct both *both)
{
    free(both->slots);
    table_unref(both->t);
    vx_arena_done(&both->arena);
    both->slots = NULL;
    both->t = NULL;
    both->arena = (struct vx_arena){0};
}

static bool same_rules(struct match *m, const struct route *route)
{
    size_t counts[2];
    const struct rule *const *loop = match_all_loop(m, route, &counts[0]);
    const struct rule *const *index = match_all(m, route, &counts[1]);
    return counts[0] == counts[1] && memcmp(loop, index, counts[0] * sizeof *loop) == 0;
}

static bool implications_hold(struct both *both, struct match *m)
{
    for (size_t i = 0; i < both->implication_count; i++) {
        const struct rule *rules = both->route->rules;
        bool failed;
        if (cel_test(rules[both->implications[i].a].when, m->frame, &failed) &&
            !cel_test(rules[both->implications[i].b].when, m->frame, &failed))
            return false;
    }
    return true;
}

/* The first rule, whoever's it is. */
static const struct rule *first_of(struct match *m, const struct route *route, bool loop)
{
    const struct rule *rule = loop ? match_first_loop(m, route) : match_first(m, route);
    return rule->action.kind == ACTION_HAND_OVER ? first_of(m, rule->action.route, loop) : rule;
}

/* True when index and loop give the same answer. */
static bool agree(struct both *both, const struct random_event *random)
{
    struct cel_event ev = as_event(random, &both->value);
    struct cel_frame frame = {.event = &ev, .arena = &both->frame, .scratch = both->regex};
    struct match m;
    ev.slots = both->slots;
    vx_arena_reset(&both->frame, 1 << 20);
    if (!ev.value.at)
        memset(both->slots, 0, both->t->slots.count * sizeof *both->slots);
    else if (both->route->parsed && json_scan(both->scanner, both->route->paths, ev.value, both->slots, NULL))
        vx_die(__FILE__, __LINE__, "a random event is JSON");
    match_begin(&m, both->scratch, both->route, &frame);
    if (!implications_hold(both, &m) || first_of(&m, both->route, false) != first_of(&m, both->route, true))
        return false;
    return !both->route->match_all || same_rules(&m, both->route);
}

/* ---- making it small ---- */

static bool still_fails(struct both *both, const struct random_rules *rules, const struct random_event *ev)
{
    struct random_rules copy = *rules;
    both_init(both, &copy);
    bool fails = copy.count == rules->count && !agree(both, ev);
    both_done(both);
    return fails;
}

/* Tries each kid in the place of its parent. */
static bool shrink_term(struct both *both, struct random_rules *rules, struct term **at, const struct random_event *ev)
{
    struct term *term = *at;
    for (int i = 0; i < term->count; i++) {
        *at = term->kids[i];
        if (still_fails(both, rules, ev))
            return true;
    }
    *at = term;
    if (term->count > 2 && term->kind != '?') {
        term->count--;
        if (still_fails(both, rules, ev))
            return true;
        term->count++;
    }
    for (int i = 0; i < term->count; i++) {
        if (shrink_term(both, rules, &term->kids[i], ev))
            return true;
    }
    return false;
}

static bool shrink_rules(struct both *both, struct random_rules *rules, const struct random_event *ev)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        struct random_rules fewer = *rules;
        memmove(&fewer.terms[i], &fewer.terms[i + 1], (rules->count - i - 1) * sizeof *fewer.terms);
        fewer.count--;
        fewer.over -= i < fewer.over;
        if (still_fails(both, &fewer, ev)) {
            *rules = fewer;
            return true;
        }
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        if (shrink_term(both, rules, &rules->terms[i], ev))
            return true;
    }
    return false;
}

static bool shrink_event(struct both *both, const struct random_rules *rules, struct random_event *ev)
{
    for (int i = 0; i < ev->member_count + ev->header_count; i++) {
        struct random_event less = *ev;
        int header = i - ev->member_count;
        if (header < 0) {
            memmove(&less.members[i], &less.members[i + 1], (size_t)(ev->member_count - i - 1) * sizeof *less.members);
            less.member_count--;
        } else {
            memmove(&less.headers[header], &less.headers[header + 1],
                    (size_t)(ev->header_count - header - 1) * sizeof *less.headers);
            less.header_count--;
        }
        if (still_fails(both, rules, &less)) {
            *ev = less;
            return true;
        }
    }
    return false;
}

/* ---- printing a failure ---- */

static void print_text(struct vx_buf *out, const char *name, struct vx_span text)
{
    vx_buf_printf(out, "\"%s\":", name);
    if (!text.at)
        vx_buf_str(out, "null");
    else
        json_write_string(out, text);
}

static void print_envelope(const struct random_event *ev, struct vx_buf *out)
{
    static const char hex[] = "/w=="; /* the one text of random_event_make() that is not UTF-8 */
    vx_buf_printf(out, "{\"topic\":\"in\",\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,", ev->partition,
                  (long long)ev->offset, (long long)ev->timestamp_ms);
    if (vx_span_is(ev->key, "\xff"))
        vx_buf_printf(out, "\"key_base64\":\"%s\"", hex);
    else
        print_text(out, "key", ev->key);
    vx_buf_str(out, ",\"headers\":{");
    for (int i = 0; i < ev->header_count; i++) {
        const struct cel_header *header = &ev->headers[i];
        vx_buf_str(out, i ? "," : "");
        if (vx_span_is(header->value, "\xff"))
            vx_buf_printf(out, "\"%.*s\":{\"base64\":\"%s\"}", VX_SPAN_ARG(header->name), hex);
        else
            print_text(out, header->name.at, header->value);
    }
    vx_buf_str(out, "},\"value\":");
    if (ev->tombstone)
        vx_buf_str(out, "null");
    else
        random_event_print(ev, out);
    vx_buf_str(out, "}\n");
}

static void print_condition(const struct term *term, struct vx_buf *out)
{
    struct vx_buf text = {0};
    term_print(term, &text);
    vx_buf_str(out, "when: '");
    for (size_t k = 0; k < text.len; k++) {
        vx_buf_str(out, text.at[k] == '\'' ? "'" : "");
        vx_buf_char(out, text.at[k]);
    }
    vx_buf_str(out, "', ");
    vx_buf_done(&text);
}

static void print_config(const struct random_rules *rules, struct vx_buf *out)
{
    vx_buf_printf(out, "kind: routing\nname: r\ntopics: [in]\n%srules:\n", rules->all ? "match: all\n" : "");
    for (uint32_t i = 0; i < rules->count; i++) {
        if (rules->over && i == rules->over) {
            vx_buf_str(out, "  - { name: more, ");
            if (rules->hands)
                print_condition(rules->hands, out);
            vx_buf_str(out, "routing: s }\notherwise: { drop: true }\n---\nkind: routing\nname: s\nrules:\n");
        }
        vx_buf_printf(out, "  - { name: r%u, ", i);
        print_condition(rules->terms[i], out);
        vx_buf_str(out, "drop: true }\n");
    }
    vx_buf_str(out, "otherwise: { drop: true }\n");
}

/* What decide() says with and without the index. */
static void print_decision(struct both *both, const struct random_event *random, struct vx_buf *out)
{
    struct decider *d = decider_new();
    struct simulate *s = simulate_new();
    struct decision decision;
    struct cel_event ev = as_event(random, &both->value);
    ev.topic = VX_SPAN_LITERAL("in");
    decide(d, both->t, &ev, &decision);
    simulate_print(s, both->t, 0, &ev, &decision, out);
    simulate_free(s);
    decider_free(d);
}

static void print_failure(struct both *both, struct random_rules *rules, const struct random_event *ev,
                          struct vx_buf *out)
{
    both_init(both, rules);
    struct match_index *indexes[2] = {both->route->index, both->t->routes[rules->over > 0].index};
    vx_buf_printf(
        out,
        "index and plain loop disagree, or a rule that is said to imply another does not%s\n--- config/config.yaml\n",
        strcmp(ev->topic, "in") ? vx_arena_printf(&both->arena, " (on topic \"%s\")", ev->topic) : "");
    print_config(rules, out);
    vx_buf_str(out, "--- events.jsonl\n");
    print_envelope(ev, out);
    vx_buf_str(out, "--- decisions.jsonl (by the loop)\n");
    both->route->index = both->t->routes[rules->over > 0].index = NULL;
    print_decision(both, ev, out);
    both->route->index = indexes[0];
    both->t->routes[rules->over > 0].index = indexes[1];
    vx_buf_str(out, "--- by the index\n");
    print_decision(both, ev, out);
    both_done(both);
}

static void report_failure(struct both *both, struct random_rules *rules, struct random_event *ev, struct vx_buf *out)
{
    both_done(both);
    while (shrink_rules(both, rules, ev) || shrink_event(both, rules, ev)) {
    }
    print_failure(both, rules, ev, out);
}

bool index_case_run(struct index_draw *d, uint32_t rules_max, uint32_t events, struct vx_buf *report, uint64_t *cases)
{
    struct vx_arena arena = {0};
    struct both both = {.scanner = json_scanner_new(), .scratch = match_scratch_new(), .regex = cel_scratch_new()};
    struct random_rules rules = {.all = index_draw(d, 2)};
    struct random_event ev;
    bool good = true;
    bool regexes = index_draw(d, 40) == 0; /* they take long to load */
    rules.count = 1 + index_draw(d, rules_max < RULES_MAX ? rules_max : RULES_MAX);
    for (uint32_t i = 0; i < rules.count; i++)
        rules.terms[i] = random_term(d, &arena, (int)index_draw(d, 4), regexes);
    if (!rules.all && index_draw(d, 3) == 0)
        rules.over = index_draw(d, rules.count);
    if (rules.over && index_draw(d, 3) == 0)
        rules.hands = random_term(d, &arena, (int)index_draw(d, 3), regexes);
    both_init(&both, &rules);
    for (uint32_t i = 0; i < events && good; i++) {
        random_event_make(d, &arena, &ev);
        good = agree(&both, &ev);
        ++*cases;
    }
    if (good)
        both_done(&both);
    else
        report_failure(&both, &rules, &ev, report);
    json_scanner_free(both.scanner);
    match_scratch_free(both.scratch);
    cel_scratch_free(both.regex);
    vx_buf_done(&both.value);
    vx_buf_done(&both.text);
    vx_arena_done(&both.frame);
    vx_arena_done(&arena);
    return good;
}
