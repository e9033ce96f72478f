/* Loading what a command is pointed at. See source.h. One thread. */
#include "configsvc/cli/source.h"

#include "configsvc/wire/wire.h"
#include "core/plan/table.h"

bool source_is_release(const char *text)
{
    return text[0] == '@';
}

int source_load(struct cli *cli, const char *text, struct source *out)
{
    int code = EXIT_DONE;
    if (!source_is_release(text))
        return source_load_folder(cli, text, out);
    const char *fleet = client_fleet(cli, NULL, &code);
    if (fleet)
        code = source_load_release(cli, fleet, text, false, out);
    if (code == EXIT_DONE && !out->set)
        code = cli_fail(cli, EXIT_NO, "fleet %s runs nothing yet", fleet);
    return code;
}

void source_done(struct source *source)
{
    config_set_free(source->set);
    source->set = NULL;
}

int source_check_folder(struct cli *cli, const char *folder, struct source *out, struct vx_diags *diags)
{
    struct vx_err err = {0};
    struct config_set *set = NULL;
    struct table *t = NULL;
    enum vx_status status = config_load_folder(folder, &set, diags, &err);
    if (status != VX_OK && status != VX_EINVAL && status != VX_ELIMIT)
        return cli_fail(cli, EXIT_USAGE, "%s", err.message[0] ? err.message : vx_status_text(status));
    if (status != VX_OK && diags->error_count == 0) /* nothing to point at: say it as it is */
        return cli_fail(cli, status == VX_EINVAL ? EXIT_USAGE : EXIT_NO, "%s",
                        err.message[0] ? err.message : vx_status_text(status));
    if (status == VX_OK)
        status = table_new(set, 0, &t, diags);
    table_unref(t);
    vx_diags_sort(diags);
    if (status != VX_OK) {
        config_set_free(set);
        return EXIT_NO;
    }
    *out = (struct source){.label = folder, .set = set, .warnings = diags->count};
    return EXIT_DONE;
}

int source_load_folder(struct cli *cli, const char *folder, struct source *out)
{
    struct vx_diags diags = {0};
    int code = source_check_folder(cli, folder, out, &diags);
    cli_print_findings(cli, &diags);
    if (code == EXIT_NO && diags.error_count) {
        const char *message = vx_arena_printf(&cli->arena, "%s: %zu error%s", folder, diags.error_count,
                                              diags.error_count == 1 ? "" : "s");
        cli_fail_findings(cli, code, "invalid", &diags, message);
    }
    vx_diags_done(&diags);
    return code;
}

const char *source_release_name(struct cli *cli, const char *text)
{
    uint32_t number = cli_release(text);
    if (number)
        return vx_arena_printf(&cli->arena, "%u", number);
    if (strcmp(text, "@running") == 0)
        return "running";
    cli_fail(cli, EXIT_USAGE, "`%s` is not a release; a release is written @42, and @running is the one in force",
             text);
    return NULL;
}

/* The documents of an answer as a config_set. */
static int load_documents(struct cli *cli, struct json_value documents, const char *label, bool any, struct source *out)
{
    struct config_source *sources;
    size_t count;
    struct vx_err err = {0};
    struct vx_diags diags = {0};
    if (wire_documents_load(documents, &cli->arena, &sources, &count, &err) != VX_OK)
        return cli_fail(cli, EXIT_NO, "%s: %s", label, err.message);
    enum vx_status status = config_load(sources, count, &out->set, &diags);
    if (status != VX_OK && any) {
        cli_progress(cli, "%s does not load in this version of veltrix, so it cannot be compared", label);
        status = VX_OK;
    } else if (status != VX_OK) {
        cli_print_findings(cli, &diags);
        cli_fail_findings(cli, EXIT_NO, "invalid", &diags,
                          vx_arena_printf(&cli->arena, "%s does not load in this version of veltrix", label));
    }
    vx_diags_done(&diags);
    return status == VX_OK ? EXIT_DONE : EXIT_NO;
}

int source_load_release(struct cli *cli, const char *fleet, const char *text, bool any, struct source *out)
{
    struct client_answer answer;
    const char *name = source_release_name(cli, text);
    if (!name)
        return EXIT_USAGE;
    *out = (struct source){.label = text};
    const char *path = vx_arena_printf(&cli->arena, "/releases/%s?texts=1", name);
    if (!client_call(cli, "GET", fleet, path, vx_span(NULL, 0), &answer)) {
        if (strcmp(name, "running") != 0 || answer.status != 404)
            return client_fail(cli, &answer, NULL);
        out->label = "nothing";
        return EXIT_DONE;
    }
    if (!client_has(cli, &answer, answer.json, "release", JSON_KIND_INT) ||
        !client_has(cli, &answer, answer.json, "documents", JSON_KIND_ARRAY))
        return client_fail(cli, &answer, NULL);
    out->release = (uint32_t)wire_get_int(answer.json, "release", 0);
    if (strcmp(name, "running") == 0)
        out->label = vx_arena_printf(&cli->arena, "@%u", out->release);
    return load_documents(cli, wire_get(answer.json, "documents"), out->label, any, out);
}
