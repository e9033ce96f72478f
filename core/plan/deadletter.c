/* Making dead letters. A worker's thread; everything lies in the decider's arena, the value and key stay the event's. */
#include "core/plan/deadletter.h"

#include <inttypes.h>

#define PREFIX "__connect.errors."
#define PIPELINE "veltrix-pipeline"

enum { OWN_HEADERS_MAX = 8 };

static bool is_own(struct vx_span name)
{
    return vx_span_starts_with(name, VX_SPAN_LITERAL(PREFIX)) || vx_span_is(name, PIPELINE) ||
           vx_span_is(name, DECIDE_RELEASE_HEADER);
}

void deadletter_make(const struct deadletter *why, const struct cel_event *source, struct vx_arena *arena,
                     struct decide_record *record)
{
    struct cel_header *headers = VX_ARENA_ARRAY(arena, struct cel_header, source->header_count + OWN_HEADERS_MAX);
    size_t count = 0;
    for (size_t i = 0; i < source->header_count; i++) {
        if (!is_own(source->headers[i].name))
            headers[count++] = source->headers[i];
    }
    const struct {
        const char *name;
        const char *value;
    } own[OWN_HEADERS_MAX] = {
        {PREFIX "topic", vx_arena_span(arena, source->topic).at},
        {PREFIX "partition", vx_arena_printf(arena, "%" PRId32, source->partition)},
        {PREFIX "offset", vx_arena_printf(arena, "%" PRId64, source->offset)},
        {PREFIX "connector.name", "veltrix"},
        {PREFIX "stage", why->stage},
        {PREFIX "exception.class.name", decide_reason_label(why->reason)},
        {PREFIX "exception.message", why->message},
        {PIPELINE, why->called},
    };
    for (size_t i = 0; i < OWN_HEADERS_MAX; i++) {
        if (own[i].value)
            headers[count++] = (struct cel_header){vx_span_str(own[i].name), vx_span_str(own[i].value)};
    }
    *record = (struct decide_record){
        .topic = vx_span_str(why->topic),
        .key = source->key,
        .value = source->value,
        .headers = headers,
        .header_count = count,
        .value_is_source = true,
        .dead_letter = true,
        .reason = why->reason,
        .pipeline = why->pipeline,
    };
}
