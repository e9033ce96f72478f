/* The evaluator: runs a program over one event.
 *
 * A worker's thread. Values are passed by copy; strings stay where they are, in the event or in the program; only what
 * has to be made (concatenations, decoded escapes, lists) goes to the frame's arena. C recursion is bounded by the
 * nesting of the expression; chains run in a loop (program.h). A failure is a few words in `run->call.failure`, put
 * into a sentence only when the whole evaluation has failed and somebody asked for the value.
 *
 *     cel_run_eval()  any node → value        cel_run_test()  a condition → yes, no, failed
 */
#include <math.h>

#include "core/cel/regex/regex.h"
#include "core/cel/run/run.h"
#include "core/cel/run/set.h"
#include "core/cel/values.h"

static bool missing(struct run *run, const struct cel_node *node)
{
    run->call.failure = (struct cel_failure){.kind = FAIL_SLOT, .path = &node->field->path};
    return cel_run_failed(run, node);
}

/* The value of a slot that is there. A number may be a megabyte of digits, and is read every time. */
static struct cel_value from_slot(struct run *run, const struct cel_node *node)
{
    struct json_value json = run->event->slots[node->slot];
    if (json.len > 64 && (json.kind == JSON_KIND_INT || json.kind == JSON_KIND_DOUBLE))
        cel_spend(&run->call, json.len / 16);
    return cel_from_json(json);
}

/* ---- comparison of a field with a constant ---- */

enum { GLANCE_MAX = 64 }; /* of a number's text, which costs no step then */

static enum answer answer_order(enum cel_order order, uint8_t wanted)
{
    switch (wanted) {
    case TEST_LT:
        return order == CEL_LESS;
    case TEST_LE:
        return order == CEL_LESS || order == CEL_SAME;
    case TEST_GT:
        return order == CEL_GREATER;
    default:
        return order == CEL_GREATER || order == CEL_SAME;
    }
}

static enum answer compare_slow(struct run *run, const struct cel_node *node)
{
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};
    struct cel_value args[2] = {from_slot(run, node), node->field->constant};
    bool equal;
    if (node->test <= TEST_NE) {
        if (!cel_equal_within(&run->call, args[0], args[1], &equal)) {
            cel_run_failed(run, node);
            return FAILED;
        }
        return equal == (node->test == TEST_EQ);
    }
    bool numbers = (MASK_NUMBER >> args[0].type & 1) && (MASK_NUMBER >> args[1].type & 1);
    if (args[0].type != args[1].type && !numbers) {
        cel_fail_types(&run->call, names[node->test], STYLE_INFIX, args, 2);
        cel_run_failed(run, node);
        return FAILED;
    }
    return answer_order(cel_order_of(&run->call, args[0], args[1]), node->test);
}

/* What two strings or two numbers come to, at a glance; false where that is not enough. */
static bool glance(uint8_t wanted, struct json_value json, const struct cel_value *constant, enum answer *answer)
{
    int64_t i;
    if (constant->type == CEL_STRING && json.kind == JSON_KIND_STRING && wanted <= TEST_NE) {
        bool equal = json.escaped ? json_string_equal(json, constant->s)
                                  : vx_span_equal(vx_span(json.at, json.len), constant->s);
        *answer = equal == (wanted == TEST_EQ);
        return true;
    }
    if (constant->type == CEL_DOUBLE && json.kind == JSON_KIND_DOUBLE && json.len <= GLANCE_MAX &&
        !isnan(constant->d)) {
        double d = json_double(json);
        *answer = wanted <= TEST_NE ? (d == constant->d) == (wanted == TEST_EQ)
                                    : answer_order(d < constant->d   ? CEL_LESS
                                                   : d > constant->d ? CEL_GREATER
                                                                     : CEL_SAME,
                                                   wanted);
        return true;
    }
    if (constant->type != CEL_INT || json.kind != JSON_KIND_INT || !json_int64(json, &i))
        return false;
    *answer = wanted <= TEST_NE ? (i == constant->i) == (wanted == TEST_EQ)
                                : answer_order(i < constant->i   ? CEL_LESS
                                               : i > constant->i ? CEL_GREATER
                                                                 : CEL_SAME,
                                               wanted);
    return true;
}

