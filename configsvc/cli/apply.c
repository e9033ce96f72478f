/* `veltrix apply` and `veltrix rollback`: change what a fleet runs, and stay until it does.
 *
 *     folder ── check ── same as what runs? ── diff ── publish ── activate ── wait ── all run it
 *                                                                              └─ one rejects: pointer back
 *
 * Whoever was faster is told by configsvc: publishing names the head that was seen, activating the generation. */
#include "configsvc/cli/apply.h"

#include "configsvc/cli/routers.h"
#include "configsvc/cli/sample.h"
#include "configsvc/cli/test.h"
#include "configsvc/wire/wire.h"
#include "core/base/hash.h"
#include "core/config/diff.h"

/* Fewer documents may go without --allow-removal, however few there are. */
enum { REMOVAL_LEAST = 3 };

struct options {
    const char *message;
    bool dry_run;
    bool skip_tests;
    bool allow_removal;
    const char *wait;
    struct sample_options sample;
};

static const struct cli_option apply_rows[] = {
    {"message", 'm', CLI_TEXT, offsetof(struct options, message), "MESSAGE", "what this change is for"},
    {"dry-run", 0, CLI_FLAG, offsetof(struct options, dry_run), NULL, "show and check the change, make none"},
    {"skip-tests", 0, CLI_FLAG, offsetof(struct options, skip_tests), NULL,
     "do not run the folder's tests; the release's message and the audit say so"},
    {"allow-removal", 0, CLI_FLAG, offsetof(struct options, allow_removal), NULL,
     "also when more than half of what runs would be removed"},
    {"wait", 0, CLI_OPTIONAL, offsetof(struct options, wait), "SECONDS",
     "for the routers (default 60; 0: do not wait)"},
    SAMPLE_EVENTS_ROW(offsetof(struct options, sample)),
    SAMPLE_TOPIC_ROW(offsetof(struct options, sample)),
    SAMPLE_ENVELOPE_ROW(offsetof(struct options, sample)),
    {0},
};
static const struct cli_option rollback_rows[] = {
    {"wait", 0, CLI_OPTIONAL, offsetof(struct options, wait), "SECONDS",
     "for the routers (default 60; 0: do not wait)"},
    {0},
};

/* What the fleet runs and has, before anything is changed. */
struct before {
    const char *fleet;
    int64_t generation;
    int64_t running; /* 0: nothing */
    int64_t head;
};

/* How it went; printed as JSON with -o json. */
struct report {
    const char *result; /* "unchanged", "dry_run", "applied", "rejected", "timed_out", "no_routers", "superseded" */
    int64_t release, was;
    size_t live, running;
    const char *router; /* that rejected it */
    const char *error;  /* its words */
};

static int print_report(struct cli *cli, int code, const struct report *r, const char *sentence)
{
    struct vx_buf out = {0};
    if (cli->json) {
        wire_open(&out, NULL, '{');
        wire_str(&out, "result", r->result);
        wire_int(&out, "release", r->release);
        wire_int(&out, "was", r->was);
        wire_int(&out, "routers", (int64_t)r->live);
        wire_int(&out, "running", (int64_t)r->running);
        if (r->router) {
            wire_str(&out, "router", r->router);
            wire_str(&out, "error", r->error);
        }
        wire_close(&out, '}');
        cli_out_json(&out);
    }
    if (code != EXIT_DONE) {
        cli_progress(cli, "veltrix: %s", sentence);
    } else if (!cli->json) {
        vx_buf_printf(&out, "%s\n", sentence);
        cli_out(&out);
    }
    vx_buf_done(&out);
    return code;
}

static bool look_before(struct cli *cli, struct before *b, int *code)
{
    struct client_answer answer;
    if (!client_call(cli, "GET", b->fleet, "/pointer", vx_span(NULL, 0), &answer) ||
        !client_has(cli, &answer, answer.json, "generation", JSON_KIND_INT) ||
        !client_has(cli, &answer, answer.json, "stable", JSON_KIND_INT))
        goto fail;
    b->generation = wire_get_int(answer.json, "generation", 0);
    b->running = wire_get_int(answer.json, "stable", 0);
    if (!client_call(cli, "GET", b->fleet, "/releases?limit=1", vx_span(NULL, 0), &answer) ||
        !client_has(cli, &answer, answer.json, "head", JSON_KIND_INT))
        goto fail;
    b->head = wire_get_int(answer.json, "head", 0);
    return true;
fail:
    *code = client_fail(cli, &answer, NULL);
    return false;
}

