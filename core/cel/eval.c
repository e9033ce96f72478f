/* The evaluator: runs a program over one event.
 *
 * A worker's thread. Values are passed by copy; strings stay where they are, in the event or in the program; only what
 * has to be made (concatenations, decoded escapes, lists) goes to the frame's arena. C recursion is bounded by the
 * nesting of the expression; chains run in a loop (program.h). A failure is a few words in `run->call.failure`, put
 * into a sentence only when the whole evaluation has failed and somebody asked for the value.
 *
 *     eval()  any node → value            test()  a condition → yes, no, failed; what && || ?: and rules need
 */
#include "core/cel/program.h"
#include "core/cel/values.h"

struct run {
    struct cel_call call;
    const struct cel_event *event;
    const struct cel_value *bindings;
};

enum answer { FAILED = -1, NO = 0, YES = 1 };

static bool eval(struct run *run, const struct cel_node *node, struct cel_value *out);
static enum answer test(struct run *run, const struct cel_node *node);

/* Gives the failure just recorded its place. */
static bool failed_at(struct run *run, const struct cel_node *node)
{
    run->call.failure.offset = node->offset;
    return false;
}

static bool missing(struct run *run, const struct cel_node *node)
{
    run->call.failure = (struct cel_failure){.kind = FAIL_SLOT, .path = &node->field->path};
    return failed_at(run, node);
}

/* ---- comparison of a field with a constant ---- */

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

static enum answer compare_slow(struct run *run, const struct cel_node *node, struct json_value json)
{
    static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};
    struct cel_value args[2] = {cel_from_json(json), node->field->constant};
    bool equal;
    if (node->test <= TEST_NE) {
        if (!cel_equal_within(&run->call, args[0], args[1], &equal)) {
            failed_at(run, node);
            return FAILED;
        }
        return equal == (node->test == TEST_EQ);
    }
    bool numbers = (MASK_NUMBER >> args[0].type & 1) && (MASK_NUMBER >> args[1].type & 1);
    if (args[0].type != args[1].type && !numbers) {
        cel_fail_types(&run->call, names[node->test], STYLE_INFIX, args, 2);
        failed_at(run, node);
        return FAILED;
    }
    return answer_order(cel_order_of(&run->call, args[0], args[1]), node->test);
}