static enum answer compare(struct run *run, const struct cel_node *node)
{
    struct json_value json = run->event->slots[node->slot];
    enum answer answer;
    if (json.kind == JSON_KIND_MISSING) {
        missing(run, node);
        return FAILED;
    }
    return glance(node->test, json, &node->field->constant, &answer) ? answer : compare_slow(run, node);
}

/* The same inside what a macro's name stands for. */
static bool compare_local(struct run *run, const struct cel_node *node, enum answer *answer)
{
    const struct cel_value *local = &run->locals[node->number], *constant = &node->field->constant;
    const struct json_path *path = &node->field->path;
    if (path->count == 0) {
        if (local->type != constant->type || local->is_json || local->type == CEL_DOUBLE)
            return false;
        if (local->type == CEL_STRING)
            *answer = vx_span_equal(local->s, constant->s) == (node->test == TEST_EQ);
        else
            *answer = node->test <= TEST_NE ? (local->i == constant->i) == (node->test == TEST_EQ)
                                            : answer_order(cel_order_of(&run->call, *local, *constant), node->test);
        return true;
    }
    if (!local->is_json || local->type == CEL_STRING)
        return false;
    struct json_value json = local->json;
    for (size_t i = 0; i < path->count; i++) {
        cel_spend(&run->call, json.len / 16);
        json =
            path->steps[i].is_index ? json_element(json, path->steps[i].index) : json_member(json, path->steps[i].key);
    }
    return glance(node->test, json, constant, answer);
}

/* has(): false only where the parent is a map without that key. */
static enum answer has_slot(struct run *run, const struct cel_node *node)
{
    if (run->event->slots[node->slot].kind != JSON_KIND_MISSING)
        return YES;
    if (run->event->slots[node->parent].kind == JSON_KIND_OBJECT)
        return NO;
    missing(run, node);
    return FAILED;
}

/* event.a.?b: what stands before the `?` must be there. */
static bool parent_missing(struct run *run, const struct cel_node *node)
{
    if (run->event->slots[node->parent].kind != JSON_KIND_MISSING)
        return false;
    run->call.failure = (struct cel_failure){.kind = FAIL_SLOT, .path = node->field->before};
    cel_run_failed(run, node);
    return true;
}

static bool eval_optional_slot(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value value;
    if (parent_missing(run, node))
        return false;
    bool there = run->event->slots[node->slot].kind != JSON_KIND_MISSING;
    if (there)
        value = from_slot(run, node);
    return cel_make_optional(&run->call, there ? &value : NULL, out) || cel_run_failed(run, node);
}

/* ---- conditions ---- */

/* && and ||: one operand that decides is enough, whatever fails beside it. */
static enum answer test_logic(struct run *run, const struct cel_node *node)
{
    enum answer deciding = node->op == NODE_OR ? YES : NO;
    struct cel_failure first;
    bool failed = false;
    const struct cel_node *arg = node + 1;
    for (uint32_t i = 0; i < node->count; i++, arg += arg->size) {
        enum answer answer = cel_run_test(run, arg);
        if (answer == deciding)
            return answer;
        if (answer == FAILED && !failed) {
            first = run->call.failure;
            failed = true;
        }
    }
    if (!failed)
        return deciding == YES ? NO : YES;
    run->call.failure = first;
    return FAILED;
}