/* Do two releases hold the same documents, byte for byte? */
static bool same(const struct config_set *a, const struct config_set *b)
{
    if (!a || a->document_count != b->document_count)
        return false;
    for (size_t i = 0; i < a->document_count; i++) {
        const struct config_document *x = &a->documents[i], *y = &b->documents[i];
        if (x->kind != y->kind || strcmp(x->name, y->name) != 0 || !vx_span_equal(x->text, y->text))
            return false;
    }
    return true;
}

static void show_diff(struct cli *cli, const struct source *was, const struct source *now)
{
    struct config_diff diff;
    struct vx_buf out = {0};
    config_diff(was->set, now->set, &diff);
    config_diff_print(&diff, &out, cli->json ? cli->color_err : cli->color);
    if (diff.count == 0)
        vx_buf_str(&out, "only comments or spelling change\n");
    if (cli->json)
        cli_progress(cli, "%.*s", (int)out.len, vx_buf_text(&out)); /* standard output is for the JSON */
    else
        cli_out(&out);
    config_diff_done(&diff);
    vx_buf_done(&out);
}

/* Posts; a good answer has `member`. */
static bool post(struct cli *cli, const struct before *b, const char *path, struct vx_buf *body, const char *folder,
                 const char *member, enum json_kind kind, struct client_answer *answer, int *code)
{
    bool ok = client_call(cli, "POST", b->fleet, path, vx_buf_view(body), answer) &&
              client_has(cli, answer, answer->json, member, kind);
    vx_buf_done(body);
    if (!ok)
        *code = client_fail(cli, answer, folder);
    return ok;
}

static bool publish(struct cli *cli, const struct before *b, const struct source *now, const char *message,
                    int64_t *release, int *code)
{
    struct client_answer answer;
    struct vx_buf body = {0};
    wire_open(&body, NULL, '{');
    wire_documents(&body, "documents", now->set);
    wire_str(&body, "message", message);
    wire_str(&body, "author", cli_author(cli));
    wire_int(&body, "expect_head", b->head);
    wire_close(&body, '}');
    if (!post(cli, b, "/releases", &body, now->label, "release", JSON_KIND_INT, &answer, code))
        return false;
    *release = wire_get_int(answer.json, "release", 0);
    cli_progress(cli, "published @%lld", (long long)*release);
    return true;
}

/* Moves the pointer by `path` ("/activate", "/rollback", "/accept-restore"); release 0: configsvc chooses. */
static bool move(struct cli *cli, const struct before *b, const char *path, int64_t release, int64_t expect_generation,
                 struct before *now, int *code)
{
    struct client_answer answer;
    struct vx_buf body = {0};
    wire_open(&body, NULL, '{');
    if (release)
        wire_int(&body, "release", release);
    wire_str(&body, "author", cli_author(cli));
    wire_int(&body, "expect_generation", expect_generation);
    wire_close(&body, '}');
    if (!post(cli, b, path, &body, NULL, "pointer", JSON_KIND_OBJECT, &answer, code))
        return false;
    struct json_value pointer = wire_get(answer.json, "pointer");
    if (!client_has(cli, &answer, pointer, "generation", JSON_KIND_INT) ||
        !client_has(cli, &answer, pointer, "stable", JSON_KIND_INT)) {
        *code = client_fail(cli, &answer, NULL);
        return false;
    }
    now->fleet = b->fleet;
    now->generation = wire_get_int(pointer, "generation", 0);
    now->running = wire_get_int(pointer, "stable", 0);
    return true;
}

