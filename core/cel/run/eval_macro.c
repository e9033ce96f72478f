/* Macros at run time: a loop over what stands in place, with the elements as names of the evaluation.
 *
 *     event.items.exists(x, x.price > 5)      items: JSON text, walked token by token; x: the text of one element
 *
 * A worker's thread. Lists of the event are never copied; what a macro makes (map, filter, …) goes to the arena of the
 * call. Every element costs a step and what it takes to walk over its text, so the budget ends any loop. `all` and
 * `exists` are && and || over the elements: one that decides is enough, whatever fails beside it.
 */
#include "core/base/utf8.h"
#include "core/cel/run/run.h"
#include "core/cel/values.h"

/* A list or a map being walked: one or two names an element. */
struct walk {
    struct run *run;
    const struct cel_node *node;
    struct cel_value *names; /* run->locals from the first name on */
    bool map, two;
    size_t at;
    struct cel_list_iter list;
    struct cel_map_iter members;
};

static bool start(struct walk *w, struct run *run, const struct cel_node *node, struct cel_value subject)
{
    *w = (struct walk){.run = run, .node = node, .names = &run->locals[node->local]};
    w->map = subject.type == CEL_MAP;
    w->two = node->macro->var_count == 2;
    if (w->map)
        return cel_map_walk(&run->call, subject, &w->members) || cel_run_failed(run, node);
    if (subject.type == CEL_LIST) {
        w->list = cel_list_iter(subject);
        return true;
    }
    cel_fail_about(&run->call, FAIL_SUBJECT, node->macro->name, subject);
    return cel_run_failed(run, node);
}

/* A header is read when it gets a name; not UTF-8, it is none that an expression may see. */
static bool header_valid(struct walk *w)
{
    const struct cel_value *name = &w->names[0], *value = &w->names[1];
    bool read = w->two && value->type == CEL_STRING;
    cel_spend(&w->run->call, (name->s.len + (read ? value->s.len : 0)) / 64);
    if (vx_utf8_valid(name->s) && (!read || vx_utf8_valid(value->s)))
        return true;
    cel_fail_about(&w->run->call, FAIL_HEADER, NULL, *name);
    return cel_run_failed(w->run, w->node);
}

/* Puts the next element into the names; false at the end, or with *failed set. */
static bool next(struct walk *w, bool *failed)
{
    struct cel_value *element = &w->names[w->two], unused;
    *failed = false;
    if (w->map ? !cel_map_next(&w->members, &w->names[0], w->two ? &w->names[1] : &unused)
               : !cel_list_next(&w->list, element))
        return false;
    if (!w->map && w->two)
        w->names[0] = (struct cel_value){.type = CEL_INT, .i = (int64_t)w->at};
    w->at++;
    uint64_t text = w->map ? w->members.key_cost : w->list.list.is_json ? cel_length_cost(*element) : 0;
    *failed = !cel_charge(&w->run->call, 1 + text);
    if (*failed)
        cel_run_failed(w->run, w->node);
    else if (w->map && w->members.map.is_headers)
        *failed = !header_valid(w);
    return !*failed;
}

/* ---- conditions ---- */

static enum answer decide(struct walk *w, const struct cel_node *body, enum answer deciding)
{
    struct cel_failure first;
    bool failed, any_failed = false;
    while (next(w, &failed)) {
        enum answer answer = cel_run_test(w->run, body);
        if (answer == deciding)
            return answer;
        if (answer == FAILED && !any_failed) {
            first = w->run->call.failure;
            any_failed = true;
        }
    }
    if (failed)
        return FAILED;
    if (!any_failed)
        return deciding == YES ? NO : YES;
    w->run->call.failure = first;
    return FAILED;
}

/* Exactly one; a failure is one, whatever the others give. */
static enum answer decide_one(struct walk *w, const struct cel_node *body)
{
    size_t count = 0;
    bool failed;
    while (next(w, &failed)) {
        enum answer answer = cel_run_test(w->run, body);
        if (answer == FAILED)
            return FAILED;
        count += answer == YES;
    }
    return failed ? FAILED : count == 1 ? YES : NO;
}

/* ---- lists and maps ---- */

/* Items that are made one after the other, in the arena. Room doubles; what is left behind goes with the event. */
struct made {
    char *items;
    size_t size, count, room;
};

static void *add(struct run *run, struct made *made)
{
    if (made->count == made->room) {
        made->room = made->room ? 2 * made->room : 8;
        char *more = vx_arena_alloc(run->call.arena, made->room * made->size);
        if (made->count > 0)
            memcpy(more, made->items, made->count * made->size);
        made->items = more;
    }
    return made->items + made->size * made->count++;
}

