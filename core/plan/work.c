/* The working copy of an event in one pipeline: what `set`, `remove` and `emit` do to it. A worker's thread.
 *
 *     value: borrowed from the source ──patch──> buffer A ──patch──> buffer B ──patch──> buffer A …
 *                                                a record that was emitted pins the buffer it borrows
 *
 * So an event that nothing changes costs no copy, and one that many stages change costs two buffers, which the decider
 * keeps for the next event. Invariant: bytes that a record borrows are not written again before the next decide().
 */
#include "core/plan/run.h"

#include <stdlib.h>

void run_init(struct run *run, struct decider *d, const struct table *t, const struct route *route,
              const char *dead_letter, const struct cel_event *source, const struct pipeline *pipeline)
{
    *run = (struct run){.decider = d,
                        .table = t,
                        .route = route,
                        .dead_letter = dead_letter,
                        .source = source,
                        .called = pipeline,
                        .answers = pipeline,
                        .ev = *source,
                        .buffer = RUN_NO_BUFFER,
                        .spare = RUN_NO_BUFFER};
    run->frame.event = &run->ev;
    run->frame.arena = &d->arena;
    run->frame.scratch = d->regex;
    run->frame.budget = &d->steps_left;
}

bool run_refresh(struct run *run)
{
    struct decider *d = run->decider;
    if (json_scan(d->scanner, run->route->paths, run->ev.value, d->changed_slots, NULL))
        return false;
    run->ev.slots = d->changed_slots;
    run->stale = false;
    return true;
}

/* The number of a buffer that nobody uses, empty. */
static int take_buffer(struct run *run)
{
    struct decider *d = run->decider;
    int number = run->spare;
    run->spare = RUN_NO_BUFFER;
    if (number == RUN_NO_BUFFER) {
        if (d->value_used == d->value_room) {
            size_t room = d->value_room ? d->value_room * 2 : 8;
            d->values = realloc(d->values, room * sizeof *d->values);
            vx_assert(d->values != NULL);
            memset(d->values + d->value_room, 0, (room - d->value_room) * sizeof *d->values);
            d->value_room = room;
        }
        number = (int)d->value_used++;
    }
    vx_buf_clear(&d->values[number]);
    return number;
}

bool run_patch(struct run *run, const struct json_edit *edits, size_t count, struct vx_err *err)
{
    int number = take_buffer(run);
    struct vx_buf *out = &run->decider->values[number];
    if (json_patch(out, run->ev.value, edits, count, err))
        return false;
    if (out->len > DECIDE_VALUE_MAX_BYTES) {
        vx_err_set(err, VX_ELIMIT, " grows beyond %d MiB", DECIDE_VALUE_MAX_BYTES >> 20);
        return false;
    }
    if (vx_span_equal(vx_buf_view(out), run->ev.value)) {
        run->spare = number;
        return true;
    }
    if (run->buffer != RUN_NO_BUFFER && !run->emitted)
        run->spare = run->buffer;
    run->buffer = number;
    run->emitted = false;
    run->ev.value = vx_buf_view(out);
    run->stale = true;
    return true;
}

void run_set_header(struct run *run, struct vx_span name, struct vx_span value)
{
    const struct cel_header *from = run->ev.headers;
    struct cel_header *to = VX_ARENA_ARRAY(&run->decider->arena, struct cel_header, run->ev.header_count + 1);
    size_t count = 0;
    bool placed = false;
    for (size_t i = 0; i < run->ev.header_count; i++) {
        if (!vx_span_equal(from[i].name, name))
            to[count++] = from[i];
        else if (!placed)
            to[count++] = (struct cel_header){from[i].name, value};
        placed |= vx_span_equal(from[i].name, name);
    }
    if (!placed)
        to[count++] = (struct cel_header){name, value};
    run->ev.headers = to;
    run->ev.header_count = count;
}

/* The headers without those of one name; `from` itself where there are none. */
static const struct cel_header *headers_without(struct vx_arena *arena, const struct cel_header *from, size_t *count,
                                                struct vx_span name)
{
    size_t first = 0;
    while (first < *count && !vx_span_equal(from[first].name, name))
        first++;
    if (first == *count)
        return from;
    struct cel_header *to = VX_ARENA_ARRAY(arena, struct cel_header, *count);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!vx_span_equal(from[i].name, name))
            to[kept++] = from[i];
    }
    *count = kept;
    return to;
}

void run_remove_header(struct run *run, struct vx_span name)
{
    run->ev.headers = headers_without(&run->decider->arena, run->ev.headers, &run->ev.header_count, name);
}

bool run_emit(struct run *run, struct vx_span topic, struct vx_span key)
{
    struct decider *d = run->decider;
    if (d->record_count == DECIDE_RECORDS_MAX)
        return false;
    struct decide_record *record = &d->records[d->record_count++];
    *record = (struct decide_record){
        .topic = topic,
        .key = key,
        .value = run->ev.value,
        .header_count = run->ev.header_count,
        .value_is_source = run->ev.value.at == run->source->value.at,
        .pipeline = run->answers->number,
        .refused_to = run_dead_letter(run),
    };
    /* An event that another routing sent names the release that decided it then; its records name their own. */
    record->headers =
        headers_without(&d->arena, run->ev.headers, &record->header_count, VX_SPAN_LITERAL(DECIDE_RELEASE_HEADER));
    record->headers_are_source = record->headers == run->source->headers;
    run->emitted = true;
    return true;
}