/* A router refused the release: back to what ran before, and its words. */
static int take_back(struct cli *cli, const struct before *b, const struct before *now, const struct routers_result *w)
{
    struct before restored = {0};
    int code = EXIT_NO;
    struct report r = {.result = "rejected",
                       .release = now->running,
                       .was = b->running,
                       .live = w->live,
                       .running = w->running,
                       .router = w->rejecting.id,
                       .error = w->rejecting.error};
    cli_progress(cli, "router %s rejected @%lld: %s", w->rejecting.id, (long long)now->running, w->rejecting.error);
    if (b->running == 0)
        return print_report(cli, EXIT_NO, &r,
                            "rejected; nothing ran before, so nothing could be put back: the fleet waits");
    if (!move(cli, b, "/rollback", b->running, now->generation, &restored, &code))
        return code;
    return print_report(cli, EXIT_NO, &r,
                        vx_arena_printf(&cli->arena, "rejected; the fleet runs @%lld again", (long long)b->running));
}

/* After the pointer has moved: stays until the routers follow. Where nothing had to be moved `now` is `b`. */
static int follow(struct cli *cli, const struct before *b, const struct before *now, int64_t seconds,
                  bool may_take_back)
{
    struct routers_result w;
    struct report r = {.result = now == b ? "unchanged" : "applied", .release = now->running, .was = b->running};
    const char *same = now == b ? "nothing to do: the folder says the same; " : "";
    long long n = now->running;
    if (seconds == 0)
        return print_report(cli, EXIT_DONE, &r,
                            vx_arena_printf(&cli->arena, "%s@%lld is the running release", same, n));
    routers_wait(cli, b->fleet, (uint32_t)now->running, now->generation, seconds, &w);
    r.live = w.live;
    r.running = w.running;
    switch (w.outcome) {
    case ROUTERS_ALL:
        return print_report(cli, EXIT_DONE, &r,
                            vx_arena_printf(&cli->arena, "%s@%lld runs on every router (%zu)", same, n, w.live));
    case ROUTERS_NONE:
        r.result = now == b ? r.result : "no_routers";
        return print_report(
            cli, EXIT_DONE, &r,
            vx_arena_printf(&cli->arena, "%s@%lld is the running release; no router is live yet", same, n));
    case ROUTERS_MOVED:
        r.result = "superseded";
        return print_report(cli, EXIT_NO, &r,
                            "somebody has changed what the fleet runs meanwhile: see `veltrix audit`");
    case ROUTERS_LATE:
        r.result = "timed_out";
        return print_report(
            cli, EXIT_LATE, &r,
            vx_arena_printf(&cli->arena,
                            "after %lld s, @%lld runs on %zu of %zu routers; it stays the running release. "
                            "Still missing: %s",
                            (long long)seconds, n, w.running, w.live, w.late));
    case ROUTERS_REJECTED:
        break;
    }
    if (may_take_back)
        return take_back(cli, b, now, &w);
    r.result = "rejected";
    r.router = w.rejecting.id;
    r.error = w.rejecting.error;
    return print_report(
        cli, EXIT_NO, &r,
        vx_arena_printf(&cli->arena, "router %s rejected @%lld: %s", w.rejecting.id, n, w.rejecting.error));
}

/* --dry-run: what configsvc would say. */
static int check_only(struct cli *cli, const struct before *b, const struct source *now)
{
    struct client_answer answer;
    struct vx_buf body = {0};
    struct vx_diags diags = {0};
    int code = EXIT_DONE;
    wire_open(&body, NULL, '{');
    wire_documents(&body, "documents", now->set);
    wire_close(&body, '}');
    if (!post(cli, b, "/validate", &body, now->label, "findings", JSON_KIND_ARRAY, &answer, &code))
        return code;
    struct report r = {.result = "dry_run", .was = b->running};
    if (wire_get_bool(answer.json, "valid", false))
        return print_report(cli, EXIT_DONE, &r, "dry run: configsvc would accept this; nothing was changed");
    wire_findings_load(wire_get(answer.json, "findings"), now->label, &diags);
    cli_print_findings(cli, &diags);
    cli_fail_findings(cli, EXIT_NO, "invalid", &diags, "configsvc refuses this");
    vx_diags_done(&diags);
    return EXIT_NO;
}