enum answer cel_run_test(struct run *run, const struct cel_node *node)
{
    struct cel_value v;
    enum answer answer;
    switch (node->op) {
    case NODE_COMPARE_LOCAL:
        if (cel_charge(&run->call, 1) && compare_local(run, node, &answer))
            return answer;
        if (!cel_run_eval(run, node + 1, &v))
            return FAILED;
        break;
    case NODE_CALL:
        if (node->test != QUICK_NOT && node->test <= QUICK_GE && cel_run_quick(run, node, &answer))
            return answer;
        if (!cel_run_eval(run, node, &v))
            return FAILED;
        break;
    case NODE_AND:
    case NODE_OR:
    case NODE_COMPARE:
    case NODE_HAS_SLOT:
        if (!cel_charge(&run->call, 1)) {
            cel_run_failed(run, node);
            return FAILED;
        }
        return node->op == NODE_COMPARE    ? compare(run, node)
               : node->op == NODE_HAS_SLOT ? has_slot(run, node)
                                           : test_logic(run, node);
    default:
        if (!cel_run_eval(run, node, &v))
            return FAILED;
    }
    if (v.type == CEL_BOOL)
        return v.boolean;
    cel_fail_about(&run->call, FAIL_BOOL, "the condition", v);
    cel_run_failed(run, node);
    return FAILED;
}

static bool give(enum answer answer, struct cel_value *out)
{
    *out = (struct cel_value){.type = CEL_BOOL, .boolean = answer == YES};
    return answer != FAILED;
}

/* ---- strict nodes ---- */

/* Calls with the first argument in `value`, where the result goes too. */
static bool call(struct run *run, const struct cel_node *node, struct cel_value *value)
{
    struct cel_value args[CEL_ARGS_MAX];
    const struct cel_node *arg = node + 1;
    const struct cel_op *op = node->ops;
    args[0] = *value;
    for (uint8_t i = 1; i < node->argc; i++) {
        arg += arg->size;
        if (!cel_run_eval(run, arg, &args[i]))
            return false;
    }
    if (node->op_count > 0) {
        op = cel_ops_pick((struct cel_ops){node->ops, node->op_count}, args, node->argc, node->mixed);
        if (!op) {
            cel_fail_types(&run->call, node->ops->name, node->style, args, node->argc);
            return cel_run_failed(run, node);
        }
    }
    return op->call(&run->call, args, value) || cel_run_failed(run, node);
}

/* One strict node whose first argument is in `value`, where the result goes too. */
static bool eval_one(struct run *run, const struct cel_node *node, struct cel_value *value)
{
    bool good;
    switch (node->op) {
    case NODE_CALL:
        return call(run, node, value);
    case NODE_MACRO:
        return cel_run_macro(run, node, value);
    case NODE_HAS:
        good = cel_has(&run->call, *value, cel_node_name(node), value);
        break;
    case NODE_SELECT_OPTIONAL:
        good = cel_select_optional(&run->call, *value, cel_string_value(cel_node_name(node)), value);
        break;
    case NODE_IN_SET:
        good = cel_set_has(node->set, &run->call, *value, value);
        break;
    case NODE_MATCH:
        good = cel_match(node->regex, &run->call, node->style, *value, value);
        break;
    default:
        good = cel_select(&run->call, *value, cel_node_name(node), value);
    }
    return good || cel_run_failed(run, node);
}

static bool eval_strict(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    uint32_t left = node->spine;
    if (!cel_run_eval(run, node + left, out))
        return false;
    while (left-- > 0) {
        if (!cel_charge(&run->call, 1))
            return cel_run_failed(run, node + left);
        if (!eval_one(run, node + left, out))
            return false;
    }
    return true;
}

/* ---- the rest ---- */

static bool eval_header(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct vx_span name = cel_node_name(node);
    const struct cel_header *header = cel_header_find(run->event->headers, run->event->header_count, name);
    if (!header)
        cel_fail_about(&run->call, FAIL_KEY, NULL, cel_string_value(name));
    else if (!cel_header_value(header, out))
        cel_fail_about(&run->call, FAIL_HEADER, NULL, cel_string_value(name));
    else
        return true;
    return cel_run_failed(run, node);
}

static inline bool eval_slot(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    if (run->event->slots[node->slot].kind == JSON_KIND_MISSING)
        return missing(run, node);
    *out = from_slot(run, node);
    return true;
}

/* event.?a.orValue(x): NO where it comes to x. */
static inline enum answer slot_or(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    if (run->event->slots[node->slot].kind == JSON_KIND_MISSING)
        return parent_missing(run, node) ? FAILED : NO;
    *out = from_slot(run, node);
    return YES;
}

