/* An explanation for people: the rules, then what the rule that took the event leads to, step by step, then the records.
 * Any one thread; no state. What comes from outside is shown without control characters and cut where it is long.
 */
#include <inttypes.h>

#include "core/base/utf8.h"
#include "core/plan/explain_private.h"
#include "core/plan/simulate.h"

enum {
    VALUE_SHOWN_MAX = 100,   /* bytes of a value in a line */
    RECORD_SHOWN_MAX = 2000, /* of a record's value */
    NAMES_SHOWN_MAX = 5,     /* rules that were not looked at */
    NAME_COLUMN_MAX = 24,    /* a longer name pushes the rest of its line */
    WORD_COLUMN = 11,        /* "not asked" and a blank */
};

struct printer {
    const struct explain *x;
    struct vx_buf *out;
    bool color;
};

static const char BOLD[] = "\033[1m", DIM[] = "\033[2m", GREEN[] = "\033[32m", RED[] = "\033[31m", PLAIN[] = "\033[0m";

static void paint(const struct printer *p, const char *color)
{
    if (p->color)
        vx_buf_str(p->out, color);
}

/* At most `max` bytes, whole characters; and what is missing. */
static void put_cut(const struct printer *p, struct vx_span text, size_t max)
{
    size_t len = text.len;
    if (len > max) {
        len = max;
        while (len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
            len--;
    }
    vx_buf_printable(p->out, vx_span(text.at, len), "");
    if (len < text.len)
        vx_buf_printf(p->out, "… (%zu bytes)", text.len);
}

/* Text of an expression, which may stand on several lines, on one. */
static void put_expression(const struct printer *p, struct vx_span text)
{
    struct vx_buf line = {0};
    for (size_t i = 0; i < text.len; i++) {
        bool blank = strchr(" \t\r\n", text.at[i]) != NULL;
        if (!blank)
            vx_buf_char(&line, text.at[i]);
        else if (line.len > 0 && line.at[line.len - 1] != ' ')
            vx_buf_char(&line, ' ');
    }
    if (line.len > 0 && line.at[line.len - 1] == ' ')
        line.len--;
    vx_buf_printable(p->out, vx_buf_view(&line), "");
    vx_buf_done(&line);
}

static void put_indent(const struct printer *p, size_t columns)
{
    vx_buf_printf(p->out, "%*s", (int)columns, "");
}

static size_t width_of(const char *text)
{
    return strlen(text); /* names are ASCII */
}

static void put_cell(const struct printer *p, const char *text, size_t columns)
{
    size_t width = width_of(text);
    vx_buf_str(p->out, text);
    put_indent(p, width < columns ? columns - width : 1);
}

/* ---- conditions ---- */

/* A sub-expression without brackets around all of it: "(event.test)" is event.test. */
static struct vx_span bare(struct vx_span text)
{
    while (text.len > 2 && text.at[0] == '(' && !memchr(text.at, '"', text.len) && !memchr(text.at, '\'', text.len)) {
        size_t depth = 0, at = 0;
        do
            depth += (text.at[at] == '(') - (text.at[at] == ')');
        while (depth && ++at < text.len);
        if (at + 1 != text.len)
            break;
        text = vx_span(text.at + 1, text.len - 2);
    }
    return text;
}

/* "event.amount = 12", or "event.amount: no such key: amount". */
static void put_seen(const struct printer *p, const struct cel_seen *seen)
{
    put_expression(p, bare(seen->text));
    if (seen->failure.at) {
        vx_buf_str(p->out, ": ");
        put_cut(p, seen->failure, VALUE_SHOWN_MAX);
    } else {
        vx_buf_str(p->out, " = ");
        put_cut(p, seen->value, VALUE_SHOWN_MAX);
    }
}

/* True for a value that says no more than one behind it: the same failure, further inside. */
static bool is_echo(const struct cel_reason *reason, size_t i)
{
    for (size_t k = i + 1; reason->seen[i].failure.at && k < reason->seen_count; k++) {
        if (vx_span_equal(reason->seen[i].failure, reason->seen[k].failure))
            return true;
    }
    return false;
}

/* True when it takes the part's own text to tell which one is meant: what it saw does not. */
static bool needs_name(const struct cel_reasons *why, size_t i, struct vx_span condition)
{
    const struct cel_reason *reason = &why->at[i];
    if (vx_span_equal(reason->part.text, condition))
        return false;
    if (reason->seen_count > 1)
        return true;
    for (size_t k = 0; k < why->count; k++) {
        if (k != i && why->at[k].seen_count && vx_span_equal(why->at[k].seen[0].text, reason->seen[0].text))
            return true;
    }
    return false;
}

/* A line: what a part that decided saw, and what it gave. */
static void put_reason(const struct printer *p, const struct cel_reasons *why, size_t i, struct vx_span condition)
{
    const struct cel_reason *reason = &why->at[i];
    const struct cel_seen *part = &reason->part;
    bool shown = false, echoed = false;
    if (reason->seen_count && needs_name(why, i, condition)) {
        put_expression(p, bare(part->text));
        vx_buf_str(p->out, ":  ");
    }
    for (size_t k = 0; k < reason->seen_count; k++) {
        if (is_echo(reason, k))
            continue;
        vx_buf_str(p->out, shown ? ", " : "");
        put_seen(p, &reason->seen[k]);
        shown = true;
        echoed |= part->failure.at && vx_span_equal(reason->seen[k].failure, part->failure);
    }
    if (!shown) { /* has(event.x), event.active */
        put_seen(p, part);
    } else if (!echoed) {
        vx_buf_str(p->out, " → ");
        put_cut(p, part->failure.at ? part->failure : part->value, VALUE_SHOWN_MAX);
    }
    if (!part->failure.at && !vx_span_is(part->value, "true") && !vx_span_is(part->value, "false"))
        vx_buf_str(p->out, ", which is no bool");
    vx_buf_char(p->out, '\n');
}

static void put_reasons(const struct printer *p, const struct cel_reasons *why, struct vx_span condition, size_t indent)
{
    paint(p, DIM);
    for (size_t i = 0; i < why->count; i++) {
        put_indent(p, indent);
        put_reason(p, why, i, condition);
    }
    paint(p, PLAIN);
}

/* ---- rules ---- */

static size_t name_column(const struct explain_step *step)
{
    size_t widest = 0;
    for (size_t i = 0; i < step->routing->rule_count; i++) {
        size_t width = width_of(step->rules[i].config->name);
        if (width > widest && step->rules[i].verdict != EXPLAIN_BEHIND)
            widest = width;
    }
    return (widest > NAME_COLUMN_MAX ? NAME_COLUMN_MAX : widest) + 2;
}

static void put_rule(const struct printer *p, const struct explain_rule *rule, size_t column)
{
    static const char *const words[] = {[EXPLAIN_NO] = "no",
                                        [EXPLAIN_MATCHES] = "matches",
                                        [EXPLAIN_FAILS] = "fails",
                                        [EXPLAIN_DISABLED] = "disabled",
                                        [EXPLAIN_BEHIND] = "not asked"};
    put_indent(p, 2);
    paint(p, rule->verdict == EXPLAIN_MATCHES ? GREEN : rule->verdict == EXPLAIN_FAILS ? RED : "");
    put_cell(p, words[rule->verdict], WORD_COLUMN);
    paint(p, PLAIN);
    put_cell(p, rule->config->name, column);
    if (rule->config->when.cel)
        put_expression(p, rule->config->when.text);
    else
        vx_buf_str(p->out, "(every event)");
    vx_buf_char(p->out, '\n');
    put_reasons(p, &rule->why, rule->config->when.text, 2 + WORD_COLUMN + column + 2);
}

/* The rules that were not looked at, in one line: there may be thousands. */
static void put_rules_behind(const struct printer *p, const struct explain_step *step)
{
    size_t count = 0;
    for (size_t i = 0; i < step->routing->rule_count; i++) {
        if (step->rules[i].verdict != EXPLAIN_BEHIND)
            continue;
        if (count == 0) {
            put_indent(p, 2);
            paint(p, DIM);
            put_cell(p, "not asked", WORD_COLUMN);
        }
        if (count < NAMES_SHOWN_MAX)
            vx_buf_printf(p->out, "%s%s", count ? ", " : "", step->rules[i].config->name);
        count++;
    }
    if (count > NAMES_SHOWN_MAX)
        vx_buf_printf(p->out, " and %zu more", count - NAMES_SHOWN_MAX);
    if (count > 0) {
        paint(p, PLAIN);
        vx_buf_char(p->out, '\n');
    }
}

static void put_routing(const struct printer *p, const struct explain_step *step)
{
    size_t column = name_column(step);
    bool all = step->routing->match == CONFIG_MATCH_ALL;
    vx_buf_char(p->out, '\n');
    paint(p, BOLD);
    vx_buf_printf(p->out, "routing %s", step->routing->name);
    paint(p, PLAIN);
    if (step->routing->owner) {
        vx_buf_str(p->out, ", owner ");
        vx_buf_printable(p->out, vx_span_str(step->routing->owner), "");
    }
    vx_buf_str(p->out, step->routing->rule_count == 0 ? ": no rules\n"
                       : all                          ? ": all rules that match\n"
                                                      : ": the first rule that matches\n");
    for (size_t i = 0; i < step->routing->rule_count; i++) {
        if (step->rules[i].verdict != EXPLAIN_BEHIND)
            put_rule(p, &step->rules[i], column);
    }
    put_rules_behind(p, step);
}

static void put_taken(const struct printer *p, const struct explain_step *step)
{
    const struct config_action *action = step->action;
    vx_buf_char(p->out, '\n');
    paint(p, BOLD);
    if (step->rule)
        vx_buf_printf(p->out, "→ rule %s", step->rule->name);
    else
        vx_buf_str(p->out, "→ otherwise");
    paint(p, PLAIN);
    if (step->rule && step->rule->owner) {
        vx_buf_str(p->out, ", owner ");
        vx_buf_printable(p->out, vx_span_str(step->rule->owner), "");
    }
    switch (action->kind) {
    case CONFIG_DROP:
        vx_buf_str(p->out, ": drop");
        break;
    case CONFIG_DEAD_LETTER:
        vx_buf_str(p->out, ": dead letter");
        break;
    case CONFIG_HAND_OVER:
        vx_buf_printf(p->out, ": hands over to routing %s", action->routing);
        break;
    case CONFIG_RUN:
        vx_buf_str(p->out, action->pipeline_count == 1 ? ": pipeline" : ": pipelines");
        for (size_t i = 0; i < action->pipeline_count; i++)
            vx_buf_printf(p->out, "%s %s", i ? "," : "", action->pipelines[i]);
        break;
    }
    vx_buf_char(p->out, '\n');
}

/* ---- stages ---- */

static void put_place(const struct printer *p, struct vx_span value, bool is_json)
{
    if (!value.at) {
        vx_buf_str(p->out, "(not there)");
        return;
    }
    if (!vx_utf8_valid(value)) {
        vx_buf_printf(p->out, "(%zu bytes that are no text)", value.len);
        return;
    }
    vx_buf_str(p->out, is_json ? "" : "\"");
    put_cut(p, value, VALUE_SHOWN_MAX);
    vx_buf_str(p->out, is_json ? "" : "\"");
}

static void put_changes(const struct printer *p, const struct explain_step *step, size_t indent)
{
    size_t column = 0;
    for (size_t i = 0; i < step->change_count; i++) {
        size_t width = step->changes[i].path.len;
        column = width > column && width <= NAME_COLUMN_MAX ? width : column;
    }
    for (size_t i = 0; i < step->change_count; i++) {
        const struct explain_change *change = &step->changes[i];
        if (i)
            put_indent(p, indent);
        vx_buf_printable(p->out, change->path, "");
        put_indent(p, (change->path.len < column ? column - change->path.len : 0) + 2);
        put_place(p, change->before, change->is_json);
        if (change->before.at && change->after.at && vx_span_equal(change->before, change->after)) {
            vx_buf_str(p->out, ", as it was");
        } else if (change->before.at || change->after.at) {
            vx_buf_str(p->out, " → ");
            put_place(p, change->after, change->is_json);
        }
        vx_buf_char(p->out, '\n');
    }
}

static void put_key(const struct printer *p, struct vx_span key)
{
    if (!key.at)
        vx_buf_str(p->out, "without a key");
    else if (!vx_utf8_valid(key))
        vx_buf_printf(p->out, "with a key of %zu bytes that are no text", key.len);
    else {
        vx_buf_str(p->out, "key ");
        put_place(p, key, false);
    }
}

static void put_stage(const struct printer *p, const struct explain_step *step)
{
    static const char *const kinds[] = {[CONFIG_FILTER] = "filter",
                                        [CONFIG_SET] = "set",
                                        [CONFIG_REMOVE] = "remove",
                                        [CONFIG_PIPELINE] = "pipeline",
                                        [CONFIG_EMIT] = "emit"};
    size_t indent = 2 + 2 * step->depth, column = indent + 3 + WORD_COLUMN;
    put_indent(p, indent);
    vx_buf_printf(p->out, "%-3u", step->number);
    put_cell(p, kinds[step->stage->kind], WORD_COLUMN);
    if (step->failure) {
        paint(p, RED);
        vx_buf_str(p->out, "fails: ");
        put_cut(p, vx_span_str(step->failure), RECORD_SHOWN_MAX);
        paint(p, PLAIN);
        vx_buf_char(p->out, '\n');
        return;
    }
    switch (step->stage->kind) {
    case CONFIG_FILTER:
        put_expression(p, step->stage->filter.text);
        vx_buf_str(p->out, step->ends ? ": the event ends here\n" : "\n");
        put_reasons(p, &step->why, step->stage->filter.text, column + 2);
        break;
    case CONFIG_SET:
    case CONFIG_REMOVE:
        put_changes(p, step, column);
        break;
    case CONFIG_PIPELINE:
        vx_buf_printf(p->out, "%s\n", step->stage->pipeline);
        break;
    case CONFIG_EMIT:
        vx_buf_printf(p->out, "%.*s, ", VX_SPAN_ARG(step->emitted->topic));
        put_key(p, step->emitted->key);
        vx_buf_char(p->out, '\n');
        break;
    }
}

/* ---- what comes out ---- */

static void put_record(const struct printer *p, const struct decide_record *record)
{
    vx_buf_str(p->out, "  ");
    paint(p, record->dead_letter ? RED : GREEN);
    vx_buf_printf(p->out, "%.*s", VX_SPAN_ARG(record->topic));
    paint(p, PLAIN);
    vx_buf_str(p->out, ", ");
    put_key(p, record->key);
    if (record->dead_letter)
        vx_buf_printf(p->out, ", dead letter: %s", decide_reason_label(record->reason));
    vx_buf_char(p->out, '\n');
    for (size_t i = 0; i < record->header_count; i++) {
        const struct cel_header *header = &record->headers[i];
        vx_buf_str(p->out, "    ");
        vx_buf_printable(p->out, header->name, "");
        vx_buf_str(p->out, ": ");
        if (!header->value.at)
            vx_buf_str(p->out, "(null)");
        else if (!vx_utf8_valid(header->value))
            vx_buf_printf(p->out, "(%zu bytes that are no text)", header->value.len);
        else
            put_cut(p, header->value, RECORD_SHOWN_MAX);
        vx_buf_char(p->out, '\n');
    }
    vx_buf_str(p->out, "    ");
    if (!record->value.at)
        vx_buf_str(p->out, "(tombstone)");
    else if (!vx_utf8_valid(record->value))
        vx_buf_printf(p->out, "(%zu bytes that are no text)", record->value.len);
    else
        put_cut(p, record->value, RECORD_SHOWN_MAX);
    vx_buf_char(p->out, '\n');
}

static void put_decision(const struct printer *p)
{
    const struct decision *d = &p->x->decision;
    static const char *const sentences[] = {
        [OUTCOME_EMITTED] = "emitted",
        [OUTCOME_FILTERED] = "filtered: nothing comes out",
        [OUTCOME_DROPPED] = "dropped: nothing comes out",
        [OUTCOME_DEAD_LETTER] = "dead letter",
        [OUTCOME_STUCK] = "stuck: there is no dead-letter topic for it, so its partition stops",
        [OUTCOME_UNROUTED] = "unrouted: no routing has its topic",
    };
    vx_buf_char(p->out, '\n');
    paint(p, BOLD);
    vx_buf_str(p->out, sentences[d->outcome]);
    paint(p, PLAIN);
    if (d->record_count)
        vx_buf_printf(p->out, ", %zu record%s", d->record_count, d->record_count == 1 ? "" : "s");
    vx_buf_char(p->out, '\n');
    if (d->reason != REASON_NONE) {
        vx_buf_printf(p->out, "  %s: ", decide_reason_label(d->reason));
        put_cut(p, vx_span_str(d->message), RECORD_SHOWN_MAX);
        vx_buf_char(p->out, '\n');
    }
    for (size_t i = 0; i < d->record_count; i++)
        put_record(p, &d->records[i]);
}

void explain_print(const struct explain *x, bool color, struct vx_buf *out)
{
    struct printer p = {x, out, color};
    const struct cel_event *ev = x->ev;
    vx_buf_printf(out, "event of %.*s, ", VX_SPAN_ARG(ev->topic));
    put_key(&p, ev->key);
    if (ev->value.at)
        vx_buf_printf(out, ", %zu bytes\n", ev->value.len);
    else
        vx_buf_str(out, ", a tombstone\n");
    for (size_t i = 0; i < x->count; i++) {
        const struct explain_step *step = &x->steps[i];
        switch (step->kind) {
        case EXPLAIN_ROUTING:
            put_routing(&p, step);
            break;
        case EXPLAIN_TAKEN:
            put_taken(&p, step);
            break;
        case EXPLAIN_PIPELINE:
            vx_buf_char(out, '\n');
            paint(&p, BOLD);
            vx_buf_printf(out, "pipeline %s\n", step->pipeline);
            paint(&p, PLAIN);
            break;
        case EXPLAIN_STAGE:
            put_stage(&p, step);
            break;
        }
    }
    put_decision(&p);
}