/* Runs the tests that stand beside the configs; what fails is shown on standard error. */
static int run_tests(struct cli *cli, const struct source *now)
{
    struct test_report report;
    struct vx_buf out = {0};
    if (now->set->test_count == 0)
        return EXIT_DONE;
    test_run(cli, now, &report);
    test_print_failures(cli, &report, &out);
    vx_buf_str(&out, "tests: ");
    test_print_summary(&report, &out);
    cli_progress(cli, "%.*s", (int)out.len - 1, vx_buf_text(&out));
    vx_buf_done(&out);
    if (report.failed == 0)
        return EXIT_DONE;
    return cli_fail(cli, EXIT_NO,
                    "apply: %zu of %zu test cases failed, nothing was changed (--skip-tests applies anyway)",
                    report.failed, report.count);
}

/* The documents of what runs that `now` has no more. */
static size_t removed_count(const struct config_set *was, const struct config_set *now)
{
    size_t removed = 0;
    for (size_t i = 0, k = 0; was && i < was->document_count; i++) { /* both are in order of kind and name */
        const struct config_document *x = &was->documents[i];
        int c = 1;
        for (; k < now->document_count; k++) {
            const struct config_document *y = &now->documents[k];
            c = (x->kind > y->kind) - (x->kind < y->kind);
            c = c ? c : strcmp(x->name, y->name);
            if (c <= 0)
                break;
        }
        removed += k == now->document_count || c < 0;
    }
    return removed;
}

/* Is this the wrong folder, or half of one? What takes away more than half of what runs, or the fleet's own document, must
 * be meant. */
static int check_removal(struct cli *cli, const struct before *b, const struct config_set *was,
                         const struct config_set *now)
{
    size_t removed = removed_count(was, now);
    bool fleet_lost = was && was->fleet.name && !now->fleet.name;
    if (fleet_lost)
        return cli_fail(cli, EXIT_NO,
                        "apply: @%lld has a `kind: fleet` document, `%s`, and the folder has none: is it the right "
                        "folder? --allow-removal applies it",
                        (long long)b->running, was->fleet.name);
    if (removed >= REMOVAL_LEAST && removed * 2 > was->document_count)
        return cli_fail(cli, EXIT_NO,
                        "apply: %zu of the %zu documents that run would be removed: is it the right folder? "
                        "--allow-removal applies it",
                        removed, was->document_count);
    return EXIT_DONE;
}

static int apply(struct cli *cli, const struct options *o, int64_t seconds, const struct source *now)
{
    struct before b = {0}, after = {0};
    struct source was = {0};
    int64_t release = 0;
    int code = EXIT_DONE;
    b.fleet = client_fleet(cli, now->set->fleet.name, &code);
    if (!b.fleet || !look_before(cli, &b, &code))
        return code;
    if (b.running) {
        const char *name = vx_arena_printf(&cli->arena, "@%lld", (long long)b.running);
        code = source_load_release(cli, b.fleet, name, true, &was);
        if (code != EXIT_DONE)
            return code;
    }
    if (same(was.set, now->set)) {
        code = follow(cli, &b, &b, o->dry_run ? 0 : seconds, false);
        goto done;
    }
    show_diff(cli, &was, now);
    code = o->allow_removal ? EXIT_DONE : check_removal(cli, &b, was.set, now->set);
    if (code == EXIT_DONE && !o->skip_tests)
        code = run_tests(cli, now);
    if (code != EXIT_DONE)
        goto done;
    const char *message = o->message;
    if (o->skip_tests && now->set->test_count)
        message = vx_arena_printf(&cli->arena, "%s [TESTS SKIPPED]", o->message);
    if (o->dry_run)
        code = check_only(cli, &b, now);
    else if (publish(cli, &b, now, message, &release, &code) &&
             move(cli, &b, "/activate", release, b.generation, &after, &code))
        code = follow(cli, &b, &after, seconds, true);
done:
    source_done(&was);
    return code;
}

int apply_folder(struct cli *cli, const char *fleet, const struct source *source, const char *message)
{
    struct before b = {.fleet = fleet}, after = {0};
    int64_t release = 0;
    int code = EXIT_DONE;
    if (look_before(cli, &b, &code) && publish(cli, &b, source, message, &release, &code) &&
        move(cli, &b, "/activate", release, b.generation, &after, &code))
        cli_progress(cli, "@%lld is the running release", (long long)release);
    return code;
}