/* Of c ? x : y, whose c is at `node`, the one that it comes to; NULL: c failed. */
static inline const struct cel_node *branch(struct run *run, const struct cel_node *node)
{
    enum answer answer = cel_run_test(run, node);
    if (answer == FAILED)
        return NULL;
    node += node->size;
    return answer == YES ? node : node + node->size;
}

bool cel_run_eval(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    for (;;) {
        enum answer answer;
        if (!cel_charge(&run->call, 1))
            return cel_run_failed(run, node);
        switch (node->op) {
        case NODE_CONST:
            *out = *node->constant;
            return true;
        case NODE_FAIL:
            return cel_fail(&run->call, node->text) || cel_run_failed(run, node);
        case NODE_SLOT:
            return eval_slot(run, node, out);
        case NODE_HAS_SLOT:
            return give(has_slot(run, node), out);
        case NODE_COMPARE:
            return give(compare(run, node), out);
        case NODE_COMPARE_LOCAL:
            if (compare_local(run, node, &answer))
                return give(answer, out);
            node++;
            continue;
        case NODE_OPT_SLOT:
            return eval_optional_slot(run, node, out);
        case NODE_SLOT_OR:
            answer = slot_or(run, node, out);
            if (answer != NO)
                return answer == YES;
            node++;
            continue;
        case NODE_HEADER:
            return eval_header(run, node, out);
        case NODE_VAR:
            return node->variable->read(&run->call, run->event, out) || cel_run_failed(run, node);
        case NODE_BINDING:
            *out = run->bindings[node->number];
            return true;
        case NODE_LOCAL:
            *out = run->locals[node->number];
            return true;
        case NODE_CALL_NONE:
            return node->ops->call(&run->call, NULL, out) || cel_run_failed(run, node);
        case NODE_AND:
        case NODE_OR:
            return give(test_logic(run, node), out);
        case NODE_COND: /* the chosen branch runs in this very frame: chains of ? : cost no stack */
            node = branch(run, node + 1);
            if (!node)
                return false;
            continue;
        case NODE_LIST:
            return cel_run_list(run, node, out);
        case NODE_MAP:
            return cel_run_map(run, node, out);
        default:
            return eval_strict(run, node, out);
        }
    }
}

static void start(struct run *run, struct cel_frame *frame)
{
    frame->failure = NULL;
    run->call.arena = frame->arena;
    run->call.scratch = frame->scratch;
    run->call.steps = frame->budget && *frame->budget < CEL_STEPS_MAX ? *frame->budget : CEL_STEPS_MAX;
    run->allowed = run->call.steps;
    run->event = frame->event;
    run->bindings = frame->bindings;
    run->numbers = frame->numbers;
}

static void settle(const struct run *run, struct cel_frame *frame)
{
    uint64_t taken = run->allowed - run->call.steps;
    frame->steps_left = CEL_STEPS_MAX - taken;
    if (frame->budget)
        *frame->budget -= taken;
}

bool cel_eval_call(const struct cel_program *program, struct cel_call *call, struct cel_value *out)
{
    struct run run;
    run.call = *call;
    run.event = NULL;
    run.bindings = NULL;
    run.numbers = NULL;
    bool good = cel_run_eval(&run, program->nodes, out);
    *call = run.call;
    return good;
}

enum vx_status cel_eval(const struct cel_program *program, struct cel_frame *frame, struct cel_value *out)
{
    struct run run;
    struct cel_value value;
    start(&run, frame);
    bool good = cel_run_eval(&run, program->nodes, &value);
    settle(&run, frame);
    if (good) {
        *out = value;
        return VX_OK;
    }
    frame->failure = cel_failure_text(&run.call.failure, frame->event, frame->arena);
    frame->failure_offset = run.call.failure.offset;
    return VX_EINVAL;
}

bool cel_test(const struct cel_program *program, struct cel_frame *frame, bool *failed)
{
    struct run run;
    start(&run, frame);
    enum answer answer = cel_run_test(&run, program->nodes);
    settle(&run, frame);
    *failed = answer == FAILED;
    frame->absent = *failed && cel_failure_is_absence(&run.call.failure);
    return answer == YES;
}
