/* An explanation for programs: the same steps as one JSON object. Any one thread; no state.
 *
 *     {"topic":"t","steps":[{"routing":"r","match":"first","rules":[…]},{"takes":"rule",…},{"pipeline":"p","stages":[…]}],
 *      "decision":{…as `veltrix simulate` writes it…}}
 */
#include <stdio.h>

#include "core/base/b64.h"
#include "core/base/utf8.h"
#include "core/json/write.h"
#include "core/plan/explain_private.h"
#include "core/plan/simulate.h"

static void put_name(struct vx_buf *out, const char *name)
{
    char last = out->at[out->len - 1];
    if (last != '{' && last != '[')
        vx_buf_char(out, ',');
    vx_buf_printf(out, "\"%s\":", name);
}

static void put_text(struct vx_buf *out, const char *name, struct vx_span text)
{
    if (!text.at)
        return;
    if (vx_utf8_valid(text)) {
        put_name(out, name);
        json_write_string(out, text);
        return;
    }
    char encoded[64];
    snprintf(encoded, sizeof encoded, "%s_base64", name);
    put_name(out, encoded);
    vx_buf_char(out, '"');
    vx_b64_encode(out, text);
    vx_buf_char(out, '"');
}

static void put_str(struct vx_buf *out, const char *name, const char *text)
{
    put_text(out, name, text ? vx_span_str(text) : vx_span(NULL, 0));
}

static void put_seen(struct vx_buf *out, const struct cel_seen *seen)
{
    put_text(out, "expression", seen->text);
    put_text(out, "value", seen->value);
    put_text(out, "error", seen->failure);
}

static void put_reasons(struct vx_buf *out, const struct cel_reasons *why)
{
    put_name(out, "because");
    vx_buf_char(out, '[');
    for (size_t i = 0; i < why->count; i++) {
        const struct cel_reason *reason = &why->at[i];
        vx_buf_str(out, i ? ",{" : "{");
        put_seen(out, &reason->part);
        put_name(out, "seen");
        vx_buf_char(out, '[');
        for (size_t k = 0; k < reason->seen_count; k++) {
            vx_buf_str(out, k ? ",{" : "{");
            put_seen(out, &reason->seen[k]);
            vx_buf_char(out, '}');
        }
        vx_buf_str(out, "]}");
    }
    vx_buf_char(out, ']');
}

static void put_rule(struct vx_buf *out, const struct explain_rule *rule)
{
    static const char *const verdicts[] = {[EXPLAIN_NO] = "no",
                                           [EXPLAIN_MATCHES] = "matches",
                                           [EXPLAIN_FAILS] = "fails",
                                           [EXPLAIN_DISABLED] = "disabled",
                                           [EXPLAIN_BEHIND] = "not_asked"};
    put_str(out, "rule", rule->config->name);
    put_str(out, "owner", rule->config->owner);
    if (rule->config->when.cel)
        put_text(out, "when", rule->config->when.text);
    put_str(out, "result", verdicts[rule->verdict]);
    if (rule->why.count)
        put_reasons(out, &rule->why);
}

static void put_routing(struct vx_buf *out, const struct explain_step *step)
{
    put_str(out, "routing", step->routing->name);
    put_str(out, "owner", step->routing->owner);
    put_str(out, "match", step->routing->match == CONFIG_MATCH_ALL ? "all" : "first");
    put_name(out, "rules");
    vx_buf_char(out, '[');
    for (size_t i = 0; i < step->routing->rule_count; i++) {
        vx_buf_str(out, i ? ",{" : "{");
        put_rule(out, &step->rules[i]);
        vx_buf_char(out, '}');
    }
    vx_buf_char(out, ']');
}