/* What a sample of events says of the configs; warnings, which change nothing. */
static int check_sample(struct cli *cli, const struct source *now, const struct sample_options *sample)
{
    struct vx_diags diags = {0};
    int code = sample_check(cli, now, sample, &diags);
    cli_print_findings(cli, &diags);
    vx_diags_done(&diags);
    return code;
}

static int run_apply(struct cli *cli, const void *options)
{
    const struct options *o = options;
    struct source now = {0};
    int64_t seconds;
    if (!routers_wait_option(cli, o->wait, &seconds))
        return EXIT_USAGE;
    if (!o->dry_run && (!o->message || !o->message[0]))
        return cli_fail(cli, EXIT_USAGE, "apply: say with -m what this change is for");
    int code = source_load_folder(cli, cli->words[0], &now);
    if (code == EXIT_DONE && o->sample.events)
        code = check_sample(cli, &now, &o->sample);
    if (code == EXIT_DONE)
        code = apply(cli, o, seconds, &now);
    source_done(&now);
    return code;
}

const struct cli_command apply_command = {
    .name = "apply",
    .usage = "DIR -m MESSAGE [--dry-run] [--skip-tests] [--allow-removal] [--wait[=SECONDS]] [--events FILE]",
    .summary = "make a folder what the fleet runs",
    .help = "Checks DIR, shows what it changes, publishes it as the next release, makes that the running one,\n"
            "and waits until every live router runs it. When a router rejects it, what ran before is put back\n"
            "and the router's own words are shown. When DIR says what is the running release already, nothing\n"
            "is changed, and it only waits.\n\n"
            "The tests below DIR (see `veltrix help test`) run first; when one fails, nothing is changed. The same\n"
            "goes for a DIR that would remove more than half of the documents that run, or the fleet's own. With a\n"
            "sample of events it warns first of what these never have (see `veltrix help validate`).\n\n"
            "Exit: 0 it runs everywhere, 1 refused or rejected, 2 usage or unreachable,\n"
            "3 timed out (the release stays the running one).\n\n"
            "  veltrix apply configs/github -m 'archive forks too'\n"
            "  veltrix apply configs/github --dry-run\n",
    .options = apply_rows,
    .options_size = sizeof(struct options),
    .min_words = 1,
    .max_words = 1,
    .run = run_apply,
};

int apply_restored(struct cli *cli, const char *fleet, int64_t seconds)
{
    struct before b = {.fleet = fleet}, after = {0};
    int code = EXIT_DONE;
    if (!look_before(cli, &b, &code) || !move(cli, &b, "/accept-restore", 0, b.generation, &after, &code))
        return code;
    cli_progress(cli, "accepted: the fleet goes on with @%lld of this etcd", (long long)after.running);
    return follow(cli, &b, &after, seconds, false);
}

static int run_rollback(struct cli *cli, const void *options)
{
    const struct options *o = options;
    struct before b = {0}, after = {0};
    int64_t seconds, release = 0;
    int code = EXIT_DONE;
    if (cli->word_count && !(release = cli_release(cli->words[0])))
        return cli_fail(cli, EXIT_USAGE, "`%s` is not a release; a release is written @42", cli->words[0]);
    if (!routers_wait_option(cli, o->wait, &seconds))
        return EXIT_USAGE;
    b.fleet = client_fleet(cli, NULL, &code);
    if (!b.fleet || !look_before(cli, &b, &code) || !move(cli, &b, "/rollback", release, b.generation, &after, &code))
        return code;
    cli_progress(cli, "back from @%lld to @%lld", (long long)b.running, (long long)after.running);
    return follow(cli, &b, &after, seconds, false);
}

const struct cli_command rollback_command = {
    .name = "rollback",
    .usage = "[@N] [--wait[=SECONDS]]",
    .summary = "make an earlier release the running one",
    .help = "Moves the fleet back to release N; without N to the one that ran before the running one was\n"
            "applied. Makes no new release and needs no lock: it works while somebody else is publishing.\n\n"
            "Exit: 0 it runs everywhere, 1 refused or rejected, 2 usage or unreachable, 3 timed out.\n\n"
            "  veltrix rollback\n"
            "  veltrix rollback @41\n",
    .options = rollback_rows,
    .options_size = sizeof(struct options),
    .max_words = 1,
    .run = run_rollback,
};
