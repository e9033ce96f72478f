/* A program over an event: the input is an expression, a newline, and the event's value. The evaluation ends within its
 * budget, asks for bounded memory, gives the same answer twice and the same as a condition does. */
#include "core/cel/cel.h"
#include "core/json/scan.h"

enum { MEMORY_MAX = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fills the slots as a router's one pass over the event would. False: the value is not JSON. */
static bool scan(const struct cel_slots *slots, struct vx_span value, struct json_value *values)
{
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    for (uint32_t i = 0; i < slots->count; i++)
        json_paths_add(paths, slots->paths[i], i);
    json_paths_seal(paths);
    bool good = json_scan(scanner, paths, value, values, NULL) == VX_OK;
    json_scanner_free(scanner);
    json_paths_free(paths);
    return good;
}

static void run(const struct cel_program *program, const struct cel_event *ev)
{
    struct vx_arena arena = {0};
    struct vx_buf texts[2] = {{0}};
    struct cel_value value;
    bool good = false, failed;
    for (int i = 0; i < 2; i++) {
        struct cel_frame frame = {.event = ev, .arena = &arena};
        good = cel_eval(program, &frame, &value) == VX_OK;
        vx_assert(frame.steps_left <= CEL_STEPS_MAX);
        if (good)
            cel_write_literal(value, &texts[i]);
        else
            vx_buf_str(&texts[i], frame.failure);
        vx_assert(arena.held_bytes <= MEMORY_MAX);
        vx_arena_reset(&arena, 0);
    }
    vx_assert(vx_span_equal(vx_buf_view(&texts[0]), vx_buf_view(&texts[1])));
    struct cel_frame frame = {.event = ev, .arena = &arena};
    bool yes = cel_test(program, &frame, &failed);
    vx_assert(!(yes && failed) && failed == (!good || value.type != CEL_BOOL));
    vx_assert(failed || yes == value.boolean);
    vx_buf_done(&texts[0]);
    vx_buf_done(&texts[1]);
    vx_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cel_header headers[] = {{VX_SPAN_LITERAL("x-region"), VX_SPAN_LITERAL("eu-west")},
                                                {VX_SPAN_LITERAL("x-null"), {0}},
                                                {VX_SPAN_LITERAL("x-bytes"), VX_SPAN_LITERAL("\xff\xfe")}};
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    struct cel_error error;
    const struct cel_expr *expr;
    if (!newline)
        return 0;
    struct vx_span text = vx_span((const char *)data, (size_t)(newline - data));
    struct vx_span json = vx_span((const char *)newline + 1, size - text.len - 1);
    if (cel_parse(&arena, text, cel_env_event(), &expr, &error) == VX_OK) {
        const struct cel_program *program = cel_compile(&arena, expr, &slots);
        struct json_value *values = VX_ARENA_ARRAY(&arena, struct json_value, slots.count + 1);
        struct cel_event ev = {.topic = VX_SPAN_LITERAL("games"),
                               .partition = 3,
                               .offset = 41,
                               .timestamp_ms = 1234567890123,
                               .key = VX_SPAN_LITERAL("k"),
                               .value = json,
                               .headers = headers,
                               .header_count = 3,
                               .slots = values};
        if (json.len == 0)
            ev.value = (struct vx_span){0}; /* a tombstone */
        if (!ev.value.at || scan(&slots, ev.value, values))
            run(program, &ev);
    }
    cel_slots_done(&slots);
    vx_arena_done(&arena);
    return 0;
}
