/* set: assigns to places of the event, to headers, to the key. All values are evaluated on the event as it was before the
 * stage; only then anything is changed, the event by one patch.
 *
 * Load: any thread; run: a worker. The JSON texts of a stage's values stand one behind the other in the decider's scratch
 * buffer until the patch has copied them.
 */
#include "core/plan/operand.h"
#include "core/plan/stage/stage.h"

struct assignment {
    enum config_root root;
    struct json_path path; /* EVENT */
    struct vx_span header; /* HEADER */
    const char *text;      /* the place as written, for messages */
    struct operand value;
};

struct set_program {
    struct assignment *items;
    size_t count;
    bool event; /* one of them assigns to the event */
};

static void set_compile(struct compiler *c, const struct config_stage *from, struct stage *stage, struct reads *reads)
{
    struct vx_arena *arena = &c->table->arena;
    struct set_program *program = VX_ARENA_NEW(arena, struct set_program);
    program->items = VX_ARENA_ARRAY(arena, struct assignment, from->set_count);
    program->count = from->set_count;
    for (size_t i = 0; i < from->set_count; i++) {
        const struct config_path *path = &from->set[i].path;
        struct assignment *item = &program->items[i];
        item->root = path->root;
        item->text = vx_arena_span(arena, path->text).at;
        if (path->root == CONFIG_EVENT) {
            item->path = compile_path(c, path->path);
            program->event = true;
            reads->event = true;
        } else if (path->root == CONFIG_HEADER) {
            item->header = vx_arena_span(arena, path->header);
        }
        operand_compile(c, &from->set[i].value, &item->value, reads);
    }
    stage->program = program;
}

/* A value, evaluated but not yet applied. */
struct pending {
    size_t begin, end;   /* EVENT: its JSON text in the scratch buffer */
    struct vx_span text; /* HEADER, KEY */
};

static bool evaluate(struct run *run, const struct assignment *item, struct pending *pending, const char **failure)
{
    struct decider *d = run->decider;
    pending->begin = d->scratch.len;
    switch (item->root) {
    case CONFIG_EVENT:
        if (!run->ev.value.at) {
            *failure = "no event: the value is null";
            return false;
        }
        if (!operand_json(&item->value, &run->frame, &d->scratch, failure))
            return false;
        pending->end = d->scratch.len;
        if (pending->end > DECIDE_VALUE_MAX_BYTES) {
            *failure = "the value grows too large";
            return false;
        }
        return true;
    case CONFIG_HEADER:
        if (!operand_text(&item->value, &run->frame, &d->scratch, failure))
            return false;
        pending->text =
            vx_arena_span(run->frame.arena, vx_span(d->scratch.at + pending->begin, d->scratch.len - pending->begin));
        d->scratch.len = pending->begin;
        return true;
    case CONFIG_KEY:
        break;
    }
    return operand_key(&item->value, &run->frame, &d->scratch, &pending->text, failure);
}

static enum run_flow apply(struct run *run, const struct stage *stage, const struct pending *pending)
{
    const struct set_program *program = stage->program;
    if (program->event) {
        struct json_edit *edits = VX_ARENA_ARRAY(run->frame.arena, struct json_edit, program->count);
        size_t count = 0;
        for (size_t i = 0; i < program->count; i++) {
            if (program->items[i].root != CONFIG_EVENT)
                continue;
            edits[count].path = program->items[i].path;
            edits[count++].value =
                vx_span(run->decider->scratch.at + pending[i].begin, pending[i].end - pending[i].begin);
        }
        struct vx_err err;
        if (!run_patch(run, edits, count, &err))
            return run_fail(run, stage, REASON_STAGE_FAILED, "event%s", err.message);
    }
    for (size_t i = 0; i < program->count; i++) {
        if (program->items[i].root == CONFIG_HEADER)
            run_set_header(run, program->items[i].header, pending[i].text);
        else if (program->items[i].root == CONFIG_KEY)
            run->ev.key = pending[i].text;
    }
    return RUN_NEXT;
}

static enum run_flow set_run(struct run *run, const struct stage *stage)
{
    const struct set_program *program = stage->program;
    struct pending *pending = VX_ARENA_ARRAY(run->frame.arena, struct pending, program->count);
    vx_buf_clear(&run->decider->scratch);
    for (size_t i = 0; i < program->count; i++) {
        const char *failure = NULL;
        if (!evaluate(run, &program->items[i], &pending[i], &failure))
            return run_fail(run, stage, REASON_STAGE_FAILED, "%s: %s", program->items[i].text, failure);
    }
    return apply(run, stage, pending);
}

const struct stage_kind stage_set = {"set", set_compile, set_run};