static enum answer compare(struct run *run, const struct cel_node *node)
{
    struct json_value json = run->event->slots[node->slot];
    const struct cel_value *constant = &node->field->constant;
    int64_t i;
    if (json.kind == JSON_KIND_MISSING) {
        missing(run, node);
        return FAILED;
    }
    if (constant->type == CEL_STRING && json.kind == JSON_KIND_STRING && node->test <= TEST_NE) {
        bool equal = json.escaped ? json_string_equal(json, constant->s)
                                  : vx_span_equal(vx_span(json.at, json.len), constant->s);
        return equal == (node->test == TEST_EQ);
    }
    if (constant->type == CEL_INT && json.kind == JSON_KIND_INT && json_int64(json, &i)) {
        if (node->test <= TEST_NE)
            return (i == constant->i) == (node->test == TEST_EQ);
        return answer_order(i < constant->i ? CEL_LESS : i > constant->i ? CEL_GREATER : CEL_SAME, node->test);
    }
    return compare_slow(run, node, json);
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

/* ---- conditions ---- */

/* && and ||: one operand that decides is enough, whatever fails beside it. */
static enum answer test_logic(struct run *run, const struct cel_node *node)
{
    enum answer deciding = node->op == NODE_OR ? YES : NO;
    struct cel_failure first;
    bool failed = false;
    const struct cel_node *arg = node + 1;
    for (uint32_t i = 0; i < node->count; i++, arg += arg->size) {
        enum answer answer = test(run, arg);
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

static enum answer test(struct run *run, const struct cel_node *node)
{
    struct cel_value v;
    switch (node->op) {
    case NODE_AND:
    case NODE_OR:
    case NODE_COMPARE:
    case NODE_HAS_SLOT:
        if (!cel_charge(&run->call, 1)) {
            failed_at(run, node);
            return FAILED;
        }
        return node->op == NODE_COMPARE    ? compare(run, node)
               : node->op == NODE_HAS_SLOT ? has_slot(run, node)
                                           : test_logic(run, node);
    default:
        if (!eval(run, node, &v))
            return FAILED;
    }
    if (v.type == CEL_BOOL)
        return v.boolean;
    cel_fail_about(&run->call, FAIL_BOOL, "the condition", v);
    failed_at(run, node);
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
        if (!eval(run, arg, &args[i]))
            return false;
    }
    if (node->op_count > 0) {
        op = cel_ops_pick((struct cel_ops){node->ops, node->op_count}, args, node->mixed);
        if (!op) {
            cel_fail_types(&run->call, node->ops->name, node->style, args, node->argc);
            return failed_at(run, node);
        }
    }
    return op->call(&run->call, args, value) || failed_at(run, node);
}

static bool eval_strict(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    uint32_t left = node->spine;
    if (!eval(run, node + left, out))
        return false;
    while (left-- > 0) {
        const struct cel_node *strict = node + left;
        if (!cel_charge(&run->call, 1))
            return failed_at(run, strict);
        if (strict->op == NODE_CALL) {
            if (!call(run, strict, out))
                return false;
            continue;
        }
        bool good = strict->op == NODE_HAS ? cel_has(&run->call, *out, cel_node_name(strict), out)
                                           : cel_select(&run->call, *out, cel_node_name(strict), out);
        if (!good)
            return failed_at(run, strict);
    }
    return true;
}

/* ---- the rest ---- */

static bool eval_list(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct cel_value *cells = VX_ARENA_ARRAY(run->call.arena, struct cel_value, node->count);
    const struct cel_node *arg = node + 1;
    for (uint32_t i = 0; i < node->count; i++, arg += arg->size) {
        if (!eval(run, arg, &cells[i]))
            return false;
    }
    *out = (struct cel_value){.type = CEL_LIST, .list = {cells, node->count}};
    return true;
}

static bool eval_map(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    struct cel_entry *entries = VX_ARENA_ARRAY(run->call.arena, struct cel_entry, node->count / 2);
    const struct cel_node *arg = node + 1;
    for (uint32_t i = 0; i < node->count; i++, arg += arg->size) {
        if (!eval(run, arg, i % 2 ? &entries[i / 2].value : &entries[i / 2].key))
            return false;
    }
    return cel_make_map(&run->call, entries, node->count / 2, out) || failed_at(run, node);
}

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
    return failed_at(run, node);
}

static bool eval(struct run *run, const struct cel_node *node, struct cel_value *out)
{
    for (;;) {
        enum answer answer;
        if (!cel_charge(&run->call, 1))
            return failed_at(run, node);
        switch (node->op) {
        case NODE_CONST:
            *out = *node->constant;
            return true;
        case NODE_FAIL:
            return cel_fail(&run->call, node->text) || failed_at(run, node);
        case NODE_SLOT:
            if (run->event->slots[node->slot].kind == JSON_KIND_MISSING)
                return missing(run, node);
            *out = cel_from_json(run->event->slots[node->slot]);
            return true;
        case NODE_HAS_SLOT:
            return give(has_slot(run, node), out);
        case NODE_COMPARE:
            return give(compare(run, node), out);
        case NODE_HEADER:
            return eval_header(run, node, out);
        case NODE_VAR:
            return node->variable->read(&run->call, run->event, out) || failed_at(run, node);
        case NODE_BINDING:
            *out = run->bindings[node->number];
            return true;
        case NODE_AND:
        case NODE_OR:
            return give(test_logic(run, node), out);
        case NODE_COND: /* the chosen branch runs in this very frame: chains of ? : cost no stack */
            answer = test(run, node + 1);
            if (answer == FAILED)
                return false;
            node++;
            node += node->size;
            if (answer == NO)
                node += node->size;
            continue;
        case NODE_LIST:
            return eval_list(run, node, out);
        case NODE_MAP:
            return eval_map(run, node, out);
        default:
            return eval_strict(run, node, out);
        }
    }
}

static void start(struct run *run, struct cel_frame *frame)
{
    frame->failure = NULL;
    run->call.arena = frame->arena;
    run->call.steps = CEL_STEPS_MAX;
    run->event = frame->event;
    run->bindings = frame->bindings;
}

enum vx_status cel_eval(const struct cel_program *program, struct cel_frame *frame, struct cel_value *out)
{
    struct run run;
    struct cel_value value;
    start(&run, frame);
    bool good = eval(&run, program->nodes, &value);
    frame->steps_left = run.call.steps;
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
    enum answer answer = test(&run, program->nodes);
    frame->steps_left = run.call.steps;
    *failed = answer == FAILED;
    return answer == YES;
}
