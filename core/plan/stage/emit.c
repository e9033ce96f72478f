/* emit: one record of the working copy to a topic; the event goes on. A topic that is built per event must be a name that
 * Kafka takes, one that `allow` lists, and not a source of the same routing: what a pattern leaves open at load is checked
 * here, when the destination is met. Load: any thread; run: a worker.
 */
#include "core/plan/operand.h"
#include "core/plan/stage/stage.h"

struct emit_program {
    struct vx_span constant; /* the topic where it is the same for all events; NUL-terminated */
    struct operand topic;    /* otherwise */
    struct vx_span *allow;   /* names, or prefixes ending in `*` */
    size_t allow_count;
    bool has_key;
    struct operand key;
};

static void emit_compile(struct compiler *c, const struct config_stage *from, struct stage *stage, struct reads *reads)
{
    struct vx_arena *arena = &c->table->arena;
    const struct config_emit *emit = &from->emit;
    struct emit_program *program = VX_ARENA_NEW(arena, struct emit_program);
    if (emit->topic.kind == CONFIG_VALUE_CONSTANT)
        program->constant = vx_arena_span(arena, emit->topic.text);
    else
        operand_compile(c, &emit->topic, &program->topic, reads);
    program->allow = VX_ARENA_ARRAY(arena, struct vx_span, emit->allow_count);
    program->allow_count = emit->allow_count;
    for (size_t i = 0; i < emit->allow_count; i++)
        program->allow[i] = vx_arena_span(arena, emit->allow[i]);
    program->has_key = emit->has_key;
    if (emit->has_key)
        operand_compile(c, &emit->key, &program->key, reads);
    stage->program = program;
}

static bool allowed(const struct emit_program *program, struct vx_span topic)
{
    for (size_t i = 0; i < program->allow_count; i++) {
        struct vx_span allow = program->allow[i];
        bool prefix = allow.len && allow.at[allow.len - 1] == '*';
        if (prefix ? vx_span_starts_with(topic, vx_span(allow.at, allow.len - 1)) : vx_span_equal(topic, allow))
            return true;
    }
    return false;
}

static enum run_flow find_topic(struct run *run, const struct stage *stage, struct vx_span *topic)
{
    const struct emit_program *program = stage->program;
    struct decider *d = run->decider;
    const char *failure = NULL;
    vx_buf_clear(&d->scratch);
    if (!operand_text(&program->topic, &run->frame, &d->scratch, &failure))
        return run_fail(run, stage, REASON_STAGE_FAILED, "topic: %s", failure);
    struct vx_span name = vx_buf_view(&d->scratch);
    if (!config_topic_valid(name))
        return run_fail(run, stage, REASON_STAGE_FAILED, "topic: `%.*s` is not a topic name", VX_SPAN_ARG(name));
    if (!allowed(program, name))
        return run_fail(run, stage, REASON_TOPIC_NOT_ALLOWED, "topic: `%.*s` is not in `allow`", VX_SPAN_ARG(name));
    if (table_route(run->table, name) == run->route)
        return run_fail(run, stage, REASON_TOPIC_NOT_ALLOWED,
                        "topic: `%.*s` is a topic of routing %s and would feed itself", VX_SPAN_ARG(name),
                        run->route->name);
    *topic = vx_arena_span(run->frame.arena, name);
    return RUN_NEXT;
}

static enum run_flow emit_run(struct run *run, const struct stage *stage)
{
    const struct emit_program *program = stage->program;
    struct vx_span topic = program->constant, key = run->ev.key;
    const char *failure = NULL;
    if (!topic.at && find_topic(run, stage, &topic) == RUN_FAILED)
        return RUN_FAILED;
    if (program->has_key && !operand_key(&program->key, &run->frame, &run->decider->scratch, &key, &failure))
        return run_fail(run, stage, REASON_STAGE_FAILED, "key: %s", failure);
    if (!run_emit(run, topic, key))
        return run_fail(run, stage, REASON_TOO_MANY, "more than %d records", DECIDE_RECORDS_MAX);
    return RUN_NEXT;
}

const struct stage_kind stage_emit = {"emit", emit_compile, emit_run};
