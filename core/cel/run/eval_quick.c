/* Comparisons of numbers, computed without a value for each part: event.a * 2.0 > event.b - 1, size(event.name) < 10.
 *
 * A worker's thread. The compiler marks a comparison whose parts are constants, fields of the event, sizes of fields and
 * + - * of these, all in all few nodes. What such a part is at run time is mostly what is expected: a number, a string.
 * Where it is not (missing, another type, overflow, escapes, numbers that need care), nothing is settled here, no step is
 * taken, and the nodes are evaluated as all others are: the definition, which also says what failed.
 */
#include <math.h>

#include "core/base/utf8.h"
#include "core/cel/run/run.h"

enum { LENGTH_MAX = 64 }; /* of a number's text, and of a string whose size is asked: nothing that costs a step */

static bool read_slot(struct run *run, uint32_t slot, struct cel_number *out)
{
    struct cel_numbers *numbers = run->numbers;
    bool kept = numbers && slot < numbers->count;
    if (kept && numbers->at[slot].epoch == numbers->epoch) {
        *out = numbers->at[slot];
        return true;
    }
    struct json_value json = run->event->slots[slot];
    if (json.len > LENGTH_MAX || (json.kind != JSON_KIND_INT && json.kind != JSON_KIND_DOUBLE))
        return false;
    out->is_double = json.kind == JSON_KIND_DOUBLE;
    if (out->is_double)
        out->d = json_double(json);
    else if (!json_int64(json, &out->i))
        return false;
    if (kept) {
        out->epoch = numbers->epoch;
        numbers->at[slot] = *out;
    }
    return true;
}

static bool read_size(struct json_value json, struct cel_number *out)
{
    if (json.kind != JSON_KIND_STRING || json.escaped || json.len > LENGTH_MAX)
        return false;
    uint64_t bytes, high = 0;
    uint32_t i = 0;
    for (; i + sizeof bytes <= json.len; i += sizeof bytes) {
        memcpy(&bytes, json.at + i, sizeof bytes);
        high |= bytes;
    }
    for (; i < json.len; i++)
        high |= (unsigned char)json.at[i];
    out->is_double = false;
    out->i = high & 0x8080808080808080 ? (int64_t)vx_utf8_count(vx_span(json.at, json.len)) : json.len;
    return true;
}

static bool compute(uint8_t quick, bool mixed, const struct cel_number *a, const struct cel_number *b,
                    struct cel_number *out)
{
    if (!a->is_double && !b->is_double) {
        out->is_double = false;
        return quick == QUICK_ADD   ? !__builtin_add_overflow(a->i, b->i, &out->i)
               : quick == QUICK_SUB ? !__builtin_sub_overflow(a->i, b->i, &out->i)
                                    : !__builtin_mul_overflow(a->i, b->i, &out->i);
    }
    if (a->is_double != b->is_double && !mixed)
        return false;
    double x = a->is_double ? a->d : (double)a->i, y = b->is_double ? b->d : (double)b->i;
    out->is_double = true;
    out->d = quick == QUICK_ADD ? x + y : quick == QUICK_SUB ? x - y : x * y;
    return true;
}

/* The number that `node` gives; returns what stands behind it, or NULL. Recursion: QUICK_NODES_MAX. */
static const struct cel_node *number(struct run *run, const struct cel_node *node, struct cel_number *out)
{
    struct cel_number a, b;
    const struct cel_node *second;
    switch (node->op) {
    case NODE_CONST:
        out->is_double = node->constant->type == CEL_DOUBLE;
        out->i = node->constant->i;
        return node + 1;
    case NODE_SLOT:
        return read_slot(run, node->slot, out) ? node + 1 : NULL;
    default:
        break;
    }
    if (node->test == QUICK_SIZE)
        return read_size(run->event->slots[node[1].slot], out) ? node + 2 : NULL;
    second = number(run, node + 1, &a);
    const struct cel_node *behind = second ? number(run, second, &b) : NULL;
    return behind && compute(node->test, node->mixed, &a, &b, out) ? behind : NULL;
}

static enum answer answer_of(uint8_t test, int less, int same, int greater)
{
    switch (test) {
    case QUICK_EQ:
        return same;
    case QUICK_NE:
        return !same;
    case QUICK_LT:
        return less;
    case QUICK_LE:
        return less || same;
    case QUICK_GT:
        return greater;
    default:
        return greater || same;
    }
}

bool cel_run_quick(struct run *run, const struct cel_node *node, enum answer *answer)
{
    const double exact = 9007199254740992.0; /* 2^53: ints up to it are doubles */
    struct cel_number a, b;
    const struct cel_node *second;
    if (run->call.steps < node->size || !(second = number(run, node + 1, &a)) || !number(run, second, &b))
        return false;
    run->call.steps -= node->size;
    if (!a.is_double && !b.is_double) {
        *answer = answer_of(node->test, a.i<b.i, a.i == b.i, a.i> b.i);
        return true;
    }
    double x = a.is_double ? a.d : (double)a.i, y = b.is_double ? b.d : (double)b.i;
    if (a.is_double != b.is_double && fabs(a.is_double ? y : x) >= exact) {
        run->call.steps += node->size;
        return false;
    }
    *answer = answer_of(node->test, x<y, x == y, x> y);
    return true;
}
