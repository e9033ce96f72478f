/* `veltrix eval`: an expression on an event, as a router would evaluate it. Needs no server. */
#include "configsvc/cli/event.h"
#include "configsvc/wire/wire.h"
#include "core/cel/cel.h"
#include "core/json/scan.h"

struct options {
    struct event_options event;
    const char *topic;
    bool cost;
};

static const struct cli_option rows[] = {
    EVENT_ROWS(struct options, event),
    {"topic", 0, CLI_TEXT, offsetof(struct options, topic), "TOPIC", "the event's topic"},
    {"cost", 0, CLI_FLAG, offsetof(struct options, cost), NULL, "evaluate nothing, print how many steps it can take"},
    {0},
};

/* The event that the options describe; `text` holds its value. */
static int fill_event(struct cli *cli, const struct options *o, struct vx_buf *text, struct cel_event *ev)
{
    struct json_value root;
    struct vx_err err = {0};
    int code = event_load(cli, &o->event, text, ev);
    ev->topic = vx_span_str(o->topic ? o->topic : "");
    enum vx_status status = code == EXIT_DONE && ev->value.at ? wire_parse(ev->value, &root, &err) : VX_OK;
    if (status == VX_ELIMIT)
        return cli_fail(cli, EXIT_USAGE, "%s:%d:%d: the event is nested deeper than %d levels", o->event.file, err.line,
                        err.column, JSON_DEPTH_MAX);
    if (status != VX_OK)
        return cli_fail(cli, EXIT_USAGE, "%s:%d:%d: the event is not JSON", o->event.file, err.line, err.column);
    return code;
}

/* An error of the expression, with the place under it. */
static int fail_at(struct cli *cli, struct vx_span text, size_t offset, size_t len, const char *message)
{
    struct vx_diags diags = {0};
    struct vx_diag at = {.severity = VX_ERROR, .file = "expression", .line = 1, .column = 1, .quoted = text};
    size_t line = 0;
    for (size_t i = 0; i < offset && i < text.len; i++)
        if (text.at[i] == '\n') {
            at.line++;
            line = i + 1;
        }
    at.quoted = vx_span(text.at + line, strcspn(text.at + line, "\n"));
    for (size_t i = line; i < offset && i < text.len; i++)
        at.column += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    at.width = len ? (int)len : 1;
    vx_diags_add(&diags, &at, "%s", message);
    cli_print_findings(cli, &diags);
    if (cli->json) {
        struct vx_buf out = {0};
        wire_open(&out, NULL, '{');
        wire_open(&out, "error", '{');
        wire_str(&out, "code", "expression");
        wire_str(&out, "message", message);
        wire_findings(&out, "findings", &diags);
        wire_close(&out, '}');
        wire_close(&out, '}');
        cli_out_json(&out);
        vx_buf_done(&out);
    }
    vx_diags_done(&diags);
    return EXIT_NO;
}

static void print_value(struct cli *cli, struct cel_value v)
{
    struct vx_buf out = {0}, literal = {0}, json = {0};
    cel_write_literal(v, &literal);
    if (!cli->json) {
        vx_buf_printf(&out, "%s (%s)\n", vx_buf_text(&literal), cel_type_name((enum cel_type)v.type));
        cli_out(&out);
    } else {
        wire_open(&out, NULL, '{');
        wire_str(&out, "type", cel_type_name((enum cel_type)v.type));
        wire_text(&out, "literal", vx_buf_view(&literal));
        if (cel_write_json(v, &json))
            wire_raw(&out, "value", vx_buf_view(&json));
        wire_close(&out, '}');
        cli_out_json(&out);
    }
    vx_buf_done(&json);
    vx_buf_done(&literal);
    vx_buf_done(&out);
}

static void print_cost(struct cli *cli, uint64_t steps)
{
    struct vx_buf out = {0};
    if (cli->json) {
        wire_open(&out, NULL, '{');
        wire_int(&out, "steps", (int64_t)steps);
        wire_int(&out, "limit", CEL_STEPS_MAX);
        wire_close(&out, '}');
        cli_out_json(&out);
    } else {
        vx_buf_printf(&out, "at most %llu step%s (an expression may have %d)\n", (unsigned long long)steps,
                      steps == 1 ? "" : "s", CEL_STEPS_MAX);
        cli_out(&out);
    }
    vx_buf_done(&out);
}

/* Fills the slots that the program reads, as a router's one pass over the event would. */
static void scan(struct vx_arena *arena, const struct cel_slots *slots, struct cel_event *ev)
{
    struct json_value *values = VX_ARENA_ARRAY(arena, struct json_value, slots->count + 1);
    for (uint32_t i = 0; i < slots->count; i++)
        values[i].kind = JSON_KIND_MISSING;
    ev->slots = values;
    if (!ev->value.at)
        return;
    struct json_paths *paths = json_paths_new();
    struct json_scanner *scanner = json_scanner_new();
    for (uint32_t i = 0; i < slots->count; i++)
        json_paths_add(paths, slots->paths[i], i);
    json_paths_seal(paths);
    enum vx_status status = json_scan(scanner, paths, ev->value, values, NULL);
    vx_assert(status == VX_OK); /* fill_event() has checked it */
    json_scanner_free(scanner);
    json_paths_free(paths);
}

static int run(struct cli *cli, const void *options)
{
    struct vx_span text = vx_span_str(cli->words[0]);
    struct vx_buf value_text = {0};
    struct cel_event ev;
    struct cel_error error = {0};
    const struct cel_expr *expr;
    struct cel_slots slots = {0};
    int code = fill_event(cli, options, &value_text, &ev);
    if (code != EXIT_DONE)
        goto done;
    if (cel_parse(&cli->arena, text, cel_env_event(), &expr, &error) != VX_OK) {
        code = fail_at(cli, text, error.offset, error.len, error.message);
        goto done;
    }
    if (((const struct options *)options)->cost) {
        print_cost(cli, cel_expr_cost(expr));
        goto done;
    }
    const struct cel_program *program = cel_compile(&cli->arena, expr, &slots);
    struct cel_frame frame = {.event = &ev, .arena = &cli->arena};
    struct cel_value value;
    scan(&cli->arena, &slots, &ev);
    if (cel_eval(program, &frame, &value) == VX_OK)
        print_value(cli, value);
    else
        code = fail_at(cli, text, frame.failure_offset, 1, frame.failure);
done:
    cel_slots_done(&slots);
    vx_buf_done(&value_text);
    return code;
}

const struct cli_command eval_command = {
    .name = "eval",
    .usage = "EXPR [--event FILE] [--header NAME=VALUE] [--key KEY] [--topic TOPIC] [--cost]",
    .summary = "try an expression on an event",
    .help = "Evaluates an expression as a router would and prints its value and type. Without --event, the\n"
            "event has no value (a tombstone). Asks no server.\n\n"
            "--cost prints how many steps an evaluation takes at most, of an event with 10,000 values in its lists\n"
            "and maps; what can take more than the limit is refused.\n\n"
            "Exit: 0 a value, 1 the expression is wrong or fails, 2 usage, or the event is not JSON.\n\n"
            "  veltrix eval '1 + 2 * 3'\n"
            "  veltrix eval --event purchase.json -- '-event.amount'\n"
            "  veltrix eval 'event.amount >= 1000' --event purchase.json\n"
            "  veltrix eval 'headers[\"x-region\"].startsWith(\"eu-\")' --header x-region=eu-west\n",
    .options = rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .signed_words = true,
    .run = run,
};
