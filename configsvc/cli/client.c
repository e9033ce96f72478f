/* The CLI's HTTP client. One blocking request at a time, one thread. */
#include "configsvc/cli/client.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "configsvc/wire/wire.h"

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
    struct vx_buf *body = ctx;
    if (body->len + size * count > CLIENT_ANSWER_MAX_BYTES)
        return 0;
    vx_buf_add(body, data, size * count);
    return size * count;
}

static void answer_lost(struct cli *cli, CURLcode result, const char *detail, struct client_answer *answer)
{
    const char *why = detail[0] ? detail : curl_easy_strerror(result);
    bool away = result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST;
    answer->sent = !away && result != CURLE_URL_MALFORMAT && result != CURLE_UNSUPPORTED_PROTOCOL;
    answer->code = "unreachable";
    if (away)
        answer->message = vx_arena_printf(&cli->arena,
                                          "configsvc at %s cannot be reached (%s): is veltrix-configsvc running there? "
                                          "Another address is given with --server or VELTRIX_SERVER",
                                          cli->server, why);
    else if (answer->sent)
        answer->message = vx_arena_printf(&cli->arena,
                                          "configsvc at %s gave no answer (%s): `veltrix history` and "
                                          "`veltrix fleet` show whether the change was made",
                                          cli->server, why);
    else
        answer->message = vx_arena_printf(&cli->arena, "`%s` is not a server's URL (%s): try http://127.0.0.1:9643",
                                          cli->server, why);
}

static void answer_error(struct cli *cli, struct client_answer *answer)
{
    struct json_value error = wire_get(answer->json, "error");
    answer->code = wire_get_str(error, "code", &cli->arena, "unknown");
    answer->message = wire_get_str(error, "message", &cli->arena, NULL);
    answer->findings = wire_get(error, "findings");
    if (!answer->message)
        answer->message = vx_arena_printf(&cli->arena,
                                          "%s answered with HTTP status %d, and not as configsvc does: is "
                                          "something else listening there?",
                                          cli->server, answer->status);
}

bool client_has(struct cli *cli, struct client_answer *answer, struct json_value object, const char *member,
                enum json_kind kind)
{
    if (wire_get(object, member).kind == kind)
        return true;
    answer->json.kind = JSON_KIND_MISSING;
    answer_error(cli, answer);
    return false;
}

bool client_call(struct cli *cli, const char *method, const char *fleet, const char *path, struct vx_span body,
                 struct client_answer *answer)
{
    CURL *curl = curl_easy_init();
    struct vx_buf received = {0};
    char detail[CURL_ERROR_SIZE] = "";
    size_t server_len = strlen(cli->server);
    while (server_len && cli->server[server_len - 1] == '/')
        server_len--;
    char *name = fleet ? curl_easy_escape(curl, fleet, 0) : NULL;
    const char *url = vx_arena_printf(&cli->arena, "%.*s%s%s%s", (int)server_len, cli->server,
                                      fleet ? "/v1/fleets/" : "", name ? name : "", path);
    curl_free(name);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    headers = curl_slist_append(headers, vx_arena_printf(&cli->arena, "X-Veltrix-Author: %s", cli_author(cli)));
    *answer = (struct client_answer){.json.kind = JSON_KIND_MISSING, .findings.kind = JSON_KIND_MISSING};
    vx_assert(curl && headers);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CLIENT_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CLIENT_TOTAL_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
    if (strcmp(method, "POST") == 0) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at ? body.at : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    } else {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (result != CURLE_OK) {
        answer_lost(cli, result, detail, answer);
    } else {
        answer->status = (int)status;
        answer->text = vx_arena_span(&cli->arena, vx_buf_view(&received));
        if (wire_parse(answer->text, &answer->json, NULL) != VX_OK)
            answer->json.kind = JSON_KIND_MISSING;
        if (status < 200 || status > 299 || answer->json.kind != JSON_KIND_OBJECT)
            answer_error(cli, answer);
    }
    vx_buf_done(&received);
    return !answer->code;
}

int client_fail(struct cli *cli, const struct client_answer *answer, const char *folder)
{
    struct vx_diags findings = {0};
    wire_findings_load(answer->findings, folder, &findings);
    cli_print_findings(cli, &findings);
    bool reached = answer->status != 0 && answer->status != 503 && answer->status != 504; /* and etcd behind it */
    int code = reached ? EXIT_NO : EXIT_USAGE;
    cli_fail_findings(cli, code, answer->code, &findings, cli_printable(cli, answer->message));
    vx_diags_done(&findings);
    return code;
}

const char *client_fleet(struct cli *cli, const char *folder_fleet, int *code)
{
    struct client_answer answer;
    struct vx_buf names = {0};
    size_t count = 0;
    const char *only = NULL;
    const char *env = getenv("VELTRIX_FLEET");
    if (env && !env[0])
        env = NULL;
    if (cli->fleet)
        return cli->fleet;
    if (env && folder_fleet && strcmp(env, folder_fleet) != 0) {
        *code = cli_fail(cli, EXIT_USAGE, "the folder is fleet `%s`, VELTRIX_FLEET is `%s`: say which with --fleet",
                         folder_fleet, env);
        return NULL;
    }
    if (env || folder_fleet)
        return env ? env : vx_arena_str(&cli->arena, folder_fleet);
    if (!client_call(cli, "GET", NULL, "/v1/fleets", vx_span(NULL, 0), &answer)) {
        *code = client_fail(cli, &answer, NULL);
        return NULL;
    }
    struct json_value fleets = wire_get(answer.json, "fleets");
    for (struct json_iter it = json_iter(fleets); fleets.kind == JSON_KIND_ARRAY && json_next(&it); count++) {
        struct vx_span name = json_unescape(it.value, &cli->arena);
        only = vx_arena_span(&cli->arena, name).at;
        vx_buf_printf(&names, "%s%.*s", count ? ", " : "", VX_SPAN_ARG(name));
    }
    if (count == 0)
        *code =
            cli_fail(cli, EXIT_USAGE, "there is no fleet yet; `veltrix apply DIR -m MESSAGE --fleet NAME` makes one");
    else if (count > 1)
        *code =
            cli_fail(cli, EXIT_USAGE, "which fleet? Name one with --fleet or VELTRIX_FLEET: %s", vx_buf_text(&names));
    vx_buf_done(&names);
    return count == 1 ? only : NULL;
}