/* The elements that a condition lets through, or what a body makes of them. */
static bool make_list(struct walk *w, const struct cel_node *body, struct cel_value *out)
{
    struct made made = {.size = sizeof(struct cel_value)};
    const struct cel_node *last = w->node->macro->filtered ? body + body->size : body;
    bool failed, filter = w->node->macro->kind == MACRO_FILTER;
    while (next(w, &failed)) {
        enum answer wanted = filter || last != body ? cel_run_test(w->run, body) : YES;
        struct cel_value cell = w->names[0];
        if (wanted == FAILED || (wanted == YES && !filter && !cel_run_eval(w->run, last, &cell)))
            return false;
        if (wanted == YES)
            *(struct cel_value *)add(w->run, &made) = cell;
    }
    if (failed)
        return false;
    return cel_make_list(&w->run->call, (const struct cel_value *)made.items, made.count, out) ||
           cel_run_failed(w->run, w->node);
}

/* Adds the entries of a map that the body of transformMapEntry() made. */
static bool add_entries(struct walk *w, struct made *made, struct cel_value map)
{
    struct cel_map_iter it;
    struct cel_value key, value;
    if (map.type != CEL_MAP) {
        cel_fail_about(&w->run->call, FAIL_ENTRY, NULL, map);
        return cel_run_failed(w->run, w->node);
    }
    if (!cel_map_walk(&w->run->call, map, &it))
        return cel_run_failed(w->run, w->node);
    while (cel_map_next(&it, &key, &value)) {
        if (!cel_charge(&w->run->call, 1 + it.key_cost))
            return cel_run_failed(w->run, w->node);
        *(struct cel_entry *)add(w->run, made) = (struct cel_entry){key, value};
    }
    return true;
}

static bool make_map(struct walk *w, const struct cel_node *body, struct cel_value *out)
{
    struct made made = {.size = sizeof(struct cel_entry)};
    const struct cel_node *last = w->node->macro->filtered ? body + body->size : body;
    bool failed;
    while (next(w, &failed)) {
        enum answer wanted = last != body ? cel_run_test(w->run, body) : YES;
        struct cel_value key = w->names[0], value;
        if (wanted == NO)
            continue;
        if (wanted == FAILED || !cel_run_eval(w->run, last, &value))
            return false;
        if (w->node->macro->kind == MACRO_TRANSFORM_MAP)
            *(struct cel_entry *)add(w->run, &made) = (struct cel_entry){key, value};
        else if (!add_entries(w, &made, value))
            return false;
    }
    if (failed)
        return false;
    return cel_make_map(&w->run->call, (const struct cel_entry *)made.items, made.count, out) ||
           cel_run_failed(w->run, w->node);
}

/* ---- at most one round ---- */

static bool run_optional(struct run *run, const struct cel_node *node, const struct cel_node *body,
                         struct cel_value *value)
{
    const struct cel_value *some = value->some;
    uint8_t kind = node->macro->kind;
    if (value->type != CEL_OPTIONAL) {
        cel_fail_about(&run->call, FAIL_SUBJECT, node->macro->name, *value);
        run->call.failure.style = 1;
        return cel_run_failed(run, node);
    }
    if (kind == MACRO_OR || kind == MACRO_OR_VALUE) {
        if (!some)
            return cel_run_eval(run, body, value);
        if (kind == MACRO_OR_VALUE)
            *value = *some;
        return true;
    }
    if (!some)
        return true;
    run->locals[node->local] = *some;
    if (!cel_run_eval(run, body, value))
        return false;
    if (kind == MACRO_OPT_MAP)
        return cel_make_optional(&run->call, value, value) || cel_run_failed(run, node);
    if (value->type == CEL_OPTIONAL)
        return true;
    cel_fail_about(&run->call, FAIL_OPTIONAL, NULL, *value);
    return cel_run_failed(run, body);
}

static bool give(enum answer answer, struct cel_value *out)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = answer == YES};
    return answer != FAILED;
}

bool cel_run_macro(struct run *run, const struct cel_node *node, struct cel_value *value)
{
    const struct cel_node *body = node + 1 + (node + 1)->size;
    struct walk w;
    if (node->macro->kind == MACRO_BIND) {
        run->locals[node->local] = *value;
        return cel_run_eval(run, body, value);
    }
    if (node->macro->kind > MACRO_BIND)
        return run_optional(run, node, body, value);
    if (!start(&w, run, node, *value))
        return false;
    switch (node->macro->kind) {
    case MACRO_ALL:
        return give(decide(&w, body, NO), value);
    case MACRO_EXISTS:
        return give(decide(&w, body, YES), value);
    case MACRO_EXISTS_ONE:
        return give(decide_one(&w, body), value);
    case MACRO_MAP:
    case MACRO_FILTER:
        return make_list(&w, body, value);
    default:
        return make_map(&w, body, value);
    }
}
