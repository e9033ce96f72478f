/* remove: takes members out of the event, headers, the key. What is not there stays not there: no failure, also not for
 * a tombstone or a value that is no object. Every one of a repeated key or header goes.
 *
 * Load: any thread; run: a worker. All event paths of a stage are one patch.
 */
#include "core/plan/stage/stage.h"

struct remove_program {
    struct json_edit *edits; /* value.at NULL: ready to use */
    size_t edit_count;
    struct vx_span *headers;
    size_t header_count;
    bool key;
};

static void remove_compile(struct compiler *c, const struct config_stage *from, struct stage *stage,
                           struct reads *reads)
{
    struct vx_arena *arena = &c->table->arena;
    struct remove_program *program = VX_ARENA_NEW(arena, struct remove_program);
    program->edits = VX_ARENA_ARRAY(arena, struct json_edit, from->remove_count);
    program->headers = VX_ARENA_ARRAY(arena, struct vx_span, from->remove_count);
    for (size_t i = 0; i < from->remove_count; i++) {
        const struct config_path *path = &from->remove[i];
        switch (path->root) {
        case CONFIG_EVENT:
            program->edits[program->edit_count++].path = compile_path(c, path->path);
            reads->event = true;
            break;
        case CONFIG_HEADER:
            program->headers[program->header_count++] = vx_arena_span(arena, path->header);
            break;
        case CONFIG_KEY:
            program->key = true;
            break;
        }
    }
    stage->program = program;
}

static enum run_flow remove_run(struct run *run, const struct stage *stage)
{
    const struct remove_program *program = stage->program;
    struct vx_err err;
    if (program->edit_count && run->ev.value.at && !run_patch(run, program->edits, program->edit_count, &err))
        return run_fail(run, stage, REASON_STAGE_FAILED, "event%s", err.message);
    for (size_t i = 0; i < program->header_count; i++)
        run_remove_header(run, program->headers[i]);
    if (program->key)
        run->ev.key = vx_span(NULL, 0);
    return RUN_NEXT;
}

const struct stage_kind stage_remove = {"remove", remove_compile, remove_run};