static void put_taken(struct vx_buf *out, const struct explain_step *step)
{
    const struct config_action *action = step->action;
    put_name(out, "takes");
    vx_buf_char(out, '{');
    put_str(out, "routing", step->routing->name);
    put_name(out, "rule");
    if (step->rule)
        json_write_string(out, vx_span_str(step->rule->name));
    else
        vx_buf_str(out, "null");
    if (action->kind == CONFIG_DROP || action->kind == CONFIG_DEAD_LETTER)
        vx_buf_str(out, action->kind == CONFIG_DROP ? ",\"drop\":true" : ",\"dead_letter\":true");
    if (action->kind == CONFIG_HAND_OVER)
        put_str(out, "hands_over_to", action->routing);
    if (action->kind == CONFIG_RUN) {
        put_name(out, "pipelines");
        vx_buf_char(out, '[');
        for (size_t i = 0; i < action->pipeline_count; i++) {
            vx_buf_str(out, i ? "," : "");
            json_write_string(out, vx_span_str(action->pipelines[i]));
        }
        vx_buf_char(out, ']');
    }
    vx_buf_char(out, '}');
}

static void put_place(struct vx_buf *out, const char *name, struct vx_span value, bool is_json)
{
    if (!value.at || !is_json) {
        put_text(out, name, value);
        return;
    }
    put_name(out, name);
    vx_buf_span(out, value);
}

static void put_stage(struct vx_buf *out, const struct explain_step *step)
{
    static const char *const kinds[] = {[CONFIG_FILTER] = "filter",
                                        [CONFIG_SET] = "set",
                                        [CONFIG_REMOVE] = "remove",
                                        [CONFIG_PIPELINE] = "pipeline",
                                        [CONFIG_EMIT] = "emit"};
    put_name(out, "stage");
    vx_buf_printf(out, "%u", step->number);
    put_str(out, "kind", kinds[step->stage->kind]);
    put_str(out, "of", step->pipeline);
    put_str(out, "result", step->failure ? "failed" : step->ends ? "ended" : "done");
    put_str(out, "error", step->failure);
    if (step->stage->kind == CONFIG_PIPELINE)
        put_str(out, "calls", step->stage->pipeline);
    if (step->stage->kind == CONFIG_FILTER) {
        put_text(out, "filter", step->stage->filter.text);
        put_reasons(out, &step->why);
    }
    if (step->change_count) {
        put_name(out, "changes");
        vx_buf_char(out, '[');
        for (size_t i = 0; i < step->change_count; i++) {
            const struct explain_change *change = &step->changes[i];
            vx_buf_str(out, i ? ",{" : "{");
            put_text(out, "path", change->path);
            put_place(out, "before", change->before, change->is_json);
            put_place(out, "after", change->after, change->is_json);
            vx_buf_char(out, '}');
        }
        vx_buf_char(out, ']');
    }
    if (step->emitted) {
        put_text(out, "topic", step->emitted->topic);
        put_text(out, "key", step->emitted->key);
    }
}

static void put_steps(const struct explain *x, struct vx_buf *out)
{
    bool in_pipeline = false;
    for (size_t i = 0; i < x->count; i++) {
        const struct explain_step *step = &x->steps[i];
        if (step->kind == EXPLAIN_STAGE) {
            vx_buf_str(out, x->steps[i - 1].kind == EXPLAIN_STAGE ? ",{" : "{");
            put_stage(out, step);
            vx_buf_char(out, '}');
            continue;
        }
        if (in_pipeline)
            vx_buf_str(out, "]}");
        vx_buf_str(out, i ? ",{" : "{");
        in_pipeline = step->kind == EXPLAIN_PIPELINE;
        if (step->kind == EXPLAIN_ROUTING)
            put_routing(out, step);
        else if (step->kind == EXPLAIN_TAKEN)
            put_taken(out, step);
        else
            put_str(out, "pipeline", step->pipeline);
        vx_buf_str(out, in_pipeline ? ",\"stages\":[" : "}");
    }
    vx_buf_str(out, in_pipeline ? "]}" : "");
}

void explain_print_json(const struct explain *x, struct vx_buf *out)
{
    struct simulate *simulate = simulate_new();
    vx_buf_char(out, '{');
    put_text(out, "topic", x->ev->topic);
    put_name(out, "steps");
    vx_buf_char(out, '[');
    put_steps(x, out);
    vx_buf_str(out, "],\"decision\":");
    simulate_print(simulate, x->table, 0, x->ev, &x->decision, out);
    out->len--; /* its newline */
    vx_buf_str(out, "}\n");
    simulate_free(simulate);
}
